"""What the csv source reads, and what it says of files that it cannot read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from mlforge.builtin.sources.csv import Csv
from mlforge.errors import DataError


def read(tmp_path: Path, content: bytes, **fields: Any) -> pl.DataFrame:
    path = tmp_path / "data.csv"
    path.write_bytes(content)
    return pl.concat(Csv(path=str(path), **fields).batches(1000))


@pytest.mark.parametrize(
    ("content", "fields", "rows"),
    [
        (b"a,b\n1,2\n", {}, [("1", "2")]),
        (b"a,b\r\n1,2\r\n", {}, [("1", "2")]),
        (b"a,b\n1,2", {}, [("1", "2")]),
        ("a,b\n1,ü\n".encode("utf-8-sig"), {}, [("1", "ü")]),
        (b'a,b\n1,"x\ny, z"\n', {}, [("1", "x\ny, z")]),
        (b"a,b\n1,\n,2\n", {}, [("1", None), (None, "2")]),
        (b"a,b\n1,2\n\n3,4\n\n", {}, [("1", "2"), ("3", "4")]),
        (b"a,b\n1,2\n\n3,\n", {}, [("1", "2"), ("3", None)]),
        (b"a\n1\n\n3\n", {}, [("1",), ("3",)]),
        (b"a;b\n1;2\n", {"separator": ";"}, [("1", "2")]),
        (b"a\tb\n'x\ty'\t2\n", {"separator": "\t", "quote": "'"}, [("x\ty", "2")]),
        (b'a,b\n1,5" pipe\n', {"quote": None}, [("1", '5" pipe')]),
        (b"1,2\n3,4\n", {"header": False}, [("1", "2"), ("3", "4")]),
        (b"# made by hand\na,b\n1,2\n# more\n3,\n", {"comment": "#"}, [("1", "2"), ("3", None)]),
        ("a,b\n1,ü\n".encode("latin-1"), {"encoding": "utf-8-lossy"}, [("1", "�")]),
    ],
)  # fmt: skip
def test_fields_come_as_text_and_empty_ones_as_missing(tmp_path: Path, content: bytes, fields: dict[str, Any], rows: list[tuple[str, ...]]) -> None:
    assert read(tmp_path, content, **fields).rows() == rows


def test_columns_without_a_header_are_numbered(tmp_path: Path) -> None:
    assert read(tmp_path, b"1,2\n", header=False).columns == ["column_1", "column_2"]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "data.csv is empty"),
        (b"\n\n", "data.csv is empty"),
        (b"a,b\n", "has a header and no rows"),
        (b"a,b\n1,2\n3,4,5\n", "line 3 has 3 fields, and 2 are expected"),
        (b"a,b\n1,2\n3\n", "line 3 has 1 field, and 2 are expected"),
        (b'a,b\n"1\n1",2\n3\n', "line 4 has 1 field, and 2 are expected"),
        (b"a,b\n" + b"1,2\n" * 5000 + b"3\n", "line 5002 has 1 field"),
        (b"a,b\n" + b"1,2\n" * 5000 + "1,ü\n".encode("latin-1"), "line 5002: byte 0xfc at offset 20,006 is no UTF-8"),
        ("a,b\n1,ü\n".encode("utf-16"), "it begins as UTF-16 does: source.encoding=utf-16"),
        (b'a,b\n1,2\n3,"x\n5,6\n', "unexpected end of data"),
        (b"a,a\n1,2\n", "two columns are named 'a'"),
        (b'a,b\n1,2\n5" pipe,2\n', "line 3 has a quote that no other closes"),
    ],
    ids=["empty", "blank", "header only", "long", "short", "short after a line break", "short and late", "latin-1", "utf-16", "quote", "twice", "odd quote"],
)
def test_a_broken_file_is_a_data_error_that_names_file_and_line(tmp_path: Path, content: bytes, told: str) -> None:
    with pytest.raises(DataError) as caught:
        read(tmp_path, content)
    assert told in str(caught.value)
    assert "data.csv" in str(caught.value)
    assert caught.value.hint
    assert len(str(caught.value)) < 600
    assert "python_udf" not in str(caught.value)


def test_a_path_that_is_no_file_says_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "adult.csv").write_text("a\n1\n")
    for path, told in [("adlut.csv", "Did you mean adult.csv"), (".", "is a folder"), ("*.zip", "no file matches"), ("nowhere/x.csv", "there is no file")]:
        with pytest.raises(DataError, match=told):
            Csv(path=str(tmp_path / path)).fingerprint()
        with pytest.raises(DataError, match=told):
            Csv(path=str(tmp_path / path)).scan()


def test_a_glob_reads_file_after_file_by_name(tmp_path: Path) -> None:
    for name, value in [("b", 2), ("a", 1), ("c", 3)]:
        (tmp_path / f"{name}.csv").write_text(f"x,y\n{value},\n")
    assert Csv(path=str(tmp_path / "*.csv")).scan().collect()["x"].to_list() == ["1", "2", "3"]


@pytest.mark.parametrize(("head", "told"), [("x", "lacks 'y'"), ("x,y,z", "also has 'z'"), ("y,x", "another order")])
def test_files_of_a_glob_must_have_the_same_columns(tmp_path: Path, head: str, told: str) -> None:
    (tmp_path / "a.csv").write_text("x,y\n1,2\n")
    (tmp_path / "b.csv").write_text(f"{head}\n1,2,3\n")
    with pytest.raises(DataError, match=told):
        Csv(path=str(tmp_path / "*.csv")).scan()


def test_a_file_name_with_glob_characters_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "data[1].csv").write_text("x\n1\n")
    assert Csv(path=str(tmp_path / "data[1].csv")).scan().collect().rows() == [("1",)]


def test_the_fingerprint_follows_the_content_and_not_the_place(tmp_path: Path) -> None:
    one, other = tmp_path / "one.csv", tmp_path / "other.csv"
    one.write_text("x\n1\n")
    other.write_text("x\n1\n")
    same = Csv(path=str(one)).fingerprint()
    assert Csv(path=str(other)).fingerprint() == same
    other.write_text("x\n2\n")
    assert Csv(path=str(other)).fingerprint() != same


def test_an_unreadable_byte_in_a_quoted_column_is_found_in_a_glob(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x\n1\n")
    (tmp_path / "b.csv").write_bytes(b"x\n1\n\xff\n")
    with pytest.raises(DataError, match=r"b\.csv, line 3"):
        list(Csv(path=str(tmp_path / "*.csv")).batches(10))
