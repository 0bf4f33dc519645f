"""Files as they come: compressed, in other encodings, at URLs; and what is told of those that are broken."""

from __future__ import annotations

import bz2
import functools
import gzip
import http.server
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pytest

from mlforge.builtin.sources import digests as remembered
from mlforge.builtin.sources.csv import Csv
from mlforge.builtin.sources.files import content_digest, found
from mlforge.builtin.sources.json_lines import JsonLines
from mlforge.builtin.sources.parquet import Parquet
from mlforge.components import Source
from mlforge.errors import DataError, MissingRequirement

TEXT = "name,city\nJosé,Zürich\nAnna,Köln\n"
ROWS = [("José", "Zürich"), ("Anna", "Köln")]


def rows(source: Source) -> list[tuple[Any, ...]]:
    return pl.concat(source.batches(1000)).rows()


def zstd(data: bytes) -> bytes:
    return pa.compress(data, codec="zstd", asbytes=True)  # type: ignore[no-any-return]


@pytest.mark.parametrize(("ending", "compress"), [(".gz", gzip.compress), (".zst", zstd), (".bz2", bz2.compress)])
def test_a_compressed_file_reads_like_the_plain_one(tmp_path: Path, ending: str, compress: Callable[[bytes], bytes]) -> None:
    path = tmp_path / f"a.csv{ending}"
    path.write_bytes(compress(TEXT.encode()))
    assert rows(Csv(path=str(path))) == ROWS


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "utf-16", "utf-16-le", "cp850", "iso8859-15", "mac-roman"])
def test_another_encoding_is_transcoded(tmp_path: Path, encoding: Any) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(TEXT.encode(encoding))
    assert rows(Csv(path=str(path), encoding=encoding)) == ROWS


def test_a_character_that_lies_across_two_blocks_is_one_character(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlforge.builtin.sources.codec._BLOCK", 7)
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(TEXT.encode("utf-16")))
    assert rows(Csv(path=str(path), encoding="utf-16")) == ROWS


@pytest.mark.parametrize(
    ("name", "content", "fields", "told"),
    [
        ("a.csv.gz", gzip.compress(TEXT.encode() * 5000)[:-20], {}, "is truncated"),
        ("a.csv.zst", zstd(TEXT.encode() * 5000)[:-20], {}, "is truncated"),
        ("a.csv.gz", TEXT.encode(), {}, "no gzip file"),
        ("a.csv.gz", b"", {}, "is empty"),
        ("a.csv.gz", gzip.compress(TEXT.encode() + b"one\n"), {}, "line 4 has 1 field"),
        ("a.csv.gz", gzip.compress(TEXT.encode("latin-1")), {}, "line 2: byte 0xe9"),
        ("a.csv", TEXT.encode("utf-16")[:-1], {"encoding": "utf-16"}, "is no utf-16: truncated data"),
        ("a.csv", b"a,b\n1,\x81\n", {"encoding": "cp1252"}, "is no cp1252"),
    ],
    ids=["gz cut", "zst cut", "no gz", "empty", "short line", "latin-1", "utf-16 cut", "no cp1252"],
)
def test_a_broken_compressed_or_encoded_file_is_a_data_error_that_names_it(
    tmp_path: Path, name: str, content: bytes, fields: dict[str, Any], told: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        rows(Csv(path=str(path), **fields))
    assert told in str(caught.value)
    assert name in str(caught.value)
    assert "/proc/" not in str(caught.value)


def test_what_is_decompressed_leaves_no_file_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    (tmp_path / "b.csv.gz").write_bytes(gzip.compress(TEXT.encode()))
    assert rows(Csv(path=str(tmp_path / "b.csv.gz"))) == ROWS
    assert list(folder.iterdir()) == []


def test_a_malformed_row_three_million_lines_down_is_named(tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    with path.open("w") as file:
        file.write("a,b\n" + "1,2\n" * 2_999_998 + "1,2,3\n" + "1,2\n" * 1000)
    with pytest.raises(DataError, match="line 3000000 has 3 fields, and 2 are expected"):
        for _ in Csv(path=str(path)).batches(65_536):
            pass


# ── what is known by its content ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_file_that_is_unchanged_is_not_read_again_by_the_next_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(remembered, "_SETTLED", 0)
    path = tmp_path / "a.csv"
    path.write_text("a\n1\n")
    first = content_digest(found(str(path)))
    monkeypatch.setattr(remembered, "_known", {})  # as a new process has it
    monkeypatch.setattr(remembered, "_part", lambda *_: pytest.fail("read again"))
    assert content_digest(found(str(path))) == first


def test_a_file_that_has_just_changed_is_not_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    path = tmp_path / "a.csv"
    path.write_text("a\n1\n")
    read: list[str] = []
    part = remembered._part
    monkeypatch.setattr(remembered, "_part", lambda name, start: read.append(name) or part(name, start))
    for _ in range(2):
        monkeypatch.setattr(remembered, "_known", {})
        content_digest(found(str(path)))
    assert len(read) == 2


def test_parts_of_a_large_file_are_all_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembered, "_PART", 10)
    path = tmp_path / "a.bin"
    seen = set()
    for place in range(0, 95, 9):
        path.write_bytes(bytes(place) + b"x" + bytes(95 - place))
        monkeypatch.setattr(remembered, "_known", {})
        seen.add(content_digest(found(str(path))))
    assert len(seen) == 11


def test_a_broken_cache_costs_time_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "cache" / "mlforge").mkdir(parents=True)
    (tmp_path / "cache" / "mlforge" / "digests.db").write_bytes(b"no database" * 1000)
    (tmp_path / "a.csv").write_text("a\n1\n")
    monkeypatch.setattr(remembered, "_known", {})
    assert len(content_digest(found(str(tmp_path / "a.csv")))) == 64


