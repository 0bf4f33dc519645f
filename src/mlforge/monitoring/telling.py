"""What is done about windows that alarm, wherever they were looked at: alerts are opened and closed, plugins hear of it, and people are told."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from mlforge.monitoring.alerting import alerted
from mlforge.monitoring.announcing import announce
from mlforge.monitoring.looking import Look
from mlforge.monitoring.sending import Sent, channels_of, send
from mlforge.plugins import Catalog, Hooks
from mlforge.project import Project
from mlforge.store import KeptAlert, Store
from mlforge.store.entries import Version

__all__ = ["Teller"]


@dataclass(frozen=True)
class Teller:
    """Whom it tells: the hooks of plugins, and the channels that the model's own recipe declares."""

    project: Project
    catalog: Catalog
    hooks: Hooks

    def tell(
        self, looks: Iterable[Look], store: Store, version: Version, kept: Callable[[Sequence[KeptAlert]], None] = lambda _: None
    ) -> tuple[Sequence[KeptAlert], Sequence[Sent]]:
        """The alerts that these looks opened, went on with or ended, and what became of each piece of news. `kept` hears of them before anybody else."""
        before = store.alerts.of(version.model, version.version)
        found = alerted(looks, store, version)
        kept(found)
        if not found:
            return (), ()
        announce(self.hooks, before, found)
        return found, send(found, channels_of(store, version, self.project, self.catalog), store, self.project.hosts)
