"""Rows of databases: PostgreSQL and SQLite for real."""

from __future__ import annotations

import sqlite3
import sys
import tracemalloc
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from pydantic import ValidationError

from mlforge import secrets
from mlforge.builtin.sources.sql import Sql
from mlforge.errors import DataError, MissingRequirement
from mlforge.testing.project import TestProject

needs_adbc = pytest.mark.skipif(find_spec("adbc_driver_postgresql") is None, reason="needs mlforge[adbc]")


@pytest.fixture
def lite(tmp_path: Path) -> str:
    """A table of four rows in SQLite."""
    with sqlite3.connect(tmp_path / "rows.db") as connection:
        connection.execute("CREATE TABLE people (id INTEGER PRIMARY KEY, age INTEGER, name TEXT, paid REAL)")
        connection.executemany("INSERT INTO people VALUES (?, ?, ?, ?)", [(3, 30, "c", 1.5), (1, 10, "a", None), (2, None, "", 2), (4, 40, "é", 3)])
    connection.close()
    return f"sqlite:///{tmp_path / 'rows.db'}"


def psycopg_of(url: str) -> Any:
    import psycopg

    return psycopg.connect(url.replace("postgresql+psycopg://", "postgresql://"), autocommit=True)


def rows(source: Sql, size: int = 1000) -> list[tuple[Any, ...]]:
    return pl.concat(source.batches(size)).rows()


def test_a_table_comes_in_the_order_of_its_key(lite: str) -> None:
    expected = [(1, 10, "a", None), (2, None, "", 2.0), (3, 30, "c", 1.5), (4, 40, "é", 3.0)]
    assert rows(Sql(url=lite, table="people")) == expected
    assert rows(Sql(url=lite, table="people", fetch=1), size=3) == [(*row[:3], row[3] and str(row[3])) for row in expected]  # text: it began without a value
    assert [frame.height for frame in Sql(url=lite, table="people", fetch=1).batches(3)] == [3, 1]
    assert rows(Sql(url=lite, table="people", order_by=("name",)))[0] == (2, None, "", 2.0)
    assert Sql(url=lite, table="people").scan().select("id", "name").filter(pl.col("id") > 2).collect().rows() == [(3, "c"), (4, "é")]


def test_a_query_may_have_colons_and_no_parameters(lite: str) -> None:
    assert rows(Sql(url=lite, query="SELECT id, ':x' || name AS n FROM people WHERE id > 3 ORDER BY id;")) == [(4, ":xé")]


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"query": "DROP TABLE people"}, "begins with SELECT"),
        ({"query": "SELECT 1 ORDER BY 1; DROP TABLE people"}, "a single statement"),
        ({"query": "SELECT * FROM people"}, "no ORDER BY"),
        ({"query": "SELECT 1 ORDER BY 1", "table": "people"}, "exclude each other"),
        ({}, "either table or query"),
    ],
)
def test_what_does_not_only_read_or_has_no_order_is_refused(fields: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        Sql.model_validate({"url": "sqlite:///x.db", **fields})


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"table": "poeple"}, "there is no table poeple\nDid you mean people"),
        ({"table": "people", "order_by": ("nmae",)}, "no column 'nmae'"),
        ({"query": "SELECT nmae FROM people ORDER BY 1"}, "no such column: nmae"),
        ({"query": "SELECT id, id FROM people ORDER BY 1"}, "two columns are named 'id'"),
        ({"query": "WITH x AS (SELECT 1) DELETE FROM people WHERE id = (SELECT 1 ORDER BY 1)"}, "readonly"),
        ({"query": "SELECT id FROM people WHERE id > 9 ORDER BY id"}, "there are no rows"),
    ],
)
def test_what_the_database_refuses_is_a_data_error(lite: str, fields: dict[str, Any], told: str) -> None:
    with pytest.raises(DataError, match=told):
        Sql.model_validate({"url": lite, **fields}).scan()


def test_a_database_file_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no file"):
        Sql(url=f"sqlite:///{tmp_path / 'x.db'}", table="people").fingerprint()
    assert not (tmp_path / "x.db").exists()
    with pytest.raises(DataError, match="is no URL of a database"):
        Sql(url="nowhere://x/y", table="people").fingerprint()


def test_the_fingerprint_follows_the_rows(lite: str) -> None:
    source, told = Sql(url=lite, table="people"), Sql(url=lite, table="people", version="SELECT max(age) FROM people")
    before = (source.fingerprint(), told.fingerprint())
    assert (source.fingerprint(), told.fingerprint()) == before
    with sqlite3.connect(lite.removeprefix("sqlite:///")) as connection:
        connection.execute("UPDATE people SET name = 'z' WHERE id = 1")
    assert source.fingerprint() != before[0]
    assert told.fingerprint() == before[1]
    connection.execute("UPDATE people SET age = 99 WHERE id = 1")
    connection.commit()
    connection.close()
    assert told.fingerprint() != before[1]