# ── at URLs ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def website(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A folder that is served by HTTP on loopback."""
    folder = tmp_path / "site"
    folder.mkdir()
    handler = functools.partial(_Silent, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", folder
        server.shutdown()
        thread.join()


class _Silent(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments: Any) -> None:
        pass


def test_files_come_by_http(website: tuple[str, Path]) -> None:
    url, folder = website
    (folder / "a.csv.gz").write_bytes(gzip.compress(TEXT.encode()))
    pl.DataFrame({"x": [1, 2]}).write_parquet(folder / "a.parquet")
    assert rows(Csv(path=f"{url}/a.csv.gz")) == ROWS
    assert rows(Parquet(path=f"{url}/a.parquet")) == [(1,), (2,)]
    with pytest.raises(DataError, match="there is no file http"):
        Csv(path=f"{url}/b.csv").fingerprint()


def test_a_server_that_does_not_answer_is_something_missing() -> None:
    with pytest.raises(MissingRequirement, match="cannot be reached"):
        Csv(path="http://127.0.0.1:9/a.csv").fingerprint()


def test_files_in_s3_are_known_by_their_etag_and_fetched_once(bucket: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    bucket.system.pipe_file(f"{bucket.url}/in/b.csv", b"x,y\n3,4\n")
    bucket.system.pipe_file(f"{bucket.url}/in/a.csv", b"x,y\n1,2\n")
    source = Csv(path=f"{bucket.url}/in/*.csv")
    with monkeypatch.context() as patch:
        patch.setattr("mlforge.builtin.sources.remote.Spool", lambda *_: pytest.fail("a fingerprint reads no file"))
        first = source.fingerprint()
    assert rows(source) == [("1", "2"), ("3", "4")]
    with monkeypatch.context() as patch:
        patch.setattr("mlforge.builtin.sources.remote.Spool", lambda *_: pytest.fail("fetched twice"))
        assert rows(source) == [("1", "2"), ("3", "4")]
    bucket.system.pipe_file(f"{bucket.url}/in/b.csv", b"x,y\n3,5\n")
    assert source.fingerprint() != first
    assert rows(source) == [("1", "2"), ("3", "5")]


def test_broken_files_in_s3_are_told_like_those_that_lie_here(bucket: Any) -> None:
    bucket.system.pipe_file(f"{bucket.url}/a.csv", b"x,y\n1,2\n3\n")
    bucket.system.pipe_file(f"{bucket.url}/a.parquet", b"PAR1 and no more")
    bucket.system.pipe_file(f"{bucket.url}/a.jsonl", b'{"x": 1}\n{"x": \n')
    for source, told in [
        (Csv(path=f"{bucket.url}/a.csv"), r"s3://b\w+/a.csv, line 3 has 1 field"),
        (Parquet(path=f"{bucket.url}/a.parquet"), "a.parquet is truncated"),
        (JsonLines(path=f"{bucket.url}/a.jsonl"), "a.jsonl, line 2 is no JSON"),
        (Csv(path=f"{bucket.url}/b.csv"), "there is no file s3"),
        (Csv(path=f"{bucket.url}/*.tsv"), "no file matches s3"),
        (Csv(path="s3://there-is-no-such-bucket/a.csv"), "there is no file s3"),
    ]:
        with pytest.raises(DataError, match=told):
            rows(source)


def test_an_unknown_scheme_and_a_chain_of_urls_are_refused() -> None:
    with pytest.raises(DataError, match="nowhere://x/a"):
        Csv(path="nowhere://x/a.csv").scan()
    with pytest.raises(DataError, match="a chain of URLs"):
        Csv(path="zip://a.csv::file:///etc/x.zip").scan()
