"""The trail of a run: who asked for it, why each stage ran, what came of it."""

from __future__ import annotations

from collections.abc import Iterator

from mlforge.lifecycle.keys import changes
from mlforge.report.figures import duration, moment
from mlforge.store import RunRecord
from mlforge.store.entries import KeptTrigger, StageUse
from mlforge.trail.archive import Archive
from mlforge.trail.differs import causes_told, listed
from mlforge.trail.followed import became
from mlforge.trail.gate import verdict
from mlforge.trail.origin import data_of
from mlforge.trail.trail import Step, Trail, typed

__all__ = ["begun_by", "run_trail"]


def run_trail(archive: Archive, run: RunRecord) -> Trail:
    """Why it was begun, did what it did, and ended as it did."""
    before = archive.before(run)
    message = run.message.partition("\n")[0].rstrip(".")
    smoke = "Smoke run" if run.smoke else "Run"
    headline = f"{smoke} {run.id} of recipe {run.recipe}, {moment(run.started)}: {run.state}{f', {message}' if message else ''}."
    steps = [
        *_asked(archive, run),
        *_stages(archive, run, before),
        *_ended(archive, run),
        *_became(archive, run),
        Step("made", f"It read {data_of(archive, run)}.", run.started, archive.report(run.id)),
    ]
    return Trail("run", f"run {run.id}", run.started, headline, tuple(steps), _next(run, before))


def begun_by(archive: Archive, run: RunRecord) -> KeptTrigger | None:
    """The retraining that it is part of."""
    return next((one for one in archive.store.triggers.of(run.recipe) if one.run == run.id), None)


def _asked(archive: Archive, run: RunRecord) -> Iterator[Step]:
    words = f" with {listed(run.overrides)}" if run.overrides else ""
    trigger = begun_by(archive, run)
    if trigger is not None:
        yield Step("began", f"`mlforge watch` began it as retraining {trigger.number} (retrain.when.{trigger.why}): {trigger.text.rstrip('.')}.",
                   trigger.created, (f"mlforge why retraining {trigger.number}",))  # fmt: skip
    yield Step("began", f"{run.actor} ran {run.recipe}{words}.", run.started)


def _stages(archive: Archive, run: RunRecord, before: RunRecord | None) -> Iterator[Step]:
    """Stages that ran for the same reason are one step."""
    if before is None:
        yield Step("changed", f"No earlier run of {run.recipe} is recorded: every stage had to run.", run.started)
        return
    theirs = {use.name: use for use in before.stages}
    ran = [use for use in run.stages if use.state != "reused"]
    reasons = {use.name: _reasons(archive, use, theirs.get(use.name)) for use in ran}
    for use in ran:
        if reasons[use.name]:
            yield Step("changed", f"{_stage(use)} ran, since this is not as before: {'; '.join(reasons[use.name])}.", run.started)
    if after := [_stage(use) for use in ran if not reasons[use.name]]:
        yield Step("changed", f"{listed(after)} ran, since what they read is new.", run.started)
    if reused := [use.name for use in run.stages if use.state == "reused"]:
        yield Step("changed", f"Reused: {', '.join(reused)}; nothing that they read has changed since run {before.id}.", before.started)


def _stage(use: StageUse) -> str:
    return f"{use.name} ({duration(use.seconds)})" if use.seconds is not None else use.name


def _reasons(archive: Archive, use: StageUse, before: StageUse | None) -> list[str]:
    """Of its own, beside what the stages before it made."""
    mine, theirs = archive.store.records.stage(use.key), None if before is None else archive.store.records.stage(before.key)
    if mine is None or theirs is None:
        return ["it was not in the run before" if before is None else "nothing is recorded of the run before"]
    told = changes(mine.parts, theirs.parts)
    if not told:
        return ["it was asked for again"]
    return causes_told(change for change in told if not change.startswith("input "))


def _ended(archive: Archive, run: RunRecord) -> Iterator[Step]:
    for use in run.stages:
        if use.state == "failed":
            yield Step("judged", f"The stage {use.name} failed: {use.message.partition(chr(10))[0].rstrip('.')}.", run.ended or "")
    rulings = () if run.smoke else archive.rulings(run)
    if rulings:
        broken = [ruling for ruling in rulings if not ruling.passed]
        why = f": {'; '.join(ruling.text for ruling in broken[:3])}" if broken else ""
        yield Step("judged", f"The gates: {verdict(rulings)}{why}.", run.ended or "", (f"mlforge why gate {run.id}",))


def _became(archive: Archive, run: RunRecord) -> Iterator[Step]:
    """The version, and where aliases have pointed since."""
    version = archive.version_of(run)
    if run.smoke or version is None:
        return
    if version.run != run.id:
        yield Step(
            "done", f"Its bundle was {version} already, registered by run {version.run}.", version.created, (f"mlforge why {version.model}@{version.version}",)
        )
        return
    yield from became(archive, run.recipe, version.version)


def _next(run: RunRecord, before: RunRecord | None) -> tuple[str, ...]:
    again = typed("run", run.recipe, *run.overrides)
    if run.state in ("failed", "interrupted"):
        return (again,)
    return () if before is None else (f"mlforge diff {before.id} {run.id}",)
