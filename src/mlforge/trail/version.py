"""The trails of a version and of a rollback: how it came to be, where aliases have pointed, and why it went."""

from __future__ import annotations

from collections.abc import Iterator

from mlforge.errors import RecipeError, nearest
from mlforge.report.figures import moment
from mlforge.store.entries import AuditEntry, Version
from mlforge.trail.archive import Archive
from mlforge.trail.differs import differs
from mlforge.trail.followed import MOVES, told_entry
from mlforge.trail.gate import verdict
from mlforge.trail.origin import origin
from mlforge.trail.run import begun_by
from mlforge.trail.trail import Step, Trail

__all__ = ["rollback_trail", "version_trail"]

_ALERTS = 5


def version_trail(archive: Archive, version: Version) -> Trail:
    """How it was judged and what became of it."""
    run = archive.run(version.run)
    moves = [one for one in archive.entries(version.model) if one.event in MOVES and _about(one, version.version)]
    rulings = () if run is None else archive.rulings(run)
    trigger = None if run is None else begun_by(archive, run)
    steps = [Step("done", told_entry(one), one.time) for one in reversed(moves)]
    steps += _alerts(archive, version)
    if rulings:
        steps.append(Step("judged", f"The gates: {verdict(rulings)}.", version.created, (f"mlforge why gate {version.run}",)))
    if trigger is not None:
        text = f"It was trained again since {trigger.text.rstrip('.')} (retraining {trigger.number})."
        steps.append(Step("began", text, trigger.created, (f"mlforge why retraining {trigger.number}",)))
    steps += [*_changed(archive, version), origin(archive, version)]
    aliases = f"{' and '.join(version.aliases)} now" if version.aliases else "no alias points at it"
    headline = f"{version}, registered {moment(version.created)}: {aliases}."
    return Trail("version", str(version), version.created, headline, tuple(steps), (f"mlforge models {version.model}",))


def rollback_trail(archive: Archive, model: str, entry: int | None = None) -> Trail:
    """The newest rollback of a model, or that with this number in the audit log. RecipeError when there is none."""
    back = [one for one in archive.entries(model) if one.event == "rolled_back" and entry in (None, one.number)]
    if not back:
        raise RecipeError(f"Nothing of {model} was ever rolled back.", hint=f"mlforge why {model} says how its champion came to be.")
    last = back[-1]
    after, before = (archive.version(model, int(last.details[key])) for key in ("version", "before"))
    alias = last.details.get("alias", "champion")
    headline = f"Rollback of {model}, {moment(last.time)}: {last.details['before']} went, {last.subject} is {alias} again."
    reason = str(last.details.get("reason") or "")
    steps = [Step("found", f"{last.actor} rolled it back{f': {reason}' if reason else ', and gave no reason'}.", last.time)]
    if before is not None:
        steps += _alerts(archive, before)
        steps += _promoted(archive, before, last)
        steps += _changed(archive, before, after)
    now = archive.store.registry.champion(model)
    if now is not None and after is not None and now.version != after.version:
        steps.append(Step("stands", f"Since then {now} became champion.", now.created, (f"mlforge why {model}@{now.version}",)))
    steps += [origin(archive, one) for one in (before, after) if one is not None]
    next_ = (f"mlforge diff {model}@{after.version} {model}@{before.version}",) if before is not None and after is not None else ()
    return Trail("rollback", f"rollback {last.number}", last.time, headline, tuple(steps), next_)


def model_of(archive: Archive, name: str) -> str:
    """A model's name. RecipeError with the near one when there is none of it."""
    if name in archive.models:
        return name
    hint = nearest(name, archive.models) or ("`mlforge models` lists them." if archive.models else "None is registered in this store yet.")
    raise RecipeError(f"There is no model {name!r}.", hint=hint)


def _about(entry: AuditEntry, version: int) -> bool:
    return version in (entry.details.get("version"), entry.details.get("before"))


def _promoted(archive: Archive, version: Version, until: AuditEntry) -> Iterator[Step]:
    """How it had come to serve."""
    alias = until.details.get("alias", "champion")
    earlier = [one for one in archive.entries(version.model) if one.number < until.number and one.event in ("registered", "alias")]
    made = [one for one in earlier if one.details.get("alias") == alias and one.details.get("version") == version.version]
    if made:
        yield Step("done", told_entry(made[-1]), made[-1].time)


def _alerts(archive: Archive, version: Version) -> Iterator[Step]:
    """What its monitors had to say, the gravest first."""
    found = archive.store.alerts.of(version.model, version.version)
    if found:
        first = found[0]
        told = f"alert {first.number} says {first.finding.removeprefix('live/')}, {first.newest.text.rstrip('.')} ({first.state})"
        others = [f"{one.number} {one.finding.removeprefix('live/')} ({one.state})" for one in found[1:_ALERTS]]
        more = f"; also {', '.join(others)}{' …' if len(found) > _ALERTS else ''}" if others else ""
        yield Step("beside", f"Its monitors: {told}{more}.", first.created, (f"mlforge why alert {first.number}",))


def _changed(archive: Archive, version: Version, other: Version | None = None) -> Iterator[Step]:
    """What is different from the version before, or from the other."""
    earlier = [one for one in archive.store.registry.versions(version.model) if one.version < version.version]
    other = other or (earlier[-1] if earlier else None)
    mine, theirs = archive.run(version.run), None if other is None else archive.run(other.run)
    if other is None or mine is None or theirs is None:
        return
    told = differs(archive, theirs, mine)
    text = f"Different since {other}: {told or 'nothing that is recorded'}."
    yield Step("changed", text, theirs.started, (f"mlforge diff {version.model}@{other.version} {version.model}@{version.version}",))
