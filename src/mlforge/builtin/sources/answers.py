"""From rows as a database driver gives them to frames whose columns keep their type."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from mlforge.errors import DataError

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Answers", "as_text", "framed"]


class Answers:
    """The frames of one answer. Their types are those of the first; a column without any value in it becomes text."""

    def __init__(self, where: str) -> None:
        self._where = where
        self._types: Mapping[str, pl.DataType] = {}

    def alike(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The next frame, with the types of the first."""
        import polars as pl

        if not self._types:
            self._types = {name: pl.String() if dtype == pl.Null else dtype for name, dtype in frame.schema.items()}
        return frame.select(self._kept(column) for column in frame)

    def _kept(self, column: pl.Series) -> pl.Series:
        """The column with the type that it began with."""
        import polars as pl

        wanted = self._types[column.name]
        if column.dtype == wanted:
            return column
        widened = wanted == pl.String or (wanted == pl.Float64 and column.dtype == pl.Int64) or column.dtype == pl.Null
        if not widened:
            told = f"{self._where}: {column.name} is {wanted} in the first rows, and {column.dtype} later"
            raise DataError(told, hint=f"Say which it is: SELECT CAST({column.name} AS …).")
        return column.cast(wanted)


def framed(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> pl.DataFrame:
    """Rows as a database driver gives them, as a frame; a column without any value in it has the type Null."""
    import polars as pl

    return pl.DataFrame([_series(name, [row[index] for row in rows]) for index, name in enumerate(names)])


def as_text(value: Any) -> str:
    """A value of a type of the database's own."""
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).hex()
    if isinstance(value, dict | list):
        import json

        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)


def _series(name: str, values: list[Any]) -> pl.Series:
    import polars as pl

    kinds = {type(value) for value in values} - {type(None)}
    if not kinds:
        return pl.Series(name, values, dtype=pl.Null)
    for known, (dtype, read) in _typed().items():
        if kinds <= set(known):
            try:
                return pl.Series(name, values if read is None else [None if value is None else read(value) for value in values], dtype=dtype)
            except (OverflowError, TypeError):
                break
    return pl.Series(name, [None if value is None else as_text(value) for value in values], dtype=pl.String)


def _typed() -> dict[tuple[type, ...], tuple[Any, Callable[[Any], Any] | None]]:
    import polars as pl

    return {
        (bool,): (pl.Boolean, None),
        (int,): (pl.Int64, None),
        (float, int, Decimal): (pl.Float64, float),
        (str,): (pl.String, None),
        (datetime,): (pl.Datetime("us"), _utc),
        (date,): (pl.Date, None),
    }


def _utc(moment: datetime) -> datetime:
    """A moment with an offset as it is in UTC; one without as it is."""
    from datetime import UTC

    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
