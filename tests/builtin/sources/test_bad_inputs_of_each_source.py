"""What a run says of sources that are missing, empty, of another format, without a column, or change while they are read: exit code, a name, no traceback."""

from __future__ import annotations

import importlib.util

import polars as pl
import pytest
from tests.builtin.sources.each_source import written

from mlforge.testing.project import Outcome, TestProject

RECIPE = """
    mlforge: 1
    defaults: [lifecycle, {{source: {use}}}, _self_]
    name: rows
    source: {fields}
    contract:
      columns:
        x: {{dtype: int}}
        s: {{dtype: string}}
"""
SOURCES = {
    "csv": "{path: rows.csv}",
    "json_lines": "{path: rows.jsonl}",
    "parquet": "{path: rows.parquet}",
    "arrow": "{path: rows.arrows}",
    "excel": "{path: rows.xlsx}",
    "delta": "{path: delta}",
    "iceberg": "{path: iceberg/shop/rows}",
    "sql": "{url: 'sqlite:///rows.db', table: rows, order_by: [x], version: 'SELECT count(*) FROM rows'}",
    "sql by adbc": "{url: 'sqlite:///rows.db', table: rows, order_by: [x], driver: adbc, version: 'SELECT count(*) FROM rows'}",
    "sql in parts": "{url: 'sqlite:///rows.db', table: rows, order_by: [x], partition: {column: x, parts: 2}, version: 'SELECT count(*) FROM rows'}",
}
NEEDS = {"excel": ("fastexcel", "xlsxwriter"), "delta": ("deltalake",), "iceberg": ("pyiceberg",), "sql by adbc": ("adbc_driver_sqlite",)}
EVERY = [
    pytest.param(name, marks=pytest.mark.skipif(any(importlib.util.find_spec(one) is None for one in NEEDS.get(name, ())), reason="needs an extra"))
    for name in SOURCES
]
WHOLE = tuple(SOURCES)[:5]
"""Those that a single file is all of; the others are added to."""
FILES = EVERY[:5]


GOOD = pl.DataFrame({"x": [1, 2, 3], "s": ["a", "b", "c"]})


def told(project: TestProject, name: str, *overrides: str) -> Outcome:
    """What a run says; the errors of a source are short, and no traceback."""
    project.write(rows=RECIPE.format(use=name.partition(" ")[0], fields=SOURCES[name]))
    outcome = project.run("run", "rows", *overrides)
    assert "Traceback" not in outcome.text
    assert len(outcome.err.splitlines()) <= 15
    return outcome


@pytest.mark.parametrize("name", EVERY)
def test_a_source_that_is_not_there_stops_with_3(project: TestProject, name: str) -> None:
    outcome = told(project, name)
    assert outcome.code == 3, outcome.text
    assert "source." in outcome.err


@pytest.mark.parametrize("name", EVERY)
def test_a_source_without_rows_stops_with_3(project: TestProject, name: str) -> None:
    written(project.root, name, GOOD.clear())
    outcome = told(project, name)
    assert outcome.code == 3, outcome.text
    assert "rows" in outcome.err or "is empty" in outcome.err


@pytest.mark.parametrize("name", EVERY)
def test_a_source_without_a_column_of_the_contract_stops_with_3_and_names_it(project: TestProject, name: str) -> None:
    written(project.root, name, GOOD.rename({"s": "t"}))
    outcome = told(project, name)
    assert outcome.code == 3, outcome.text
    assert "lacks the column 's'" in outcome.err


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20], ids=["no bytes", "a picture"])
@pytest.mark.parametrize("name", FILES)
def test_a_file_of_another_format_stops_with_3_and_is_named(project: TestProject, name: str, content: bytes) -> None:
    written(project.root, name, GOOD)
    (file,) = project.root.glob("rows.*")
    file.write_bytes(content)
    outcome = told(project, name)
    assert outcome.code == 3, outcome.text
    assert file.name in outcome.err
    file.unlink()
    file.mkdir()
    outcome = told(project, name)
    assert (outcome.code, f"{file.name} is a folder" in outcome.err) == (3, True), outcome.text


@pytest.mark.parametrize("name", EVERY[5:])
def test_a_table_whose_files_are_of_another_format_stops_with_3(project: TestProject, name: str) -> None:
    written(project.root, name, GOOD)
    for file in project.root.rglob("*"):
        if file.suffix in (".parquet", ".db") and ".mlforge" not in file.parts:
            file.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20)
    outcome = told(project, name)
    assert outcome.code == 3, outcome.text
    assert "cannot be read to its end" in outcome.err or "file is not a database" in outcome.err


PLUGIN = """
from mlforge.hookspecs import hookimpl


@hookimpl(wrapper=True)
def mlforge_run_stage(name):
    if name == "ingest":
        import sys
        from pathlib import Path

        import polars as pl

        from tests.builtin.sources.each_source import written

        written(Path.cwd(), "NAME", pl.DataFrame({"x": [1, 2, 3, 4], "s": ["a", "b", "c", "d"]}))
    return (yield)
"""


@pytest.mark.parametrize("name", EVERY)
def test_a_source_that_changes_before_it_is_read_to_its_end_stops_with_6_and_nothing_is_kept_of_it(project: TestProject, name: str) -> None:
    """Changed by a plugin, once the plan is made."""
    written(project.root, name, GOOD)
    project.write({"mlforge.toml": 'plugins = ["meddles"]\n', "meddles.py": PLUGIN.replace("NAME", name)})
    outcome = told(project, name)
    assert outcome.code == 6, outcome.text
    assert "source changed while it was read" in outcome.err
    (project.root / "mlforge.toml").write_text("")
    assert ("4 rows" if name in WHOLE else "7 rows") in told(project, name).text


def test_rows_of_a_database_are_those_that_the_plan_has_read(project: TestProject) -> None:
    """Without `version` they are read once, so that a busy table stops nothing."""
    written(project.root, "sql", GOOD)
    project.write({"mlforge.toml": 'plugins = ["meddles"]\n', "meddles.py": PLUGIN.replace("NAME", "sql")})
    outcome = told(project, "sql", "source.version=null")
    assert outcome.code == 0, outcome.text
    assert "3 rows" in outcome.text
    (project.root / "mlforge.toml").write_text("")
    assert "7 rows" in told(project, "sql", "source.version=null").text
