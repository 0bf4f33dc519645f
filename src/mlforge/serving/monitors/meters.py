"""Metrics of the monitors themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from mlforge.serving.ledger import Cell, Ledger

__all__ = ["Meters"]


@dataclass(frozen=True, slots=True)
class Meters:
    """Figures of the monitors; made before the fork."""

    rows: Cell
    passed: Cell
    lost: Cell
    seconds: Cell
    kept: Cell
    failing: Cell

    @classmethod
    def of(cls, ledger: Ledger) -> Self:
        """Register them."""
        return cls(
            ledger.cell("mlforge_monitor_rows_total", about="Rows that monitors have looked at."),
            ledger.cell("mlforge_monitor_rows_passed_over_total", about="Rows that monitors had no time for: counted and timed, and not looked at."),
            ledger.cell("mlforge_monitor_rows_lost_total", about="Rows that never reached the counts, since they could not be handed over."),
            ledger.cell("mlforge_monitor_busy_seconds_total", about="Processor time that workers have given to monitors."),
            ledger.cell("mlforge_monitor_kept_timestamp_seconds", about="When the counts were last known to be in the store.", kind="gauge"),
            ledger.cell("mlforge_monitor_failing", about="1 while the counts cannot be kept.", kind="gauge"),
        )
