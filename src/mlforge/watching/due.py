"""Which retrainings are due, as a pure function of the store's facts and a clock that is passed in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from mlforge.service.cron import Cron
from mlforge.service.retrain import Alarm, Retrain
from mlforge.store import KeptAlert, KeptTrigger, Version
from mlforge.watching.rows import Rows

__all__ = ["Facts", "held", "reasons", "waiting"]

_DAY = timedelta(days=1)
_MANY = 1000  # missed times that are counted
_AGAIN = ("refused", "failed")  # what came of a retraining, when an alert that goes on may begin another


@dataclass(frozen=True)
class Facts:
    """The inputs of that function."""

    now: datetime  # in UTC
    champion: Version
    alerts: Sequence[KeptAlert]  # of the champion
    triggers: Sequence[KeptTrigger]  # all that there were, the oldest first
    rows: Rows | None  # of its log, where there is one

    @property
    def since(self) -> datetime:
        """When it was trained last, or that was tried."""
        begun = [datetime.fromisoformat(one.created) for one in self.triggers[-1:]]
        return max([datetime.fromisoformat(self.champion.created), *begun])


def reasons(retrain: Retrain, facts: Facts) -> Iterator[KeptTrigger]:
    """Every reason for a retraining that there is now; each has a key under which it is begun once."""
    when = retrain.when
    for why, alarm in (("drift", when.drift), ("performance", when.performance)):
        if alarm is not None:
            yield from _alarmed(why, alarm, facts)
    if when.schedule is not None:
        yield from _scheduled(Cron.parse(when.schedule.cron, when.schedule.zone), when.schedule.zone, facts)
    if facts.rows is not None and when.labels is not None and (count := facts.rows.labels(facts.since, facts.now)) >= when.labels:
        yield _reason(facts, "labels", f"since {facts.since.isoformat()}", f"{count:,} labels have come, and {when.labels:,} were waited for")
    if facts.rows is not None and when.rows is not None and (count := facts.rows.asked(facts.since, facts.now)) >= when.rows:
        yield _reason(facts, "rows", f"since {facts.since.isoformat()}", f"{count:,} rows were asked about, and {when.rows:,} were waited for")


def held(retrain: Retrain, facts: Facts) -> str:
    """Why a retraining that is due does not begin yet; empty when it may."""
    begun = [datetime.fromisoformat(one.created) for one in facts.triggers]
    if begun and facts.now - begun[-1] < timedelta(seconds=retrain.cool_down):
        until = begun[-1] + timedelta(seconds=retrain.cool_down)
        return f"it cools down until {until:%Y-%m-%d %H:%M} UTC (retrain.cool_down)"
    today = [moment for moment in begun if facts.now - _DAY < moment]
    if len(today) >= retrain.a_day:
        return f"{len(today)} have begun within 24 hours, and {retrain.a_day} are allowed (retrain.a_day)"
    training = retrain.training
    if training.rows == "log" and facts.rows is not None and (count := facts.rows.labelled(training, facts.now)) < training.fewest:
        told = "no labels have come" if not count else f"{count:,} labelled rows are there"
        return f"{told}, and {training.fewest:,} are needed (retrain.training.fewest)"
    return ""


def waiting(retrain: Retrain, facts: Facts) -> str:
    """What would begin a retraining, and how far that is; for when nothing is due."""
    when, told = retrain.when, []
    for why, alarm in (("drift", when.drift), ("performance", when.performance)):
        if alarm is not None:
            opened = sum(one.monitor == alarm.monitor and one.state == "open" for one in facts.alerts)
            told.append(f"{why}: {f'{opened} open alerts, none of which begins one' if opened else 'no open alert'}")
    if when.schedule is not None:
        told.append(f"schedule: {Cron.parse(when.schedule.cron, when.schedule.zone).next(facts.now):%Y-%m-%d %H:%M} UTC")
    if facts.rows is not None and when.labels is not None:
        told.append(f"labels: {facts.rows.labels(facts.since, facts.now):,} of {when.labels:,}")
    if facts.rows is not None and when.rows is not None:
        told.append(f"rows: {facts.rows.asked(facts.since, facts.now):,} of {when.rows:,}")
    return "; ".join(told)


def _alarmed(why: str, alarm: Alarm, facts: Facts) -> Iterator[KeptTrigger]:
    for one in facts.alerts:
        if one.monitor != alarm.monitor or one.state != "open" or (one.effect or 0.0) < alarm.loss:
            continue
        earlier = [trigger for trigger in facts.triggers if trigger.alert == one.number]
        if earlier and (earlier[-1].state not in _AGAIN or one.ends <= earlier[-1].until):
            continue  # it has led to a version, or nothing has alarmed since it did not
        loss = f", {one.measure}" if one.measure else ""
        text = f"alert {one.number}: {one.newest.text.rstrip('.')}{loss}"
        yield _reason(facts, why, f"alert {one.number}" + (f" until {one.ends}" if earlier else ""), text, one.number)


def _scheduled(cron: Cron, zone: str, facts: Facts) -> Iterator[KeptTrigger]:
    """The latest time since the champion was made or a time before was kept; those that were missed in between are made up for by it."""
    kept = [datetime.fromisoformat(one.key.partition(" ")[2]) for one in facts.triggers if one.why == "schedule"]
    since = max([datetime.fromisoformat(facts.champion.created), *kept])
    if since >= facts.now or (latest := cron.last(facts.now, since)) is None:
        return
    missed = sum(1 for _ in islice(cron.between(since, latest), _MANY)) - 1
    told = f", which makes up for {missed:,} before" if missed else ""
    yield _reason(facts, "schedule", latest.isoformat(), f"{cron.text} {zone} has come at {latest:%Y-%m-%d %H:%M} UTC{told}")


def _reason(facts: Facts, why: str, key: str, text: str, alert: int | None = None) -> KeptTrigger:
    now = facts.now.isoformat(timespec="microseconds")
    return KeptTrigger(0, facts.champion.model, f"{why} {key}", why, text, until=now, alert=alert, created=now)
