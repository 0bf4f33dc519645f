from __future__ import annotations

import gzip

import polars as pl
import pytest

from mlforge.builtin.sources.python_docs import PythonDocs
from mlforge.builtin.sources.text_files import TextFiles
from mlforge.builtin.sources.windows import cut
from mlforge.errors import DataError

TEXT = "Grüße aus 日本 — 🙂 und mehr.\n\n\tEnde" * 40


@pytest.mark.parametrize("window", [4, 5, 7, 64, 100_000])
def test_windows_are_whole_characters_and_together_the_text(window):
    pieces = list(cut(TEXT, window))
    assert "".join(pieces) == TEXT
    assert all(len(piece.encode()) <= window for piece in pieces)
    assert all(len(piece.encode()) > window - 4 for piece in pieces[:-1])


def test_blank_windows_are_left_out():
    assert list(cut("abcd" + " " * 8 + "efgh", 4)) == ["abcd", "efgh"]


def test_files_are_read_one_after_the_other_and_batches_are_what_a_scan_gives(tmp_path):
    (tmp_path / "b.txt").write_text(TEXT)
    (tmp_path / "a.txt").write_text("the first")
    with gzip.open(tmp_path / "c.txt.gz", "wt", encoding="utf-8") as file:
        file.write("packed " * 30)
    source = TextFiles(path=str(tmp_path / "*.txt*"), window=16)
    rows = source.scan().collect()
    assert rows["document"].unique(maintain_order=True).to_list() == ["a.txt", "b.txt", "c.txt.gz"]
    assert rows.filter(pl.col("document") == "c.txt.gz")["number"].to_list() == list(range(14))
    frames = list(source.batches(10))
    assert [len(frame) for frame in frames[:-1]] == [10] * (len(frames) - 1)
    assert pl.concat(frames).equals(rows)
    before = source.fingerprint()
    (tmp_path / "a.txt").write_text("the second")
    assert source.fingerprint() != before


def test_another_encoding_is_told_and_read_where_it_is_named(tmp_path):
    (tmp_path / "a.txt").write_bytes("Grüße".encode("latin-1"))
    with pytest.raises(DataError, match=r"a\.txt is no utf-8"):
        TextFiles(path=str(tmp_path / "a.txt")).scan()
    assert TextFiles(path=str(tmp_path / "a.txt"), encoding="latin-1").scan().collect()["text"].to_list() == ["Grüße"]


def test_an_encoding_that_there_is_not_is_an_error_before_anything_is_read(tmp_path):
    with pytest.raises(ValueError, match="encoding"):
        TextFiles(path=str(tmp_path / "a.txt"), encoding="latin-99")


def test_python_brings_its_manual_along():
    source = PythonDocs(window=64)
    rows = source.scan().collect()
    assert rows["document"].n_unique() > 50
    assert rows["text"].str.len_bytes().sum() > 300_000
    assert rows.equals(source.scan().collect())
    assert source.fingerprint() == PythonDocs(window=128).fingerprint()
    assert all(path.exists() for path in source.watched())
