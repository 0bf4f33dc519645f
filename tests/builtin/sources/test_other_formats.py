"""JSON lines, Arrow, workbooks, Delta tables and Hive partitions: what they give, and what is told of those that are broken."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pytest

from mlforge.builtin.sources.arrow import Arrow
from mlforge.builtin.sources.delta import Delta
from mlforge.builtin.sources.excel import Excel
from mlforge.builtin.sources.json_lines import JsonLines
from mlforge.builtin.sources.parquet import Parquet
from mlforge.components import Source
from mlforge.errors import DataError


def rows(source: Source) -> list[tuple[Any, ...]]:
    return pl.concat(source.batches(1000)).rows()


def test_json_lines_have_missing_values_where_an_object_lacks_a_key(tmp_path: Path) -> None:
    (tmp_path / "b.jsonl").write_text('{"x": 3}\n')
    (tmp_path / "a.jsonl").write_text('{"x": 1, "y": "é"}\n\n{"y": "b"}\n')
    assert rows(JsonLines(path=str(tmp_path / "*.jsonl"))) == [(1, "é"), (None, "b"), (3, None)]


def test_a_late_value_of_another_type_decides_the_columns_type(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"x": 1}\n' * 5000 + '{"x": 1.5}\n')
    assert rows(JsonLines(path=str(tmp_path / "a.jsonl")))[-1] == (1.5,)


def test_compressed_json_lines(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(b'{"x": 1}\n'))
    assert rows(JsonLines(path=str(tmp_path / "a.jsonl.gz"))) == [(1,)]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is empty"),
        (b'{"x": 1}\n' * 5000 + b'{"x": \n', "line 5001 is no JSON"),
        (b'{"x": 1}\n[1]\n', "line 2 is no object"),
        (b'{"x": 1}\n{"x": "\xff"}\n', "line 2 is no UTF-8"),
        (b'{"x": 1}\n{"x": 1', "is the file truncated"),
    ],
    ids=["empty", "malformed", "list", "bytes", "cut"],
)
def test_broken_json_lines_name_file_and_line(tmp_path: Path, content: bytes, told: str) -> None:
    (tmp_path / "a.jsonl").write_bytes(content)
    with pytest.raises(DataError, match=told) as caught:
        rows(JsonLines(path=str(tmp_path / "a.jsonl")))
    assert "a.jsonl" in str(caught.value)


def test_arrow_files_come_with_their_types(tmp_path: Path) -> None:
    for name, value in [("b", 2), ("a", 1)]:
        pl.DataFrame({"x": [value]}).write_ipc(tmp_path / f"{name}.arrow")
    assert rows(Arrow(path=str(tmp_path / "*.arrow"))) == [(1,), (2,)]
    pl.DataFrame({"x": ["1"]}).write_ipc(tmp_path / "c.arrow")
    with pytest.raises(DataError, match=r"'x' is String in .*c\.arrow and Int64 in .*a\.arrow"):
        rows(Arrow(path=str(tmp_path / "*.arrow")))


@pytest.mark.parametrize(
    ("cut", "told"),
    [(lambda whole: b"", "is empty"), (lambda whole: b"a,b\n1,2\n", "is no Arrow file"), (lambda whole: whole[: len(whole) // 2], "is truncated")],
    ids=["empty", "text", "half"],
)
def test_a_broken_arrow_file_is_a_data_error_that_names_it(tmp_path: Path, cut: Callable[[bytes], bytes], told: str) -> None:
    path = tmp_path / "a.arrow"
    pl.DataFrame({"x": range(1000)}).write_ipc(path)
    path.write_bytes(cut(path.read_bytes()))
    with pytest.raises(DataError, match=told):
        rows(Arrow(path=str(path)))


def test_an_arrow_stream_reads_like_a_file(tmp_path: Path) -> None:
    for name, values in [("b", [3]), ("a", list(range(5000)))]:
        with pa.OSFile(str(tmp_path / f"{name}.arrows"), "wb") as file, pa.ipc.new_stream(file, pa.schema([("x", pa.int64()), ("s", pa.string())])) as stream:
            for start in range(0, len(values), 700):
                some = values[start : start + 700]
                stream.write_batch(pa.record_batch({"x": some, "s": [None if value % 3 else f"é{value}" for value in some]}))
    stream = Arrow(path=str(tmp_path / "*.arrows"))
    expected = pl.DataFrame({"x": [*range(5000), 3], "s": [None if value % 3 else f"é{value}" for value in [*range(5000), 3]]})
    assert pl.concat(stream.batches(999)).equals(expected)
    assert stream.scan().filter(pl.col("x") > 4990).select("s").head(3).collect().height == 3
    pl.DataFrame({"x": [7], "s": ["z"]}).write_ipc(tmp_path / "c.arrows", compat_level=pl.CompatLevel.oldest())
    assert rows(Arrow(path=str(tmp_path / "[bc].arrows"))) == [(3, "é3"), (7, "z")]
    whole = (tmp_path / "a.arrows").read_bytes()
    (tmp_path / "a.arrows").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match=r"a\.arrows is a stream that breaks off"):
        rows(stream)
    (tmp_path / "a.arrows").write_bytes(whole[:20])
    with pytest.raises(DataError, match=r"a\.arrows is a stream that breaks off"):
        rows(stream)


@pytest.fixture
def book(tmp_path: Path) -> Path:
    xlsxwriter = pytest.importorskip("xlsxwriter")
    pytest.importorskip("fastexcel")
    path = tmp_path / "book.xlsx"
    with xlsxwriter.Workbook(path) as book:
        cover, data = book.add_worksheet("cover"), book.add_worksheet("data")
        cover.write(0, 0, "about")
        for number, row in enumerate([["a report"], ["age", "city", "paid"], [39, "Zürich", 1.5], [], [40, "", True]]):
            for column, value in enumerate(row):
                if value != "":
                    data.write(number, column, value)
    return path


def test_a_sheet_comes_as_text(book: Path) -> None:
    assert rows(Excel(path=str(book), sheet="data", skip=1)) == [("39", "Zürich", "1.5"), ("40", None, "true")]


def test_a_workbook_says_what_it_lacks(book: Path) -> None:
    with pytest.raises(DataError, match=r"no sheet 'date'; it has cover, data\nDid you mean data"):
        rows(Excel(path=str(book), sheet="date"))
    with pytest.raises(DataError, match="without rows"):
        rows(Excel(path=str(book)))
    book.write_bytes(book.read_bytes()[:500])
    with pytest.raises(DataError, match=r"book\.xlsx cannot be read as a workbook"):
        rows(Excel(path=str(book)))


def test_a_delta_table_is_known_by_its_version(tmp_path: Path) -> None:
    pytest.importorskip("deltalake")
    path = str(tmp_path / "table")
    pl.DataFrame({"x": [1, 2]}).write_delta(path)
    newest = Delta(path=path)
    first = newest.fingerprint()
    assert rows(newest) == [(1,), (2,)]
    pl.DataFrame({"x": [3]}).write_delta(path, mode="append")
    assert newest.fingerprint() != first
    assert sorted(rows(newest)) == [(1,), (2,), (3,)]
    assert rows(Delta(path=path, version=0)) == [(1,), (2,)]
    assert Delta(path=path, version=0).fingerprint() == first
    for source in (Delta(path=path, version=9), Delta(path=str(tmp_path))):
        with pytest.raises(DataError, match="is no Delta table, or has no such version"):
            source.fingerprint()


def partitions(folder: Path) -> None:
    for year, country, value in [("2024", "ch", 2), ("2023", "de", 1), ("2024", "a%20b", 3)]:
        place = folder / f"year={year}" / f"country={country}"
        place.mkdir(parents=True)
        pl.DataFrame({"x": [value]}).write_parquet(place / "a.parquet")


def test_folders_of_a_hive_table_are_columns_of_text(tmp_path: Path) -> None:
    partitions(tmp_path)
    source = Parquet(path=str(tmp_path / "**" / "*.parquet"))
    assert rows(source) == [(1, "2023", "de"), (3, "2024", "a b"), (2, "2024", "ch")]
    assert source.scan().collect_schema().names() == ["x", "year", "country"]
    assert rows(Parquet(path=str(tmp_path / "**" / "*.parquet"), hive=False)) == [(1,), (3,), (2,)]


def test_a_partition_that_is_renamed_is_another_table(tmp_path: Path) -> None:
    partitions(tmp_path)
    source = Parquet(path=str(tmp_path / "**" / "*.parquet"))
    first = source.fingerprint()
    (tmp_path / "year=2023").rename(tmp_path / "year=2022")
    assert source.fingerprint() != first


def test_partitions_that_do_not_agree_are_told(tmp_path: Path) -> None:
    partitions(tmp_path)
    pl.DataFrame({"x": [1]}).write_parquet(tmp_path / "loose.parquet")
    with pytest.raises(DataError, match="the folders differ"):
        Parquet(path=str(tmp_path / "**" / "*.parquet")).scan()
    (tmp_path / "loose.parquet").unlink()
    pl.DataFrame({"year": [1]}).write_parquet(tmp_path / "year=2023" / "country=de" / "a.parquet")
    with pytest.raises(DataError, match="'year' is a column of the files and a folder's name"):
        Parquet(path=str(tmp_path / "year=2023" / "**" / "*.parquet")).scan()


def test_hive_partitions_in_s3(bucket: Any) -> None:
    for year in (2024, 2023):
        with bucket.system.open(f"{bucket.url}/t/year={year}/a.parquet", "wb") as file:
            pl.DataFrame({"x": [year]}).write_parquet(file)
    assert rows(Parquet(path=f"{bucket.url}/t/**/*.parquet")) == [(2023, "2023"), (2024, "2024")]


def test_a_delta_table_cannot_point_at_files_elsewhere(tmp_path: Path) -> None:
    pytest.importorskip("deltalake")
    table, secret = tmp_path / "table", tmp_path / "secret.parquet"
    pl.DataFrame({"x": [1]}).write_delta(str(table))
    pl.DataFrame({"x": [666]}).write_parquet(secret)
    log = next((table / "_delta_log").glob("*.json"))
    name = next(table.glob("*.parquet")).name
    assert rows(Delta(path=str(table))) == [(1,)]
    log.write_text(log.read_text().replace(name, str(secret)))
    with pytest.raises(DataError, match=r"elsewhere|cannot be read"):
        rows(Delta(path=str(table)))


def test_a_delta_table_in_s3(bucket: Any, s3_server: str) -> None:
    pytest.importorskip("deltalake")
    path = f"{bucket.url}/table"
    options = {"endpoint_url": s3_server, "allow_http": "true", "aws_s3_allow_unsafe_rename": "true"}
    pl.DataFrame({"x": [1, 2]}).write_delta(path, storage_options=options)
    first = Delta(path=path).fingerprint()
    pl.DataFrame({"x": [3]}).write_delta(path, mode="append", storage_options=options)
    assert sorted(rows(Delta(path=path))) == [(1,), (2,), (3,)]
    assert rows(Delta(path=path, version=0)) == [(1,), (2,)]
    assert Delta(path=path).fingerprint() != first == Delta(path=path, version=0).fingerprint()
    with pytest.raises(DataError, match="is no Delta table"):
        Delta(path=f"{bucket.url}/nowhere").fingerprint()
