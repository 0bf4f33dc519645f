"""`mlforge monitor` from the outside: windows over files and request logs, alarms, history, groups and bad windows."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from tests.monitoring.shop import days, file

from mlforge.testing.project import TestProject

COMMAND = ("monitor", "buyers", "--source", "live.csv", "--time", "when")


def told(shop: TestProject, *arguments: str) -> list[dict[str, Any]]:
    outcome = shop.run(*arguments, "--json")
    assert outcome.code == 0, outcome.text
    return list(outcome.json)


def alarms(window: dict[str, Any]) -> set[str]:
    return {one["name"] for found in window["findings"].values() for one in found if one["severity"] != "info"}


def test_calibration_is_told_by_the_run_and_goes_with_the_version(shop: TestProject) -> None:
    shown = shop.run("runs", "--json").json
    (calibrate,) = (stage for stage in shown[0]["stages"] if stage["name"] == "calibrate")
    assert "reference" in calibrate["outputs"]


def test_a_drift_is_told_from_the_day_on_which_it_begins(shop: TestProject) -> None:
    file(shop, days(10, older=15, since=6))
    windows = told(shop, *COMMAND)
    assert [one["begins"][:10] for one in windows] == [f"2026-11-{day:02}" for day in range(1, 11)]
    drifted = ["live/drift/columns" in alarms(one) for one in windows]
    assert drifted[6:] == [True] * 4
    assert sum(drifted[:6]) <= 1
    text = shop.run("monitor", "buyers").out
    assert "ALARM" in text
    assert "age (" in text


def test_history_says_what_the_rows_said(shop: TestProject) -> None:
    """The same windows from kept profiles as from rows, whether they came at once or day by day."""
    lines = days(8, older=15, since=5)
    file(shop, lines)
    at_once = told(shop, *COMMAND)
    assert told(shop, "monitor", "buyers") == at_once
    again = shop.run(*COMMAND)
    assert "kept" not in again.out


def test_windows_that_come_in_two_looks_are_judged_as_in_one(shop: TestProject, once: TestProject) -> None:
    lines = days(8, older=15, since=5)
    whole, halves = file(shop, lines), [lines[:800], lines[800:]]
    at_once = told(shop, *COMMAND, "--forget")
    for half in halves:
        file(shop, half)
        in_parts = told(shop, *COMMAND)
    assert whole.exists()
    assert in_parts == at_once


def test_rows_that_come_late_and_labels_that_come_later_join_their_windows(shop: TestProject) -> None:
    lines = days(3)
    file(shop, [line.rpartition(",")[0] + "," for line in lines[:500]])
    assert [one["labels"] for one in told(shop, *COMMAND)] == [0, 0, 0]
    late = lines[:]
    random.Random(3).shuffle(late)
    file(shop, late)
    windows = told(shop, *COMMAND)
    assert [(one["rows"], one["labels"]) for one in windows] == [(200, 200)] * 3
    assert told(shop, "monitor", "buyers") == windows


def test_a_log_whose_oldest_files_have_gone_takes_nothing_away(shop: TestProject) -> None:
    lines = days(3)
    file(shop, lines)
    before = told(shop, *COMMAND)
    file(shop, lines[150:])
    assert told(shop, *COMMAND) == before


def test_a_day_without_rows_is_a_window_too(shop: TestProject) -> None:
    file(shop, [*days(2), *days(2, first=5)])
    windows = told(shop, *COMMAND)
    assert [one["rows"] for one in windows] == [200, 200, 0, 0, 200, 200]
    assert [("live/traffic/rows" in alarms(one)) for one in windows] == [False, False, True, True, False, False]


def test_sliding_windows_and_windows_by_number(shop: TestProject) -> None:
    file(shop, days(3))
    sliding = told(shop, *COMMAND, "--window", "1d every 12h")
    assert {one["begins"][11:16] for one in sliding} == {"00:00", "12:00"}
    assert sum(one["rows"] for one in sliding) == pytest.approx(2 * 600, abs=0)
    numbered = told(shop, *COMMAND, "--window", "250 rows")
    assert [one["rows"] for one in numbered] == [250, 250, 100]
    assert numbered[0]["begins"] is None


def test_groups_are_looked_at_apart(shop: TestProject) -> None:
    file(shop, days(2, each=400))
    windows = told(shop, *COMMAND, "--by", "shop", "--groups", "2")
    assert {one["group"] for one in windows} == {"N", "S"}
    assert sum(one["rows"] for one in windows) == 800


def test_rows_without_a_time_are_one_window(shop: TestProject) -> None:
    file(shop, days(3))
    outcome = shop.run("monitor", "buyers", "--source", "live.csv")
    assert outcome.code == 0, outcome.text
    assert "all rows as one window: they have no time" in outcome.out
    assert "600 rows" in outcome.out


def test_a_request_log_is_read_with_its_answers(shop: TestProject) -> None:
    """Its layout is that of `serve.log`: __time, __latency_ms, the contract's columns, the answers, and labels where they were joined."""
    file(shop, days(2))
    raw = pl.read_csv(shop.root / "live.csv", null_values="?")
    outcome = shop.run("predict", "buyers", "--source", "live.csv", "--sink", "said.parquet")
    assert outcome.code == 0, outcome.text
    said = pl.read_parquet(shop.root / "said.parquet")
    answers = {"prediction": said["prediction"], "probability_0": said["probability_no"], "probability_1": said["probability_yes"], "label": raw["bought"]}
    times = raw["when"].str.to_datetime(time_zone="UTC", strict=False)
    log = raw.select("age", "income", "city").with_columns(__time=times, __latency_ms=pl.lit(3.0), **answers)
    log.write_parquet(shop.root / "log.parquet")
    windows = told(shop, "monitor", "buyers", "--source", "log.parquet", "--forget")
    directly = told(shop, *COMMAND, "--forget")
    assert [one["labels"] for one in windows] == [200, 200]
    for one, other in zip(windows, directly, strict=True):
        values = [{finding["name"]: finding["value"] for finding in seen["findings"]["drift"]} for seen in (one, other)]
        assert values[0] == pytest.approx(values[1])


