"""The trail of a verdict: each rule, what it was asked, the measurement behind it, the champion, and who signed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mlforge.components import Ruling
from mlforge.errors import RecipeError
from mlforge.report.figures import moment, number
from mlforge.store import RunRecord
from mlforge.store.entries import Version
from mlforge.trail.archive import Archive
from mlforge.trail.differs import differs
from mlforge.trail.origin import data_of
from mlforge.trail.trail import Step, Trail

__all__ = ["gate_trail", "judged_against", "verdict"]


def gate_trail(archive: Archive, run: RunRecord) -> Trail:
    """RecipeError when the run came to no verdict."""
    rulings = archive.rulings(run)
    if not rulings:
        raise RecipeError(f"Run {run.id} of {run.recipe} came to no verdict: {_why_none(archive, run)}.", hint=f"mlforge why run {run.id}")
    ordered = sorted(rulings, key=lambda ruling: ruling.passed)
    champion = judged_against(archive, run)
    steps = [
        *(_ruled(archive, run, ruling) for ruling in ordered),
        *_compared(archive, run, champion),
        *_signed(archive, run),
        Step("made", f"It judged what run {run.id} made of {data_of(archive, run)}.", run.started, (f"mlforge why run {run.id}", *archive.report(run.id))),
    ]
    headline = f"Gate of run {run.id}, recipe {run.recipe}, {moment(run.ended or run.started)}: {verdict(rulings)}."
    refused = (f"mlforge diff {champion.model}@{champion.version} {run.id}",) if champion else ()
    waits = tuple(f"mlforge approve {run.id} --role {ruling.role}" for ruling in rulings if ruling.waits)
    return Trail("gate", f"gate of run {run.id}", run.ended or run.started, headline, tuple(steps), waits or refused)


def verdict(rulings: tuple[Ruling, ...]) -> str:
    """ "refused by 1 of 3 rules", "passed, 3 of 3 rules"."""
    broken = sum(not ruling.passed and not ruling.waits for ruling in rulings)
    waits = sum(ruling.waits for ruling in rulings)
    if broken:
        return f"refused by {broken} of {len(rulings)} rules"
    return f"waits for {waits} of {len(rulings)} rules" if waits else f"passed, {len(rulings)} of {len(rulings)} rules"


def judged_against(archive: Archive, run: RunRecord) -> Version | None:
    """The champion of that time, where there was one."""
    use = next((one for one in run.stages if "verdict" in one.outputs), None)
    stage = None if use is None else archive.store.records.stage(use.key)
    digest = None if stage is None else stage.parts.get("outside champion")
    return next((one for one in archive.store.registry.versions(run.recipe) if one.bundle == digest), None)


def _ruled(archive: Archive, run: RunRecord, ruling: Ruling) -> Step:
    said = "waits" if ruling.waits else "yes" if ruling.passed else "no"
    text = f"{ruling.rule} says {said}: {ruling.text}."
    finding = archive.findings(run).get(ruling.finding)
    if finding is not None and finding.value is not None:
        rows = f" on {number(finding.rows)} rows" if finding.rows else ""
        text += f" The stage {archive.stage_of(run, ruling.finding)} measured it{rows}{f' ({finding.interval})' if finding.interval else ''}."
    declared = _declared(run, ruling)
    text += f" Asked for by {declared}." if declared else ""
    return Step("judged", text, run.ended or run.started)


def _declared(run: RunRecord, ruling: Ruling) -> str:
    """ "gates.thresholds.rules.auc {finding: test/roc_auc, min: 0.7}"."""
    entry, _, rule = ruling.rule.partition(".")
    gate: Any = dict(run.plain.get("gates") or {}).get(entry)
    if gate is None:
        return "compress" if entry == "compress" and run.plain.get("compress") else ""
    rules = dict(gate).get("rules")
    if rule and isinstance(rules, dict) and rule in rules:
        return f"gates.{entry}.rules.{rule} {{{', '.join(f'{key}: {value}' for key, value in dict(rules[rule]).items())}}}"
    keys = ", ".join(f"{key}: {value}" for key, value in dict(gate).items() if key not in ("use", "rules"))
    return f"gates.{entry}" + (f" {{{keys}}}" if keys else "")


def _compared(archive: Archive, run: RunRecord, champion: Version | None) -> Iterator[Step]:
    """What is new since the champion that it was held against."""
    theirs = None if champion is None else archive.run(champion.run)
    if champion is None or theirs is None:
        return
    told = differs(archive, theirs, run)
    text = f"It was held against {champion}, the champion of that time. Different since its run: {told or 'nothing that is recorded'}."
    yield Step("changed", text, theirs.started, (f"mlforge diff {champion.model}@{champion.version} {run.id}",))


def _signed(archive: Archive, run: RunRecord) -> Iterator[Step]:
    for entry in archive.entries(run.recipe):
        if entry.event in ("approved", "rejected") and entry.details.get("run") == run.id:
            reason = f": {entry.details['reason']}" if entry.details.get("reason") else ""
            yield Step("done", f"{entry.actor} {entry.event} it as {entry.details.get('role')} on {moment(entry.time)}{reason}.", entry.time)


def _why_none(archive: Archive, run: RunRecord) -> str:
    if not run.plain.get("gates"):
        return "its recipe has no gates"
    if "verdict" in archive.made(run):
        return "its verdict is no longer in the store"
    failed = next((use for use in run.stages if use.state == "failed"), None)
    if failed is not None:
        return f"the stage {failed.name} failed, {failed.message.partition(chr(10))[0].rstrip('.')}"
    return f"it is {run.state}" + (f", {run.message.partition(chr(10))[0].rstrip('.')}" if run.message else "")
