"""Files at an SFTP server, and in a store that speaks Google's protocol."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.file_servers import PASSWORD, Sftp, gs_bucket, sftp

from mlforge import secrets
from mlforge.builtin.sources.csv import Csv
from mlforge.builtin.sources.parquet import Parquet
from mlforge.components import Source
from mlforge.errors import DataError, MissingRequirement
from mlforge.runtime.sending import send

__all__ = ["gs_bucket", "sftp"]


@pytest.fixture(autouse=True)
def forgotten() -> Any:
    yield
    secrets.forget()


def rows(source: Source) -> list[tuple[Any, ...]]:
    return pl.concat(source.batches(1000)).rows()


def test_files_come_by_sftp_and_are_known_by_size_and_time(sftp: Sftp) -> None:
    (sftp.folder / "in").mkdir()
    for name, text in [("b", "x,y\n3,4\n"), ("a", "x,y\n1,2\n")]:
        (sftp.folder / "in" / f"{name}.csv").write_text(text)
        os.utime(sftp.folder / "in" / f"{name}.csv", (1, 1))
    pl.DataFrame({"x": range(200_000)}).write_parquet(sftp.folder / "big.parquet")
    source = Csv(path=f"{sftp.url}/in/*.csv")
    first = source.fingerprint()
    assert sftp.opened == 0
    assert rows(source) == [("1", "2"), ("3", "4")]
    assert rows(Csv(path=f"{sftp.url}/in/a.csv")) == [("1", "2")]
    assert pl.concat(Parquet(path=f"{sftp.url}/big.parquet").batches(65_536))["x"].sum() == sum(range(200_000))
    (sftp.folder / "in" / "b.csv").write_text("x,y\n3,5\n")
    assert source.fingerprint() != first
    assert rows(source) == [("1", "2"), ("3", "5")]


def test_a_file_that_sftp_has_not_is_told_without_the_password(sftp: Sftp) -> None:
    (sftp.folder / "in").mkdir()
    (sftp.folder / "in" / "a.csv").write_text("x,y\n1\n")
    for path, told in [
        ("b.csv", "there is no file sftp"),
        ("in", "is a folder"),
        ("*.tsv", "no file matches sftp"),
        ("in/*.csv", "line 2 has 1 field"),
    ]:
        with pytest.raises(DataError, match=told) as caught:
            rows(Csv(path=f"{sftp.url}/{path}"))
        assert "hunter2" not in str(caught.value)
        assert "127.0.0.1" in str(caught.value)


def test_what_a_file_is_known_by_is_no_matter_of_the_password(sftp: Sftp) -> None:
    """A digest of it could be guessed from."""
    (sftp.folder / "a.csv").write_text("x\n1\n")
    assert PASSWORD.split()[0] not in "".join(file.name for file in _found(f"{sftp.url}/a.csv") + _found(f"{sftp.url}/*.csv"))


def _found(url: str) -> list[Any]:
    from mlforge.builtin.sources.files import found

    return found(url)


def test_a_host_that_is_not_known_gets_no_password(sftp: Sftp, tmp_path: Path) -> None:
    known = tmp_path / "home" / ".ssh" / "known_hosts"
    (sftp.folder / "a.csv").write_text("x\n1\n")
    import paramiko

    other = paramiko.ECDSAKey.generate()
    for text, told in [("", "does not stand in"), (f"[127.0.0.1]:{sftp.port} {other.get_name()} {other.get_base64()}\n", "another key of it stands in")]:
        known.write_text(text)
        with pytest.raises(MissingRequirement, match=told):
            Csv(path=f"{sftp.url}/a.csv").fingerprint()
        with pytest.raises(Exception, match=told):
            send(sftp.folder / "a.csv", f"{sftp.url}/b.csv")
    known.unlink()
    with pytest.raises(MissingRequirement, match="does not stand in"):
        Csv(path=f"{sftp.url}/a.csv").fingerprint()


def test_wrong_credentials_and_a_dead_server_are_told_without_the_password(sftp: Sftp) -> None:
    for url in (sftp.url.replace("hunter2", "hunter2wrong"), "sftp://someone:hunter2@127.0.0.1:9"):
        with pytest.raises(MissingRequirement, match=r"cannot be reached|may not be read") as caught:
            Csv(path=f"{url}/a.csv").fingerprint()
        assert "hunter2" not in str(caught.value)


def test_a_file_is_sent_by_sftp(sftp: Sftp, tmp_path: Path) -> None:
    (tmp_path / "out.csv").write_text("x\n1\n")
    send(tmp_path / "out.csv", f"{sftp.url}/new/out.csv")
    assert (sftp.folder / "new" / "out.csv").read_text() == "x\n1\n"


def test_files_come_from_gs_and_are_known_by_their_etag(gs_bucket: Any, tmp_path: Path) -> None:
    gs_bucket.pipe_file("bucket/in/b.csv", b"x,y\n3,4\n")
    gs_bucket.pipe_file("bucket/in/a.csv", b"x,y\n1,2\n")
    source = Csv(path="gs://bucket/in/*.csv")
    first = source.fingerprint()
    assert rows(source) == [("1", "2"), ("3", "4")]
    gs_bucket.pipe_file("bucket/in/b.csv", b"x,y\n3,5\n")
    assert source.fingerprint() != first
    assert rows(source) == [("1", "2"), ("3", "5")]
    (tmp_path / "out.csv").write_text("x\n1\n")
    send(tmp_path / "out.csv", "gs://bucket/out.csv")
    assert rows(Csv(path="gs://bucket/out.csv")) == [("1",)]
    for path, told in [
        ("gs://bucket/none.csv", "there is no file gs"),
        ("gs://bucket/*.tsv", "no file matches gs"),
        ("gs://nowhere/a.csv", "there is no file gs"),
    ]:
        with pytest.raises(DataError, match=told):
            rows(Csv(path=path))
