"""After a retraining: its recorded outcome, and whether its version becomes champion."""

from __future__ import annotations

from collections.abc import Iterator

from mlforge.errors import GateRefused
from mlforge.service.retrain import Retrain
from mlforge.store import KeptTrigger, Store, Version
from mlforge.store.entries import TriggerState
from mlforge.store.triggers import ACTOR
from mlforge.watching.running import Ran

__all__ = ["Followed", "follow", "promotable"]

Followed = tuple[TriggerState, str]
"""What came of a retraining, and that in a sentence."""


def follow(trigger: KeptTrigger, ran: Ran, store: Store) -> Followed:
    """Judge a run by how it ended."""
    if ran.waits:
        return "waiting", f"waits for approval by {' and '.join(ran.waits)}: mlforge approve {ran.run} --role {ran.waits[0]}"
    if ran.code == GateRefused.exit_code:
        return "refused", f"the gates said no; the figures: mlforge runs {ran.run}" if ran.run else "the gates said no"
    if ran.code:
        return "failed", ran.said or f"the run ended with {ran.code}"
    if ran.version is None:
        return "failed", "the run registered nothing"
    version = store.registry.resolve(f"{trigger.model}@{ran.version}")
    if version.version <= trigger.newest:
        return "done", f"nothing new: the rows make {version} again"
    return "done", f"{version} passed the gates"


def promotable(trigger: KeptTrigger, version: Version, retrain: Retrain, store: Store) -> Iterator[str]:
    """Why the version does not become champion by itself; nothing when it does."""
    model = version.model
    if version.version <= trigger.newest:
        yield "nothing follows"
    elif retrain.then == "wait":
        yield f"it is challenger until somebody says mlforge promote {model} {version.version}"
    elif retrain.then == "shadow":
        yield f"the server asks it too; mlforge promote {model} {version.version} when it does well"
    elif any(move.version == version.version for move in store.registry.history(model)):
        yield "it has been champion already, so what was decided since stays"
    elif (champion := store.registry.champion(model)) is not None and version.judged_against != champion.bundle:
        yield f"{champion} became champion meanwhile, and it was not judged against that: mlforge run {model} judges it again"


def promote(trigger: KeptTrigger, version: Version, store: Store) -> Version:
    """Make it champion; doing it twice moves the alias once. Raises Untrusted when the project signs and nobody has signed it."""
    store.vouched.signed(version)
    return store.registry.set_alias(version.model, "champion", version.version, actor=ACTOR, reason=f"retraining {trigger.number}: {trigger.text}"[:500])
