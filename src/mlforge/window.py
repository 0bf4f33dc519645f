"""Rows that are looked at together, with what a model said about them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

    from mlforge.contract import Contract
    from mlforge.task import Output, Task

__all__ = ["FAILED", "LATENCY", "TIME", "Profile", "Window"]

TIME = "__time__"  # of a live row: when it was asked about (UTC)
LATENCY = "__latency__"  # likewise: seconds that the answer took
FAILED = "__failed__"  # likewise: was there no answer


@dataclass(frozen=True, slots=True)
class Window:
    """One partition of rows under the contract's column keys, and the predictions for them, row by row, where there are any.

    `predictions` has `prediction` (the class, or the value in the target's unit) and, for a classification, `probability_0` … `probability_{k-1}`
    in the order of `output.classes`;
    for a language model `bits` and `bytes` of each text, and the next byte's probabilities.

    A live window has the rows as far as they can be typed: what cannot is missing. Of a row that broke the contract, the predictions are missing; the target is
    where the label has not arrived. `TIME`, `LATENCY` and `FAILED` are beside the contract's columns where they are known.
    """

    name: str  # what the rows are: "test", "train", "live"; the first part of the findings' names
    rows: pl.DataFrame
    contract: Contract
    task: Task
    output: Output | None = None
    predictions: pl.DataFrame | None = None
    predict: Callable[[pl.DataFrame], pl.DataFrame] | None = None  # the model, for probes that ask it again; rows and answers as above
    bundle: Path | None = None  # the model's folder, for probes that open it themselves
    reference: Profile | None = None  # what the rows will be held against, for monitors whose sketches are cut by it
    rejected: Mapping[str, int] = field(default_factory=dict)  # of a live window: rows that broke the contract, by reason; they are among `rows`
    span: tuple[datetime, datetime] | None = None  # of a live window: from when to when (not included), in UTC


@dataclass(frozen=True, slots=True)
class Profile:
    """What a probe keeps of the rows it has seen, as named tables: a *sketch* of some kilobytes, or *exact*."""

    tables: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    exact: bool = False  # an exact profile grows with the rows and stays in the run