def test_a_type_that_changes_on_the_way_is_told(lite: str) -> None:
    with sqlite3.connect(lite.removeprefix("sqlite:///")) as connection:
        connection.execute("UPDATE people SET age = 'old' WHERE id = 4")
    connection.close()
    with pytest.raises(DataError, match="age is Int64 in the first rows, and String later"):
        rows(Sql(url=lite, table="people", fetch=2))


def test_postgres_gives_its_types_and_a_million_rows_in_little_memory(postgres_url: str) -> None:
    with psycopg_of(postgres_url) as connection:
        connection.execute("CREATE TABLE big AS SELECT i AS id, i * 0.5::float8 AS x, 'name ' || i AS name FROM generate_series(1, 300000) i")
        connection.execute("CREATE TABLE kinds (id int PRIMARY KEY, t timestamptz, d date, n numeric, b bool, j jsonb, u uuid, a int[])")
        connection.execute("INSERT INTO kinds VALUES (1, '2024-01-01 12:00+02', '2024-01-02', 1.25, true, '{\"k\": 1}', gen_random_uuid(), '{1,2}')")
    kinds = pl.concat(Sql(url=postgres_url, table="kinds").batches(10))
    assert kinds["t"][0].isoformat() == "2024-01-01T10:00:00"
    assert kinds.dtypes == [pl.Int64, pl.Datetime("us"), pl.Date, pl.Float64, pl.Boolean, pl.String, pl.String, pl.String]
    tracemalloc.start()
    seen = sum(frame.height for frame in Sql(url=postgres_url, query="SELECT * FROM big ORDER BY id", fetch=2000).batches(2000))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert seen == 300_000
    assert peak < 20_000_000


def test_a_query_cannot_write_to_postgres(postgres_url: str) -> None:
    with psycopg_of(postgres_url) as connection:
        connection.execute("CREATE SEQUENCE s")
    with pytest.raises(DataError, match="read-only transaction"):
        Sql(url=postgres_url, query="SELECT nextval('s') AS n ORDER BY n").scan()


def test_a_table_that_is_dropped_while_it_is_read_is_read_to_its_end_or_told(postgres_url: str) -> None:
    import psycopg

    with psycopg_of(postgres_url) as connection:
        connection.execute("CREATE TABLE t AS SELECT i AS id FROM generate_series(1, 5000) i")
        source = Sql(url=postgres_url, table="t", order_by=("id",), fetch=100)
        batches = source.batches(100)
        next(batches)
        connection.execute("SET lock_timeout = '200ms'")
        with pytest.raises(psycopg.errors.LockNotAvailable):  # the transaction that reads it keeps it
            connection.execute("DROP TABLE t")
        assert sum(frame.height for frame in batches) == 4900
        source.fingerprint()
        connection.execute("DROP TABLE t")
    assert sum(frame.height for frame in source.batches(100)) == 5000  # as the fingerprint has read them
    with pytest.raises(DataError, match="there is no table t"):
        next(source.batches(100))


def test_a_server_that_goes_away_while_it_is_read_is_told(postgres_url: str) -> None:
    with psycopg_of(postgres_url) as connection:
        connection.execute("CREATE TABLE t AS SELECT i AS id FROM generate_series(1, 50000) i")
        batches = Sql(url=postgres_url, table="t", order_by=("id",), fetch=100).batches(100)
        next(batches)
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
        with pytest.raises(DataError, match=r"source.table: .*terminat"):
            list(batches)


@pytest.mark.parametrize(
    "url", ["postgresql+psycopg://someone:hunter2secret@127.0.0.1:9/db", "postgresql+psycopg://someone@127.0.0.1:9/db?password=hunter2secret"]
)
def test_wrong_credentials_are_never_printed(url: str) -> None:
    pytest.importorskip("psycopg")
    try:
        with pytest.raises(MissingRequirement, match="cannot connect to postgresql") as caught:
            Sql(url=url, table="t").fingerprint()
        assert "hunter2secret" not in str(caught.value)
        assert "hunter2secret" not in repr(caught.value)
    finally:
        secrets.forget()


def test_a_wrong_password_is_told_without_it(postgres: str, postgres_url: str) -> None:
    try:
        url = postgres_url.replace("postgres@/", "nobody_here:hunter2secret@/")
        with pytest.raises(MissingRequirement, match="nobody_here") as caught:
            Sql(url=url, table="t").fingerprint()
        assert "hunter2secret" not in str(caught.value)
    finally:
        secrets.forget()


