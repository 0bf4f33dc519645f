"""The trail of a retraining: what started it, the run that it became, and the version that came of it."""

from __future__ import annotations

from collections.abc import Iterator

from mlforge.errors import RecipeError
from mlforge.report.figures import moment
from mlforge.store.entries import KeptTrigger
from mlforge.trail.archive import Archive
from mlforge.trail.followed import became, came_of
from mlforge.trail.gate import verdict
from mlforge.trail.origin import data_of
from mlforge.trail.trail import Step, Trail, typed

__all__ = ["retraining_trail"]


def retraining_trail(archive: Archive, number: int) -> Trail:
    """RecipeError when there is no such retraining."""
    one = next((each for each in archive.store.triggers.of() if each.number == number), None)
    if one is None:
        raise RecipeError(f"There is no retraining {number}.", hint="`mlforge watch` begins them, where a recipe has a section retrain.")
    headline = f"Retraining {one.number} of {one.model}, {moment(one.created)}: {came_of(one)}"
    steps = [*_why(archive, one), *_ran(archive, one), *(became(archive, one.model, one.version) if one.version is not None else ())]
    next_ = (f"mlforge watch {one.model} --once",) if one.state == "begun" else (f"mlforge promote {one.model} {one.version}",) if _waits(archive, one) else ()
    return Trail("retraining", f"retraining {one.number}", one.created, headline, tuple(steps), next_)


def _why(archive: Archive, one: KeptTrigger) -> Iterator[Step]:
    links = (f"mlforge why alert {one.alert}",) if one.alert is not None else ()
    yield Step("found", f"{one.text.rstrip('.')}.", one.created, links)
    run = archive.run(one.run) if one.run else next(iter(archive.store.records.runs(one.model, 1)), None)
    if run is not None and (declared := dict(run.plain.get("retrain") or {})):
        when = dict(declared.get("when") or {}).get(one.why)
        yield Step("declared", f"Declared as retrain.when.{one.why}: {when}; rows of the log up to {moment(one.until)} count.", one.created,
                   (typed("show", one.model, "retrain", *run.overrides),))  # fmt: skip


def _ran(archive: Archive, one: KeptTrigger) -> Iterator[Step]:
    if one.tries > 1:
        yield Step("done", f"It was taken up {one.tries - 1} more time{'s' if one.tries > 2 else ''} after its process was gone.", one.created)
    run = archive.run(one.run) if one.run else None
    if run is None:
        return
    yield Step("made", f"Run {run.id} read {data_of(archive, run)}; it is {run.state}.", run.started, (f"mlforge why run {run.id}", *archive.report(run.id)))
    rulings = archive.rulings(run)
    if rulings:
        broken = [ruling.text for ruling in rulings if not ruling.passed]
        yield Step("judged", f"The gates: {verdict(rulings)}{f': {broken[0]}' if broken else ''}.", run.ended or "", (f"mlforge why gate {run.id}",))


def _waits(archive: Archive, one: KeptTrigger) -> bool:
    """Is its version there, and no champion yet."""
    version = None if one.version is None else archive.version(one.model, one.version)
    return version is not None and "challenger" in version.aliases