def spoiled(lines: list[str], **columns: Any) -> list[str]:
    names = ["when", "shop", "age", "income", "city", "bought"]
    made = []
    for line in lines:
        cells = line.split(",")
        for name, change in columns.items():
            cells[names.index(name)] = change(cells[names.index(name)])
        made.append(",".join(cells))
    return made


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (days(1)[:1], set()),
        (spoiled(days(1), income=lambda cell: "?"), {"live/drift/columns", "live/quality/missing"}),
        (spoiled(days(1), income=lambda cell: cell if cell == "?" else str(float(cell) * 1000)), {"live/drift/columns"}),
        (spoiled(days(1), age=lambda cell: str(int(cell) * 1000)), {"live/drift/columns", "live/quality/rejected"}),
        (spoiled(days(1), city=lambda cell: f"{cell} {random.random()}"), {"live/drift/columns"}),
        (spoiled(days(1), age=lambda cell: "many"), {"live/quality/rejected", "live/quality/missing"}),
        (spoiled(days(1), bought=lambda cell: {"yes": "no", "no": "yes"}[cell]), {"live/performance/accuracy"}),
        (spoiled(days(1), bought=lambda cell: "perhaps"), {"live/performance/accuracy"}),
    ],
    ids=["one row", "all missing", "unit", "unit beyond the contract", "new categories", "no numbers", "labels contradict", "labels of no class"],
)
def test_a_bad_window_gets_the_right_verdict(shop: TestProject, lines: list[str], expected: set[str]) -> None:
    file(shop, lines)
    (window,) = told(shop, *COMMAND, "--forget")
    found = alarms(window) - {"live/traffic/rows"}
    assert expected <= found
    assert bool(expected) or not found
    assert window["verdict"] == "alarm"  # of one row, since the recipe asks for fifty a day


def test_what_is_kept_of_broken_rows_is_the_rule_and_not_the_cell(shop: TestProject) -> None:
    file(shop, spoiled(days(1), age=lambda cell: str(int(cell) * 1000)))
    (window,) = told(shop, *COMMAND, "--forget")
    (rejected,) = (one for one in window["findings"]["data_quality"] if one["name"] == "live/quality/rejected")
    assert list(rejected["evidence"]["reasons"].items()) == [("age is above 100", 200)]


def test_an_empty_file_and_a_column_that_is_gone(shop: TestProject) -> None:
    file(shop, [])
    outcome = shop.run(*COMMAND, "--forget")
    assert outcome.code == 3, outcome.text
    assert "Traceback" not in outcome.text
    lines = [",".join(cells[:3] + cells[4:]) for cells in (line.split(",") for line in days(1))]
    file(shop, lines, header="when,shop,age,city,bought")
    (window,) = told(shop, *COMMAND, "--forget")
    assert {"live/drift/columns", "live/quality/missing"} <= alarms(window)


def test_clock_changes_are_no_gap(shop: TestProject) -> None:
    """The night in which Europe's clocks are set back, in times with their offsets: every hour of UTC has rows."""
    begin = datetime(2026, 10, 24, tzinfo=UTC)
    cells = [line.split(",") for line in days(3)]
    for place, row in enumerate(cells):
        moment = begin + timedelta(seconds=place * 3 * 86_400 / len(cells))
        offset = 2 if moment < datetime(2026, 10, 25, 1, tzinfo=UTC) else 1
        row[0] = (moment + timedelta(hours=offset)).strftime("%Y-%m-%dT%H:%M:%S") + f"+0{offset}:00"
    file(shop, [",".join(row) for row in cells])
    windows = told(shop, *COMMAND, "--forget")
    assert [one["rows"] for one in windows] == [200, 200, 200]
    gaps = [finding["value"] for one in windows for finding in one["findings"]["traffic"] if finding["name"] == "live/traffic/longest_gap"]
    assert max(gaps) <= 600


