"""The table while it is filled: rows that keep the contract, a parquet file per partition."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self

import polars as pl

from mlforge.artifact import ROW, write_json
from mlforge.contract import Contract
from mlforge.runtime.protections import Protector, Rule, sealed

__all__ = ["PARTITION", "Accepts"]

PARTITION = 131_072  # rows; fixed, so that neither the machine nor the thread count shows in the files


class Accepts:
    """Writes a table, partition by partition, each protected first; one is written while the next is read and judged."""

    def __init__(self, folder: Path, contract: Contract, rules: Mapping[str, Rule]) -> None:
        self.folder = folder
        self.contract = sealed(contract, rules)
        self.rows = 0
        self.nulls: Counter[str] = Counter()
        self.files: list[Path] = []
        self._raw, self._rules = contract, rules
        self._protector = Protector(rules)
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="mlforge-table")
        self._pending: Future[None] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._writer.shutdown()

    def add(self, rows: pl.DataFrame) -> pl.DataFrame:
        """One more partition, with `ROW`; none when there are no rows in it. Gives it back as it is kept."""
        kept = self._protector.apply(rows)
        if not rows.height:
            return kept
        path = self.folder / f"part-{len(self.files):05d}.parquet"
        self.flush()
        self._pending = self._writer.submit(_write, kept, path)
        self.files.append(path)
        self._count(kept, 1)
        return kept

    def flush(self) -> None:
        """Wait until everything that was added is written; what went wrong with it is raised here."""
        pending, self._pending = self._pending, None
        if pending is not None:
            pending.result()

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
        """Write what the table is, and how it was protected: never the keys."""
        told = {"contract": self.contract.model_dump(mode="json"), "rows": self.rows, "rejected": rejected}
        if self._rules:
            rules = {key: rule.model_dump(mode="json") for key, rule in self._protector.travelling.items()}
            told["privacy"] = {"contract": self._raw.model_dump(mode="json"), "rules": rules}
        write_json(self.folder / "table.json", told)

    def _count(self, rows: pl.DataFrame, sign: int) -> None:
        self.rows += sign * rows.height
        for key in self.contract.columns:
            if key in rows.columns:
                self.nulls[key] += sign * rows[key].null_count()


def _write(rows: pl.DataFrame, path: Path) -> None:
    rows.write_parquet(path, compression="zstd", row_group_size=PARTITION)
