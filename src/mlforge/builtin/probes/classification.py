"""The evaluator of predicted classes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from mlforge.builtin.probes.cells import counted
from mlforge.builtin.probes.classes import by_class, metrics
from mlforge.builtin.probes.costs import Costs, priced
from mlforge.builtin.probes.exact import EXACT, Exact, row_numbers
from mlforge.builtin.probes.measuring import Metric, Sample, names
from mlforge.builtin.probes.scored import BINS, Scored, ids
from mlforge.window import Profile, Window

if TYPE_CHECKING:
    import polars as pl

    from mlforge.contract import Contract
    from mlforge.task import Task

__all__ = ["Classification"]


class Classification(Exact):
    """ROC AUC, PR AUC, log loss, Brier score, accuracy, F1, calibration error …, with intervals.

    With two classes, `roc_auc`, `pr_auc`, `f1`, `precision` and `recall` are those of the positive one; with more, the plain mean over the classes, and
    `recall/<class>` and `precision/<class>` are those of each. `beta` adds `f_beta`; `costs` adds `cost`, what a row's errors cost on average, and
    `cheapest_threshold`, the probability from which on it would pay to say yes.
    A target that training has not seen counts as a miss. Weighted by the contract's weight column, where it has one.
    """

    libraries: ClassVar[tuple[str, ...]] = ("numpy", "polars")

    beta: float | None = Field(default=None, gt=0, description="adds f_beta, in which recall counts so many times as much as precision")
    costs: Costs | None = Field(default=None, description="what errors cost: adds cost, per row, and cheapest_threshold: {false_alarm: 1, miss: 5}")

    def declares(self, contract: Contract, task: Task) -> Iterable[str]:
        """Each metric, and `<metric>/gain`: how much better than the champion."""
        if task.output != "classes":
            return []
        return [*names(self._measures(())), "recall/*", "precision/*"]

    def summarise(self, window: Window) -> Profile:
        """Each row's number, weight, class, predicted class and probabilities."""
        import polars as pl

        if window.output is None or window.predictions is None or window.output.kind != "classes":
            return Profile()
        classes = pl.Series("class", list(window.output.classes)).cast(pl.String)
        said = window.predictions.select(
            ids(window.rows[window.output.target], classes).alias("target"),
            ids(window.predictions["prediction"], classes).alias("predicted"),
            *(pl.col(f"probability_{k}").cast(pl.Float64) for k in range(len(classes))),
        )
        return Profile({EXACT: pl.concat([row_numbers(window), said], how="horizontal"), "classes": classes.to_frame()}, exact=True)

    def metrics(self, profile: Profile) -> Sequence[Metric[Scored]]:
        """The measures of classes and probabilities."""
        return self._measures(_classes(profile))

    def scored(self, profile: Profile, table: pl.DataFrame) -> Scored:
        """Classes and probabilities as arrays."""
        classes = _classes(profile)
        probability = table.select(f"probability_{k}" for k in range(len(classes))).to_numpy()
        return Scored(table["target"].to_numpy(), table["predicted"].to_numpy(), probability, classes)

    def cells(self, profile: Profile) -> pl.DataFrame | None:
        """A histogram of the scores of two classes."""
        return counted(profile.tables[EXACT], BINS) if len(_classes(profile)) == 2 else None

    def pooled(self, profile: Profile, cells: pl.DataFrame) -> Sample[Scored]:
        """Each cell at its mean score, and ranked by that of its bin."""
        import numpy as np

        rows, said = cells["rows"].to_numpy(), cells["said"].to_numpy()
        place = np.unique(cells["bin"].to_numpy(), return_inverse=True)[1]
        rank = (np.bincount(place, weights=said) / np.bincount(place, weights=rows))[place] if len(cells) else said
        score = said / rows
        probability = np.column_stack([1 - score, score])
        target, predicted, bins = (cells[name].to_numpy() for name in ("target", "predicted", "place"))
        scored = Scored(target, predicted, probability, _classes(profile), rank, bins, rows)
        return Sample(scored, None, cells["weight"].to_numpy(), cells["square"].to_numpy(), int(rows.sum()), int(cells["broken"].sum()))

    def _measures(self, classes: tuple[str, ...]) -> list[Metric[Scored]]:
        return [*metrics(self.beta), *by_class(classes), *(priced(self.costs) if self.costs else ())]


def _classes(profile: Profile) -> tuple[str, ...]:
    return tuple(profile.tables["classes"]["class"].to_list())