# ── read once ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_rows_that_the_fingerprint_has_read_are_not_read_again(lite: str) -> None:
    """What the database has by then is told by the next fingerprint."""
    source = Sql(url=lite, table="people")
    before, first = source.fingerprint(), rows(Sql(url=lite, query="SELECT * FROM people ORDER BY id"))
    with sqlite3.connect(lite.removeprefix("sqlite:///")) as connection:
        connection.execute("UPDATE people SET name = 'z' WHERE id = 1")
    connection.close()
    assert rows(source) == first
    assert source.witnessed() == before
    assert rows(source)[0] == (1, 10, "z", None)
    assert source.witnessed() not in (before, "")
    assert source.fingerprint() == source.witnessed()


def test_a_pass_that_breaks_off_leaves_the_rows_for_the_next(lite: str) -> None:
    source = Sql(url=lite, table="people", fetch=1)
    before = source.fingerprint()
    next(source.batches(1))
    Path(lite.removeprefix("sqlite:///")).unlink()
    assert len(rows(source)) == 4
    assert source.witnessed() == before
    with pytest.raises(DataError, match="there is no file"):
        rows(source)


RECIPE = """
    mlforge: 1
    defaults: [lifecycle, {source: sql}, _self_]
    name: people
    source: {url: "sqlite:///rows.db", table: people}
    contract:
      columns:
        id: {dtype: int}
        age: {dtype: int, nullable: true}
        name: {dtype: string, nullable: true}
        paid: {dtype: float, nullable: true}
"""


