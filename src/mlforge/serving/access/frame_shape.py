"""The size of a table, looked at before its cells become values: a table can be much smaller than what stands in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlforge.service.limits import Limits
from mlforge.serving.http import Refused

if TYPE_CHECKING:
    import polars as pl

__all__ = ["frame_within", "rows_within"]


def rows_within(count: int, limits: Limits) -> None:
    """Raises Refused for too many rows."""
    if count > limits.rows:
        raise Refused(413, f"the body has {count:,} rows; at most {limits.rows:,} are answered at once")


def frame_within(frame: pl.DataFrame, limits: Limits) -> pl.DataFrame:
    """The table. Raises Refused for too many rows, a text that is too long, or cells that together are larger than a body may be."""
    import polars as pl

    rows_within(frame.height, limits)
    total = 0
    for name, column in frame.to_dict().items():
        if column.dtype == pl.String:
            sizes = column.str.len_bytes()
        elif isinstance(column.dtype, pl.Categorical | pl.Enum):  # texts are shared until they become values
            counted = column.alias("text").value_counts(name="rows")
            sizes = counted["text"].cast(pl.String).str.len_bytes()
            total += int((sizes.cast(pl.Int64) * counted["rows"].cast(pl.Int64)).sum() or 0) - int(sizes.sum())
        elif isinstance(column.dtype, pl.List):
            sizes = column.list.len()
        elif isinstance(column.dtype, pl.Array):
            total += frame.height * column.dtype.size
            continue
        else:
            continue
        longest = int(sizes.max() or 0)  # type: ignore[arg-type]  # a number
        if longest > limits.text:
            raise Refused(413, f"column {name[:60]!r}: a value of {longest:,} bytes; at most {limits.text:,} were expected")
        total += int(sizes.sum())
    if total > limits.body:
        raise Refused(413, f"the rows have {total:,} bytes; at most {limits.body:,} are answered at once")
    return frame
