"""The numbers and texts that a graph takes, as the contract types them: the way back of `mlforge.runtime.feed`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from mlforge.runtime.casts import STRINGS

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    from mlforge.contract import Column

__all__ = ["Typed", "typer"]

Typed = Callable[[Any], "pl.Series"]  # of an array of numbers, or of a list of texts


def typer(column: Column) -> Typed:
    """What makes a column of the contract of what a graph took for it."""
    if column.dtype in STRINGS or column.dtype == "image":
        return _text
    if column.dtype.startswith("array"):
        return _array
    return {"int": _int, "bool": _bool, "datetime": _datetime}.get(column.dtype, _float)


def _missing(values: np.ndarray, typed: np.ndarray) -> pl.Series:
    """The typed values, null where the number was NaN."""
    import numpy as np
    import polars as pl

    absent = np.isnan(values)
    made = pl.Series(typed)
    return made.set(pl.Series(absent), None) if absent.any() else made


def _float(values: np.ndarray) -> pl.Series:
    flat = values.ravel().astype("float64", copy=False)
    return _missing(flat, flat)


def _int(values: np.ndarray) -> pl.Series:
    import numpy as np

    flat = values.ravel()
    return _missing(flat, np.nan_to_num(flat).astype(np.int64))


def _bool(values: np.ndarray) -> pl.Series:
    import numpy as np
    import polars as pl

    flat = values.ravel()
    return pl.Series(flat) if flat.dtype == bool else _missing(flat, np.nan_to_num(flat) != 0)


def _datetime(values: np.ndarray) -> pl.Series:
    import numpy as np

    flat = values.ravel()
    return _missing(flat, np.round(np.nan_to_num(flat) * 1e6).astype("datetime64[us]"))


def _text(values: np.ndarray | list[str]) -> pl.Series:
    import polars as pl

    read = values if isinstance(values, list) else [bytes(row).rstrip(b"\0").decode("utf-8", "replace") for row in values]
    texts = pl.Series(read, dtype=pl.String)
    missing = texts == ""
    return texts.set(missing, None) if missing.any() else texts


def _array(values: np.ndarray) -> pl.Series:
    import numpy as np
    import polars as pl

    whole = pl.Series(values.astype(np.float64, copy=False), dtype=pl.Array(pl.Float64, values.shape[1]))
    missing = np.isnan(values).all(axis=1)
    return pl.select(pl.when(~pl.Series(missing)).then(whole)).to_series() if missing.any() else whole
