"""Servers to test with, real ones on this machine, each for a session: a PostgreSQL, and a store that speaks S3."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

__all__ = ["bucket", "postgres", "postgres_url", "s3_server"]


def _user() -> str | None:
    """PostgreSQL refuses to run as root: then somebody without rights runs it."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("nobody").pw_name
    except KeyError:
        pytest.skip("PostgreSQL does not run as root, and there is no user `nobody`")


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The folder of the socket of a running PostgreSQL (the binaries of the package pgserver)."""
    spec = importlib.util.find_spec("pgserver")
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("pgserver is not installed")
    programs = Path(next(iter(spec.submodule_search_locations))) / "pginstall" / "bin"
    folder, user = Path(tempfile.mkdtemp(prefix="mlforge-pg-")), _user()
    if user:
        os.chown(folder, pwd.getpwnam(user).pw_uid, -1)
    data = str(folder / "data")
    try:
        initdb = [str(programs / "initdb"), "-D", data, "--auth=trust", "--encoding=utf8", "-U", "postgres", "--no-sync"]
        made = subprocess.run(initdb, user=user, cwd=folder, capture_output=True, text=True, check=False)
        if made.returncode:
            pytest.skip(f"PostgreSQL cannot start here: {made.stderr.strip()[-300:]}")
        ctl = [str(programs / "pg_ctl"), "-D", data, "-w"]
        start = [*ctl, "-l", str(folder / "log"), "-o", f"-c listen_addresses='' -k {folder} -c fsync=off", "start"]
        started = subprocess.run(start, user=user, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        if started.returncode:
            pytest.skip(f"PostgreSQL cannot start here: {(folder / 'log').read_text()[-300:]}")
        yield str(folder)
        subprocess.run([*ctl, "-m", "immediate", "stop"], user=user, cwd=folder, stdout=subprocess.DEVNULL, check=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgres_url(postgres: str) -> str:
    """A new, empty database."""
    import psycopg

    name = f"t{uuid.uuid4().hex}"
    with psycopg.connect(f"host={postgres} user=postgres dbname=postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return f"postgresql+psycopg://postgres@/{name}?host={postgres}"


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """The URL of a server that speaks S3 (moto's), on loopback."""
    moto = pytest.importorskip("moto.server", reason="needs moto[server]")
    server = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(s3_server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """An empty bucket: `bucket.url` and the file system `bucket.system`. The environment has what the usual tools look for."""
    s3fs = pytest.importorskip("s3fs")
    settings = {"AWS_ACCESS_KEY_ID": "key-of-the-test", "AWS_SECRET_ACCESS_KEY": "secret-of-the-test", "AWS_DEFAULT_REGION": "us-east-1"}
    for name, value in {**settings, "AWS_ENDPOINT_URL": s3_server}.items():
        monkeypatch.setenv(name, value)
    s3fs.S3FileSystem.clear_instance_cache()
    name = f"b{uuid.uuid4().hex}"
    system = s3fs.S3FileSystem()
    system.mkdir(name)
    yield _Bucket(f"s3://{name}", system)
    s3fs.S3FileSystem.clear_instance_cache()


class _Bucket:
    def __init__(self, url: str, system: Any) -> None:
        self.url, self.system = url, system
