"""The built-in sources keep their contract."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import polars as pl

from mlforge.builtin.sources.arrow import Arrow
from mlforge.builtin.sources.csv import Csv
from mlforge.builtin.sources.delta import Delta
from mlforge.builtin.sources.excel import Excel
from mlforge.builtin.sources.iceberg import Iceberg
from mlforge.builtin.sources.json_lines import JsonLines
from mlforge.builtin.sources.parquet import Parquet
from mlforge.builtin.sources.python_docs import PythonDocs
from mlforge.builtin.sources.query import Query
from mlforge.builtin.sources.renewed import Renewed
from mlforge.builtin.sources.sample import Sample
from mlforge.builtin.sources.sql import Sql
from mlforge.builtin.sources.text_files import TextFiles
from mlforge.components import Source
from mlforge.testing import SourceContract


class TestCsv(SourceContract):
    def holding(self, folder: Path, rows: pl.DataFrame) -> Source:
        rows.write_csv(folder / "rows.csv")
        return Csv(path=str(folder / "rows.csv"))


class TestJsonLines(SourceContract):
    def holding(self, folder: Path, rows: pl.DataFrame) -> Source:
        rows.write_ndjson(folder / "rows.jsonl")
        return JsonLines(path=str(folder / "rows.jsonl"))


class TestParquet(SourceContract):
    def holding(self, folder: Path, rows: pl.DataFrame) -> Source:
        rows.write_parquet(folder / "rows.parquet")
        return Parquet(path=str(folder / "rows.parquet"))


class TestRenewed(SourceContract):
    def holding(self, folder: Path, rows: pl.DataFrame) -> Source:
        rows.write_parquet(folder / "newer.parquet")
        return Renewed(path=str(folder / "newer.parquet"))


class TestArrow(SourceContract):
    def holding(self, folder: Path, rows: pl.DataFrame) -> Source:
        rows.write_ipc(folder / "rows.arrow")
        return Arrow(path=str(folder / "rows.arrow"))


class TestExcel(SourceContract):
    def holding(self, folder: Path, rows: pl.DataFrame) -> Source:
        rows.write_excel(folder / "rows.xlsx")
        return Excel(path=str(folder / "rows.xlsx"))


class TestDelta(SourceContract):
    def holding(self, folder: Path, rows: pl.DataFrame) -> Source:
        rows.write_delta(folder / "rows")
        return Delta(path=str(folder / "rows"))


class TestIceberg(SourceContract):
    def holding(self, folder: Path, rows: pl.DataFrame) -> Source:
        from pyiceberg.catalog.sql import SqlCatalog

        catalogue = SqlCatalog("main", uri=f"sqlite:///{folder}/catalog.db", warehouse=f"file://{folder}/warehouse")
        catalogue.create_namespace("shop")
        table = catalogue.create_table("shop.rows", schema=rows.to_arrow(compat_level=pl.CompatLevel.oldest()).schema)
        table.append(rows.to_arrow(compat_level=pl.CompatLevel.oldest()))
        catalogue.engine.dispose()
        return Iceberg(path=table.location().removeprefix("file://"))


class TestSql(SourceContract):
    def holding(self, folder: Path, rows: pl.DataFrame) -> Source:
        with sqlite3.connect(folder / "rows.db") as database:
            database.execute("CREATE TABLE people (id INTEGER PRIMARY KEY, word TEXT)")
            database.executemany("INSERT INTO people VALUES (?, ?)", rows.rows())
        database.close()
        return Sql(url=f"sqlite:///{folder}/rows.db", table="people")


class TestQuery(SourceContract):
    def holding(self, folder: Path, rows: pl.DataFrame) -> Source:
        rows.write_csv(folder / "rows.csv")
        return Query(sources={"people": Csv(path=str(folder / "rows.csv"))}, sql="SELECT id, word FROM people ORDER BY CAST(id AS INTEGER)")


class TestSample(SourceContract):
    component = Sample(name="breast_cancer")


class TestPythonDocs(SourceContract):
    component = PythonDocs(window=4096)


class TestTextFiles(SourceContract):
    """Its columns are its own, whatever the files hold."""

    def make(self, folder: Path) -> Source:
        for name in ("one", "other"):
            (folder / f"{name}.txt").write_text(f"{name} with umlauts: äöü\n" * 40, encoding="utf-8")
        return TextFiles(path=str(folder / "one.txt"), window=32)
