"""What is done about windows that alarm, wherever they were looked at: alerts are opened and closed, plugins hear of it, and people are told."""

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
    """Whom it tells: the hooks of plugins, and the channels that the model's own recipe declares."""

    project: Project
    catalog: Catalog
    hooks: Hooks

    def notify(
        self, looks: Iterable[Look], store: Store, version: Version, kept: Callable[[Sequence[KeptAlert]], None] = lambda _: None
    ) -> tuple[Sequence[KeptAlert], Sequence[Delivery]]:
        """The alerts that these looks opened, went on with or ended, and what became of each piece of news. `kept` hears of them before anybody else."""
        before = store.alerts.of(version.model, version.version)
        found = alerted(looks, store, version)
        kept(found)
        if not found:
            return (), ()
        announce(self.hooks, before, found)
        return found, send(found, channels_of(store, version, self.project, self.catalog), store, self.project.hosts)
