"""What workers and the collector share; made before the fork."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from secrets import token_hex
from typing import Self

from mlforge.plugins import Catalog
from mlforge.service.monitoring import MonitorSettings
from mlforge.serving.datagrams import Line
from mlforge.serving.ledger import Ledger
from mlforge.serving.monitors.meters import Meters
from mlforge.serving.offer import Offer

__all__ = ["MonitorPlan"]


@dataclass(frozen=True, slots=True)
class MonitorPlan:
    """Settings, metrics, and the line from the workers to the collector."""

    settings: MonitorSettings
    catalog: Catalog
    meters: Meters
    line: Line  # from the workers to the collector
    writer: str  # this server, among those that keep windows in one store

    @classmethod
    def of(cls, settings: MonitorSettings | None, offers: Sequence[Offer], ledger: Ledger, catalog: Catalog) -> Self | None:
        """None where nothing is to be watched: by the settings, or since no version comes from a store."""
        if settings is None or not any(offer.version for offer in offers):
            return None
        return cls(settings, catalog, Meters.of(ledger), Line.open(), token_hex(8))
