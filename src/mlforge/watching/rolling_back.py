"""Automatic rollback of a promoted version by an alert."""

from __future__ import annotations

from datetime import datetime, timedelta

from mlforge.service.rollout import Rollback
from mlforge.store import KeptAlert, Store, Version
from mlforge.store.triggers import ACTOR

__all__ = ["blamed", "roll_back"]


def blamed(rollback: Rollback, champion: Version, store: Store, now: datetime) -> KeptAlert | None:
    """The open alert for which the champion goes back: of a monitor that is named, within the time, and only where it was promoted over another."""
    moves = store.registry.history(champion.model)
    if not moves or moves[-1].rolled_back or moves[-1].before is None or moves[-1].version != champion.version:
        return None
    promoted = datetime.fromisoformat(moves[-1].time)
    if now - promoted > timedelta(seconds=rollback.within) or store.registry.previous(champion.model) is None:
        return None
    found = store.alerts.of(champion.model, champion.version, over=False)
    return next((one for one in found if one.monitor in rollback.monitors and one.state == "open" and _later(one, promoted)), None)


def _later(alert: KeptAlert, promoted: datetime) -> bool:
    """Has it alarmed since the version was promoted: what it did as a canary or shadow was known by then."""
    return datetime.fromisoformat(alert.ends) > promoted


def roll_back(alert: KeptAlert, champion: Version, store: Store) -> tuple[Version, Version] | None:
    """Point the alias back, if nobody has moved it meanwhile: the version that serves now, and the one that was taken back.

    Raises Untrusted when the project signs and nobody has signed the version before: servers would not open it.
    """
    if (before := store.registry.previous(champion.model)) is not None:
        store.vouched.signed(before)
    reason = f"alert {alert.number}: {alert.newest.text}"[:500]
    return store.registry.roll_back(champion.model, reason=reason, actor=ACTOR, only=champion.version)
