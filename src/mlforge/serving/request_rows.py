"""Rows that came with a request, as far as they keep the contract."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from mlforge.serving.http import Refused

if TYPE_CHECKING:
    import numpy as np

__all__ = ["Rejected", "RequestRows"]

_TOLD = 3  # rows named in an error's sentence
_LISTED = 100  # rows listed in an error
_LONGEST = 300  # characters of one row's reason


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that breaks the contract."""

    row: int  # from 0, in the request
    reason: str


class RequestRows(msgspec.Struct, frozen=True, gc=False):
    """The rows of one request: those that keep the contract as values row by row, or as arrays column by column, in the order of the engine's inputs."""

    count: int  # rows that came
    rows: Sequence[tuple[Any, ...]] | None = None
    columns: tuple[np.ndarray, ...] | None = None
    rejected: tuple[Rejected, ...] = ()
    accepted: Sequence[int] | None = None  # their positions in the request; None when all keep it

    @property
    def good(self) -> int:
        """How many keep the contract."""
        return self.count - len(self.rejected)

    def positions(self) -> Sequence[int]:
        """Of the good rows, in the request."""
        return range(self.count) if self.accepted is None else self.accepted

    def without(self, places: Collection[int], reason: str) -> RequestRows:
        """The same with some of the good rows rejected too; `places` are theirs among the good ones."""
        positions = self.positions()
        kept = [place for place in range(self.good) if place not in places]
        rejected = sorted((*self.rejected, *(Rejected(positions[place], reason) for place in places)), key=lambda one: one.row)
        rows = None if self.rows is None else [self.rows[place] for place in kept]
        columns = None if self.columns is None else tuple(column[kept] for column in self.columns)
        return RequestRows(self.count, rows, columns, tuple(rejected), [positions[place] for place in kept])

    def refusal(self) -> Refused:
        """The error that names each row that breaks the contract, what was found there and what was expected."""
        told = "; ".join(f"row {one.row}: {_cut(one.reason)}" for one in self.rejected[:_TOLD])
        more = len(self.rejected) - _TOLD
        listed = [{"row": one.row, "reason": _cut(one.reason)} for one in self.rejected[:_LISTED]]
        return Refused(400, told + (f"; and {more} more rows" if more > 0 else ""), more={"rows": listed, "rejected": len(self.rejected)})


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
