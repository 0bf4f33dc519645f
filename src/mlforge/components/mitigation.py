"""The kind that makes a model treat groups of people more alike, and what it decides."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import Field

from mlforge.components.component import Component, Objection
from mlforge.contract import Contract

if TYPE_CHECKING:
    import numpy as np

__all__ = ["Decision", "Mitigation", "Scored"]

_GROUPS = ("category", "string")


@dataclass(frozen=True)
class Scored:
    """Rows that training has not seen, with what the exported model says of them; two classes."""

    positive: np.ndarray  # float32 [rows]: probability of the positive class, as the bundle puts it out
    target: np.ndarray  # bool [rows]: is it the positive class
    groups: np.ndarray  # str [rows]: "" where it is missing
    weight: np.ndarray  # float64 [rows]


@dataclass(frozen=True)
class Decision:
    """From which probability on a row is predicted positive."""

    otherwise: float  # for every row; or, with `groups`, for rows of any other group
    groups: Mapping[str, float]  # by group: then the column is asked for with every row to predict


class Mitigation(Component):
    """Makes a model treat groups of people more alike: by what rows weigh, by which rows are taken, or by where the line between two classes is drawn.

    It does one or several of these, and leaves the others as they are.
    """

    column: str = Field(description="the protected column whose values are the groups")

    def objections(self, contract: Contract) -> Iterable[Objection]:
        """A column that is not there, or has no groups; a target without classes."""
        column = contract.columns.get(self.column)
        if column is None:
            yield Objection("column", f"there is no column {self.column}", f"one of {', '.join(list(contract.columns)[:20])}")
        elif column.dtype not in _GROUPS or column.role in ("target", "ignore"):
            found = f"{self.column} is {column.dtype} with the role {column.role}"
            yield Objection("column", found, "a protected column of category or string, whose values are groups")
        if len(contract.having("target")) > 1:
            yield Objection("", "the contract has several targets", "one target with classes: mitigations are for classification")
        for key in contract.having("target"):
            if contract.columns[key].dtype == "float":
                yield Objection("", f"the target {key} is a float", "a target with classes: mitigations are for classification")

    def weigh(self, totals: np.ndarray) -> np.ndarray | None:
        """A factor for the weight of each row, by group and class [groups, classes]; None: rows weigh what they do.

        `totals` is the weight of the training rows by group and class.
        """
        return None

    def take(self, groups: np.ndarray, target: np.ndarray, seed: int) -> np.ndarray | None:
        """Positions of the training rows that are trained on, repeated ones included; None: all, once. `groups` and `target` are ids. Deterministic."""
        return None

    def decide(self, scored: Scored) -> Decision | None:
        """Where the line is drawn, from the validation rows; None: at the larger probability."""
        return None

    def apart(self, scored: Scored, positive: np.ndarray) -> float | None:
        """How far the groups are apart, by what it holds alike, when these rows (bool) are predicted positive; None when it decides nothing."""
        return None
