"""Windows of raw data for tests of the checks, whole and cut."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from itertools import pairwise
from typing import Any

import polars as pl

from mlforge.artifact import ROW
from mlforge.components import Probe
from mlforge.contract import Contract
from mlforge.finding import Finding
from mlforge.task import TASKS
from mlforge.window import Profile, Window


def data_window(rows: pl.DataFrame | Mapping[str, Any], columns: Mapping[str, Mapping[str, Any]], task: str = "classification") -> Window:
    """Rows as the stage inspect shows them; `ROW` is added."""
    frame = pl.DataFrame(rows)
    if ROW not in frame.columns:
        frame = frame.with_row_index(ROW).with_columns(pl.col(ROW).cast(pl.Int64))
    return Window("data", frame, Contract.model_validate({"columns": columns}), TASKS[task])


def cut(window: Window, at: Sequence[int]) -> list[Window]:
    """The window in pieces."""
    edges = [0, *sorted(at), window.rows.height]
    pieces = [window.rows[low:high] for low, high in pairwise(edges)]
    return [Window(window.name, piece, window.contract, window.task) for piece in pieces]


def profile_of(probe: Probe, windows: Sequence[Window]) -> Profile:
    """All windows' profiles merged from the left."""
    return reduce(probe.merge, map(probe.summarise, windows))


def found_in(probe: Probe, window: Window, at: Sequence[int] = ()) -> dict[str, Finding]:
    """What the probe finds, by name; the window is cut at these rows first. Every finding must be declared."""
    found = {finding.name: finding for finding in probe.findings(profile_of(probe, cut(window, at)), None)}
    assert set(found) <= set(probe.declares(window.contract, window.task))
    return found
