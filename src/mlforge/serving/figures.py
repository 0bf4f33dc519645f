"""The metrics that every server has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from mlforge.serving.ledger import Cell, Ledger, Timer

__all__ = ["Figures"]

_NAMES = ("predict", "infer", "explain", "feedback", "admin", "other")
_CODES = (200, 400, 401, 403, 404, 405, 408, 413, 415, 422, 429, 431, 500, 501, 503, 504)
_OTHER = 0


@dataclass(frozen=True, slots=True)
class Figures:
    """Metrics of the HTTP layer; registered before the fork."""

    requests: dict[str, dict[int, Cell]]  # by kind of endpoint and status
    seconds: dict[str, Timer]  # from the first look at a request to its answer
    under_way: Cell
    rows: Cell
    rejected: Cell
    batches: Cell
    batched: Cell
    restarts: Cell
    lost: Cell

    @classmethod
    def of(cls, ledger: Ledger) -> Self:
        """Register them."""

        def cell(name: str, about: str, **labels: str) -> Cell:
            return ledger.cell(f"mlforge_{name}", labels, about=about)

        requests = {
            name: {code: cell("requests_total", "Requests answered.", endpoint=name, code=str(code) if code else "other") for code in (*_CODES, _OTHER)}
            for name in _NAMES
        }
        about = "Seconds from the first look at a request to its answer."
        return cls(
            requests,
            {name: ledger.timer("mlforge_request_seconds", {"endpoint": name}, about=about) for name in _NAMES},
            ledger.cell("mlforge_requests_under_way", about="Requests that are not answered yet.", kind="gauge"),
            cell("rows_total", "Rows predicted."),
            cell("rejected_rows_total", "Rows that broke their model's contract."),
            cell("batches_total", "Batches that went through a graph."),
            cell("batched_requests_total", "Requests in those batches."),
            cell("worker_restarts_total", "Workers that died and were replaced."),
            cell("lost_requests_total", "Requests that were answered 503 since their worker died."),
        )

    def answered(self, name: str, status: int, seconds: float) -> None:
        """One request was answered."""
        cells = self.requests.get(name) or self.requests["other"]
        (cells.get(status) or cells[_OTHER]).add()
        (self.seconds.get(name) or self.seconds["other"]).note(seconds)
