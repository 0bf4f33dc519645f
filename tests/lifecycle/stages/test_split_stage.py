"""The stage split: files beside the table's, and what it refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.lifecycle.stages.job import StageJob

from mlforge.artifact import ROW, Assignment, Table, frames, write_json
from mlforge.builtin.splits.random import Random
from mlforge.builtin.splits.stratified import Stratified
from mlforge.components import Splitter
from mlforge.contract import Contract
from mlforge.errors import DataError, RunFailed
from mlforge.lifecycle.stages.split import Split


def job(folder: Path, target: list[Any], split: Splitter, *, task: str = "classification", partition: int = 40, **column: Any) -> StageJob:
    table = folder / "table"
    table.mkdir()
    contract = Contract.model_validate({"columns": {"x": {"dtype": "int"}, "y": {"dtype": "category", "role": "target", **column}}})
    rows = pl.DataFrame({ROW: [2 * number for number in range(len(target))], "x": range(len(target)), "y": target})  # every other row was rejected
    for number, piece in enumerate(rows.iter_slices(partition)):
        piece.write_parquet(table / f"part-{number:05d}.parquet")
    write_json(table / "table.json", {"contract": contract.model_dump(mode="json"), "rows": rows.height, "rejected": rows.height})
    return StageJob(folder / "job", contract=contract, sections={"split": split}, inputs={"table": Table(table)}, task=task)


CLASSES = ["no", "yes", "no"] * 50


def test_the_assignment_lies_row_by_row_beside_the_table(tmp_path: Path) -> None:
    ran = job(tmp_path, CLASSES, Stratified()).run(Split())
    table, assignment = ran.output("table", Table), ran.output("assignment", Assignment)
    for path in table.partitions():
        assert pl.read_parquet(assignment.folder / path.name)[ROW].equals(pl.read_parquet(path)[ROW])
    assert assignment.counts == {"train": 104, "validation": 23, "test": 23}
    for part, count in assignment.counts.items():
        assert sum(frame.height for frame in frames(table, assignment, part)) == count
        assert ran.finding(f"data/rows/{part}", subject="data").value == count


@pytest.mark.parametrize(
    ("target", "split", "column", "told"),
    [
        (["yes"] * 50, Stratified(), {}, "the target y has one class only: 'yes'"),
        ([None] * 50, Stratified(), {"nullable": True}, "the target y has no values"),
        (CLASSES, Stratified(), {"positive": "maybe"}, "the target y never is 'maybe'"),
        (["yes", "no"], Stratified(), {}, "the part train is empty"),
        (["yes"] * 50 + ["no", "no"], Stratified(), {}, "the part train has no rows of no"),
        (["yes", "no"] * 3, Random(validation=0.01, test=0.01), {}, "the part validation is empty"),
        (["yes"] * 200 + ["no"] * 2, Random(), {}, "has no rows of no"),
    ],
    ids=["one class", "no class", "positive", "two rows", "two of a class", "empty part", "class lost by chance"],
)
def test_parts_and_classes_that_would_be_missing_are_data_errors(tmp_path: Path, target: list[Any], split: Splitter, column: dict[str, Any], told: str) -> None:
    with pytest.raises(DataError) as caught:
        job(tmp_path, target, split, **column).run(Split())
    assert told in str(caught.value)
    assert caught.value.hint
    assert caught.value.exit_code == 3


def test_a_regression_needs_no_classes(tmp_path: Path) -> None:
    ran = job(tmp_path, [1.0] * 100, Random(), task="regression", dtype="float").run(Split())
    assert sum(ran.output("assignment", Assignment).counts.values()) == 100


class Forgetful(Splitter):
    """Leaves rows out."""

    def assign(self, rows: pl.LazyFrame, contract: Contract, seed: int) -> pl.LazyFrame:
        return rows.filter(pl.col("x") > 3).select(ROW, part=pl.lit("train"))


class Twofold(Splitter):
    """Names rows twice."""

    def assign(self, rows: pl.LazyFrame, contract: Contract, seed: int) -> pl.LazyFrame:
        once = rows.select(ROW, part=pl.lit("train"))
        return pl.concat([once, once.tail(1)])


class Inventive(Splitter):
    """Has parts of its own."""

    def assign(self, rows: pl.LazyFrame, contract: Contract, seed: int) -> pl.LazyFrame:
        return rows.select(ROW, part=pl.lit("holdout"))


@pytest.mark.parametrize("split", [Forgetful(), Twofold(), Inventive()])
def test_a_splitter_that_does_not_name_each_row_once_is_caught(tmp_path: Path, split: Splitter) -> None:
    with pytest.raises(RunFailed, match="fault of the component"):
        job(tmp_path, CLASSES, split).run(Split())


class Half(Splitter):
    """Every other row for test; the rest for training, three for validation, two unused; in folds."""

    def assign(self, rows: pl.LazyFrame, contract: Contract, seed: int) -> pl.LazyFrame:
        part = pl.when(pl.col("x") > 147).then(pl.lit("unused")).when(pl.col("x") > 141).then(pl.lit("validation"))
        return rows.select(ROW, part.when(pl.col("x") % 2 == 0).then(pl.lit("test")).otherwise(pl.lit("train")).alias("part"), fold=pl.col("x") % 3)


def grouped(folder: Path, groups: list[str | None]) -> StageJob:
    given = job(folder, CLASSES, Half())
    columns = {**given.contract.model_dump()["columns"], "g": {"dtype": "string", "role": "group", "nullable": True}}
    for path in sorted((folder / "table").glob("part-*.parquet")):
        frame = pl.read_parquet(path)
        frame.with_columns(pl.Series("g", [groups[x] for x in frame["x"]], dtype=pl.String)).write_parquet(path)
    return StageJob(folder / "job", contract=Contract.model_validate({"columns": columns}), sections=given.sections, inputs={"table": Table(folder / "table")})


def test_unused_rows_are_in_no_part_and_folds_are_kept(tmp_path: Path) -> None:
    ran = job(tmp_path, CLASSES, Half()).run(Split())
    table, assignment = ran.output("table", Table), ran.output("assignment", Assignment)
    assert sum(assignment.counts.values()) == 148
    assert ran.finding("data/rows/unused", subject="data").value == 2
    assert sum(frame.height for frame in frames(table, assignment, "train", "validation", "test")) == 148
    assert pl.read_parquet(assignment.folder / table.partitions()[0].name)["fold"].head(4).to_list() == [0, 1, 2, 0]


def test_groups_in_two_parts_are_an_error_that_names_them(tmp_path: Path) -> None:
    groups: list[str | None] = [f"even {x}" if x % 2 == 0 else "odd" for x in range(150)]
    groups[:142] = ["even" if x % 2 == 0 else "odd" for x in range(142)]
    with pytest.raises(DataError, match=r"split: 1 group of g is in more than one part: 'odd' in train and validation") as caught:
        grouped(tmp_path, groups).run(Split())
    assert "split=grouped" in caught.value.hint


def test_groups_that_are_whole_or_missing_or_unused_pass(tmp_path: Path) -> None:
    groups = ["even" if x % 2 == 0 else "odd" for x in range(142)] + [None] * 6 + ["odd", "odd"]
    assert grouped(tmp_path, groups).run(Split()).output("assignment", Assignment).counts["test"] == 71
