"""From typed rows to what onnxruntime reads: one array of shape [rows, 1] per raw column, [rows, size] for a column of arrays or a text as bytes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

__all__ = ["feed"]


def feed(frame: pl.DataFrame, kinds: Mapping[str, str], widths: Mapping[str, int] | None = None) -> dict[str, np.ndarray]:
    """The columns that a graph takes, as arrays.

    `kinds` is what the graph says of its inputs: "tensor(double)" for numbers, times (seconds since 1970; missing: NaN) and arrays, "tensor(bool)",
    "tensor(string)" (missing: ""), and "tensor(uint8)" for the last bytes of a text, as many as `widths` says, with 0 behind its end. Columns must be there,
    under these names and with the contract's types.
    """
    return {name: _bytes(frame[name], (widths or {})[name]) if kind == "tensor(uint8)" else _array(frame[name], kind) for name, kind in kinds.items()}


def _bytes(column: pl.Series, width: int) -> np.ndarray:
    """UTF-8; a NUL within a text is read as 1, since 0 says that there is no text."""
    import numpy as np
    import polars as pl

    read = np.zeros((len(column), width), np.uint8)
    for row, text in enumerate(column.cast(pl.String)):
        if text:
            last = text.encode()[-width:].replace(b"\0", b"\1")
            read[row, : len(last)] = np.frombuffer(last, np.uint8)
    return read


def _array(column: pl.Series, kind: str) -> np.ndarray:
    values = _values(column, kind)
    return values.reshape(-1, 1) if values.ndim == 1 else values


def _values(column: pl.Series, kind: str) -> np.ndarray:
    import numpy as np
    import polars as pl

    if kind == "tensor(string)":
        text = column if column.dtype == pl.String else column.cast(pl.String)
        return (text.fill_null("") if text.null_count() else text).to_numpy().astype(object, copy=False)
    if kind == "tensor(bool)":
        return column.cast(pl.Boolean).to_numpy().astype(bool, copy=False)
    if column.dtype.is_temporal():
        seconds = column.cast(pl.Datetime("us")).dt.epoch("us").cast(pl.Float64) / 1e6
        return np.ascontiguousarray(seconds.to_numpy())
    numbers = column.cast(pl.Array(pl.Float64, column.dtype.shape) if isinstance(column.dtype, pl.Array) else pl.Float64)
    return np.ascontiguousarray(numbers.to_numpy())  # a null becomes NaN, a null array as many as it has places
