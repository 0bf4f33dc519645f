"""What the house settles before it forks: all that a worker needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from mlforge.service.serve import Serve
from mlforge.serving.figures import Figures
from mlforge.serving.journal.meters import Meters
from mlforge.serving.ledger import Ledger
from mlforge.serving.offer import Offer
from mlforge.serving.roster import Roster

__all__ = ["Plan"]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is served, how, by how many; and the memory that all share."""

    offers: Sequence[Offer]
    settings: Serve
    workers: int
    threads: int  # of one prediction
    ledger: Ledger
    roster: Roster
    figures: Figures
    meters: Meters  # of the request log

    @classmethod
    def made(cls, offers: Sequence[Offer], settings: Serve, cores: int) -> Self:
        """For this machine: a worker a core and a thread each, where the settings do not say otherwise."""
        workers = settings.workers or max(1, cores // (settings.threads or 1))
        ledger = Ledger(workers)
        return cls(offers, settings, workers, settings.threads or max(1, cores // workers), ledger, Roster(workers), Figures.of(ledger), Meters.of(ledger))
