"""Why an alert is over whose windows say nothing any more."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlforge.alarm import Windowing
from mlforge.finding import Finding
from mlforge.monitoring.alerting import alerted
from mlforge.monitoring.judging import Judged
from mlforge.monitoring.looking import Look
from mlforge.monitoring.panes import Panes
from mlforge.store import KeptAlert, Store
from mlforge.store.entries import Version
from mlforge.task import TASKS

DAILY = Windowing.parse("daily")
NEWEST = Finding(name="live/drift/columns", value=1, text="age has drifted", severity="warning")


@pytest.mark.parametrize(("apart", "why"), [(0, "no window alarms any more"), (3, "its windows do not compare any more")])
def test_the_audit_log_says_why(tmp_path: Path, apart: int, why: str) -> None:
    """It said that rows had come late, also when the monitors were built anew and the windows in which it alarmed were left out."""
    with Store.open(None, tmp_path / ".mlforge") as store:
        store.alerts.note([KeptAlert(
            number=0, model="adult", version=3, monitor="drift", finding=NEWEST.name, part="", windows=DAILY.text, begins="2026-11-03T00:00:00+00:00",
            ends="2026-11-05T00:00:00+00:00", count=2, severity="warning", state="open", effect=None, measure="", newest=NEWEST,
        )])  # fmt: skip
        panes = Panes(DAILY, (), None, TASKS["classification"])  # type: ignore[arg-type]
        numbers = range(panes.number(1_793_664_000), panes.number(1_793_664_000) + 1)
        quiet = Judged("", numbers, panes.span(numbers), 300, 0, 0, {"drift": (NEWEST.model_copy(update={"value": 0, "severity": "info"}),)})
        version = Version("adult", 3, "b1", "v1", "r1", None, "2026-11-01T00:00:00+00:00")
        (gone,) = alerted([Look(DAILY, (quiet,), 0, apart)], store, version)
        assert gone.state == "over"
        assert why in str(store.audit.entries()[0].details["why"])
