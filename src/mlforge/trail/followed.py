"""What followed of an alert: retrainings, versions, and where the alias of the champion went."""

from __future__ import annotations

from collections.abc import Iterator

from mlforge.report.figures import moment
from mlforge.store import KeptAlert
from mlforge.store.entries import AuditEntry, KeptTrigger
from mlforge.trail.archive import Archive
from mlforge.trail.trail import Step

__all__ = ["MOVES", "became", "came_of", "followed", "told_entry"]

MOVES = ("alias", "rolled_back", "rolled_out")
"""Entries of the audit log that say where aliases have pointed."""


def followed(archive: Archive, alert: KeptAlert) -> Iterator[Step]:
    """Retrainings for it, and what else was done with the model since; how things stand, when nothing was."""
    begun = [one for one in archive.store.triggers.of(alert.model) if one.alert == alert.number]
    for trigger in begun:
        yield Step("done", f"So a retraining began on {moment(trigger.created)} (retrain.when.{trigger.why}): {came_of(trigger)}", trigger.created,
                   (f"mlforge why retraining {trigger.number}",))  # fmt: skip
    since = [one for one in archive.entries(alert.model) if one.time >= alert.created and one.event in ("registered", *MOVES)]
    for entry in since:
        yield Step("done", told_entry(entry), entry.time)
    serving = archive.store.registry.champion(alert.model)
    if serving is None:
        return
    before = archive.store.registry.previous(alert.model)
    if serving.version != alert.version:
        yield Step("stands", f"{serving} serves now" + (f"; mlforge rollback {alert.model} would lead back to {before.version}." if before else "."))
    elif not begun and not since and alert.state != "over":
        yield Step("stands", f"{serving} still serves: nothing was changed since.")


def became(archive: Archive, model: str, version: int) -> Iterator[Step]:
    """What was done with a version, from its registration on."""
    for entry in archive.entries(model):
        if entry.event in ("registered", *MOVES) and version in (entry.details.get("version"), entry.details.get("before")):
            yield Step("done", told_entry(entry), entry.time)


def came_of(trigger: KeptTrigger) -> str:
    """What came of a retraining, as a clause with its stop."""
    run = f"run {trigger.run}" if trigger.run else "no run"
    match trigger.state:
        case "begun":
            return "it is at work, or goes on with the next `mlforge watch`."
        case "done":
            return f"{run} made {trigger.model} {trigger.version}." if trigger.version is not None else f"{run} made no new version."
        case "refused":
            return f"{run} was refused by a gate."
        case "waiting":
            return f"{run} waits for somebody to sign."
        case "failed":
            return f"it failed: {trigger.message or run}".rstrip(".") + "."


def told_entry(entry: AuditEntry) -> str:
    """An entry of the audit log in a sentence."""
    details, when = entry.details, moment(entry.time)
    reason = f": {details['reason']}" if details.get("reason") else ""
    match entry.event:
        case "registered":
            return f"{entry.subject} was registered on {when} as {details.get('alias')}, by run {details.get('run')}."
        case "alias":
            return f"{entry.actor} made {entry.subject} the {details.get('alias')} on {when}{reason}."
        case "rolled_back":
            return f"{entry.actor} rolled {details.get('before')} back to {entry.subject} on {when}{reason}."
        case "rolled_out":
            return f"The rollout of {entry.subject} was over on {when}, and it stayed{reason}."
    return f"{entry.event.replace('_', ' ')} {entry.subject} on {when}, by {entry.actor}{reason}."
