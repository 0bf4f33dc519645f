"""A bounded look at a source: rows from all over it, not only from its beginning, which is often sorted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlforge.components import Source

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Sample", "take"]

_KEPT = 100_000  # rows
_READ = 2_000_000  # rows, after which reading stops
_BATCH = 50_000


@dataclass(frozen=True)
class Sample:
    """Rows under their real names, and how many they stand for."""

    frame: pl.DataFrame
    read: int  # rows that were read
    ended: bool  # were there no more

    @property
    def whole(self) -> bool:
        """Is every row of the source among them."""
        return self.ended and self.frame.height == self.read


def take(source: Source, tell: Callable[[int], None] = lambda rows: None) -> Sample:
    """Read up to two million rows and keep every n-th, n so that at most a hundred thousand stay. Raises DataError as the source does."""
    import polars as pl

    kept: list[pl.DataFrame] = []
    read, stride, ended = 0, 1, True
    for frame in source.batches(_BATCH):
        kept.append(frame.gather_every(stride, offset=-read % stride))
        read += frame.height
        tell(read)
        if sum(piece.height for piece in kept) > _KEPT:
            kept = [pl.concat(kept).gather_every(2)]
            stride *= 2
        if read >= _READ:
            ended = False
            break
    return Sample(pl.concat(kept) if kept else pl.DataFrame(), read, ended)
