"""Splits that go by what the contract says of a column."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import polars as pl
import pytest
from pydantic import ValidationError

from mlforge.artifact import ROW
from mlforge.builtin.splits.column import Column
from mlforge.builtin.splits.grouped import Grouped
from mlforge.builtin.splits.kfold import Kfold
from mlforge.builtin.splits.random import Random
from mlforge.builtin.splits.stratified import Stratified
from mlforge.builtin.splits.time import Time
from mlforge.components import Splitter
from mlforge.contract import Contract
from mlforge.errors import DataError

START = datetime(2024, 1, 1)
X, Y = {"dtype": "float"}, {"dtype": "category", "role": "target"}
GROUP, TIME, PART = {"dtype": "string", "role": "group", "nullable": True}, {"dtype": "datetime", "role": "time"}, {"dtype": "category", "role": "part"}


def contract(**columns: Any) -> Contract:
    return Contract.model_validate({"columns": {"x": X, "y": Y} | columns})


def rows(count: int, **columns: list[Any]) -> pl.DataFrame:
    numbers = range(count)
    return pl.DataFrame({ROW: numbers, "x": [number * 0.5 for number in numbers], "y": ["a", "b"] * (count // 2), **columns})


def parts(split: Splitter, frame: pl.DataFrame, ruled: Contract, seed: int = 1) -> list[str]:
    return split.assign(frame.lazy(), ruled, seed).collect().sort(ROW)["part"].to_list()


def objected(split: Splitter, ruled: Contract) -> list[tuple[str, str]]:
    return [(one.field, one.found) for one in split.objections(ruled)]


# ── groups ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("split", [Grouped(), Kfold()])
def test_groups_stay_whole_and_groups_that_come_later_move_none(split: Splitter) -> None:
    groups = [f"patient {number % 300}" for number in range(3000)]
    found = parts(split, rows(3000, g=groups), contract(g=GROUP))
    assert len(set(zip(groups, found, strict=True))) == 300
    assert set(found) == {"train", "validation", "test"}
    more = parts(split, rows(4000, g=[*groups, *(f"new {number}" for number in range(1000))]), contract(g=GROUP))
    assert more[:3000] == found
    assert parts(split, rows(3000, g=groups), contract(g=GROUP), seed=2) != found


def test_shares_are_shares_of_groups() -> None:
    found = parts(Grouped(validation=0.2, test=0.1), rows(20_000, g=[str(number) for number in range(20_000)]), contract(g=GROUP))
    assert found.count("test") == pytest.approx(2000, abs=170)
    assert found.count("validation") == pytest.approx(4000, abs=230)


@pytest.mark.parametrize("split", [Grouped(), Kfold()])
def test_rows_without_a_group_are_groups_of_their_own(split: Splitter) -> None:
    assert set(parts(split, rows(500, g=[None] * 500), contract(g=GROUP))) == {"train", "validation", "test"}


def test_what_the_contract_must_have_for_groups() -> None:
    assert objected(Grouped(), contract()) == [("", "the contract has no column with the role group")]
    assert objected(Grouped(), contract(g=GROUP, h=GROUP)) == [("", "the contract has 2 columns with the role group")]
    assert objected(Kfold(), contract(g=GROUP, h=GROUP)) == [("", "the contract has 2 columns with the role group")]
    assert objected(Random(), contract(g=GROUP)) == [("", "g groups the rows, and random tears groups apart")]
    assert objected(Stratified(), contract(g=GROUP)) == [("", "g groups the rows, and stratified tears groups apart")]
    for split, ruled in (
        (Grouped(), contract(g=GROUP)),
        (Kfold(), contract()),
        (Kfold(), contract(g=GROUP)),
        (Random(), contract()),
        (Stratified(), contract()),
    ):
        assert not objected(split, ruled)


# ── folds ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_each_row_is_once_in_test_and_once_in_validation() -> None:
    frame = rows(2000)
    found = [Kfold(folds=4, fold=fold).assign(frame.lazy(), contract(), 1).collect().sort(ROW) for fold in range(4)]
    assert all(one["fold"].equals(found[0]["fold"]) for one in found)
    for number, one in enumerate(found):
        assert one.filter(pl.col("part") == "test")["fold"].unique().to_list() == [number]
        assert one.filter(pl.col("part") == "validation")["fold"].unique().to_list() == [(number + 1) % 4]
    sizes = found[0]["fold"].value_counts()["count"]
    assert sizes.min() > 400  # type: ignore[operator]


def test_a_fold_that_there_is_not_is_refused() -> None:
    with pytest.raises(ValidationError, match="numbered from 0 to 4, and fold is 5"):
        Kfold(fold=5)


# ── time ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def daily(count: int, of_a_day: int = 1) -> pl.DataFrame:
    return rows(count, t=[START + timedelta(days=number // of_a_day) for number in range(count)])


def test_the_latest_rows_are_for_test_whatever_the_order_of_the_source() -> None:
    frame = daily(1000).sample(fraction=1, shuffle=True, seed=3)
    found = frame.join(Time(validation=0.2, test=0.1).assign(frame.lazy(), contract(t=TIME), 1).collect(), on=ROW).sort("t")
    assert found["part"].to_list() == ["train"] * 700 + ["validation"] * 200 + ["test"] * 100


def test_rows_within_the_gap_before_a_cut_are_in_no_part() -> None:
    found = parts(Time(validation=0.2, test=0.1, gap="3d"), daily(1000), contract(t=TIME))
    assert found == ["train"] * 697 + ["unused"] * 3 + ["validation"] * 197 + ["unused"] * 3 + ["test"] * 100


def test_rows_of_the_same_time_are_in_the_same_part() -> None:
    frame = daily(1000, of_a_day=7)
    found = frame.with_columns(part=pl.Series(parts(Time(), frame, contract(t=TIME))))
    assert found.group_by("t").agg(pl.col("part").n_unique())["part"].max() == 1


def test_cuts_that_are_named_stay_when_rows_are_added() -> None:
    split = Time(validation_from="2024-02-01", test_from="2024-03-01T00:00:00+01:00")
    few, many = parts(split, daily(100), contract(t=TIME)), parts(split, daily(400), contract(t=TIME))
    assert many[:100] == few
    assert (few.count("train"), few.count("validation")) == (31, 29)


def test_numbers_are_times_too_and_so_is_the_order_of_the_source() -> None:
    frame = rows(100, t=list(range(0, 200, 2)))
    by_number = parts(Time(validation=0.2, test=0.1, gap=4), frame, contract(t={"dtype": "int", "role": "time"}))
    by_row = parts(Time(by="rows", validation=0.2, test=0.1, gap=2), frame, contract())
    assert by_number == by_row == ["train"] * 68 + ["unused"] * 2 + ["validation"] * 18 + ["unused"] * 2 + ["test"] * 10


def test_one_time_for_too_many_rows_is_told() -> None:
    with pytest.raises(DataError, match="too many rows have the same t"):
        parts(Time(), rows(100, t=[START] * 100), contract(t=TIME))


@pytest.mark.parametrize(
    ("split", "columns", "told"),
    [
        (Time(), {}, ("", "the contract has no columns with the role time")),
        (Time(), {"t": TIME, "u": TIME}, ("", "the contract has 2 columns with the role time")),
        (Time(column="tt"), {"t": TIME}, ("column", "the contract has no column tt")),
        (Time(column="y"), {}, ("column", "y is of type category")),
        (Time(), {"t": {**TIME, "nullable": True}}, ("column", "t may be missing")),
        (Time(column="t"), {"t": {**TIME, "role": "ignore"}}, ("column", "t has the role ignore: it is not read")),
        (Time(validation_from=START, test_from=START + timedelta(1)), {"t": {"dtype": "int", "role": "time"}}, ("column", "t is of type int")),
    ],
)
def test_what_the_contract_must_have_for_times(split: Time, columns: dict[str, Any], told: tuple[str, str]) -> None:
    assert objected(split, contract(**columns)) == [told]


def test_a_column_of_times_is_named_or_known_by_its_role_and_rows_need_none() -> None:
    assert not objected(Time(), contract(t=TIME))
    assert not objected(Time(column="x"), contract())
    assert not objected(Time(by="rows"), contract())


@pytest.mark.parametrize(
    "given",
    [
        {"validation": 0.5, "test": 0.5},
        {"test_from": "2024-01-01"},
        {"validation_from": "2024-02-01", "test_from": "2024-01-01"},
        {"by": "rows", "column": "t"},
        {"gap": "3 weeks"},
    ],
)
def test_settings_that_contradict_each_other_are_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Time.model_validate(given)


# ── a column ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_columns_values_name_the_parts() -> None:
    split = Column(train=("A",), validation=("B",), test=("C", "D"), unused=("E",))
    found = parts(split, rows(10, p=list("ABCDEABCDE")), contract(p=PART))
    assert found == ["train", "validation", "test", "test", "unused"] * 2


def test_validation_rows_can_be_taken_from_training_and_stay_there() -> None:
    named = ["train"] * 3000 + ["test"] * 1000
    found = parts(Column(validation_share=0.2), rows(4000, p=named), contract(p=PART))
    assert found[3000:] == ["test"] * 1000
    assert found[:3000].count("validation") == pytest.approx(600, abs=90)
    assert parts(Column(validation_share=0.2), rows(3000, p=named[:3000]), contract(p=PART)) == found[:3000]
    groups = [str(number % 100) for number in range(4000)]
    grouped = parts(Column(validation_share=0.2), rows(4000, p=named, g=groups), contract(p=PART, g=GROUP))
    assert len({(g, part) for g, part in zip(groups[:3000], grouped[:3000], strict=True)}) == 100


def test_a_value_that_names_no_part_is_told() -> None:
    with pytest.raises(DataError, match=r"p names no part in some rows: missing, 'holdout'"):
        parts(Column(), rows(4, p=["train", None, "holdout", "test"]), contract(p=PART))


def test_what_the_contract_must_have_for_named_parts() -> None:
    assert objected(Column(), contract()) == [("", "the contract has no column with the role part")]
    assert objected(Column(), contract(p=PART, q=PART)) == [("", "the contract has 2 columns with the role part")]
    assert not objected(Column(), contract(p=PART))
    with pytest.raises(ValidationError, match="val cannot mean two parts"):
        Column(test=("val",))


def test_steering_that_is_spread_leaves_the_newest_rows_before_the_test_to_training() -> None:
    found = parts(Time(by="rows", validation=0.1, test=0.1, steering="spread"), rows(1000), contract())
    assert found[900:] == ["test"] * 100
    assert found.count("validation") == pytest.approx(100, abs=10)
    assert sum(one != other for one, other in pairwise(found[:900])) == 20, "ten stretches"
    assert found[860:900] == ["train"] * 40
    assert "validation" in found[800:860]


def test_steering_that_is_spread_needs_shares() -> None:
    with pytest.raises(ValidationError, match="goes by shares"):
        Time(steering="spread", gap="1d")
