"""Which rows of a log a retraining learns from: labelled ones, of a window, under the names that a source gives them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from mlforge.contract import Contract
from mlforge.service.layout import FEEDBACK, ID, LABEL, LANE, REQUESTS, ROW, TIME, file_name, folder
from mlforge.service.reading import Log
from mlforge.service.retrain import Training
from mlforge.watching.rows import Rows

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
DAY = timedelta(days=1)
CONTRACT = Contract.model_validate(
    {
        "columns": {
            "age": {"dtype": "int", "name": "Age in years"},
            "asked": {"dtype": "datetime", "role": "time"},
            "sex": {"dtype": "category", "role": "protected", "nullable": True},
            "note": {"dtype": "string", "role": "ignore"},
            "bought": {"dtype": "category", "role": "target"},
        }
    }
)


@pytest.fixture
def rows(tmp_path: Path) -> Rows:
    """A request every hour for ten days up to noon, all labelled an hour later, but the last 24; and a shadow's copy of each."""
    count = 240
    times = [NOON - timedelta(hours=count - place) for place in range(count)]
    for first in range(0, count, 6):  # a file holds six hours
        inside = range(first, first + 6)
        begin, at = times[first], times[first] + timedelta(hours=6)
        own = {
            ID: [f"r{place}" for place in inside],
            ROW: pl.Series([0] * 6, dtype=pl.Int32),
            TIME: pl.Series([times[place].replace(tzinfo=None) for place in inside], dtype=pl.Datetime("us")),
        }
        for lane in ("champion", "shadow"):
            _write(tmp_path, folder(REQUESTS, "shop", 1 if lane == "champion" else 2, begin), at, {**own, LANE: [lane] * 6, "age": list(inside)})
        if first < count - 24:
            labels = {**own, TIME: own[TIME] + timedelta(hours=1), LABEL: ["yes"] * 6}  # type: ignore[operator]
            _write(tmp_path, folder(FEEDBACK, "shop", None, begin), at, labels)
    return Rows(Log(str(tmp_path), "shop"), CONTRACT)


def _write(root: Path, below: str, at: datetime, columns: dict[str, Any]) -> None:
    (root / below).mkdir(parents=True, exist_ok=True)
    pl.DataFrame(columns).write_parquet(root / below / file_name(at))


def test_rows_and_labels_are_counted_once_whatever_shadows_say(rows: Rows) -> None:
    assert rows.asked(NOON - 2 * DAY, NOON) == 48
    assert rows.labels(NOON - 2 * DAY, NOON) == 25, "of the rows of a day, from an hour before it on"
    assert rows.labelled(Training(), NOON) == 216
    assert rows.labelled(Training(), NOON - 5 * DAY) == 119, "the label of the last hour had not come by then"


def test_rows_have_the_names_of_the_source_with_label_and_time_in_place(rows: Rows, tmp_path: Path) -> None:
    made = rows.gather(Training(), NOON, tmp_path / "copy")
    read = pl.read_parquet(made.file)
    assert read.columns == ["Age in years", "asked", "sex", "bought"]
    assert read["Age in years"].to_list() == list(range(216))
    assert read["asked"][0] == (NOON - timedelta(hours=240)).replace(tzinfo=None)
    assert (read["bought"].unique().to_list(), read["sex"].null_count(), made.count, made.share) == (["yes"], 216, 216, 1.0)


def test_a_sliding_window_has_the_newest_and_leaves_the_source_out(rows: Rows, tmp_path: Path) -> None:
    made = rows.gather(Training(window="sliding", newest=50), NOON, tmp_path / "newest")
    assert pl.read_parquet(made.file)["Age in years"].to_list() == list(range(166, 216))
    assert made.share == 0
    made = rows.gather(Training(window="sliding", span="3d"), NOON, tmp_path / "span")  # type: ignore[arg-type]
    assert made.count == 48, "the last day has no labels yet"


def test_a_weighted_window_has_fewer_of_the_older_rows_and_all_that_judge(rows: Rows, tmp_path: Path) -> None:
    training = Training(window="weighted", half_life="2d")  # type: ignore[arg-type]
    made = rows.gather(training, NOON, tmp_path / "weighted")
    ages = pl.read_parquet(made.file)["Age in years"].to_list()
    assert set(range(216 - 21, 216)) <= set(ages), "the newest tenth judges"
    old, middle = sum(age < 48 for age in ages), sum(120 <= age < 168 for age in ages)
    assert old < 15 < middle < 45
    assert abs(made.share - 0.5**5) < 0.001, "the source is as old as the first row"


def test_a_copy_stays_as_it_is(rows: Rows, tmp_path: Path) -> None:
    first = rows.gather(Training(), NOON - DAY, tmp_path / "copy")
    before = first.file.read_bytes()
    assert rows.gather(Training(), NOON, tmp_path / "copy") == first
    assert first.file.read_bytes() == before
    assert rows.gather(Training(), NOON - DAY, tmp_path / "again").file.read_bytes() == before


def test_a_log_without_anything_has_no_rows(tmp_path: Path) -> None:
    empty = Rows(Log(str(tmp_path / "nothing"), "shop"), CONTRACT)
    assert (empty.asked(NOON - DAY, NOON), empty.labels(NOON - DAY, NOON), empty.labelled(Training(), NOON)) == (0, 0, 0)
