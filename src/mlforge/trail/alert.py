"""The trail of an alert: what moved, since when, what it costs, what was promised, what was done about it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mlforge.alarm import Windowing
from mlforge.monitoring.delivery import steps as next_steps
from mlforge.report.figures import moment
from mlforge.store import KeptAlert, KeptWindow
from mlforge.store.entries import Version
from mlforge.trail.archive import Archive
from mlforge.trail.columns import moved
from mlforge.trail.cost import cost
from mlforge.trail.followed import followed
from mlforge.trail.origin import origin
from mlforge.trail.trail import Step, Trail, typed

__all__ = ["alert_trail"]

_BESIDE = 6  # other alerts that are named
_COLUMNS = 4  # columns that are described


def alert_trail(archive: Archive, number: int) -> Trail:
    """RecipeError when there is no such alert."""
    alert = archive.store.alerts.one(number)
    version = archive.version(alert.model, alert.version)
    every = [one for one in archive.store.windows.of(alert.model, alert.version) if one.part == alert.part]
    mine = [one for one in every if one.monitor == alert.monitor and Windowing.parse(one.windows).text == alert.windows]
    steps = [
        _found(alert, [one for one in mine if alert.begins <= one.begins < alert.ends]),
        _began(alert, mine),
        *_beside(archive, alert),
        *cost(archive, alert, version, [one for one in every if one.begins < alert.ends and alert.begins < one.ends]),
        *_promised(archive, alert, version),
        *_answered(archive, alert),
        *followed(archive, alert),
        *([origin(archive, version)] if version is not None else []),
    ]
    return Trail("alert", f"alert {alert.number}", alert.created, _headline(alert), tuple(steps), _next(alert))


def _headline(alert: KeptAlert) -> str:
    about, _, rest = alert.finding.removeprefix("live/").partition("/")
    columns = [str(one) for one in alert.newest.evidence.get("columns", ())]
    what = f"{about} in {', '.join(columns[:3])}{' …' if len(columns) > 3 else ''}" if columns else f"{about} {rest}".strip()
    state = f"acknowledged by {alert.actor}" if alert.state == "acknowledged" else alert.state
    group = f" among {alert.part}" if alert.part else ""
    return f"Alert {alert.number}, {moment(alert.created)}: {what.replace('_', ' ')} on {alert.model} {alert.version}{group} ({alert.severity}, {state})."


def _found(alert: KeptAlert, loud: Sequence[KeptWindow]) -> Step:
    """What the first window that alarmed said, column by column; and the newest where that says otherwise."""
    begun = next((one for window in loud for one in window.findings if one.name == alert.finding and one.severity != "info"), alert.newest)
    columns = [str(one) for one in begun.evidence.get("columns", ())]
    about = alert.finding.rpartition("/")[0]
    told = [moved(one) for window in loud[:1] for one in window.findings if one.name.startswith(f"{about}/column/") and one.evidence.get("column") in columns]
    text = " ".join([f"In the window of {_day(alert.begins)}, {begun.text.rstrip('.')}.", *told[:_COLUMNS]])
    if alert.newest.text != begun.text:
        text += f" In the newest that alarms, {alert.newest.text.rstrip('.')}."
    return Step("found", text, alert.begins, (f"mlforge monitor {alert.model}@{alert.version} --page {alert.model}.html",))


def _began(alert: KeptAlert, mine: Sequence[KeptWindow]) -> Step:
    """When, and whether it was quiet until then."""
    earlier = [one for one in mine if one.begins < alert.begins]
    during = sum(alert.begins <= one.begins < alert.ends for one in mine)
    text = f"It began there: {alert.count} of the {max(during, alert.count)} {alert.windows} up to {_day(alert.ends)} alarm"
    if not earlier:
        return Step("began", f"{text}. No earlier window of this version was looked at.", alert.begins)
    loud = sum(any(finding.name == alert.finding and finding.severity != "info" for finding in one.findings) for one in earlier)
    return Step("began", f"{text}, and {loud or 'none'} of the {len(earlier)} before.", alert.begins)


def _beside(archive: Archive, alert: KeptAlert) -> Iterator[Step]:
    """Other alerts over the same time: one cause has many faces."""
    every = sorted(archive.store.alerts.of(alert.model, alert.version), key=lambda one: (one.begins, one.number))
    others = [one for one in every if one.number != alert.number and one.part == alert.part and one.begins < alert.ends and alert.begins < one.ends]
    if others:
        told = ", ".join(f"{one.finding.removeprefix('live/')} (alert {one.number}, since {_day(one.begins)})" for one in others[:_BESIDE])
        more = f" and {len(others) - _BESIDE} more" if len(others) > _BESIDE else ""
        yield Step("beside", f"Over the same time: {told}{more}.")


def _promised(archive: Archive, alert: KeptAlert, version: Version | None) -> Iterator[Step]:
    """Where the monitor is declared, and what its promise was worth when the version was built."""
    run = None if version is None else archive.run(version.run)
    if run is None:
        return
    declared = dict(dict(run.plain.get("monitors") or {}).get(alert.monitor) or {})
    keys = ", ".join(f"{key}: {value}" for key, value in declared.items() if key != "use")
    written = f"{{{keys}}}" if keys else "with its defaults"
    yield Step(
        "declared",
        f"monitors.{alert.monitor} of recipe {run.recipe} watches it, {written}.",
        run.started,
        (typed("show", run.recipe, "monitors", *run.overrides),),
    )
    about = alert.finding.removeprefix("live/").partition("/")[0]
    proved = [archive.findings(run).get(f"reference/{about}/{what}") for what in ("false_alarms", "detectable")]
    if told := "; ".join(one.text for one in proved if one is not None and one.text):
        yield Step("promised", f"When {version} was built: {told}.", run.started)


def _answered(archive: Archive, alert: KeptAlert) -> Iterator[Step]:
    """Who was told, who looks after it."""
    told = [f"alerts.{channel} ({'that it is over' if what == 'over' else what})" for channel, what in sorted(alert.told.items())]
    if told:
        yield Step("done", f"Told: {', '.join(told)}.")
    for entry in archive.entries(alert.model):
        if entry.subject != str(alert.number):
            continue
        if entry.event == "alert_acknowledged":
            reason = f": {entry.details['reason']}" if entry.details.get("reason") else ""
            yield Step("done", f"{entry.actor} acknowledged it on {moment(entry.time)}{reason}.", entry.time)
        elif entry.event == "alert_over":
            why = f": {entry.details['why']}" if "why" in entry.details else ""
            yield Step("done", f"It was over on {moment(entry.time)}{why}.", entry.time)


def _next(alert: KeptAlert) -> tuple[str, ...]:
    done = {"open": 0, "acknowledged": -1, "over": None}[alert.state]
    return () if done is None else next_steps(alert)[1 : done or None]


def _day(iso: str) -> str:
    """ "2026-11-07" for a midnight, else with its time."""
    return iso[:10] if iso[11:16] == "00:00" else iso[:16].replace("T", " ")
