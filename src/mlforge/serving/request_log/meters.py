"""What the request log counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from mlforge.serving.ledger import Cell, Ledger

__all__ = ["Meters"]


@dataclass(frozen=True, slots=True)
class Meters:
    """Figures of the request log; made before the fork."""

    written: Cell
    dropped: Cell
    labels: Cell
    failing: Cell

    @classmethod
    def of(cls, ledger: Ledger) -> Self:
        """Register them."""
        return cls(
            ledger.cell("mlforge_log_rows_written_total", about="RowRecorder that the request log has on disk."),
            ledger.cell("mlforge_log_rows_dropped_total", about="RowRecorder that the request log had no room for."),
            ledger.cell("mlforge_log_labels_written_total", about="Labels that the request log has on disk."),
            ledger.cell("mlforge_log_failing", about="1 while the request log cannot be written.", kind="gauge"),
        )
