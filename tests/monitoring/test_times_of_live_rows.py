"""The time of a live row: read in every form that a contract reads, and told of where there is none."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl
import pytest
from tests.monitoring.shop import HEADER, days, file

from mlforge.monitoring.moments import moments
from mlforge.testing.project import TestProject

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "column",
    [
        pl.Series(["2026-03-01T12:00:00", "2026-03-01 12:00", "2026-03-01T12:00:00.000Z", "2026-03-01T14:00:00+02:00", " 2026-03-01T12:00:00 "]),
        pl.Series(["2026-03-01T14:00:00+02:00", "2026-03-01T12:00:00", "2026-03-01T12:00"]),
        pl.Series(["1772366400", "1772366400.0"]),
        pl.Series([1772366400.0, 1772366400.0]),
        pl.Series([1772366400]),
        pl.Series([datetime(2026, 3, 1, 12)]),
        pl.Series([NOON]).dt.convert_time_zone("Asia/Kolkata"),
        pl.Series(["01.03.2026 12:00"]),
    ],
)
def test_one_moment_is_read_however_it_is_written(column: pl.Series) -> None:
    """Also when rows write it in different ways: Polars alone takes the form of the first for all, and loses the others."""
    assert moments(column).to_list() == [NOON] * len(column)


@pytest.mark.parametrize(
    "column",
    [
        pl.Series(["9999-12-31T23:59:59", "0001-01-01", "not a time", "", None]),
        pl.Series([float("nan"), float("inf"), 1e18, None]),
        pl.Series([1772366400000]),  # in milliseconds
        pl.Series([None, None]),
    ],
)
def test_what_stands_for_no_time_is_none(column: pl.Series) -> None:
    assert moments(column).to_list() == [None] * len(column)


def test_rows_without_a_time_are_told_of(shop: TestProject) -> None:
    lines = days(2)
    lost = [f"{'9999-12-31' if place % 2 else 'soon'},{line.partition(',')[2]}" for place, line in enumerate(lines[:100])]
    file(shop, [*lost, *lines[100:]])
    outcome = shop.run("monitor", "buyers", "--source", "live.csv", "--time", "when", "--forget")
    assert outcome.code == 0, outcome.text
    assert "100 rows have no time in when that can be read, and are in no window" in outcome.err


def test_when_no_row_has_a_time_the_column_is_named(shop: TestProject) -> None:
    file(shop, [f"soon,{line.partition(',')[2]}" for line in days(1)])
    outcome = shop.run("monitor", "buyers", "--source", "live.csv", "--time", "when", "--forget")
    assert outcome.code == 3, outcome.text
    assert "none of 200 rows has a time in when that can be read" in outcome.err


def test_a_source_without_rows_is_not_asked_for_again(shop: TestProject) -> None:
    file(shop, ["," * HEADER.count(",")] * 3)
    outcome = shop.run("monitor", "buyers", "--source", "live.csv", "--forget")
    assert outcome.code == 3, outcome.text
    assert "the source has no rows" in outcome.err


def test_windows_too_short_for_their_rows_are_refused_at_once(shop: TestProject) -> None:
    """Every second without a row would be a window too, up to some hundred between two rows."""
    file(shop, days(3))
    outcome = shop.run("monitor", "buyers", "--source", "live.csv", "--time", "when", "--window", "1s", "--forget")
    assert outcome.code == 3, outcome.text
    assert "cut these rows into more than 20,000" in outcome.text
    assert "--window 1d" in outcome.text
