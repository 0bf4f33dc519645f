"""Predictions from a table into a table: PostgreSQL for real, SQLite beside it; killed on the way, every row once."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.end_to_end.killing import COMMAND
from tests.servers import postgres, postgres_url

from mlforge.testing.project import TestProject

__all__ = ["postgres", "postgres_url"]

ROWS = 400_000


@pytest.fixture
def database(postgres_url: str) -> Iterator[Any]:
    """A connection to an empty database."""
    import psycopg

    with psycopg.connect(postgres_url.replace("postgresql+psycopg://", "postgresql://"), autocommit=True) as connection:
        yield connection


@pytest.fixture
def scoring(trained: TestProject, postgres_url: str) -> TestProject:
    """A project that may see the database's URL."""
    (trained.root / "mlforge.toml").write_text('env = ["DB"]\n')
    trained.env["DB"] = postgres_url
    return trained


def people(database: Any, count: int) -> None:
    database.execute("CREATE TABLE people (id int PRIMARY KEY, age int, income float8, city text)")
    database.execute(
        f"INSERT INTO people SELECT i, 18 + i % 60, 20000 + i % 30000, (ARRAY['Bern', 'Oslo', 'Rom'])[1 + i % 3] FROM generate_series(1, {count}) i"
    )


def arguments(*more: str, version: str = "SELECT count(*), max(id) FROM people") -> list[str]:
    source = json.dumps({"use": "sql", "url": "${oc.env:DB}", "query": "SELECT * FROM people ORDER BY id", "version": version})
    return ["predict", "buyers", "--source", source, "--sink", "${oc.env:DB}", "--table", "scores", *more]


def killed_on_the_way(project: TestProject, database: Any, command: list[str]) -> int:
    """Start the command, kill it with SIGKILL when it has written something, and say how many rows it had got to."""
    with subprocess.Popen([*COMMAND, *command], cwd=project.root, env={**os.environ, **project.env}, stdout=subprocess.DEVNULL) as process:
        rows = 0
        until = time.monotonic() + 120
        while not rows and process.poll() is None and time.monotonic() < until:
            if database.execute("SELECT to_regclass('mlforge_progress')").fetchone()[0]:
                rows = (database.execute("SELECT row_count FROM mlforge_progress").fetchone() or (0,))[0]
        process.kill()
        process.wait()
    return int(database.execute("SELECT row_count FROM mlforge_progress").fetchone()[0])


@pytest.mark.parametrize("key", [(), ("--key", "id")], ids=["insert", "upsert"])
def test_killed_on_the_way_and_run_again_every_row_is_there_once(scoring: TestProject, database: Any, key: tuple[str, ...]) -> None:
    people(database, ROWS)
    if key:
        database.execute("CREATE TABLE scores (id int PRIMARY KEY, prediction text, probability_no float8, probability_yes float8, note text)")
        database.execute("INSERT INTO scores VALUES (1, 'old', 0, 0, 'keep me'), (-1, 'other', 0, 0, 'not ours')")
    command = arguments("--keep", "id", *key)
    done = killed_on_the_way(scoring, database, command)
    assert 0 < done < ROWS, "the kill came too early or too late"
    assert not key or database.execute("SELECT count(*) FROM scores").fetchone() == (2,)  # nothing half-done is visible
    outcome = scoring.run(*command, "--json")
    assert outcome.code == 0, outcome.text
    assert outcome.json["predicted"] == ROWS
    counted = database.execute("SELECT count(*), count(DISTINCT id), min(id), max(id) FROM scores WHERE id > 0").fetchone()
    assert counted == (ROWS, ROWS, 1, ROWS)
    assert database.execute("SELECT tablename FROM pg_tables WHERE tablename ~ '^mlforge_[0-9a-f]'").fetchall() == []
    if key:
        assert database.execute("SELECT id, prediction <> 'old', note FROM scores WHERE note IS NOT NULL ORDER BY id").fetchall() == [
            (-1, True, "not ours"),
            (1, True, "keep me"),
        ]
    again = scoring.run(*command)
    assert again.code == 0, again.text
    assert "were written to scores before" in again.text
    assert database.execute("SELECT count(*) FROM scores WHERE id > 0").fetchone() == (ROWS,)


def test_a_file_and_a_table_say_the_same(scoring: TestProject, database: Any) -> None:
    people(database, 300)
    assert scoring.run(*arguments("--keep", "id")).code == 0
    assert scoring.run("predict", "buyers", "--source", "buyers.csv", "--sink", "sqlite:///scores.db", "--table", "scores").code == 0
    assert scoring.run("predict", "buyers", "--source", "buyers.csv", "--sink", "scores.jsonl").code == 0
    file = [json.loads(line) for line in (scoring.root / "scores.jsonl").read_text().splitlines()]
    with sqlite3.connect(scoring.root / "scores.db") as lite:
        lite.row_factory = sqlite3.Row
        assert [dict(row) for row in lite.execute("SELECT * FROM scores ORDER BY row")] == file
    lite.close()
    assert [name for (name, *_) in database.execute("SELECT * FROM scores LIMIT 0").description] == [*list(file[0])[:1], "id", *list(file[0])[1:]]


