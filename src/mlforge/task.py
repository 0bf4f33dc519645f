"""What is to be predicted, as far as stages and components need to know it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["TASKS", "Output", "Task"]


@dataclass(frozen=True, slots=True)
class Task:
    """A kind of prediction: how many targets its contract must have, of which dtypes, and what a model puts out."""

    name: str
    targets: tuple[int, int]  # fewest and most
    target_dtypes: frozenset[str]
    output: Literal["classes", "value"]
    headline: str  # the finding by which two models are compared when a recipe names none; a proper score


TASKS = {
    task.name: task
    for task in (
        Task("classification", (1, 1), frozenset({"category", "string", "bool", "int"}), "classes", "log_loss"),
        Task("regression", (1, 1), frozenset({"int", "float"}), "value", "rmse"),
    )
}


@dataclass(frozen=True, slots=True)
class Output:
    """What a model must put out for one data set.

    `classes`: raw scores (logits) of shape [rows, len(classes)], in this order; the last is the positive class of a two-class problem.
    `value`: one raw score of shape [rows, 1], in units of the target's standard deviation: prediction = score × scale + offset.
    """

    kind: Literal["classes", "value"]
    target: str  # the contract's column
    classes: tuple[str | int | bool, ...] = ()
    offset: float = 0.0  # the target's mean on the training split
    scale: float = 1.0  # its standard deviation there

    @property
    def width(self) -> int:
        """Number of raw scores in a row."""
        return len(self.classes) if self.kind == "classes" else 1
