"""Every built-in component keeps the contract of its kind."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from mlforge.builtin.sources.csv import Csv
from mlforge.components import Source
from mlforge.testing import SourceContract


class TestCsv(SourceContract):
    def holding(self, folder: Path, rows: pl.DataFrame) -> Source:
        rows.write_csv(folder / "rows.csv")
        return Csv(path=str(folder / "rows.csv"))
