"""The stage inspect, with the checks that mlforge brings along."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from tests.lifecycle.stages.job import StageJob

from mlforge.artifact import ROW, Assignment, Table, write_json
from mlforge.builtin.probes.balance import Balance
from mlforge.builtin.probes.duplicates import Duplicates
from mlforge.components import Probe
from mlforge.contract import Contract
from mlforge.lifecycle.stages.inspect import Inspect
from mlforge.task import TASKS
from mlforge.window import Profile, Window

CONTRACT = Contract.model_validate(
    {"columns": {"id": {"dtype": "int", "role": "id"}, "x": {"dtype": "int", "nullable": True}, "y": {"dtype": "category", "role": "target"}}}
)
ROWS = pl.DataFrame(
    {
        ROW: range(8),
        "id": range(100, 108),
        "x": [1, 1, 2, None, None, 3, 4, 4],
        "y": ["a", "a", "b", "a", "a", "a", "a", "b"],
        "part": ["train", "train", "train", "train", "test", "test", "validation", "validation"],
    }
)


def inspect(folder: Path, rows: pl.DataFrame = ROWS, size: int = 3, task: str = "classification") -> StageJob:
    for name in ("table", "assignment"):
        (folder / name).mkdir()
    for number, piece in enumerate(rows.iter_slices(size)):
        piece.drop("part").write_parquet(folder / "table" / f"part-{number:05d}.parquet")
        piece.select(ROW, "part").write_parquet(folder / "assignment" / f"part-{number:05d}.parquet")
    write_json(folder / "table" / "table.json", {"contract": CONTRACT.model_dump(mode="json"), "rows": rows.height, "rejected": 0})
    inputs = {"table": Table(folder / "table"), "assignment": Assignment(folder / "assignment")}
    checks: dict[str, Probe] = {"balance": Balance(), "duplicates": Duplicates()}
    return StageJob(folder / "job", contract=CONTRACT, sections={"checks": checks}, inputs=inputs, task=task).run(Inspect())


def test_balance_tells_shares_and_how_far_parts_differ(tmp_path: Path) -> None:
    job = inspect(tmp_path)
    assert job.finding("data/balance/smallest_share", subject="data").value == 2 / 8
    assert job.finding("data/balance/smallest_share").evidence == {"shares": {"b": 0.25, "a": 0.75}}
    assert job.finding("data/balance/ratio").value == 3
    assert job.finding("data/balance/part_difference").value == pytest.approx(0.5)  # b: none of the test rows, half of the validation rows


def test_duplicates_are_equal_in_all_but_their_id_and_leak_when_training_has_them(tmp_path: Path) -> None:
    job = inspect(tmp_path)
    share = job.finding("data/duplicates/share", subject="data")
    assert share.value == 2 / 8
    assert share.evidence == {"groups": [{"row": 0, "times": 2}, {"row": 3, "times": 2}]}
    leaks = job.finding("data/duplicates/leaks")
    assert (leaks.value, leaks.severity) == (1, "warning")
    assert leaks.evidence == {"pairs": [{"row": 4, "part": "test", "train": 3}]}


def test_findings_do_not_depend_on_the_partitions(tmp_path: Path) -> None:
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
    assert inspect(tmp_path / "one", size=1).findings == inspect(tmp_path / "other", size=100).findings


def test_evidence_is_bounded(tmp_path: Path) -> None:
    copies = pl.concat([ROWS] * 30).with_columns(pl.int_range(pl.len()).alias(ROW), pl.int_range(pl.len()).floordiv(2).alias("x"))
    job = inspect(tmp_path, copies, size=50)
    assert len(job.finding("data/duplicates/share").evidence["groups"]) <= 20
    assert len(job.finding("data/duplicates/leaks").evidence["pairs"]) <= 20


def test_a_regression_has_no_classes_to_balance(tmp_path: Path) -> None:
    job = inspect(tmp_path, task="regression")
    assert {finding.name for finding in job.findings} == {"data/duplicates/share", "data/duplicates/leaks"}


@pytest.mark.parametrize("probe", [Balance(), Duplicates()])
def test_merging_is_associative_and_nothing_changes_nothing(probe: Probe) -> None:
    def profile(rows: pl.DataFrame) -> Profile:
        return probe.summarise(Window("data", rows, CONTRACT, TASKS["classification"]))

    one, two, three, none = (profile(rows) for rows in (ROWS[:3], ROWS[3:5], ROWS[5:], ROWS[:0]))
    left, right = probe.merge(probe.merge(one, two), three), probe.merge(one, probe.merge(two, three))
    (name,) = left.tables
    assert left.tables[name].equals(right.tables[name])
    assert left.tables[name].equals(profile(ROWS).tables[name])
    assert probe.merge(left, none).tables[name].equals(left.tables[name])
    assert probe.merge(Profile(), Profile()).tables == {}


@pytest.mark.parametrize("probe", [Balance(), Duplicates()])
def test_findings_are_declared_and_none_come_of_nothing(probe: Probe) -> None:
    window = Window("live", ROWS.drop("part"), CONTRACT, TASKS["classification"])
    found = {finding.name: finding for finding in probe.findings(probe.summarise(window), None)}
    assert set(found) == set(probe.declares(CONTRACT, window.task))
    unsplit = found.get("balance/part_difference") or found["duplicates/leaks"]
    assert unsplit.value is None
    assert unsplit.text == "the rows are not split"
    empty = Window("live", ROWS[:0], CONTRACT, TASKS["classification"])
    assert list(probe.findings(probe.summarise(empty), None)) == []
