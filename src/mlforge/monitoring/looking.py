"""One look at a model's live rows: cut into panes, merged with stored ones, judged and stored."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from mlforge.alarm import Windowing
from mlforge.errors import DataError
from mlforge.monitoring.history import keep, recall
from mlforge.monitoring.intake import Intake
from mlforge.monitoring.judging import Judged, judged
from mlforge.monitoring.monitor_set import MonitorSet
from mlforge.monitoring.panes import Panes
from mlforge.runtime.predictor import Predictor
from mlforge.store import Store
from mlforge.store.entries import Version

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Look", "look"]

_MOST = 20_000  # windows of one look


@dataclass(frozen=True)
class Look:
    """The windows of one kind, judged by the monitors that look over them."""

    windowing: Windowing | None  # None: all rows are one window
    windows: tuple[Judged, ...]
    kept: int  # panes that are new in the store, or have changed
    apart: int = 0  # kept panes that are left out, since they were held against another reference
    untimed: int = 0  # rows that are in no window, since they have no time that can be read


def look(
    monitor_set: MonitorSet,
    predictor: Predictor,
    frames: Iterable[pl.DataFrame],
    intake: Intake,
    *,
    store: Store,
    version: Version,
    whole: bool = False,
    kept: bool = True,
) -> Iterator[Look]:
    """Judge every window that these rows and those that are kept of earlier looks make. `whole` takes all rows as one window; without `kept`, nothing is
    remembered or written down. Raises DataError when there are too many of them."""
    kinds = {None: monitor_set.watched} if whole else monitor_set.by_windowing()
    cut = [Panes(windowing, watched, monitor_set.contract, monitor_set.task, predictor) for windowing, watched in kinds.items()]
    for frame in frames:
        live = intake.live(frame)
        for panes in cut:
            panes.add(live)
    for panes in cut:
        if panes.windowing is not None and sum(1 for _ in islice(panes.windows(), _MOST + 1)) > _MOST:
            raise DataError(
                f"{version}: {panes.windowing.text} cut these rows into more than {_MOST:,}, each of which would be judged",
                hint="Ask for longer windows, such as --window 1d, or give rows of less time. Is the time of every row right?",
            )
    for panes in cut:
        apart = recall(panes, store, version) if kept and not whole else 0
        told = list(judged(panes))
        yield Look(panes.windowing, tuple(told), keep(panes, told, store, version) if kept else 0, apart, panes.untimed)