@pytest.mark.parametrize("version", ["", "source.version='SELECT max(age) FROM people'"])
def test_a_run_reads_the_rows_once(project: TestProject, lite: str, version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted by the statements that reach the database."""
    project.write(people=RECIPE)
    (project.root / "rows.db").write_bytes(Path(lite.removeprefix("sqlite:///")).read_bytes())
    asked: list[str] = []

    def opened(*arguments: Any, **named: Any) -> sqlite3.Connection:
        connection = connect(*arguments, **named)
        connection.set_trace_callback(asked.append)
        return connection

    connect = sqlite3.dbapi2.connect
    monkeypatch.setattr(sqlite3.dbapi2, "connect", opened)
    outcome = project.run("run", "people", *[version] * bool(version))
    assert outcome.code == 0, outcome.text
    assert len([one for one in asked if "ORDER BY people.id" in one]) == 1, asked
    assert len([one for one in asked if one.startswith("SELECT max(age)")]) == 2 * bool(version), asked


# ── in parts ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def events(postgres_url: str) -> str:
    """A table of 10,000 rows: numbers, moments and prices, some of them missing."""
    with psycopg_of(postgres_url) as connection:
        connection.execute(
            """CREATE TABLE events AS SELECT i AS id, CASE WHEN i % 100 > 0 THEN i * 7 % 10007 END AS n, date '2024-01-01' + i % 300 AS d,
            timestamp '2024-01-01' + i * interval '1 minute' AS t, CASE WHEN i > 300 THEN (i % 977)::numeric / 10 END AS price, 'a%b:' || i AS name
            FROM generate_series(1, 10000) i"""
        )
        connection.execute("ALTER TABLE events ADD PRIMARY KEY (id)")
    return postgres_url


@pytest.mark.parametrize("driver", ["sqlalchemy", pytest.param("adbc", marks=needs_adbc)])
@pytest.mark.parametrize("column", ["id", "n", "d", "t", "price"])
def test_a_table_in_parts_has_every_row_once_and_always_in_the_same_order(events: str, column: str, driver: Any) -> None:
    whole = pl.concat(Sql(url=events, table="events").batches(1000))
    source = Sql.model_validate({"url": events, "table": "events", "partition": {"column": column, "parts": 3}, "fetch": 700, "driver": driver})
    one, other = pl.concat(source.batches(1000)), pl.concat(source.batches(3000))
    assert one.equals(other)
    assert one.sort("id").equals(whole)
    assert not one.equals(whole)
    assert source.fingerprint() == source.fingerprint()


def test_parts_see_one_snapshot(events: str) -> None:
    source = Sql.model_validate({"url": events, "table": "events", "partition": {"column": "id", "parts": 4}, "fetch": 50})
    batches = source.batches(50)
    seen = [next(batches)]
    with psycopg_of(events) as connection:
        connection.execute("UPDATE events SET name = 'new'")
    assert "new" not in pl.concat([*seen, *batches])["name"].to_list()


def test_parts_that_are_not_wanted_to_their_end_leave_no_connection(events: str) -> None:
    source = Sql.model_validate({"url": events, "table": "events", "partition": {"column": "id"}, "fetch": 10})
    batches = source.batches(10)
    next(batches)
    batches.close()  # type: ignore[attr-defined]  # a generator
    with psycopg_of(events) as connection:
        connection.execute("SET lock_timeout = '5s'")
        connection.execute("DROP TABLE events")


@pytest.mark.parametrize(
    ("partition", "told"),
    [
        ({"column": "nmae"}, "source.partition.column: events has no column 'nmae'\nDid you mean name"),
        ({"column": "name"}, "source.partition.column: name holds str"),
    ],
)
def test_a_column_that_has_no_ranges_is_told(events: str, partition: dict[str, Any], told: str) -> None:
    with pytest.raises(DataError, match=told):
        rows(Sql.model_validate({"url": events, "table": "events", "partition": partition}))


def test_a_part_that_breaks_off_is_told(events: str) -> None:
    batches = Sql.model_validate({"url": events, "table": "events", "partition": {"column": "id"}, "fetch": 10}).batches(10)
    next(batches)
    with psycopg_of(events) as connection:
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
    with pytest.raises(DataError, match=r"source.table: .*terminat"):
        list(batches)


def test_few_values_make_few_parts(lite: str) -> None:
    source = Sql.model_validate({"url": lite, "table": "people", "partition": {"column": "id", "parts": 64}, "fetch": 1})
    assert [row[0] for row in rows(source)] == [1, 2, 3, 4]
    with sqlite3.connect(lite.removeprefix("sqlite:///")) as connection:
        connection.execute("DELETE FROM people WHERE id > 1")
    connection.close()
    assert len(rows(source)) == 1


# ── by ADBC ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────


@needs_adbc
def test_adbc_gives_the_same_rows_of_the_same_types(postgres_url: str) -> None:
    with psycopg_of(postgres_url) as connection:
        kinds = "t timestamptz, ts timestamp, d date, n numeric(9, 2), b bool, j jsonb, u uuid, a int[], y bytea, r real, s smallint, e text, c time"
        connection.execute(f"CREATE TABLE kinds (id int PRIMARY KEY, {kinds})")
        values = "'2024-01-01 12:00+02', '2024-01-01', '2024-01-02', 1.25, true, '{\"k\": 1}', gen_random_uuid(), '{1,2}', 'abc', 0.1, 3, 'é%:x', '12:00'"
        connection.execute(f"INSERT INTO kinds VALUES (1, {values}), (2{', null' * 13})")
    for asked in ({"table": "kinds"}, {"query": "SELECT *, 'a%b:c' AS more FROM kinds ORDER BY id"}):
        one, other = (pl.concat(Sql.model_validate({"url": postgres_url, "driver": driver, **asked}).batches(10)) for driver in ("sqlalchemy", "adbc"))
        assert one.schema == other.schema
        assert one.equals(other), (one.rows(), other.rows())


@needs_adbc
def test_adbc_reads_sqlite(lite: str) -> None:
    one, other = (rows(Sql(url=lite, table="people", driver=driver)) for driver in ("auto", "sqlalchemy"))
    assert one == other
    with sqlite3.connect(lite.removeprefix("sqlite:///")) as connection:
        connection.execute("UPDATE people SET age = 'old' WHERE id = 4")
    connection.close()
    with pytest.raises(DataError, match=r"source.table: .*INT64"):
        rows(Sql(url=lite, table="people", driver="adbc", fetch=2))


@needs_adbc
@pytest.mark.parametrize(
    ("fields", "told"),
    [({"query": "SELECT nmae FROM people ORDER BY 1"}, "no such column: nmae"), ({"query": "SELECT id FROM people WHERE id > 9 ORDER BY id"}, "no rows")],
)
def test_what_adbc_is_refused_is_a_data_error(lite: str, fields: dict[str, Any], told: str) -> None:
    with pytest.raises(DataError, match=told):
        Sql.model_validate({"url": lite, "driver": "adbc", **fields}).scan()


@needs_adbc
def test_adbc_cannot_write_and_keeps_passwords_to_itself(postgres_url: str) -> None:
    with psycopg_of(postgres_url) as connection:
        connection.execute("CREATE SEQUENCE s")
    with pytest.raises(DataError, match="read-only transaction"):
        Sql(url=postgres_url, query="SELECT nextval('s') AS n ORDER BY n", driver="adbc").scan()
    try:
        for url in ("postgresql+psycopg://someone:hunter2%20secret@127.0.0.1:9/db", "postgresql+psycopg://someone@127.0.0.1:9/db?password=hunter2secret"):
            with pytest.raises(MissingRequirement, match="cannot connect to postgresql") as caught:
                Sql(url=url, query="SELECT 1 ORDER BY 1", driver="adbc").fingerprint()
            assert "hunter2" not in str(caught.value) + repr(caught.value)
    finally:
        secrets.forget()


def test_adbc_has_no_driver_for_some_and_may_not_be_installed(lite: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "adbc_driver_sqlite", None)
    monkeypatch.setitem(sys.modules, "adbc_driver_sqlite.dbapi", None)
    with pytest.raises(MissingRequirement, match="sqlite by ADBC needs adbc_driver_sqlite"):
        rows(Sql(url=lite, table="people", driver="adbc"))
