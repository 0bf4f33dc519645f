"""Features that tell the target almost alone, found by the same check that a run makes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, cast

from mlforge.artifact import ROW
from mlforge.components import Probe
from mlforge.contract import Contract
from mlforge.drafting.proposal import Proposal
from mlforge.plugins import Catalog
from mlforge.task import TASKS
from mlforge.window import Window

if TYPE_CHECKING:
    import polars as pl

__all__ = ["suspects", "without_leaks"]

_CHECK = "leakage"
_ROUNDS = 5  # the check names twenty suspects at most


def without_leaks(columns: Sequence[Proposal], target: Proposal, rows: pl.DataFrame, task: str, catalog: Catalog) -> list[Proposal]:
    """The columns, with suspects left out and a question beside each; the last feature stays, whatever it tells."""
    proposed = list(columns)
    for _ in range(_ROUNDS):
        found = suspects(contract_of([*proposed, target]), rows, task, catalog)
        if not found:
            break
        every = sum(column.role == "feature" for column in proposed) <= len(found)
        proposed = [_asked(column, found[column.key], every=every) if column.key in found else column for column in proposed]
        if every:
            break
    return proposed


def suspects(contract: Contract, rows: pl.DataFrame, task: str, catalog: Catalog) -> Mapping[str, float]:
    """The features at or above the check's own limit, with their association."""
    if _CHECK not in catalog.options("checks"):
        return {}
    probe = catalog.load("checks", _CHECK).model_validate({})
    assert isinstance(probe, Probe)
    window = Window("data", rows.with_row_index(ROW), contract, TASKS[task])
    for finding in probe.findings(probe.summarise(window), None):
        if finding.name.endswith("/suspects"):
            return cast("Mapping[str, float]", finding.evidence.get("columns", {}))
    return {}


def contract_of(columns: Sequence[Proposal]) -> Contract:
    """The columns as a contract."""
    return Contract.model_validate({"columns": {column.key: dict(column.settings) for column in columns}})


def _asked(column: Proposal, strength: float, *, every: bool) -> Proposal:
    told = f"predicts the target almost alone ({strength:.2f})"
    question = f"{told}: is it known before the target is? If not, role: ignore" if every else f"{told}: is it known before the target is? If so, role: feature"
    return column.having(question, told, "→ kept, for nothing else is left") if every else column.ignored(question, told, "→ left out: is it known before?")
