"""What is to be predicted, as far as stages and components need to know it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["BYTES", "TASKS", "Output", "Task"]

BYTES = 256  # what a language model chooses from; 0 stands for "no text here", before the first byte and after the last
_ROWS = 16_384  # run at a time where a row's outputs are few
_CELLS = 16_777_216  # numbers that a language model may hold of one layer's outputs at a time: 64 MB


@dataclass(frozen=True, slots=True)
class Task:
    """A kind of prediction: how many targets its contract must have, of which dtypes, and what a model puts out."""

    name: str
    targets: tuple[int, int]  # fewest and most
    target_dtypes: frozenset[str]
    output: Literal["classes", "value", "bytes", "labels"]
    headline: str  # the finding by which two models are compared when a recipe names none; a proper score


TASKS = {
    task.name: task
    for task in (
        Task("classification", (1, 1), frozenset({"category", "string", "bool", "int"}), "classes", "log_loss"),
        Task("regression", (1, 1), frozenset({"int", "float"}), "value", "rmse"),
        Task("multilabel", (2, 1000), frozenset({"bool"}), "labels", "log_loss"),
        Task("language_model", (0, 0), frozenset(), "bytes", "bits_per_byte"),
    )
}


@dataclass(frozen=True, slots=True)
class Output:
    """What a model must put out for one data set.

    `classes`: raw scores (logits) of shape [rows, len(classes)], in this order; the last is the positive class of a two-class problem.
    `value`: one raw score of shape [rows, 1], in units of the target's standard deviation: prediction = score × scale + offset.
    `labels`: one raw score (logit) for each target, [rows, len(classes)]: they do not exclude each other.
    `bytes`: [rows, 258]: logits of the byte that comes after a text, the bits that the text itself takes, and the number of its bytes that were read.
    """

    kind: Literal["classes", "value", "bytes", "labels"]
    target: str  # the contract's column; of a language model, the text; of labels, what a person calls them together (see `targets`)
    classes: tuple[str | int | bool, ...] = ()  # of labels, the contract's columns
    offset: float = 0.0  # the target's mean on the training split
    scale: float = 1.0  # its standard deviation there
    context: int = 0  # bytes of a text that a language model reads, its last ones

    @property
    def targets(self) -> tuple[str, ...]:
        """The contract's columns that are to be predicted."""
        return tuple(map(str, self.classes)) if self.kind == "labels" else (self.target,)

    @property
    def width(self) -> int:
        """Number of raw scores in a row."""
        return {"classes": len(self.classes), "labels": len(self.classes), "value": 1, "bytes": BYTES + 2}[self.kind]

    @property
    def rows_at_once(self) -> int:
        """How many rows to run at a time, so that what lies between a network's layers stays small."""
        return max(1, min(_ROWS, _CELLS // (BYTES * self.context))) if self.kind == "bytes" else _ROWS
