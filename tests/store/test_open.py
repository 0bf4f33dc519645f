from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

from mlforge.errors import MissingRequirement, RunFailed
from mlforge.store import Store
from mlforge.store.database import Database
from mlforge.store.schema import NEWEST, migrate
from mlforge.store.tables import metadata


def _described(connection: sa.Connection) -> dict[str, object]:
    """Everything that two schemas could differ in."""
    inspector = sa.inspect(connection)
    return {
        name: {
            "columns": [{**column, "type": str(column["type"])} for column in inspector.get_columns(name)],
            "key": inspector.get_pk_constraint(name),
            "foreign": inspector.get_foreign_keys(name),
            "unique": sorted(inspector.get_unique_constraints(name), key=str),
            "indexes": sorted(inspector.get_indexes(name), key=str),
        }
        for name in inspector.get_table_names()
    }


def test_a_new_store_and_the_migrations_make_the_same_tables(store: Store, tmp_path: Path) -> None:
    dialect = store._database.engine.dialect.name
    migrated = Database.at(f"sqlite:///{tmp_path / 'migrated.db'}")
    if dialect == "postgresql":
        folder = store._database.engine.url.query["host"]
        name = f"m{os.urandom(8).hex()}"
        with store._database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(sa.text(f"CREATE DATABASE {name}"))
        migrated = Database.at(f"postgresql+psycopg://postgres@/{name}?host={folder}")
    with migrated.write() as connection:
        migrate(connection, None)
    with migrated.read() as one, store._database.read() as other:
        first, second = _described(one), _described(other)
    assert first == second
    assert set(first) == {*metadata.tables, "alembic_version"}
    migrated.close()


def test_the_migrations_end_at_the_schema_that_the_code_speaks_of(tmp_path: Path) -> None:
    from alembic.script import ScriptDirectory

    import mlforge.store.migrations as migrations

    assert ScriptDirectory(str(Path(migrations.__file__ or "").parent)).get_heads() == [NEWEST]


def test_an_older_store_is_upgraded_when_it_is_opened(url: str, tmp_path: Path) -> None:
    """The oldest: marked by Alembic as having no schema yet."""
    old = Database.at(url)
    with old.write() as connection:
        connection.execute(sa.text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL, CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))"))
    old.close()
    store = Store.open(url, tmp_path / "state")
    store.registry.register("adult", bundle="b", verdict="v", run="r")
    store.close()
    again = Store.open(url, tmp_path / "state")
    assert again.audit.verify() == 1
    again.close()


def test_windows_that_were_kept_before_writers_had_names_are_still_there(tmp_path: Path) -> None:
    from alembic import command
    from alembic.config import Config

    import mlforge.store.migrations as migrations

    url = f"sqlite:///{tmp_path / 'old.db'}"
    old, config = Database.at(url), Config()
    config.set_main_option("script_location", str(Path(migrations.__file__ or "").parent))
    with old.write() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0005")
        told = "'adult', 3, 'drift', 'daily', '', '2026-11-01', '2026-11-02', 10, 4, 1, x'00ff', '[]', 'then'"
        connection.execute(sa.text(f"INSERT INTO windows VALUES ({told})"))
    old.close()
    with Store.open(url, tmp_path / "state") as store:
        (window,) = store.windows.parts("adult", 3)
    assert (window.rows, window.labels, window.profile, window.seen) == (10, 4, b"\x00\xff", "then")
    assert (window.reference, window.writer) == ("", "")


def test_a_store_of_a_newer_mlforge_is_refused_and_left_alone(url: str, tmp_path: Path) -> None:
    store = Store.open(url, tmp_path / "state")
    with store._database.write() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    store.close()
    with pytest.raises(MissingRequirement, match="a newer mlforge") as raised:
        Store.open(url, tmp_path / "state")
    assert raised.value.exit_code == 5
    assert "pip install --upgrade mlforge" in str(raised.value)


def test_what_is_in_a_store_is_there_when_it_is_opened_again(url: str, tmp_path: Path) -> None:
    first = Store.open(url, tmp_path / "state")
    run = first.records.begin_run("adult", {}, [], False)
    first.close()
    second = Store.open(url, tmp_path / "state")
    assert second.records.run(run).recipe == "adult"
    second.close()


@pytest.mark.parametrize("place", ["state", "locks", "artifacts", "records.db"])
def test_a_store_that_cannot_be_written_says_what_to_do(tmp_path: Path, place: str) -> None:
    """With something in the way, since root may write anywhere."""
    if place == "state":
        (tmp_path / "state").write_text("")
    elif place == "records.db":
        (tmp_path / "state" / place).mkdir(parents=True)
    else:
        (tmp_path / "state").mkdir()
        (tmp_path / "state" / place).write_text("")
    with pytest.raises(RunFailed) as raised:
        Store.open(None, tmp_path / "state")
    assert raised.value.exit_code == 6
    assert str(tmp_path / "state") in str(raised.value)
    assert "choose another place for the store" in str(raised.value)


def test_records_that_are_no_database_are_said_to_be_unusable(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "records.db").write_text("this is no database" * 100)
    with pytest.raises(RunFailed, match="are damaged: file is not a database") as raised:
        Store.open(None, tmp_path / "state")
    assert "Put a copy of the file back" in raised.value.hint


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql+psycopg://me:secretword@127.0.0.1:1/x", "cannot be used"),
        ("nosuch://x", "nosuch"),
        ("not a url", "store: "),
        ("mysql+nosuch://x", "nosuch"),
    ],
)
def test_a_database_that_is_not_there_is_a_missing_requirement(tmp_path: Path, url: str, said: str) -> None:
    with pytest.raises(MissingRequirement, match=said) as raised:
        Store.open(url, tmp_path / "state")
    assert raised.value.exit_code == 5
    assert "secretword" not in str(raised.value)
    assert len(str(raised.value).splitlines()) <= 3


SPY = """
import sys
from pathlib import Path
from mlforge.store import Store
before = {"sqlalchemy", "alembic", "fsspec"} & set(sys.modules)
Store.open(None, Path(sys.argv[1])).close()
print(sorted(before), sorted({"alembic", "fsspec", "numpy", "polars"} & set(sys.modules)))
"""


def test_naming_the_store_imports_no_database_and_opening_it_no_migrations(tmp_path: Path) -> None:
    for _ in ("new", "existing"):
        seen = subprocess.run([sys.executable, "-c", SPY, str(tmp_path / "state")], capture_output=True, text=True, check=True)
        assert seen.stdout == "[] []\n"


def test_sqlite_records_are_written_ahead_and_brought_to_the_disk(tmp_path: Path) -> None:
    store = Store.open(None, tmp_path / "state")
    with store._database.write() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
    with store._database.write(durable=False) as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 1
    store.close()


def test_artifacts_may_lie_elsewhere_than_the_records(tmp_path: Path) -> None:
    draft = tmp_path / "draft"
    draft.mkdir()
    (draft / "a").write_text("one")
    url = f"memory://elsewhere-{os.getpid()}"
    with Store.open(None, tmp_path / "one", artifacts=url) as one, Store.open(None, tmp_path / "two", artifacts=url) as two:
        digest = one.artifacts.publish(draft)
        assert two.artifacts.digests() == [digest]
        assert (two.artifacts.path(digest) / "a").read_text() == "one"
    assert not list((tmp_path / "one").rglob(digest)), "what is only published is not copied"
