"""Rows and files that break the contract, from the outside: an exit code, a sentence, nothing registered, and a store that still works."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from tests.end_to_end.buyers import HEADER, buyers, leftovers, rows, store_of

from mlforge.testing.project import Outcome, TestProject


def refused(project: TestProject, *overrides: str, code: int = 3) -> Outcome:
    """A run that must fail with this exit code, in a few lines, and register nothing."""
    outcome = project.run("run", "buyers", *overrides)
    assert outcome.code == code, outcome.text
    assert "Traceback" not in outcome.text
    assert len(outcome.err.splitlines()) <= 15
    with store_of(project) as store:
        assert store.registry.models() == []
        assert store.records.runs("buyers", limit=1)[0].state == "failed"
        assert store.records.runs("buyers", limit=1)[0].exit_code == code
        for digest in store.artifacts.digests():
            store.artifacts.verify(digest)
    assert not [path for path in leftovers(project.root / ".mlforge") if path.startswith("artifacts")]
    return outcome


def ingested(project: TestProject, *overrides: str) -> Outcome:
    """The store is still usable: rows that are good go in."""
    outcome = project.run("run", "buyers", *overrides, "--only", "ingest")
    assert outcome.code == 0, outcome.text
    return outcome


GOOD = rows(60)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "buyers.csv is empty"),
        (f"{HEADER}\n".encode(), "buyers.csv has a header and no rows"),
        (b"\n\n\n", "buyers.csv"),
        ("\n".join([HEADER.replace("city", "cty"), *GOOD]).encode(), "lacks the column 'city'. Did you mean cty?"),
        ("\n".join([HEADER, *GOOD[:9], "31,2"]).encode(), "line 11 has 2 fields, and 4 are expected"),
        ("\n".join([HEADER, *GOOD, "31,1.0,Zürich,yes"]).encode("latin-1"), "line 62"),
        ("\n".join([HEADER, *GOOD]).encode("utf-16"), "buyers.csv"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20, "buyers.csv"),
    ],
    ids=["empty", "header only", "blank lines", "a column missing", "a line too short", "latin-1", "utf-16", "a picture"],
)
def test_a_file_that_is_no_table_of_the_contract_stops_with_3_and_names_what_is_wrong(project: TestProject, content: bytes, told: str) -> None:
    buyers(project)
    (project.root / "buyers.csv").write_bytes(content)
    assert told in refused(project).err
    buyers(project)
    ingested(project)


def test_a_column_too_many_is_an_error_unless_the_contract_drops_or_keeps_it(project: TestProject) -> None:
    buyers(project, [f"{line},x{i}" for i, line in enumerate(GOOD)], f"{HEADER},note")
    told = refused(project).err
    assert "a column that the contract does not declare: 'note'" in told
    assert "contract.extra=drop" in told
    for choice, columns in (("drop", {"age", "income", "city", "bought"}), ("keep", {"age", "income", "city", "bought", "note"})):
        ingested(project, f"contract.extra={choice}")
        with store_of(project) as store:
            table = store.artifacts.path(store.records.runs("buyers", limit=1)[0].stages[0].outputs["table"])
        assert set(pl.read_parquet(table / "part-00000.parquet").columns) - {"__row__"} == columns


def test_rows_of_mixed_types_go_to_quarantine_each_with_its_reason(project: TestProject) -> None:
    lines = list(GOOD)
    lines[3], lines[7], lines[11] = "old,3e4,Rom,yes", "31,much,Bern,no", "12,3e4,Oslo,no"
    buyers(project, lines)
    told = refused(project).err
    assert "3 of 60 rows break the contract (5%; contract.max_rejected allows 0%)" in told
    evidence = next(line.partition("All of it: ")[2] for line in told.splitlines() if "All of it: " in line)
    assert dict(pl.read_parquet(evidence).select("__row__", "reason").iter_rows()).keys() == {3, 7, 11}
    refused(project, "contract.max_rejected=4.9%")
    ingested(project, "contract.max_rejected=5%")
    with store_of(project) as store:
        folder = store.artifacts.path(store.records.runs("buyers", limit=1)[0].stages[0].outputs["quarantine"])
    kept = pl.read_parquet(folder / "rejected.parquet")
    assert kept["__row__"].to_list() == [3, 7, 11]
    assert ["age" in kept["reason"][0], "income" in kept["reason"][1], "age" in kept["reason"][2]] == [True, True, True]


def test_a_truncated_parquet_file_is_named(project: TestProject) -> None:
    buyers(project)
    file = project.root / "buyers.parquet"
    pl.read_csv(project.root / "buyers.csv", null_values="?").write_parquet(file)
    ingested(project, "source=parquet", "source.path=buyers.parquet")
    whole = file.read_bytes()
    for length in (len(whole) - 1, len(whole) // 2, 10, 0):
        file.write_bytes(whole[:length])
        assert "buyers.parquet" in refused(project, "source=parquet", "source.path=buyers.parquet").err


def test_a_target_with_one_class_is_refused(project: TestProject) -> None:
    buyers(project, [line for line in GOOD if line.endswith("no")])
    assert "the target bought has one class only: 'no'" in refused(project).err


def test_a_class_too_rare_for_every_part_is_refused(project: TestProject) -> None:
    common = [line for line in rows(200) if line.endswith("no")]
    buyers(project, [*common, "70,5e4,Rom,yes"])
    told = refused(project).err
    assert "split" in told
    assert "yes" in told


def test_a_split_that_leaves_a_part_empty_is_refused(project: TestProject) -> None:
    buyers(project, ["30,3e4,Rom,yes", "31,3e4,Bern,no", "32,3e4,Oslo,yes"])
    assert "split" in refused(project, "split=random").err


@pytest.mark.parametrize("path", ["nowhere.csv", "folder"])
def test_a_path_that_is_no_file_says_so(project: TestProject, path: str) -> None:
    buyers(project)
    (project.root / "folder").mkdir()
    outcome = project.run("run", "buyers", f"source.path={path}")
    assert outcome.code in (2, 3), outcome.text
    assert path in outcome.err
    assert "Traceback" not in outcome.text
    ingested(project)


def test_a_loss_that_is_no_number_ends_with_6_and_a_smaller_learning_rate(project: TestProject) -> None:
    lines = [f"{age},{income}e30,{rest}" for age, income, rest in (line.split(",", 2) for line in rows(200)) if income != "?"]
    buyers(project, lines)
    told = refused(project, "trainer.lr=1e30", "trainer.optimizer=sgd", "features.numeric.scale=none", code=6).err
    assert "loss" in told
    assert "trainer.lr=" in told


def test_a_missing_file_named_in_the_recipe_is_said_at_its_place(project: TestProject) -> None:
    buyers(project)
    Path(project.root / "buyers.csv").unlink()
    outcome = project.run("run", "buyers")
    assert outcome.code in (2, 3), outcome.text
    assert "buyers.csv" in outcome.err
