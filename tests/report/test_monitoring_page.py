"""The page of a model's monitors."""

from __future__ import annotations

import re

import pytest

from mlforge.finding import Finding
from mlforge.report.monitoring import Mark, WindowView, monitoring_page

pytest.importorskip("vl_convert", reason="the extra report is not installed")


def view(day: int, *, alarm: bool = False, hostile: str = "") -> WindowView:
    numbers = {"edges": [1.0, 2.0], "reference": [0.3, 0.4, 0.3], "window": [0.1, 0.2, 0.7]}
    words = {"labels": ["missing", f"Bern{hostile}", "other"], "reference": [0.1, 0.8, 0.1], "window": [0.0, 0.5, 0.5]}
    severity = "warning" if alarm else "info"
    findings = (
        Finding(name="live/drift/columns", value=int(alarm), text=f"age{hostile} has drifted", severity=severity),
        Finding(
            name="live/drift/column/age",
            value=0.4,
            unit="sd",
            text="moved",
            severity=severity,
            evidence={"column": f"age{hostile}", "picture": numbers, "least": 0, "most": 9},
        ),
        Finding(name="live/drift/column/city", value=0.1, text="moved", evidence={"column": "city", "picture": words}),
        Finding(name="live/estimated/accuracy", value=0.9 - day / 100, low=0.85, high=0.95),
        Finding(name="live/performance/accuracy", value=0.88, low=0.8, high=0.95),
        Finding(name="live/performance/roc_auc", value=None, text="no labels"),
    )
    return WindowView("daily windows", "", f"2026-11-{day:02}T00:00", day, 1200, findings)


def test_the_newest_window_comes_first_and_alarms_are_listed() -> None:
    page = monitoring_page("adult 3", [view(1), view(2, alarm=True), view(3)], [Mark("2026-11-02", "adult 4")])
    assert "<b>Quiet.</b>" in page
    assert "1 of 3 windows have an alarm" in page
    assert "age has drifted" in page
    assert "<b>Alarm.</b>" in monitoring_page("adult 3", [view(1), view(2, alarm=True)])


def test_estimated_and_realised_performance_share_a_picture() -> None:
    page = monitoring_page("adult 3", [view(1), view(2)])
    titles = re.findall(r"<figcaption>([^<]*)", page)
    assert titles.count("Share of right answers (accuracy), estimated and realised") == 1
    assert not any("performance" in title for title in titles)
    assert {"age: moved by 0.4 sd", "city: moved by 10% of its rows"} <= set(titles)
    assert "Solid: realised. Dashed: estimated." in page
    assert page.count('stroke-dasharray="5,3"') >= 1


MARKS = (
    Mark("2026-10-20T10:00:00+00:00", "adult 3 registered as champion", "version", "mlforge why adult@3"),
    Mark("2026-11-02T00:05:00+00:00", "alert 17: age has drifted", "alert", "mlforge why alert 17"),
    Mark("2026-11-02T00:06:00+00:00", "retraining 2 began", "retraining", "mlforge why retraining 2"),
    Mark("2026-11-02T00:40:00+00:00", "adult 4 registered as challenger", "version", "mlforge why adult@4"),
    Mark("2026-11-04T09:00:00+00:00", "4 rolled back to 3", "rollback", "mlforge why rollback 44"),
)


def test_what_happened_is_listed_and_drawn_where_it_lies_within_the_windows() -> None:
    page = monitoring_page("adult 3", [view(day, alarm=day == 3) for day in range(1, 6)], MARKS)
    assert page.index("4 rolled back to 3") < page.index("adult 3 registered as champion"), "the newest comes first"
    numbers = set(re.findall(r">([\d, ]+)</text>", page))
    assert {"3, 4", "5"} <= numbers, "two marks of one hour share a line"
    assert page.count("mlforge why ") == len(MARKS)
    assert "a rollback" in page.partition("</section>")[2]
    assert "a promotion" not in page


def test_marks_that_lie_outside_the_windows_are_only_listed() -> None:
    page = monitoring_page("adult 3", [view(1), view(2)], MARKS[:1])
    assert "Lines with a number" not in page
    assert "adult 3 registered as champion" in page


def test_what_it_was_on_the_test_rows_and_why_there_is_no_estimate_stand_below_a_picture() -> None:
    def told(day: int) -> WindowView:
        known = Finding(name="live/performance/accuracy", value=0.8, low=0.7, high=0.9, evidence={"reference": 0.91})
        none = Finding(name="live/estimated/accuracy", value=None, text="withheld: 30% of the rows break the contract")
        return WindowView("daily windows", "", f"2026-11-{day:02}T00:00", day, 100, (known, none), f"2026-11-{day + 1:02}T00:00")

    page = monitoring_page("adult 3", [told(1), told(2)])
    assert "Only realised. Dotted: 0.91 on the test rows. No estimate in the newest window: withheld: 30% of the rows break the contract." in page


def test_many_alarms_are_folded() -> None:
    assert "<details open>" in monitoring_page("adult 3", [view(1, alarm=True)])
    page = monitoring_page("adult 3", [view(day, alarm=True) for day in range(1, 20)])
    assert "<details><summary>Alarms, window by window (19)" in page


def test_what_comes_from_data_is_escaped() -> None:
    page = monitoring_page("adult 3", [view(1, alarm=True, hostile="<script>alert(1)</script>"), view(2, alarm=True, hostile="<script>alert(1)</script>")],
                           [Mark("2026-11-02", "<script>2</script>", "rollback", "<script>3</script>")])  # fmt: skip
    assert "<script" not in page


def test_one_window_has_no_timeline_and_none_is_a_page_too() -> None:
    assert "Over time" not in monitoring_page("adult 3", [view(1)])
    assert monitoring_page("adult 3", []).startswith("<!doctype html>")


def told_of(day: int, *, more: int = 0) -> WindowView:
    """A window with many figures, of which the one that alarms comes late in the page's order."""
    quiet = tuple(Finding(name=f"live/performance/other_{place}", value=0.5 + day / 10) for place in range(more))
    loud = Finding(name="live/attribution/columns", value=min(day, 2), unit="columns", severity="warning", text="age counts for more")
    missing = Finding(name="live/quality/missing", value=0, unit="columns")
    apart = Finding(name="live/fairness/sex/selection_rate_gap", value=0.1)
    return WindowView("daily windows", "", f"2026-11-{day:02}T00:00", day, 1200, (*quiet, loud, missing, apart))


def test_counts_have_ticks_at_whole_numbers_and_each_once() -> None:
    page = monitoring_page("adult 3", [told_of(day) for day in (1, 2, 3)])
    drawings = dict(re.findall(r"<figcaption>([^<]*)</figcaption>(.*?)</figure>", page, re.DOTALL))
    counted = re.findall(r">(\d)<", drawings["Columns that count for more or less than before"])
    assert sorted(counted) == ["0", "1", "2"]
    assert "Selection rate by sex, how far groups are apart" in drawings
    assert sorted(re.findall(r">(\d)<", drawings["Columns with values missing more or less often"])) == ["0", "1"]


def test_what_alarms_has_a_picture_however_many_figures_there_are() -> None:
    page = monitoring_page("adult 3", [told_of(day, more=20) for day in (1, 2)])
    titles = re.findall(r"<figcaption>([^<]*)", page)
    assert "Columns that count for more or less than before" in titles
    assert len(titles) == 16
