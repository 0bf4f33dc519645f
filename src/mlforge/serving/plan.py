"""The configuration and shared memory of a server, made by the supervisor before it forks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

from mlforge.plugins import Catalog
from mlforge.service.serve import Serve
from mlforge.serving.figures import Figures
from mlforge.serving.ledger import Ledger
from mlforge.serving.monitors.monitor_plan import MonitorPlan
from mlforge.serving.offer import Offer
from mlforge.serving.request_log.channel import Channel
from mlforge.serving.rollout.board import Board
from mlforge.serving.roster import Roster

__all__ = ["Plan"]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is served, how, by how many workers; and the memory that all processes share."""

    offers: Sequence[Offer]
    settings: Serve
    workers: int
    threads: int  # of one prediction
    ledger: Ledger
    roster: Roster
    figures: Figures
    channel: Channel | None  # of the request log; None where there is none
    boards: Mapping[str, Board] = field(default_factory=dict)  # what rollouts share, by model; only of models that a store has
    monitor_plan: MonitorPlan | None = None  # of monitors; None where nothing is watched

    @classmethod
    def made(cls, offers: Sequence[Offer], settings: Serve, cores: int, catalog: Catalog | None = None) -> Self:
        """For this machine: a worker a core and a thread each, where the settings do not say otherwise. Without a `catalog`, nothing is watched."""
        workers = settings.workers or max(1, cores // (settings.threads or 1))
        ledger, roster = Ledger(workers), Roster(workers)
        boards = {offer.model: Board(roster, ledger, offer.model) for offer in offers if offer.version}
        threads = settings.threads or max(1, cores // workers)
        monitor_plan = MonitorPlan.of(settings.monitor, offers, ledger, catalog) if catalog is not None else None
        channel = Channel.of(settings.log, workers, ledger)
        return cls(offers, settings, workers, threads, ledger, roster, Figures.of(ledger), channel, boards, monitor_plan)
