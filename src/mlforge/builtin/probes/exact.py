"""Evaluators that keep rows one by one: exact, mergeable in any order, and able to compare two models row by row."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from mlforge.artifact import ROW
from mlforge.builtin.probes.cells import CELLS, coarser, pooled, settled
from mlforge.builtin.probes.measuring import Metric, Sample, Settings, gains, measured
from mlforge.components import Probe
from mlforge.finding import Finding
from mlforge.window import Profile, Window

if TYPE_CHECKING:
    import polars as pl

__all__ = ["EXACT", "Exact", "row_numbers"]

EXACT = "rows"  # the table of an exact profile: ROW, `weight`, and what the metrics need
SEEN = "seen"  # the table that counts rows, where not all are kept
_SEED = 0x65786163
_ONE_BY_ONE = 50_000  # rows up to which each is drawn for an interval; of more, cells are


class Exact(Probe):
    """An evaluator that keeps every row's score, target and weight, up to a million rows.

    Of more rows it keeps a million, drawn by a hash of their numbers, so that two models keep the same ones and can be compared row by row; and, where it
    knows how, the `cells` of all rows, from which it measures.
    """

    kept: ClassVar[int] = 1_000_000  # rows that are kept one by one

    confidence: float = Field(default=0.95, ge=0.5, lt=1, description="confidence of the intervals")
    resamples: int = Field(
        default=1000, ge=200, le=20000, description="how often rows are resampled for an interval; fewer when more than 20,000 rows are drawn one by one"
    )

    def merge(self, one: Profile, other: Profile) -> Profile:
        """Both partitions' rows, and what is kept instead when they are many."""
        import polars as pl

        if not one.tables or not other.tables:
            return one if one.tables else other
        rows = pl.concat([one.tables[EXACT], other.tables[EXACT]])
        total = _seen(one) + _seen(other)
        tables = dict(one.tables) | {EXACT: rows if len(rows) <= 2 * self.kept else _drawn(rows, self.kept)}
        if total <= self.kept:
            return Profile(tables, exact=True)
        tables[SEEN] = pl.DataFrame({"rows": [total]})
        cells = [self.cells(profile) if CELLS not in profile.tables else profile.tables[CELLS] for profile in (one, other)]
        if cells[0] is not None and cells[1] is not None:
            tables[CELLS] = pooled(cells[0], cells[1])
        return Profile(tables, exact=True)

    def findings(self, profile: Profile, reference: Profile | None) -> Iterable[Finding]:
        """Every metric; with the champion's profile over the same rows also how much better the candidate is."""
        if not profile.tables:
            return
        settings, metrics = Settings(self.confidence, self.resamples), self.metrics(profile)
        cells = profile.tables.get(CELLS)
        note = f"measured on {self.kept:,} of {_seen(profile):,} rows, drawn by their numbers" if SEEN in profile.tables else ""
        sample = self._sample(profile) if cells is None else self.pooled(profile, settled(cells))
        if cells is None and len(sample) > _ONE_BY_ONE:
            cells = self.cells(profile)
        coarse = None if cells is None else self.pooled(profile, coarser(cells))
        for finding in measured(metrics, sample, settings, coarse):
            yield finding if not note or CELLS in profile.tables else finding.model_copy(update={"text": f"{finding.text}; {note}".removeprefix("; ")})
        if reference is not None and reference.tables:
            for finding in gains(metrics, self._sample(profile, reference), self._sample(reference, profile), settings):
                yield finding.model_copy(update={"text": note}) if note and finding.value is not None else finding

    def _sample(self, profile: Profile, other: Profile | None = None) -> Sample[Any]:
        """The exact table as arrays, in the order of the rows' numbers; only rows that the other profile has too."""
        import numpy as np
        import polars as pl

        table = self._table(profile)
        if other is not None:
            table = table.join(self._table(other), on=ROW, how="semi").sort(ROW)
        numbers = table.select(pl.col(pl.Float64).exclude("weight")).to_numpy()
        broken = int((~np.isfinite(numbers)).any(axis=1).sum())
        weight = table["weight"].to_numpy()
        return Sample(self.scored(profile, table), table[ROW].to_numpy(), weight, weight**2, len(table), broken)

    def _table(self, profile: Profile) -> pl.DataFrame:
        rows = profile.tables[EXACT]
        return (_drawn(rows, self.kept) if len(rows) > self.kept else rows).sort(ROW)

    @abstractmethod
    def metrics(self, profile: Profile) -> Sequence[Metric[Any]]:
        """What is measured."""

    @abstractmethod
    def scored(self, profile: Profile, table: pl.DataFrame) -> Any:
        """The exact table's rows as the metrics take them."""

    def cells(self, profile: Profile) -> pl.DataFrame | None:
        """The exact rows as cells; None where this evaluator has none."""
        return None

    def pooled(self, profile: Profile, cells: pl.DataFrame) -> Sample[Any]:
        """Cells as the metrics take them."""
        raise NotImplementedError


def row_numbers(window: Window) -> pl.DataFrame:
    """Each row's number and weight: the first columns of an exact table. Rows without a number are numbered by what is in them."""
    import polars as pl

    numbers = window.rows[ROW] if ROW in window.rows.columns else window.rows.hash_rows(seed=0)
    weights = window.contract.having("weight")
    weight = window.rows[weights[0]].cast(pl.Float64) if weights else pl.repeat(1.0, len(window.rows), dtype=pl.Float64, eager=True)
    return pl.DataFrame({ROW: numbers.cast(pl.UInt64), "weight": weight})


def _seen(profile: Profile) -> int:
    return int(profile.tables[SEEN]["rows"][0]) if SEEN in profile.tables else len(profile.tables[EXACT])


def _drawn(rows: pl.DataFrame, count: int) -> pl.DataFrame:
    """The rows whose numbers have the smallest hashes: the same ones however partitions are merged."""
    import polars as pl

    return rows.with_columns(pl.col(ROW).hash(_SEED).alias("order")).bottom_k(count, by=["order", ROW]).drop("order")
