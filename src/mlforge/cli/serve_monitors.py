"""What `mlforge serve` does with the recipe's monitors."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING

from mlforge.cli.workplace import Workplace

if TYPE_CHECKING:
    from mlforge.monitoring.looking import Look
    from mlforge.serving.monitors.monitors import Monitors
    from mlforge.serving.plan import Plan
    from mlforge.store import Store
    from mlforge.store.entries import Version

__all__ = ["watched", "watching"]

log = logging.getLogger(__name__)


def watching(place: Workplace, store: Store, plan: Plan) -> Monitors | None:
    """The monitors of a server; None where nothing is watched."""
    if plan.monitor_plan is None:
        return None
    from mlforge.serving.monitors.monitors import Monitors

    def tell(store: Store, version: Version, looks: list[Look]) -> None:
        from mlforge.monitoring.notifying import Notifier

        _, sent = Notifier(place.project, place.catalog, place.hooks).notify(looks, store, version)
        for one in sent:
            if one.failure:
                why = one.failure.replace("\n", " ").rstrip(".")
                log.warning("alert %d could not be told to alerts.%s, and is tried again: %s.", one.alert.number, one.channel, why)

    return Monitors(plan.monitor_plan, store, plan, tell)


def watched(plan: Plan) -> Iterator[str]:
    """A line for each model that is watched, as a server says it at its start."""
    from mlforge.reference import Reference

    for offer in plan.offers if plan.monitor_plan is not None else ():
        if offer.reference is not None:
            yield f"{offer.model} is watched by {', '.join(Reference(offer.reference).names())}"