def test_rows_that_break_the_contract_are_in_a_table_beside_it(scoring: TestProject, database: Any) -> None:
    people(database, 100)
    database.execute("UPDATE people SET age = 7 WHERE id IN (5, 6)")
    outcome = scoring.run(*arguments("--key", "id", "--max-rejected", "0.1"))
    assert outcome.code == 0, outcome.text
    assert "2 rows break the contract → scores_rejected" in outcome.text
    (first, second) = database.execute("SELECT row, reason, raw FROM scores_rejected ORDER BY row").fetchall()
    assert (first[0], second[0]) == (4, 5)
    assert "age" in first[1]
    assert json.loads(first[2])["id"] == 5
    database.execute("UPDATE people SET age = 70 WHERE id = 5")
    outcome = scoring.run(*arguments("--key", "id", "--max-rejected", "0.1", version="SELECT sum(age) FROM people"))
    assert outcome.code == 0, outcome.text
    assert database.execute("SELECT row FROM scores_rejected").fetchall() == [(5,)]
    assert database.execute("SELECT count(*) FROM scores").fetchone() == (99,)


def test_work_that_is_done_is_done_again_only_when_told(scoring: TestProject, database: Any) -> None:
    people(database, 50)
    for more, count in [((), 50), ((), 50), (("--again",), 100)]:
        outcome = scoring.run(*arguments("--keep", "id", *more))
        assert outcome.code == 0, outcome.text
        assert database.execute("SELECT count(*) FROM scores").fetchone() == (count,)


@pytest.mark.parametrize(
    ("before", "more", "code", "told"),
    [
        ("CREATE TABLE scores (id int)", ("--key", "id"), 3, "has no column 'prediction'"),
        (
            "CREATE TABLE scores (id int, prediction text, probability_no float8, probability_yes float8)",
            ("--key", "id"),
            3,
            "unique constraint of scores is id",
        ),
        ("SELECT 1", ("--key", "city"), 3, "stands in more than one row of the source"),
        ("UPDATE people SET city = NULL WHERE id = 9", ("--key", "city", "--max-rejected", "1"), 3, "more than one row"),
        ("CREATE TABLE scores (id int PRIMARY KEY, prediction date, probability_no float8, probability_yes float8)", ("--key", "id"), 3, "date"),
        ("SELECT 1", ("--key", "nothing"), 2, "nothing"),
        ("CREATE VIEW scores AS SELECT 1 AS id", (), 3, "has no column"),
    ],
)
def test_what_does_not_fit_leaves_the_table_as_it_was(scoring: TestProject, database: Any, before: str, more: tuple[str, ...], code: int, told: str) -> None:
    people(database, 30)
    database.execute(before)
    outcome = scoring.run(*arguments(*more))
    assert (outcome.code, told in outcome.text) == (code, True), outcome.text
    if "CREATE" in before:
        assert database.execute("SELECT count(*) FROM scores").fetchone()[0] == ("VIEW" in before)


def test_a_second_process_takes_over_and_the_first_one_says_so(scoring: TestProject, database: Any, postgres_url: str) -> None:
    import polars as pl

    from mlforge.errors import RunFailed
    from mlforge.runtime.table_sink import TableSink, Target

    frame = pl.DataFrame({"row": [0], "prediction": ["yes"]})
    first, second = (TableSink(Target(postgres_url, "t"), "job") for _ in range(2))
    second.write(frame, None, 1)
    with pytest.raises(RunFailed, match="another process writes to t now"):
        first.write(frame, None, 1)
    second.commit()
    assert database.execute("SELECT count(*) FROM t").fetchone() == (1,)
    for sink in (first, second):
        sink.close()


def test_texts_arrive_as_they_are(postgres_url: str, database: Any, tmp_path: Path) -> None:
    import polars as pl

    from mlforge.runtime.table_sink import TableSink, Target

    odd = ['a "b"', "a,b", "a\nb", "", None, "\\N", "\\.", "é€😀", "null", " x "]
    frame = pl.DataFrame({"row": range(len(odd)), 'odd "name" %(x)s <=50K': odd, "x": [1.5, float("inf"), None, -0.0, 1e300, 5e-324, 0.1, 2.0, 3.0, 4.0]})
    for url in (postgres_url, f"sqlite:///{tmp_path / 'x.db'}"):
        sink = TableSink(Target(url, "t"), "job")
        sink.write(frame, None, len(odd))
        sink.commit()
        sink.close()
    assert database.execute("SELECT * FROM t ORDER BY row").fetchall() == frame.rows()
    with sqlite3.connect(tmp_path / "x.db") as lite:
        assert lite.execute("SELECT * FROM t ORDER BY row").fetchall() == frame.rows()
    lite.close()


def test_a_wrong_password_is_never_printed(scoring: TestProject) -> None:
    wrong = "postgresql+psycopg://me:hunter2secret@127.0.0.1:9/db"
    for sink, source in [(wrong, "buyers.csv"), ("x.csv", json.dumps({"use": "sql", "url": "${oc.env:DB}", "table": "t"}))]:
        more = ["--table", "t"] if sink == wrong else []
        outcome = scoring.run("predict", "buyers", "--source", source, "--sink", sink, *more, DB=wrong)
        assert outcome.code == 5, outcome.text
        assert "cannot connect to postgresql+psycopg://me" in outcome.text
        assert "hunter2secret" not in outcome.text
    outcome = scoring.run("predict", "buyers", "--source", json.dumps({"use": "sql", "url": "${oc.env:HOME}", "table": "t"}), "--sink", "x.csv")
    assert outcome.code == 2
    assert "does not allow" in outcome.text


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("{use: slq, table: t}", "Did you mean sql"),
        ("{use: sql, url: 'sqlite:///x.db', tabel: t}", "Did you mean table"),
        ("{table: t}", "names no component"),
        ("{use: sql", "source"),
        ("{use: csv, path: nowhere.csv, _target_: os.system}", "names code"),
    ],
)
def test_a_source_in_braces_is_checked_like_one_in_a_recipe(scoring: TestProject, source: str, told: str) -> None:
    outcome = scoring.run("predict", "buyers", "--source", source, "--sink", "x.csv")
    assert outcome.code == 2, outcome.text
    assert told in outcome.text
