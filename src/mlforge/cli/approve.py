"""`mlforge approve`: sign a verdict in a role, or reject it."""

from __future__ import annotations

import os
import pwd
from typing import TYPE_CHECKING

import click

from mlforge.cli.workplace import Workplace, store_option
from mlforge.errors import GateRefused, RecipeError, nearest

if TYPE_CHECKING:
    from mlforge.lifecycle.registering.registration import Candidate
    from mlforge.project import Project
    from mlforge.store import RunRecord, Store

__all__ = ["command"]


@click.command("approve")
@click.argument("waiting", metavar="MODEL|RUN")
@click.option("--role", help="The role in which you sign; may be left out where it can be no other.")
@click.option("--reject", is_flag=True, help="Say no. Needs a reason.")
@click.option("--reason", default="", help="Why, for the audit log and the model's card.")
@store_option
def command(waiting: str, role: str | None, reject: bool, reason: str, store: str | None) -> None:
    """Sign the verdict that a run waits with, or reject it.

    When nobody else has to sign, the model is registered at once; nothing runs again. A signature is for this verdict on this bundle, and no other.

    \b
    mlforge approve adult --role risk --reason "seen by the board on 3 May"
    mlforge approve 01jd8q --role risk --reject --reason "too few rows from the south"
    """
    reason = " ".join(reason.split())
    if reject and not reason:
        raise click.UsageError('--reject needs a reason: --reason "…"')
    place = Workplace.here()
    opened = place.existing(store)
    hooks = place.hooks  # wrong settings of a plugin are told before anything is done
    from mlforge.lifecycle.registering.amending import amend
    from mlforge.report.verdict import verdict_line

    run = _run(opened, waiting)
    candidate = _candidate(opened, run)
    actor = _user()
    role = _role(candidate.verdict.awaited, role, place.project, actor)
    if not reject:
        _current(opened, candidate)
        opened.vouched.trust.signer()  # a key that cannot sign what may be registered is told before anybody's word is taken
    signature, new = opened.approvals.sign(
        run.recipe, bundle=candidate.bundles.digest, verdict=candidate.verdict.digest, role=role, approved=not reject, actor=actor, run=run.id, reason=reason
    )
    word = "rejected" if reject else "approved"
    click.echo(f"{run.recipe}  run {run.id}  {word} by {actor} as {role}{'' if new else ', as before'}")
    standing = candidate.standing(opened)
    click.echo(f"  verdict {candidate.verdict.digest[:12]}…  {verdict_line(standing.signed(candidate.rulings))}")
    if new:
        told = {"model": run.recipe, "role": role, "actor": actor, "reason": signature.reason, "run": run.id}
        hooks.event(word, run.recipe, told | {"digest": signature.bundle, "verdict": signature.verdict})
    done = candidate.register(opened) if standing.passed else None
    amend(opened, candidate, done)
    if standing.rejections:
        click.echo(f"  Nothing is registered: rejected by {' and '.join(standing.rejections)}.")
    elif standing.waits:
        click.echo(f"  Still waits for approval by {' and '.join(standing.waits)}.")
    elif done is not None:
        click.echo(f"  register  {done.text}")
        if done.new:
            hooks.event(done.event, done.subject, done.details)


def _run(store: Store, named: str) -> RunRecord:
    """The run of that id, or the newest run of that model."""
    runs = [run for run in store.records.runs(named, limit=200) if not run.smoke]
    return runs[0] if runs else store.records.run(named)


def _candidate(store: Store, run: RunRecord) -> Candidate:
    """What the run would register once it is signed. RecipeError when nobody is asked to."""
    from mlforge.lifecycle.registering.registration import Candidate

    candidate = None if run.smoke else Candidate.of(store, run)
    if candidate is not None and candidate.verdict.awaited and not candidate.verdict.refused:
        return candidate
    older = next((one.id for one in store.records.runs(run.recipe, limit=200) if one.state == "waiting"), "")
    hint = f"An older one does: mlforge approve {older}" if older and older < run.id else f"mlforge runs {run.id} shows it."
    raise RecipeError(f"run {run.id} of {run.recipe} does not wait for approval: it is {'a smoke run' if run.smoke else run.state}", hint=hint)


def _role(asked: tuple[str, ...], named: str | None, project: Project, actor: str) -> str:
    """The role in which this person signs. RecipeError where it is none that is asked for, or none of theirs."""
    held = [role for role in asked if actor in project.roles.get(role, ())]
    if named is None and len(held) == 1:
        return held[0]
    if named is None and held:
        raise RecipeError(f"{actor} may sign as {' and as '.join(held)}", hint=f"Say as which: --role {held[0]}")
    if named is not None and named not in asked:
        raise RecipeError(f"the verdict does not wait for {named}; it needs {' and '.join(asked)}", hint=nearest(named, asked))
    if named in held:
        return named
    wanted = (named,) if named else asked
    who = "; ".join(f"as {role}: {', '.join(project.roles.get(role, ('nobody',)))}" for role in wanted)
    raise RecipeError(f"{actor} may not sign as {' or '.join(wanted)}", hint=f"The project's settings ({project.settings or 'there are none'}) allow {who}.")


def _current(store: Store, candidate: Candidate) -> None:
    """A verdict that compares with a champion of the past says nothing about the model that would be replaced now."""
    champion = store.registry.champion(candidate.model)
    if any(version.bundle == candidate.bundles.digest for version in store.registry.versions(candidate.model)):
        return  # a version already: it keeps the verdict that it was given
    if (champion.bundle if champion else None) != candidate.judged_against:
        found = f"the champion is {champion} now, and the verdict of run {candidate.run} compares with another" if champion else "the champion is gone"
        raise GateRefused(f"{found}; nothing was signed", hint=f"mlforge run {candidate.model} judges it again; sign that verdict.")


def _user() -> str:
    """Whom the system knows this process to belong to. Not what the environment says: anybody can set that."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return f"uid {os.geteuid()}"
