"""Which part a row belongs to follows from what it is."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from pydantic import ValidationError

from mlforge.artifact import ROW
from mlforge.builtin.splits.random import Random
from mlforge.builtin.splits.stratified import Stratified
from mlforge.components import Splitter
from mlforge.contract import Contract
from mlforge.errors import DataError

SPLITS: list[Splitter] = [Random(), Stratified()]


def contract(**columns: Any) -> Contract:
    given = columns or {"x": {"dtype": "float"}, "y": {"dtype": "category", "role": "target"}}
    return Contract.model_validate({"columns": given})


def rows(count: int, start: int = 0) -> pl.DataFrame:
    numbers = range(start, start + count)
    return pl.DataFrame({ROW: numbers, "x": [number * 0.5 for number in numbers], "y": ["rare" if number % 10 == 0 else "common" for number in numbers]})


def parts(split: Splitter, frame: pl.DataFrame, seed: int = 1, ruled: Contract | None = None) -> pl.DataFrame:
    return split.assign(frame.lazy(), ruled or contract(), seed).collect().sort(ROW)


def test_stratified_shares_are_exact_in_every_class() -> None:
    frame = rows(1000)
    found = parts(Stratified(validation=0.2, test=0.1), frame).with_columns(frame["y"])
    counts = {(y, part): rows for y, part, rows in found.group_by("y", "part").len().iter_rows()}
    assert [counts["common", part] for part in ("train", "validation", "test")] == [630, 180, 90]
    assert [counts["rare", part] for part in ("train", "validation", "test")] == [70, 20, 10]


def test_random_shares_hold_within_the_scatter_of_chance() -> None:
    found = parts(Random(validation=0.2, test=0.1), rows(20_000))["part"].value_counts()
    counts = dict(found.iter_rows())
    assert abs(counts["test"] - 2000) < 4 * (20_000 * 0.1 * 0.9) ** 0.5
    assert abs(counts["validation"] - 4000) < 4 * (20_000 * 0.2 * 0.8) ** 0.5


@pytest.mark.parametrize("split", SPLITS)
def test_the_seed_decides_and_the_order_of_rows_does_not(split: Splitter) -> None:
    frame = rows(1000)
    assert parts(split, frame).equals(parts(split, frame.sample(fraction=1, shuffle=True, seed=3)))
    assert not parts(split, frame).equals(parts(split, frame, seed=2))


def test_random_rows_stay_where_they_are_when_others_come_or_go() -> None:
    before = parts(Random(), rows(1000))
    assert parts(Random(), rows(5000)).head(1000).equals(before)
    assert parts(Random(), rows(1000).tail(300)).equals(before.tail(300))


def test_stratified_rows_move_only_as_far_as_the_cuts() -> None:
    before, after = parts(Stratified(), rows(10_000)), parts(Stratified(), rows(10_500)).head(10_000)
    moved = int((before["part"] != after["part"]).sum())
    assert moved < 0.03 * 10_000


@pytest.mark.parametrize("split", SPLITS)
def test_equal_rows_land_in_the_same_part(split: Splitter) -> None:
    frame = pl.concat([rows(500), rows(500)]).with_columns(pl.int_range(pl.len()).alias(ROW))
    found = parts(split, frame)["part"]
    assert found.head(500).equals(found.tail(500))


@pytest.mark.parametrize("split", SPLITS)
def test_an_id_decides_where_there_is_one(split: Splitter) -> None:
    ruled = contract(id={"dtype": "int", "role": "id"}, x={"dtype": "float"}, y={"dtype": "category", "role": "target"})
    frame = rows(1000).with_columns(pl.col(ROW).alias("id"))
    changed = frame.with_columns(pl.col("x") + 1)
    assert parts(split, frame, ruled=ruled).equals(parts(split, changed, ruled=ruled))


def test_each_class_has_a_row_in_each_part_from_three_rows_on() -> None:
    frame = rows(300).with_columns(pl.when(pl.col(ROW) < 3).then(pl.lit("three")).otherwise("y").alias("y"))
    found = parts(Stratified(validation=0.01, test=0.01), frame).with_columns(frame["y"]).filter(pl.col("y") == "three")
    assert sorted(found["part"]) == ["test", "train", "validation"]


def test_stratified_refuses_a_target_of_values() -> None:
    with pytest.raises(DataError, match="split=random"):
        parts(Stratified(), rows(10), ruled=contract(x={"dtype": "float"}, y={"dtype": "float", "role": "target"}))


@pytest.mark.parametrize("split", [Random, Stratified])
@pytest.mark.parametrize("shares", [{"validation": 0.5, "test": 0.5}, {"validation": 0}, {"test": 0}, {"test": "100%"}])
def test_shares_must_leave_rows_for_every_part(split: type[Splitter], shares: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        split.model_validate(shares)


@pytest.mark.parametrize("split", SPLITS)
def test_columns_of_every_dtype_and_missing_values_are_hashed(split: Splitter) -> None:
    frame = rows(200).with_columns(
        pl.Series("a", [[float(number), 1.0] for number in range(200)], dtype=pl.Array(pl.Float64, 2)),
        pl.datetime(2024, 1, 1).alias("t"),
        pl.when(pl.col(ROW) % 2 == 0).then(pl.lit(1)).alias("gaps"),
        (pl.col(ROW) > 100).alias("flag"),
    )
    assert set(parts(split, frame)["part"]) == {"train", "validation", "test"}
