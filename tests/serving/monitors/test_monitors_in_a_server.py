"""Monitors in a real server: what it says of its windows is what `mlforge monitor` says of its request log."""

from __future__ import annotations

import json
import os
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.serving.monitors.watched import asked, monitors, watched
from tests.serving.running import Running, serving, until

from mlforge.monitoring.rules import rules
from mlforge.store import KeptWindow, Store
from mlforge.testing.project import TestProject

ALARM = 'mlforge_monitor_alarm{model="people",version="1",part="",monitor="drift",finding="live/drift/columns"}'
SETTINGS = {"monitor": {"seconds": 0.4, "share": 1}, "deadline": 1.0, "log": {"path": "log", "flush_seconds": 0.3}}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    (tmp_path / "mlforge.toml").write_text("")
    with Store.open(None, tmp_path / ".mlforge") as opened:
        yield opened


def over(store: Store, monitor: str, rows: int, version: int = 1) -> list[KeptWindow]:
    """The windows of one monitor that have been judged, once they have so many rows together."""
    found = [one for one in store.windows.of("people", version) if one.monitor == monitor and one.findings]
    return found if sum(one.rows for one in found) >= rows else []


def ask(server: Running, rows: list[dict[str, Any]]) -> None:
    status, said, _ = server.ask("/predict", {"rows": rows})
    assert status == 200, said


def figures(findings: Any) -> dict[str, tuple[float | None, str]]:
    return {one["name"]: (one["value"], one["severity"]) for one in findings}


def test_a_server_and_mlforge_monitor_over_its_log_find_the_same(store: Store, tmp_path: Path) -> None:
    watched(store, tmp_path / "drafts", serve=SETTINGS, alerts={"log": {"use": "log"}})
    with serving("people", cwd=tmp_path) as server:
        assert any("watched by drift, prediction_drift" in line for line in server.said)
        for turn in range(30):  # single rows and several, of several seconds, the later ones drifted
            ask(server, asked(1 + 7 * (turn % 3), turn, older=30 if turn >= 15 else 0))
            time.sleep(0.1)
        rows = sum(1 + 7 * (turn % 3) for turn in range(30))
        until(lambda: over(store, "drift", rows), 30.0)
        text = server.ask("/metrics")[1].decode()
        assert f"mlforge_monitor_rows_total {rows}" in text
        assert "mlforge_monitor_rows_lost_total 0" in text
        until(
            lambda: (
                'mlforge_monitor_alarm{model="people",version="1",part="",monitor="drift",finding="live/drift/columns"}' in server.ask("/metrics")[1].decode()
            )
        )
        asked_of = set(re.findall(r"mlforge_\w+", rules("people", 0.1)))
        assert asked_of <= set(re.findall(r"mlforge_\w+", server.ask("/metrics")[1].decode()))  # what Prometheus' rules speak of is there
        server.stop()
    kept = [one for one in store.windows.of("people", 1) if one.rows and one.findings]
    outcome = TestProject(tmp_path).run("monitor", "people", "--source", '{use: parquet, path: "log/requests/people/1/*/*.parquet"}', "--forget", "--json")
    assert outcome.code == 0, outcome.text
    again = [one for one in outcome.json if one["rows"]]
    assert sum(one["rows"] for one in again) == rows
    assert len(again) >= 2
    for one in again:
        here = {window.monitor: window for window in kept if window.begins == one["begins"]}
        assert set(here) == set(one["findings"])
        for entry, findings in one["findings"].items():
            said = figures(json.loads(finding.model_dump_json()) for finding in here[entry].findings)
            assert here[entry].rows == one["rows"]
            for name, (value, severity) in figures(findings).items():
                assert said[name][1] == severity, (entry, name)
                assert said[name][0] == (None if value is None else pytest.approx(value, rel=1e-9, abs=1e-12)), (entry, name)
    assert any(finding.severity != "info" for one in kept for finding in one.findings)


def counted(store: Store) -> int:
    return sum(one.rows for one in store.windows.of("people", 1) if one.monitor == "drift")


def test_who_is_killed_takes_no_more_than_the_declared_seconds_and_nothing_is_counted_twice(store: Store, tmp_path: Path) -> None:
    watched(store, tmp_path / "drafts", serve={"monitor": {"seconds": 0.4, "share": 1}}, chosen={"drift": monitors("hourly")["drift"]})
    with serving("people", cwd=tmp_path) as server:
        asked_for = 0
        for turn in range(3):
            for one in range(8):
                ask(server, asked(5, 8 * turn + one))
            asked_for += 40
            until(lambda: counted(store) == asked_for, 20.0)  # noqa: B023 - it is waited for here
            if turn == 0:  # nothing is in hand any more: nothing may be lost, and nothing come again
                workers = set(server.workers())
                os.kill(min(workers), signal.SIGKILL)
                until(lambda: len(set(server.workers()) - workers) == 1 and server.ask("/health/ready")[0] == 200, 20.0)  # noqa: B023
            if turn == 1:
                collector = server.sidecar("mlforge-monitor")
                assert collector is not None
                os.kill(collector, signal.SIGKILL)
        assert server.sidecar("mlforge-monitor") not in (None, collector)
        ask(server, asked(5, 99))
        for worker in server.workers():
            os.kill(worker, signal.SIGKILL)  # with rows in hand, or handed over
        until(lambda: server.ask("/health/ready")[0] == 200 if server.workers() else False, 20.0)
        ask(server, asked(7, 100))
        until(lambda: counted(store) >= asked_for + 7, 20.0)
        server.stop()
    assert counted(store) in (asked_for + 7, asked_for + 12)


@pytest.mark.slow
def test_what_is_in_hand_when_a_server_stops_is_kept_and_the_next_goes_on_from_there(store: Store, tmp_path: Path) -> None:
    watched(store, tmp_path / "drafts", serve={"monitor": {"seconds": 60}}, chosen={"drift": monitors("hourly")["drift"]})
    for turn in (1, 2):
        with serving("people", cwd=tmp_path) as server:
            ask(server, asked(5, turn))
            assert server.stop() == 0
        assert counted(store) == 5 * turn


def test_monitors_are_switched_off_by_a_setting(store: Store, tmp_path: Path) -> None:
    watched(store, tmp_path / "drafts", serve={}, chosen={"drift": monitors("hourly")["drift"]})
    with serving("people", "serve.monitor=null", cwd=tmp_path) as server:
        ask(server, asked(3))
        assert b"mlforge_monitor" not in server.ask("/metrics")[1]
        assert server.sidecar("mlforge-monitor") is None
        assert not any("watched" in line for line in server.said)
        server.stop()
    assert counted(store) == 0
