"""When a retraining is due: a function of what is kept and of a clock that the test sets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mlforge.finding import Finding
from mlforge.service.retrain import Retrain
from mlforge.store import KeptAlert, KeptTrigger, Version
from mlforge.watching.due import Facts, held, reasons, waiting

START = datetime(2026, 3, 27, 12, tzinfo=UTC)


def champion(created: datetime = START) -> Version:
    return Version("adult", 4, "b", "v", "r", None, created.isoformat(), ("champion",))


def alert(number: int = 17, monitor: str = "drift", effect: float | None = 0.04, *, ends: datetime = START, state: Any = "open") -> KeptAlert:
    found = Finding(name="live/drift/columns", value=0.41, text="tenure moved by 0.41 sd")
    return KeptAlert(number, "adult", 4, monitor, found.name, "", "daily windows", START.isoformat(), ends.isoformat(), 1, "warning", state, effect,
                     "estimated/roc_auc 0.874 → 0.842", found)  # fmt: skip


def due(retrain: dict[str, Any], now: datetime, alerts: Sequence[KeptAlert] = (), triggers: Sequence[KeptTrigger] = ()) -> list[KeptTrigger]:
    return list(reasons(Retrain.model_validate({"when": retrain}), Facts(now, champion(), alerts, triggers, None)))


def clockwork(schedule: dict[str, str], clock: Iterator[datetime]) -> list[str]:
    """What is begun when it is looked at these times, one after the other."""
    begun: list[KeptTrigger] = []
    for now in clock:
        begun += [replace(one, state="done") for one in due({"schedule": schedule}, now, triggers=begun)]
    return [one.key.partition(" ")[2][5:16] for one in begun]


def every(step: timedelta, since: datetime, until: datetime) -> Iterator[datetime]:
    while since <= until:
        yield since
        since += step


def test_an_alert_and_a_loss_begin_one_retraining() -> None:
    when = {"drift": {"monitor": "drift", "loss": 0.02}}
    (found,) = due(when, START, [alert()])
    assert (found.why, found.key, found.alert) == ("drift", "drift alert 17", 17)
    assert found.text == "alert 17: tenure moved by 0.41 sd, estimated/roc_auc 0.874 → 0.842"
    assert due(when, START + timedelta(hours=1), [alert()], [replace(found, state="done")]) == []


@pytest.mark.parametrize("other", [alert(effect=0.01), alert(effect=None), alert(monitor="traffic"), alert(state="acknowledged")])
def test_an_alert_without_the_loss_or_that_somebody_looks_after_begins_none(other: KeptAlert) -> None:
    assert due({"drift": {"monitor": "drift", "loss": 0.02}}, START, [other]) == []


def test_an_alert_that_goes_on_after_a_refusal_begins_another_and_no_third_without_a_new_window() -> None:
    when = {"drift": {"monitor": "drift"}}
    (first,) = due(when, START, [alert()])
    refused = replace(first, state="refused")
    assert due(when, START + timedelta(days=1), [alert()], [refused]) == []
    (second,) = due(when, START + timedelta(days=2), [alert(ends=START + timedelta(days=1))], [refused])
    assert second.key == "drift alert 17 until 2026-03-28T12:00:00+00:00"
    assert due(when, START + timedelta(days=3), [alert(ends=START + timedelta(days=1))], [refused, replace(second, state="failed")]) == []


def test_a_schedule_begins_each_time_once_over_a_change_of_the_clock() -> None:
    schedule = {"cron": "30 2 * * *", "zone": "Europe/Berlin"}
    assert clockwork(schedule, every(timedelta(minutes=20), START, START + timedelta(days=3))) == ["03-28T01:30", "03-29T01:30", "03-30T00:30"]
    autumn = datetime(2026, 10, 24, 12, tzinfo=UTC)
    found = clockwork(schedule, every(timedelta(minutes=20), autumn, autumn + timedelta(days=2)))
    assert found[-2:] == ["10-25T00:30", "10-26T01:30"]


def test_a_clock_that_jumps_by_an_hour_and_back_doubles_nothing_and_leaves_nothing_out() -> None:
    schedule = {"cron": "0 * * * *"}
    minute = timedelta(minutes=1)
    jumps = [
        *every(minute, START + 10 * minute, START + 20 * minute),
        *every(minute, START + 80 * minute, START + 100 * minute),  # an hour forward
        *every(minute, START + 40 * minute, START + 200 * minute),  # and back
    ]
    assert clockwork(schedule, iter(jumps)) == ["03-27T13:00", "03-27T14:00", "03-27T15:00"]


def test_times_that_nobody_was_there_for_are_made_up_for_once() -> None:
    (found,) = due({"schedule": {"cron": "0 3 * * *"}}, START + timedelta(days=5))
    assert found.key == "schedule 2026-04-01T03:00:00+00:00"
    assert found.text.endswith("which makes up for 4 before")


def test_what_is_waited_for_is_told_while_nothing_is_due() -> None:
    retrain = Retrain.model_validate({"when": {"drift": {"monitor": "drift"}, "schedule": {"cron": "0 3 * * mon"}}, "training": {"rows": "source"}})
    assert waiting(retrain, Facts(START, champion(), (), (), None)) == "drift: no open alert; schedule: 2026-03-30 03:00 UTC"


def test_a_retraining_waits_for_the_one_before_and_for_a_day_with_room() -> None:
    retrain = Retrain.model_validate({"when": {"labels": 5}, "training": {"rows": "source"}, "cool_down": "2h", "a_day": 2})
    begun = [KeptTrigger(n, "adult", f"k{n}", "labels", "", START.isoformat(), created=(START + timedelta(hours=3 * n)).isoformat()) for n in (1, 2)]
    assert "cools down until 2026-03-27 20:00" in held(retrain, Facts(START + timedelta(hours=7), champion(), (), begun, None))
    assert "2 have begun within 24 hours, and 2 are allowed" in held(retrain, Facts(START + timedelta(hours=9), champion(), (), begun, None))
    assert held(retrain, Facts(START + timedelta(hours=28), champion(), (), begun, None)) == ""
