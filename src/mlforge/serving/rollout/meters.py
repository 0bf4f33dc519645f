"""Metrics of rollouts, for /metrics; registered before the fork."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from mlforge.serving.ledger import Cell, Ledger

__all__ = ["Meters"]


@dataclass(frozen=True, slots=True)
class Meters:
    """The metrics of one model."""

    swaps: Cell
    canary: Cell
    fallbacks: Cell
    resting: Cell
    shadowed: Cell
    differed: Cell
    unanswered: Cell
    dropped: Cell

    @classmethod
    def of(cls, ledger: Ledger, model: str) -> Self:
        """Register them."""

        def cell(name: str, about: str) -> Cell:
            return ledger.cell(f"mlforge_{name}", {"model": model}, about=about)

        return cls(
            cell("swaps_total", "Versions that took over, in each worker."),
            cell("canary_requests_total", "Requests that a version on trial answered."),
            cell("fallbacks_total", "Requests that were answered by a rung below."),
            ledger.cell("mlforge_breakers_open", {"model": model}, about="Versions that are given a rest, over all workers.", kind="gauge"),
            cell("shadow_rows_total", "Rows that the shadow was asked too."),
            cell("shadow_differences_total", "Rows for which it decided otherwise."),
            cell("shadow_failures_total", "Rows that it could not answer."),
            cell("shadow_dropped_total", "Batches that the shadow had no time for."),
        )
