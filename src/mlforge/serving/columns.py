"""Rows of values to the arrays that a graph takes: what `mlforge.runtime.feed` does for frames."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from operator import itemgetter
from struct import Struct, error
from typing import TYPE_CHECKING, Any

from mlforge.serving.request_rows import RequestRows

if TYPE_CHECKING:
    import numpy as np

__all__ = ["Columns"]

_Row = tuple[Any, ...]
_NAN = math.nan


class Columns:
    """Makes arrays of a graph's inputs. A missing number is None in a row, and a missing text "". Plain numbers are packed together, and so are plain texts."""

    def __init__(self, kinds: Mapping[str, str], widths: Mapping[str, int], arrays: Mapping[str, int]) -> None:
        """`arrays` has the number of values of each column of lists."""
        import numpy as np

        self._read, self._told = np.frombuffer, np.array  # at hand: an import statement takes longer than to make an array
        plain = {"tensor(double)": "numbers", "tensor(string)": "texts"}
        groups: dict[str, list[int]] = {"numbers": [], "texts": []}
        self._others: list[tuple[int, Callable[[Sequence[Any]], np.ndarray]]] = []
        for place, (name, kind) in enumerate(kinds.items()):
            if kind in plain and name not in arrays:
                groups[plain[kind]].append(place)
            else:
                self._others.append((place, _maker(kind, arrays.get(name, widths[name]))))
        self._width = len(kinds)
        self._numbers, self._texts = groups["numbers"], groups["texts"]
        self._packed = Struct(f"{len(self._numbers)}d")
        self._number_part = _getter(self._numbers, self._width)
        self._text_part = _getter(self._texts, self._width)

    def of(self, loads: Sequence[RequestRows]) -> tuple[np.ndarray, ...]:
        """The good rows of all loads, together; each array is [rows, 1] or [rows, size], in one piece."""
        if len(loads) == 1 and (rows := loads[0].rows) is not None:
            return self._made(rows)
        if all(load.rows is not None for load in loads):
            return self._made(tuple(chain.from_iterable(load.rows or () for load in loads)))
        parts = [load.columns if load.columns is not None else self._made(load.rows or ()) for load in loads if load.good]
        import numpy as np

        joined = parts[0] if len(parts) == 1 else [np.concatenate(column) for column in zip(*parts, strict=True)]
        return tuple(map(np.ascontiguousarray, joined))

    def _made(self, rows: Sequence[_Row]) -> tuple[np.ndarray, ...]:
        if not rows:
            return ()
        made: list[Any] = [None] * self._width
        if self._numbers:
            whole = self._read(self._pack(rows)).reshape(len(rows), -1)
            for place, column in zip(self._numbers, _apart(whole), strict=True):
                made[place] = column
        if self._texts:
            part = self._text_part
            whole = self._told([part(row) for row in rows], object)
            for place, column in zip(self._texts, _apart(whole), strict=True):
                made[place] = column
        for place, make in self._others:
            made[place] = make([row[place] for row in rows])
        return tuple(made)

    def _pack(self, rows: Sequence[_Row]) -> bytes:
        pack, part = self._packed.pack, self._number_part
        try:
            return pack(*part(rows[0])) if len(rows) == 1 else b"".join([pack(*part(row)) for row in rows])
        except error:  # a number is missing
            return b"".join([pack(*[_NAN if value is None else value for value in part(row)]) for row in rows])


def _getter(places: Sequence[int], width: int) -> Callable[[_Row], _Row]:
    if len(places) == width:
        return lambda row: row
    if len(places) == 1:
        (place,) = places
        return lambda row: (row[place],)
    return itemgetter(*places) if places else lambda row: ()


def _apart(whole: np.ndarray) -> Sequence[np.ndarray]:
    """The columns of [rows, columns], each contiguous and of shape [rows, 1]."""
    rows, columns = whole.shape
    return list((whole if rows == 1 else whole.T.copy()).reshape(columns, rows, 1))


def _maker(kind: str, width: int) -> Callable[[Sequence[Any]], np.ndarray]:
    import numpy as np

    if kind == "tensor(uint8)":
        return lambda texts: _bytes(texts, width)
    if kind == "tensor(double)":
        pack = Struct(f"{width}d").pack
        missing = pack(*([_NAN] * width))
        return lambda values: np.frombuffer(b"".join([missing if value is None else pack(*value) for value in values])).reshape(-1, width)
    dtype: Any = {"tensor(bool)": np.bool_}.get(kind, object)
    return lambda values: np.array(values, dtype).reshape(len(values), -1)


def _bytes(texts: Sequence[str], width: int) -> np.ndarray:
    import polars as pl

    from mlforge.runtime.feed import feed

    return feed(pl.DataFrame({"text": pl.Series(texts, dtype=pl.String)}), {"text": "tensor(uint8)"}, {"text": width})["text"]
