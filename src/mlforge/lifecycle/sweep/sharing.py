"""What every trial of a search reads, encoded once."""

from __future__ import annotations

from collections.abc import Callable

from mlforge.artifact import Assignment, Encoding, Table
from mlforge.lifecycle.job import StageJob
from mlforge.lifecycle.plan import Lifecycle
from mlforge.lifecycle.sweep.bench import Commission

__all__ = ["encode_once"]


def encode_once(job: StageJob, lifecycle: Lifecycle, commission: Commission, tell: Callable[[], None]) -> None:
    """Into the folder that trials share, where all of them train on the same rows."""
    if not {"table", "assignment", "encoding"} <= job.inputs.keys():
        return
    from mlforge.lifecycle.rows.encode import encode

    commission.shared.mkdir(exist_ok=True)
    table, assignment, encoding = job.input("table", Table), job.input("assignment", Assignment), job.input("encoding", Encoding)
    contract = lifecycle.recipe.kept
    assert contract is not None, "a recipe that trains has a contract"
    for part in ("train", "validation"):
        encode(part, table, assignment, encoding, contract, commission.shared, lambda done: tell())
