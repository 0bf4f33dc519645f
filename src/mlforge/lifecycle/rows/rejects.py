"""The quarantine while it is filled: rows that break the contract, each with its reasons."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import polars as pl
import pyarrow.parquet as pq

from mlforge.artifact import ROW, write_json

__all__ = ["FILE", "Rejects"]

FILE = "rejected.parquet"
_SCHEMA = {ROW: pl.Int64, "reason": pl.String, "row": pl.String}


class Rejects:
    """Writes a quarantine, frame by frame, in bounded memory."""

    def __init__(self, folder: Path, shown: Collection[str] | None = None) -> None:
        """`shown`: the columns of a row, by name, that may be written; None for all."""
        self.folder = folder
        self._shown = shown
        self.rows = 0
        self.reasons: Counter[str] = Counter()
        self._writer: Any = None

    def __enter__(self) -> Self:
        self._writer = pq.ParquetWriter(self.folder / FILE, _arrow(pl.DataFrame(schema=_SCHEMA)).schema, compression="zstd")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._writer.close()

    def add(self, positions: pl.Series, reasons: pl.Series, rows: pl.DataFrame, counts: Mapping[str, int]) -> None:
        """Rows with their positions in the source, the reasons against each, and how many break which rule."""
        shown = rows.select(~pl.selectors.binary())
        if self._shown is not None:
            shown = shown.select([name for name in shown.columns if name in self._shown])
        text = shown.select(pl.struct(pl.all()).struct.json_encode()).to_series() if shown.width else pl.repeat("{}", rows.height, eager=True)
        self._writer.write_table(_arrow(pl.DataFrame([positions.cast(pl.Int64).alias(ROW), reasons.alias("reason"), text.alias("row")])))
        self.rows += rows.height
        self.reasons.update({reason: count for reason, count in counts.items() if count})

    def summarise(self, rows: int) -> None:
        """Write how many of all rows were rejected, and for which reasons."""
        write_json(self.folder / "summary.json", {"rows": rows, "rejected": self.rows, "reasons": dict(self.reasons)})

    def told(self, most: int) -> str:
        """The most frequent reasons: "age is above 100: 31; plan is missing: 6"."""
        ranked = sorted(self.reasons.items(), key=lambda item: (-item[1], item[0]))
        more = f"; and {len(ranked) - most} more" if len(ranked) > most else ""
        return "; ".join(f"{reason}: {count:,}" for reason, count in ranked[:most]) + more


def _arrow(frame: pl.DataFrame) -> Any:
    return frame.to_arrow(compat_level=pl.CompatLevel.oldest())
