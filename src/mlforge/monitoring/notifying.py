"""From alarms to notifications, wherever windows are judged: alerts are opened and closed, plugins get events, channels get notifications."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from mlforge.monitoring.alerting import alerted
from mlforge.monitoring.delivery import Delivery, channels_of, send
from mlforge.monitoring.looking import Look
from mlforge.monitoring.plugin_events import announce
from mlforge.plugins import Catalog, Hooks
from mlforge.project import Project
from mlforge.store import KeptAlert, Store
from mlforge.store.entries import Version

__all__ = ["Notifier"]


@dataclass(frozen=True)
class Notifier:
    """Opens and closes alerts, and notifies plugins and the channels that the model's own recipe declares."""

    project: Project
    catalog: Catalog
    hooks: Hooks

    def notify(
        self, looks: Iterable[Look], store: Store, version: Version, kept: Callable[[Sequence[KeptAlert]], None] = lambda _: None
    ) -> tuple[Sequence[KeptAlert], Sequence[Delivery]]:
        """The alerts that these looks opened, continued or closed, and the outcome of each notification. `kept` is called with the alerts first."""
        before = store.alerts.of(version.model, version.version)
        found = alerted(looks, store, version)
        kept(found)
        if not found:
            return (), ()
        announce(self.hooks, before, found)
        return found, send(found, channels_of(store, version, self.project, self.catalog), store, self.project.hosts)
