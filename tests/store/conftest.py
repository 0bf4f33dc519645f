"""Stores to test with: on SQLite, and on a PostgreSQL of our own that runs for the session."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mlforge.store import Store


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


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where records may lie: each in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'records.db'}"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
def store(url: str, tmp_path: Path) -> Iterator[Store]:
    """A new store, on SQLite and on PostgreSQL."""
    opened = Store.open(url, tmp_path / "state")
    yield opened
    opened.close()


@pytest.fixture
def draft(tmp_path: Path) -> Callable[..., Path]:
    """Makes drafts: `draft(a="text", b=b"bytes")`, with `__` for a slash in a name."""

    def make(**files: str | bytes) -> Path:
        folder = tmp_path / "drafts" / uuid.uuid4().hex
        folder.mkdir(parents=True)
        for name, content in files.items():
            path = folder / name.replace("__", "/")
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return folder

    return make
