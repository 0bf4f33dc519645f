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
    assert titles.count("accuracy · estimated and realised") == 1
    assert not any("performance" in title for title in titles)
    assert {"age: 0.4 sd", "city: 0.1"} <= set(titles)


def test_what_comes_from_data_is_escaped() -> None:
    page = monitoring_page("adult 3", [view(1, alarm=True, hostile="<script>alert(1)</script>"), view(2, alarm=True, hostile="<script>alert(1)</script>")])
    assert "<script" not in page


def test_one_window_has_no_timeline_and_none_is_a_page_too() -> None:
    assert "Over time" not in monitoring_page("adult 3", [view(1)])
    assert monitoring_page("adult 3", []).startswith("<!doctype html>")
