"""Alerts as the store keeps them: one for each stretch, ranked, acknowledged, silenced, and in the audit log."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mlforge.errors import RecipeError
from mlforge.finding import Finding
from mlforge.store import KeptAlert, Store
from mlforge.store.alerts import silenced

NEWEST = Finding(name="live/drift/columns", value=1, text="age has drifted", severity="warning")
ALERT = KeptAlert(
    number=0, model="adult", version=3, monitor="drift", finding="live/drift/columns", part="", windows="daily windows", begins="2026-11-03T00:00:00+00:00",
    ends="2026-11-05T00:00:00+00:00", count=2, severity="warning", state="open", effect=0.03, measure="accuracy 0.9 → 0.87", newest=NEWEST,
)  # fmt: skip


def days(first: int, last: int, **changed: object) -> KeptAlert:
    return replace(ALERT, begins=f"2026-11-{first:02}T00:00:00+00:00", ends=f"2026-11-{last + 1:02}T00:00:00+00:00", **changed)  # type: ignore[arg-type]


def events(store: Store) -> list[str]:
    return [entry.event for entry in reversed(store.audit.entries())]


def test_a_stretch_that_goes_on_is_the_same_alert(store: Store) -> None:
    (first,) = store.alerts.note([days(3, 4)])
    (again,) = store.alerts.note([days(3, 4)])
    (longer,) = store.alerts.note([days(3, 6, count=4)])
    (earlier,) = store.alerts.note([days(2, 6, count=5)])  # rows that came late
    assert {one.number for one in (first, again, longer, earlier)} == {1}
    assert store.alerts.of("adult") == [earlier]
    assert events(store) == ["alert"]
    assert store.audit.verify() == 1


def test_another_stretch_finding_group_or_version_is_another_alert(store: Store) -> None:
    store.alerts.note([days(3, 4, state="over"), days(9, 9), days(3, 4, part="N"), days(3, 4, version=4), days(3, 4, finding="live/traffic/rows")])
    assert [one.number for one in sorted(store.alerts.of(), key=lambda one: one.number)] == [1, 2, 3, 4, 5]
    assert [one.number for one in store.alerts.of("adult", 4)] == [4]
    assert 1 not in [one.number for one in store.alerts.of(over=False)]


def test_what_costs_most_comes_first_and_what_is_over_last(store: Store) -> None:
    store.alerts.note([
        days(1, 1, finding="a", effect=None), days(1, 1, finding="b", effect=0.01), days(1, 1, finding="c", effect=0.2),
        days(1, 1, finding="d", effect=0.9, state="over"), days(1, 1, finding="e", effect=None, severity="critical"),
    ])  # fmt: skip
    assert [one.finding for one in store.alerts.of()] == ["c", "b", "e", "a", "d"]


def test_of_alerts_that_cost_the_same_the_one_that_began_first_comes_first(store: Store) -> None:
    store.alerts.note([days(4, 4, finding="effect"), days(2, 4, finding="cause"), days(5, 5, finding="later")])
    assert [one.finding for one in store.alerts.of()] == ["cause", "effect", "later"]


def test_an_acknowledged_alert_stays_so_until_it_becomes_worse(store: Store) -> None:
    store.alerts.note([days(3, 4)])
    kept, new = store.alerts.acknowledge(1, "being mended", actor="ann")
    assert (kept.state, kept.actor, new) == ("acknowledged", "ann", True)
    assert store.alerts.acknowledge(1, "me too", actor="bob")[1] is False
    (same,) = store.alerts.note([days(3, 5)])
    assert (same.state, same.actor, same.reason) == ("acknowledged", "ann", "being mended")
    (worse,) = store.alerts.note([days(3, 6, severity="critical")])
    assert worse.state == "open"
    (over,) = store.alerts.note([days(3, 6, severity="critical", state="over")])
    assert over.state == "over"
    assert events(store) == ["alert", "alert_acknowledged", "alert", "alert_over"]


def test_a_silence_holds_for_its_findings_and_its_time(store: Store) -> None:
    (alert,) = store.alerts.note([days(3, 4)])
    store.alerts.silence("adult", "live/drift/*", "2026-12-01T00:00:00+00:00", "campaign", actor="ann")
    held = store.alerts.silences("2026-11-30T00:00:00+00:00")
    assert silenced(alert, held) == held[0]
    assert silenced(replace(alert, finding="live/traffic/rows"), held) is None
    assert silenced(replace(alert, model="other"), held) is None
    assert store.alerts.silences("2026-12-01T00:00:00+00:00") == []
    assert events(store) == ["alert", "silenced"]


def test_what_each_channel_was_told_is_noted(store: Store) -> None:
    store.alerts.note([days(3, 4)])
    store.alerts.told(1, "log", "warning")
    store.alerts.told(1, "pager", "critical")
    store.alerts.note([days(3, 5)])
    assert store.alerts.one(1).told == {"log": "warning", "pager": "critical"}


def test_an_alert_that_is_not_there_is_said_so(store: Store) -> None:
    with pytest.raises(RecipeError, match="no alert 7"):
        store.alerts.acknowledge(7)
