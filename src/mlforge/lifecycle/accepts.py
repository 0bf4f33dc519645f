"""The table while it is filled: rows that keep the contract, a parquet file per partition."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import polars as pl

from mlforge.artifact import ROW, write_json
from mlforge.contract import Contract

__all__ = ["PARTITION", "Accepts"]

PARTITION = 131_072  # rows; fixed, so that neither the machine nor the thread count shows in the files


class Accepts:
    """Writes a table, partition by partition."""

    def __init__(self, folder: Path, contract: Contract) -> None:
        self.folder = folder
        self.contract = contract
        self.rows = 0
        self.nulls: Counter[str] = Counter()
        self.files: list[Path] = []

    def add(self, rows: pl.DataFrame) -> None:
        """One more partition, with `ROW`; none when there are no rows in it."""
        if not rows.height:
            return
        path = self.folder / f"part-{len(self.files):05d}.parquet"
        _write(rows, path)
        self.files.append(path)
        self._count(rows, 1)

    def repeated(self, key: str) -> pl.DataFrame:
        """`ROW` and the value of every row whose value in this column an earlier row has too."""
        rows = pl.scan_parquet(self.files, glob=False).select(ROW, key).filter(pl.col(key).is_not_null())
        firsts = rows.group_by(key).agg(pl.col(ROW).min().alias("first"), pl.len().alias("times")).filter(pl.col("times") > 1)
        return rows.join(firsts, on=key).filter(pl.col(ROW) > pl.col("first")).select(ROW, key).sort(ROW).collect(engine="streaming")

    def withdraw(self, positions: pl.Series) -> pl.DataFrame:
        """Take rows out again, by their `ROW`; gives them back, in order."""
        gone: list[pl.DataFrame] = []
        for path in self.files:
            rows = pl.read_parquet(path)
            out = rows[ROW].is_in(positions.implode())
            if out.any():
                gone.append(rows.filter(out))
                self._count(gone[-1], -1)
                _write(rows.filter(~out), path)
        return pl.concat(gone)

    def finish(self, rejected: int) -> None:
        """Write what the table is."""
        write_json(self.folder / "table.json", {"contract": self.contract.model_dump(mode="json"), "rows": self.rows, "rejected": rejected})

    def _count(self, rows: pl.DataFrame, sign: int) -> None:
        self.rows += sign * rows.height
        for key in self.contract.columns:
            if key in rows.columns:
                self.nulls[key] += sign * rows[key].null_count()


def _write(rows: pl.DataFrame, path: Path) -> None:
    rows.write_parquet(path, compression="zstd", row_group_size=PARTITION)
