"""The evaluator of order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from mlforge.builtin.probes.measuring import Metric, Sample, Settings, gains, measured, names
from mlforge.builtin.probes.ranked import Ranked, average_precision, ndcg, ranked, recall, reciprocal_rank
from mlforge.builtin.probes.sums import mean
from mlforge.components import Objection, Probe
from mlforge.errors import nearest
from mlforge.finding import Finding
from mlforge.window import Profile, Window

if TYPE_CHECKING:
    import polars as pl

    from mlforge.builtin.probes.resampling import Array
    from mlforge.contract import Contract
    from mlforge.task import Task

__all__ = ["Ranking"]

_TABLE = "rows"
_SEED = 0x72616E6B


class Ranking(Probe):
    """How well predictions put the rows of each group in order, such as the offers shown to one customer: NDCG, MAP, MRR and recall of the first few.

    A row's score is the probability of the positive one of two classes, or the predicted value; its relevance is 1 or 0, or the value. `ranking/ndcg_at_<k>`,
    `ranking/recall_at_<k>`, `ranking/map` and `ranking/mrr` are means over groups, each group counting the same; groups in which nothing is relevant are left
    out. Rows with one score count as the mean over every order of them. Intervals resample whole groups.
    """

    libraries: ClassVar[tuple[str, ...]] = ("numpy", "polars")

    by: str | None = Field(default=None, description="the column that says which rows are ranked together; by default the one with the role group")
    at: tuple[Annotated[int, Field(ge=1)], ...] = Field(default=(5, 10), min_length=1, description="how many of the first rows count")
    relevant: float = Field(default=0.0, ge=0, description="of a value: from above which on a row is one to be found, for map, mrr and recall")
    confidence: float = Field(default=0.95, ge=0.5, lt=1, description="confidence of the intervals")
    resamples: int = Field(default=1000, ge=200, le=20000, description="how often groups are resampled for an interval")

    def objections(self, contract: Contract) -> Iterable[Objection]:
        """Nothing to rank by."""
        if self.by is not None and self.by not in contract.columns:
            yield Objection("by", f"there is no column {self.by}", hint=nearest(self.by, contract.columns))
        if self.by is None and len(contract.having("group")) != 1:
            found = f"the contract has {len(contract.having('group')) or 'no'} columns with the role group"
            yield Objection("by", found, hint="Name the column whose rows are ranked together: by: customer.")

    def declares(self, contract: Contract, task: Task) -> Iterable[str]:
        """Each metric, and `<metric>/gain`: how much better than the champion."""
        return names(self._metrics()) if task.output in ("classes", "value") else []

    def summarise(self, window: Window) -> Profile:
        """Each row's group (as a hash), relevance and score."""
        import polars as pl

        output = window.output
        if output is None or window.predictions is None or window.rows.is_empty() or output.kind not in ("classes", "value"):
            return Profile()
        two = len(output.classes) == 2
        if output.kind == "classes" and not two:
            return Profile({_TABLE: pl.DataFrame(schema={"group": pl.UInt64, "relevance": pl.Float64, "score": pl.Float64})}, exact=True)
        target = window.rows[output.target]
        positive = pl.Series([output.classes[-1]]).cast(pl.String)[0] if two else None
        told = {
            "group": window.rows[self._column(window.contract)].cast(pl.String).fill_null("").hash(_SEED),
            "relevance": (target.cast(pl.String) == positive).fill_null(value=False).cast(pl.Float64) if two else target.cast(pl.Float64),
            "score": window.predictions["probability_1" if two else "prediction"].cast(pl.Float64),
        }
        return Profile({_TABLE: pl.DataFrame(told)}, exact=True)

    def merge(self, one: Profile, other: Profile) -> Profile:
        """Both partitions' rows: a group may have some in each."""
        import polars as pl

        if not one.tables or not other.tables:
            return one if one.tables else other
        return Profile({_TABLE: pl.concat([one.tables[_TABLE], other.tables[_TABLE]])}, exact=True)

    def findings(self, profile: Profile, reference: Profile | None) -> Iterable[Finding]:
        """Every metric over groups; with the champion's profile also how much better the candidate is."""
        if not profile.tables:
            return
        settings, metrics, rows = Settings(self.confidence, self.resamples), self._metrics(), profile.tables[_TABLE].height
        if reason := _unfit(profile.tables[_TABLE]):
            yield from (metric.finding(rows, None, reason) for metric in metrics)
            return
        sample = self._sample(profile)
        for finding in measured(metrics, sample, settings):
            yield finding.model_copy(update={"interval": finding.interval.replace("over rows", "over groups"), "text": finding.text or _about(sample, rows)})
        if reference is not None and reference.tables and not _unfit(reference.tables[_TABLE]):
            for finding in gains(metrics, sample, self._sample(reference), settings):
                yield finding.model_copy(update={"interval": finding.interval.replace("over rows", "over groups")})

    def _column(self, contract: Contract) -> str:
        return self.by or contract.having("group")[0]

    def _sample(self, profile: Profile) -> Sample[Array]:
        """The value of each metric in each group: what is resampled is groups, and a group's value stays the same."""
        import numpy as np

        table = profile.tables[_TABLE].sort("group", "score", "relevance")
        values = np.array([[measure(one) for _, measure in self._measures()] for one in self._groups(table)]).reshape(-1, len(list(self._measures())))
        numbers = table["group"].unique(maintain_order=True).to_numpy()
        one = np.ones(len(numbers))
        return Sample(values, numbers, one, one, len(numbers))

    def _groups(self, table: pl.DataFrame) -> Iterator[Ranked]:
        import numpy as np

        group, relevance, score = (table[name].to_numpy() for name in ("group", "relevance", "score"))
        starts = np.flatnonzero(np.r_[True, group[1:] != group[:-1]])
        for start, stop in zip(starts, [*starts[1:], len(group)], strict=True):
            yield ranked(relevance[start:stop], score[start:stop], self.relevant)

    def _measures(self) -> Iterator[tuple[str, Callable[[Ranked], float]]]:
        for k in dict.fromkeys(self.at):
            yield f"ndcg_at_{k}", lambda one, k=k: ndcg(one, k)  # type: ignore[misc]  # k is bound at once
        yield "map", average_precision
        yield "mrr", reciprocal_rank
        for k in dict.fromkeys(self.at):
            yield f"recall_at_{k}", lambda one, k=k: recall(one, k)  # type: ignore[misc]

    def _metrics(self) -> list[Metric[Array]]:
        return [
            Metric(f"ranking/{name}", _of(place), "higher", lambda _: "in no group is anything relevant") for place, (name, _) in enumerate(self._measures())
        ]


def _of(place: int) -> Callable[[Array, Array], Array]:
    def measure(values: Array, weights: Array) -> Array:
        import numpy as np

        there = np.isfinite(values[:, place])
        return mean(values[there, place], weights[there]) if there.any() else np.full(weights.shape[1], np.nan)

    return measure


def _about(sample: Sample[Array], rows: int) -> str:
    import numpy as np

    told = int(np.isfinite(sample.scored).all(axis=1).sum())
    empty = len(sample) - told
    left_out = f"; {empty} groups in which nothing is relevant are left out" if empty else ""
    return f"over {told} groups with {rows} rows{left_out}"


def _unfit(table: pl.DataFrame) -> str:
    import polars as pl

    if table.is_empty():
        return "more than two classes have no order; ranking needs two, or a value"
    broken = table.height - int(table.select(pl.all_horizontal(pl.col("relevance", "score").is_finite().fill_null(value=False)).sum()).item())
    if broken:
        return f"{broken} of {table.height} targets or predictions are not finite numbers"
    below = int((table["relevance"] < 0).sum())
    return f"{below} of {table.height} targets are below 0, and a relevance cannot be" if below else ""