def test_the_page_has_pictures_and_stands_alone(shop: TestProject) -> None:
    file(shop, days(4, older=15, since=2))
    outcome = shop.run(*COMMAND, "--page", "page.html")
    assert outcome.code == 0, outcome.text
    page = (shop.root / "page.html").read_text(encoding="utf-8")
    assert "<b>Alarm.</b>" in page
    assert page.count("<svg") >= 8
    assert "age: " in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "<script" not in page


def test_fail_is_for_scripts(shop: TestProject) -> None:
    file(shop, days(3, older=15, since=2))
    outcome = shop.run(*COMMAND, "--fail")
    assert outcome.code == 4, outcome.text
    assert "the newest window has an alarm" in outcome.err


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("monitor", "buyers", "--source", "live.csv", "--time", "wen"), 2, "Did you mean when?"),
        (("monitor", "buyers", "--source", "live.csv", "--window", "sometimes"), 2, "says no windows"),
        (("monitor", "buyers", "--source", "live.csv", "--window", "daily"), 2, "--time COLUMN"),
        (("monitor", "buyers", "--source", "live.csv", "--time", "when", "--by", "shopp"), 2, "Did you mean shop?"),
        (("monitor", "byers"), 2, "Did you mean buyers?"),
        (("monitor", "buyers"), 3, "no window has been looked at yet"),
    ],
)
def test_mistakes_are_told_in_a_line_or_two(shop: TestProject, arguments: tuple[str, ...], code: int, said: str) -> None:
    file(shop, days(1))
    outcome = shop.run(*arguments)
    assert outcome.code == code, outcome.text
    assert said in outcome.err
    assert len(outcome.err.splitlines()) <= 4


def test_a_version_without_monitors_says_how_to_get_some(project: TestProject, master_without: TestProject) -> None:
    outcome = master_without.run("monitor", "buyers")
    assert outcome.code == 2, outcome.text
    assert "no section monitors" in outcome.err
    assert "monitors=[drift]" in outcome.err


@pytest.fixture
def master_without(project: TestProject) -> TestProject:
    from tests.end_to_end.buyers import buyers

    outcome = buyers(project).run("run", "buyers", "trainer.max_epochs=4")
    assert outcome.code == 0, outcome.text
    return project


def test_a_promise_that_no_window_keeps_is_a_problem_of_the_recipe(shop: TestProject) -> None:
    outcome = shop.run("check", "buyers", "monitors=[drift]", "monitors.drift.false_alarms=2/day")
    assert outcome.code == 2, outcome.text
    assert "monitors.drift.false_alarms" in outcome.text
    outcome = shop.run("check", "buyers", "monitors=[drift]", "monitors.drift.detect='0.25sd in a day'")
    assert outcome.code == 2, outcome.text
    assert "0.25sd within 1000 rows" in outcome.text


def test_a_promise_that_the_data_do_not_keep_stops_the_run_with_the_reason(shop: TestProject) -> None:
    outcome = shop.run("run", "buyers", "monitors=[drift]", "trainer.max_epochs=4", "monitors.drift.detect='0.05sd within 100 rows'")
    assert outcome.code == 3, outcome.text
    assert "cannot be promised" in outcome.err
    assert "Ask for" in outcome.err


def test_columns_that_cannot_be_watched_are_problems_of_the_recipe(shop: TestProject) -> None:
    outcome = shop.run("check", "buyers", "monitors=[drift,fairness_drift]", "monitors.drift.columns=[agee]")
    assert outcome.code == 2, outcome.text
    assert "Did you mean age?" in outcome.text
    assert "no column has the role protected" in outcome.text


def test_rows_of_a_model_with_protections_are_watched_as_it_sees_them(project: TestProject) -> None:
    from tests.end_to_end.buyers import buyers, rows

    privacy = ("privacy=[generalise]", "privacy.generalise.columns=[age]", "privacy.generalise.band=10")
    outcome = buyers(project, rows(1500)).run("run", "buyers", "monitors=[drift,data_quality]", "trainer.max_epochs=4", *privacy)
    assert outcome.code == 0, outcome.text
    file(project, days(2))
    quiet = told(project, *COMMAND)
    assert [alarms(one) for one in quiet] == [set(), set()]
    file(project, days(2, older=20, since=0))
    assert all("live/drift/columns" in alarms(one) for one in told(project, *COMMAND))
