"""The rows of a model's source with newer ones of its log: typed alike, in order, and thinned evenly."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from mlforge.builtin.sources.csv import Csv
from mlforge.builtin.sources.parquet import Parquet
from mlforge.builtin.sources.renewed import Renewed
from mlforge.testing.sources import SourceContract


class TestRenewed(SourceContract):
    def holding(self, folder: Path, rows: pl.DataFrame) -> Renewed:
        rows.write_parquet(folder / "rows.parquet")
        return Renewed(path=str(folder / "rows.parquet"))


class TestRenewedAfterATable(SourceContract):
    def holding(self, folder: Path, rows: pl.DataFrame) -> Renewed:
        half = rows.height // 2
        rows.head(half).write_csv(folder / "before.csv")
        rows.slice(half).write_parquet(folder / "rows.parquet")
        return Renewed(path=str(folder / "rows.parquet"), before={"source": Csv(path=str(folder / "before.csv"))} if half else {})


def newer(folder: Path, count: int = 3) -> str:
    frame = pl.DataFrame({"age": range(count), "label": [True] * count, "more": ["x"] * count})
    frame.write_parquet(folder / "newer.parquet")
    return str(folder / "newer.parquet")


def test_newer_rows_come_last_as_texts_where_the_source_gives_texts(tmp_path: Path) -> None:
    (tmp_path / "old.csv").write_text("age,city,label\n40,Rom,no\n50,Bern,yes\n")
    read = Renewed(path=newer(tmp_path), before={"source": Csv(path=str(tmp_path / "old.csv"))}).scan().collect()
    assert read.rows() == [("40", "Rom", "no"), ("50", "Bern", "yes"), ("0", None, "true"), ("1", None, "true"), ("2", None, "true")]


def test_a_share_of_the_older_rows_is_taken_evenly_and_alike_each_time(tmp_path: Path) -> None:
    pl.DataFrame({"age": range(100_000), "label": [False] * 100_000}).write_parquet(tmp_path / "old.parquet")
    source = Renewed(path=newer(tmp_path), before={"source": Parquet(path=str(tmp_path / "old.parquet"))}, share=0.3)
    read = source.scan().collect()
    old = read.filter(~pl.col("label"))
    assert abs(old.height - 30_000) < 10
    assert all(abs(old.filter(pl.col("age").is_between(start, start + 999)).height - 300) < 10 for start in range(0, 100_000, 1000))
    assert read.equals(source.scan().collect())


def test_another_share_of_rows_or_another_file_is_another_fingerprint(tmp_path: Path) -> None:
    (tmp_path / "old.csv").write_text("age,city,label\n40,Rom,no\n")
    before = {"source": Csv(path=str(tmp_path / "old.csv"))}
    told = {Renewed(path=newer(tmp_path), before=before).fingerprint(), Renewed(path=newer(tmp_path, 4), before=before).fingerprint()}
    told.add(Renewed(path=newer(tmp_path, 4)).fingerprint())
    assert len(told) == 3
