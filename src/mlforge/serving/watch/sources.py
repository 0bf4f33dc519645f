"""One version, as a worker's monitors see it: batches become rows, and rows counts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mlforge.serving.journal.rows import Entry, Rows
from mlforge.serving.watch.sighting import Sighting
from mlforge.window import TIME

if TYPE_CHECKING:
    import polars as pl

    from mlforge.monitoring.panes import Panes
    from mlforge.plugins import Catalog
    from mlforge.serving.lane import Lane

__all__ = ["Source"]

_AT_ONCE = 8192  # rows that are summarised together


class Source:
    """Opened when the first batch has come, in the thread that looks at it."""

    def __init__(self, lane: Lane) -> None:
        assert lane.engine.offer.reference is not None
        self.lane, self._offer, self._reference = lane, lane.engine.offer, lane.engine.offer.reference
        self.known = False  # to the thread that counts
        self.tried = False  # was it opened, or could it not be
        self._whole: list[Panes] = []  # for rows that are looked at
        self._counted: list[Panes] = []  # for those that are only counted
        self._frames: list[pl.DataFrame] = []
        self._held = 0
        self.passed = 0  # rows that were passed over, as the loop counts them
        self._passed = 0  # those of them that are counted

    def open(self, catalog: Catalog) -> None:
        """Make the monitors. MlforgeError when a plugin of theirs is gone."""
        from mlforge.monitoring.intake import Intake
        from mlforge.monitoring.panes import Panes
        from mlforge.monitoring.standard import Standard
        from mlforge.reference import Reference

        self.tried = True
        standard = Standard.open(Reference(Path(self._reference)), catalog)
        predictor = self.lane.engine.predictor
        self._rows, self._intake = Rows(self.lane, None, 1.0), Intake(predictor, standard.contract)
        for windowing, watched in standard.by_windowing().items():
            here = tuple(one for one in watched if not one.monitor.exact)
            if here and windowing.by == "time":
                counting = tuple(one for one in here if one.monitor.counts)
                self._whole.append(Panes(windowing, here, standard.contract, standard.task, predictor))
                self._counted += [Panes(windowing, counting, standard.contract, standard.task, predictor)] if counting else []

    def look(self, entries: Sequence[Entry], ahead: float) -> None:
        """Take these batches' rows, as the request log would have them."""
        if self._whole and (frame := self._rows.frame(entries, ahead)) is not None:
            self._frames.append(frame)
            self._held += frame.height
            if self._held >= _AT_ONCE:
                self._summarise()

    def count(self, now: float) -> int:
        """How many rows were passed over since the last time; they came just before this time."""
        from mlforge.monitoring.intake import Live

        rows = self.passed - self._passed
        self._passed += rows
        if not self._counted or not rows:
            return rows
        import polars as pl

        moment = pl.Series([round(now * 1e6)]).cast(pl.Datetime("us"))
        came = pl.DataFrame({TIME: pl.repeat(moment[0], rows, dtype=pl.Datetime("us"), eager=True)})
        live = Live(came, None, pl.repeat(None, rows, dtype=pl.String, eager=True).alias("reason"))
        for panes in self._counted:
            panes.add(live)
        return rows

    def _summarise(self) -> None:
        import polars as pl

        if self._frames:
            frame = self._frames[0] if len(self._frames) == 1 else pl.concat(self._frames)
            self._frames, self._held = [], 0
            live = self._intake.live(frame)
            for panes in self._whole:
                panes.add(live)

    def told(self) -> Iterator[Sighting]:
        """What was seen since the last time."""
        self._summarise()
        for panes in self._counted:
            for seen in panes.seen.values():
                seen.rows = 0  # of those that were looked at, none
        for panes in (*self._whole, *self._counted):
            for at in sorted(panes.seen):
                yield Sighting.of(self._offer.model, self._offer.version, str(self._reference), panes, at)
            panes.seen.clear()
