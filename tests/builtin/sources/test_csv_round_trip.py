"""Whatever is written as delimited text comes back as it was: random tables in random dialects."""

from __future__ import annotations

import codecs
import csv
import io
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from mlforge.builtin.sources.csv import Csv

PIECES = st.sampled_from(["a", "é", "ß", "1", " ", ",", ";", "\t", "|", '"', '""', "'", "#", "\n", "\r\n", "N/A", "0.5"])
CELLS = st.lists(PIECES, max_size=5).map("".join)
NAMES = st.lists(PIECES, min_size=1, max_size=4).map("".join)
TABLES = st.integers(2, 4).flatmap(
    lambda width: st.tuples(
        st.lists(NAMES, min_size=width, max_size=width, unique=True), st.lists(st.lists(CELLS, min_size=width, max_size=width), min_size=1, max_size=6)
    )
)
DIALECTS = st.fixed_dictionaries(
    {"delimiter": st.sampled_from(",;\t|"), "quotechar": st.sampled_from("\"'"), "lineterminator": st.sampled_from(["\n", "\r\n"])}
)
ENCODINGS = st.sampled_from(["utf-8", "utf-8 with BOM", "utf-16", "utf-16-le", "latin-1", "cp1252"])


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(table=TABLES, dialect=DIALECTS, every=st.booleans(), encoding=ENCODINGS, header=st.booleans())
@example(
    table=(['a ""x""', '"'], [['"', "\n"], ['say "hi"', ""]]),
    dialect={"delimiter": ",", "quotechar": '"', "lineterminator": "\n"},
    every=False,
    encoding="utf-8",
    header=True,
)
def test_what_is_written_comes_back(
    tmp_path: Path, table: tuple[list[str], list[list[str]]], dialect: dict[str, Any], every: bool, encoding: str, header: bool
) -> None:
    names, rows = table
    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=csv.QUOTE_ALL if every else csv.QUOTE_MINIMAL, **dialect)
    writer.writerows([names, *rows] if header else rows)
    path = tmp_path / "a.csv"
    plain = encoding.partition(" ")[0]
    path.write_bytes(codecs.BOM_UTF8 * encoding.endswith("BOM") + text.getvalue().encode(plain))
    source = Csv.model_validate({"path": str(path), "separator": dialect["delimiter"], "quote": dialect["quotechar"], "encoding": plain, "header": header})
    expected = rows if every else [[cell or None for cell in row] for row in rows if any(row)]  # a field that is empty and unquoted is missing
    if not expected:
        return
    frame = pl.concat(source.batches(1000))
    assert [list(row) for row in frame.rows()] == expected
    assert frame.columns == (names if header else [f"column_{number}" for number in range(1, len(names) + 1)])


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        (b'a,b\n#1,2\n"#3",4\n', [("#3", "4")]),
        (b'# x\na,b\n"1\n#2",4\n#\n', [("1\n#2", "4")]),
        (b'#"\na,b\n1,2\n', [("1", "2")]),
    ],
)
def test_a_comment_is_a_line_and_no_quoted_field(tmp_path: Path, content: bytes, rows: list[tuple[str, ...]]) -> None:
    (tmp_path / "a.csv").write_bytes(content)
    assert pl.concat(Csv(path=str(tmp_path / "a.csv"), comment="#").batches(1000)).rows() == rows
