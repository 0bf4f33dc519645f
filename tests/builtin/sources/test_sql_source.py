"""Rows of databases: PostgreSQL and SQLite for real."""

from __future__ import annotations

import sqlite3
import tracemalloc
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from pydantic import ValidationError

from mlforge import secrets
from mlforge.builtin.sources.sql import Sql
from mlforge.errors import DataError, MissingRequirement


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
