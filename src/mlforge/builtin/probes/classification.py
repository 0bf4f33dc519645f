"""The evaluator of predicted classes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, ClassVar

from mlforge.builtin.probes.classes import Scored, ids, metrics
from mlforge.builtin.probes.measuring import EXACT, Exact, Metric, names, row_numbers
from mlforge.window import Profile, Window

if TYPE_CHECKING:
    import polars as pl

    from mlforge.contract import Contract
    from mlforge.task import Task

__all__ = ["Classification"]


class Classification(Exact):
    """ROC AUC, PR AUC, log loss, Brier score, accuracy, F1, calibration error …, with intervals.

    With two classes, `roc_auc`, `pr_auc`, `f1`, `precision` and `recall` are those of the positive one; with more, the plain mean over the classes.
    A target that training has not seen counts as a miss. Weighted by the contract's weight column, where it has one.
    """

    libraries: ClassVar[tuple[str, ...]] = ("numpy", "polars")

    def declares(self, contract: Contract, task: Task) -> Iterable[str]:
        """Each metric, and `<metric>/gain`: how much better than the champion."""
        return names(metrics()) if task.output == "classes" else []

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
        return metrics()

    def scored(self, profile: Profile, table: pl.DataFrame) -> Scored:
        """Classes and probabilities as arrays."""
        classes = tuple(profile.tables["classes"]["class"].to_list())
        probability = table.select(f"probability_{k}" for k in range(len(classes))).to_numpy()
        return Scored(table["target"].to_numpy(), table["predicted"].to_numpy(), probability, classes)
