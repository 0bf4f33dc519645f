"""From values row by row to the arrays that a graph takes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

from mlforge.serving.load import Load

if TYPE_CHECKING:
    import numpy as np

__all__ = ["Columns"]

_Maker = Callable[[Sequence[Any]], "np.ndarray"]


class Columns:
    """Makes arrays of a graph's inputs: what `mlforge.runtime.feed` does for frames. A missing number is None here, and a missing text is ""."""

    def __init__(self, kinds: Mapping[str, str], widths: Mapping[str, int]) -> None:
        self._makers: tuple[_Maker, ...] = tuple(_maker(kind, widths[name]) for name, kind in kinds.items())

    def of(self, loads: Sequence[Load]) -> tuple[np.ndarray, ...]:
        """The good rows of all loads, together."""
        if all(load.rows is not None for load in loads):
            return self._made(loads[0].rows or () if len(loads) == 1 else tuple(chain.from_iterable(load.rows or () for load in loads)))
        parts = [load.columns if load.columns is not None else self._made(load.rows or ()) for load in loads if load.good]
        if len(parts) == 1:
            return parts[0]
        import numpy as np

        return tuple(np.concatenate(column) for column in zip(*parts, strict=True))

    def _made(self, rows: Sequence[tuple[Any, ...]]) -> tuple[np.ndarray, ...]:
        return tuple(make(values) for make, values in zip(self._makers, zip(*rows, strict=True), strict=True))


def _maker(kind: str, width: int) -> _Maker:
    import numpy as np

    if kind == "tensor(uint8)":
        return lambda texts: _bytes(texts, width)
    dtype: Any = {"tensor(double)": np.float64, "tensor(bool)": np.bool_}.get(kind, object)

    def make(values: Sequence[Any]) -> np.ndarray:
        made = np.array(values, dtype)
        return made.reshape(len(values), -1)

    return make


def _bytes(texts: Iterable[str], width: int) -> np.ndarray:
    import polars as pl

    from mlforge.runtime.feed import feed

    return feed(pl.DataFrame({"text": pl.Series(list(texts), dtype=pl.String)}), {"text": "tensor(uint8)"}, {"text": width})["text"]
