"""A run's report, written again when people have said something about its verdict since."""

from __future__ import annotations

import json
from dataclasses import replace

from mlforge.artifact import write_json
from mlforge.lifecycle.effect import Done
from mlforge.lifecycle.registering.registration import Candidate
from mlforge.report.kept import kept, write_report
from mlforge.store import Store

__all__ = ["amend"]


def amend(store: Store, candidate: Candidate, done: Done | None) -> None:
    """Let the report of the candidate's run say what is so now: who has signed, who has still to, and which version it has become."""
    folder = store.state / "runs" / candidate.run
    view = kept(folder)
    if view is None:
        return
    standing = candidate.standing(store)
    commands = tuple(f"mlforge approve {candidate.run} --role {role}" for role in standing.waits)
    if done is not None:
        commands = (f"mlforge predict {candidate.model} --source FILE --sink FILE", f"mlforge models {candidate.model}")
    stages = tuple(replace(stage, state="done") if done is not None and stage.name == "register" else stage for stage in view.stages)
    told = {"passed": standing.passed, "waits": standing.waits, "rulings": standing.signed(view.rulings), "next": commands, "stages": stages}
    write_report(replace(view, **told, registered=done.text if done is not None else view.registered), folder)  # type: ignore[arg-type]
    summary = folder / "summary.json"
    if summary.exists():
        event = [] if done is None else [{"subject": done.subject, "event": done.event, "new": done.new}]
        write_json(summary, json.loads(summary.read_text(encoding="utf-8")) | {"passed": standing.passed, "waits": list(standing.waits), "done": event})
