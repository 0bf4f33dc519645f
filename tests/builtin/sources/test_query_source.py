"""Several sources as one table: checked like every component, and read only as declared."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from mlforge.builtin.sources.csv import Csv
from mlforge.builtin.sources.query import Query
from mlforge.errors import DataError
from mlforge.testing.project import TestProject

SQL = "SELECT id, CAST(amount AS DOUBLE) * 2 AS twice, city FROM orders JOIN people USING (id) WHERE city <> ''Oslo'' ORDER BY id"
RECIPE = f"""
    mlforge: 1
    defaults: [lifecycle, {{source: query}}, _self_]
    name: joined
    source:
      sources:
        orders: {{use: csv, path: orders.csv}}
        people: {{use: parquet, path: "people/*.parquet"}}
      sql: '{SQL}'
    contract:
      columns:
        id: {{dtype: string, role: id}}
        twice: {{dtype: float}}
        city: {{dtype: category}}
"""


@pytest.fixture
def joined(project: TestProject) -> TestProject:
    project.write(joined=RECIPE)
    (project.root / "orders.csv").write_text("id,amount\nb,2\na,1.5\nc,7\n")
    (project.root / "people").mkdir()
    pl.DataFrame({"id": ["a", "b", "c"], "city": ["Rom", "Bern", "Oslo"]}).write_parquet(project.root / "people" / "1.parquet")
    return project


def test_a_training_table_is_declared(joined: TestProject) -> None:
    outcome = joined.run("run", "joined", "--json")
    assert outcome.code == 0, outcome.text
    (ingest,) = (stage for stage in outcome.json["stages"] if stage["name"] == "ingest")
    table = pl.read_parquet(f"{ingest['folders']['table']}/*.parquet")
    assert table.select("id", "twice", "city").rows() == [("a", 3.0, "Rom"), ("b", 4.0, "Bern")]


def test_each_source_of_it_decides_whether_it_is_read_again(joined: TestProject) -> None:
    def state() -> str:
        outcome = joined.run("run", "joined", "--json")
        assert outcome.code == 0, outcome.text
        return str(next(stage["state"] for stage in outcome.json["stages"] if stage["name"] == "ingest"))

    assert [state(), state()] == ["run", "reuse"]
    pl.DataFrame({"id": ["a"], "city": ["Genf"]}).write_parquet(joined.root / "people" / "1.parquet")
    assert [state(), state()] == ["run", "reuse"]
    joined.write(joined=RECIPE.replace("path: orders.csv}", "path: orders.csv, separator: ','}").replace("* 2", "* 3"))
    assert state() == "run"


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("path: orders.csv", "pathh: orders.csv", "source.sources.orders.pathh"),
        ("use: csv", "use: cvs", "Did you mean csv"),
        ("path: orders.csv", "path: /etc/passwd", "lies outside the project's roots"),
        ("path: orders.csv", "path: ../x.csv", "lies outside the project's roots"),
        ("path: orders.csv", "path: 's3://b/x.csv'", "is a URL"),
        ("use: csv, path", "path", "names no component"),
        ("path: orders.csv", "path: '${oc.env:HOME}'", "does not allow"),
        ("path: orders.csv", "path: ???", "has no value yet"),
        (" ORDER BY id", "", "ORDER BY"),
        ("FROM orders", "FROM read_csv(\"/etc/passwd\") AS orders", "reads files"),
        ("FROM orders", "FROM \"READ_CSV\"(\"/etc/passwd\") AS orders", "reads files"),
        ("SELECT id", "DROP TABLE people; SELECT id", "SELECT"),
    ],
)  # fmt: skip
def test_what_is_within_is_checked_like_every_component(joined: TestProject, before: str, after: str, told: str) -> None:
    assert before in RECIPE
    joined.write(joined=RECIPE.replace(before, after))
    outcome = joined.run("check", "joined")
    assert outcome.code == 2, outcome.text
    assert told in outcome.text
    assert "recipes/joined.yaml:" in outcome.text


def test_a_key_within_can_be_set_on_the_command_line(joined: TestProject) -> None:
    (joined.root / "other.csv").write_text("id;amount\na;5\n")
    outcome = joined.run("run", "joined", "source.sources.orders.path=other.csv", "source.sources.orders.separator=';'")
    assert outcome.code == 0, outcome.text


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("SELECT nmae FROM people", "nmae"),
        ("SELECT name FROM poeple", "Did you mean people"),
        ("SELECT (name FROM people", "sql parser"),
        ("SELECT name FROM \"people.csv\"", "people.csv"),
    ],
)  # fmt: skip
def test_a_query_that_cannot_be_run_is_a_data_error(tmp_path: Path, sql: str, told: str) -> None:
    (tmp_path / "people.csv").write_text("name,age\na,1\n")
    with pytest.raises(DataError, match=r"source\.sql") as caught:
        list(Query(sources={"people": Csv(path=str(tmp_path / "people.csv"))}, sql=sql).batches(10))
    assert told in str(caught.value)


def test_a_broken_file_within_is_named(tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text("name,age\na,1\nb\n")
    with pytest.raises(DataError, match=r"people\.csv, line 3 has 1 field"):
        list(Query(sources={"people": Csv(path=str(tmp_path / "people.csv"))}, sql="SELECT * FROM people").batches(10))


def test_the_editors_schema_knows_it(joined: TestProject) -> None:
    from mlforge.builtin.sources.query import Query

    schema: dict[str, Any] = Query.model_json_schema()
    assert schema["properties"]["sources"]["additionalProperties"]["required"] == ["use"]
