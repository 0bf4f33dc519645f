"""The evaluator of labels that do not exclude each other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from mlforge.builtin.probes.exact import EXACT, Exact, row_numbers
from mlforge.builtin.probes.labelled import Labelled, metrics
from mlforge.builtin.probes.measuring import Metric, names
from mlforge.window import Profile, Window

if TYPE_CHECKING:
    import polars as pl

    from mlforge.contract import Contract
    from mlforge.task import Task

__all__ = ["Multilabel"]


class Multilabel(Exact):
    """ROC AUC, PR AUC, log loss, F1, Hamming loss, subset accuracy … of several labels, with intervals.

    `roc_auc`, `pr_auc`, `f1`, `precision` and `recall` are the plain mean over labels (macro), `<name>_micro` take every label of every row together, and
    `<name>/<label>` is that of one. `subset_accuracy` is the share of rows with all labels right, `hamming_loss` the share of labels that are wrong.
    `beta` adds `f_beta`. Weighted by the contract's weight column, where it has one.
    """

    libraries: ClassVar[tuple[str, ...]] = ("numpy", "polars")
    kept: ClassVar[int] = 200_000  # rows are several labels wide

    beta: float | None = Field(default=None, gt=0, description="adds f_beta, in which recall counts so many times as much as precision")

    def declares(self, contract: Contract, task: Task) -> Iterable[str]:
        """Each metric, of all and of each label, and `<metric>/gain`: how much better than the champion."""
        return names(metrics(contract.having("target"), self.beta)) if task.output == "labels" else []

    def summarise(self, window: Window) -> Profile:
        """Each row's number, weight, labels, predicted labels and probabilities."""
        import polars as pl

        if window.output is None or window.predictions is None or window.output.kind != "labels":
            return Profile()
        labels = window.output.targets
        named = window.predictions["prediction"].str.split(" ")
        said = [
            column
            for k, label in enumerate(labels)
            for column in (
                window.rows[label].cast(pl.Boolean).alias(f"target_{k}"),
                named.list.contains(label).alias(f"predicted_{k}"),
                window.predictions[f"probability_{k}"].cast(pl.Float64),
            )
        ]
        told = pl.DataFrame({"label": labels}, schema={"label": pl.String})
        return Profile({EXACT: pl.concat([row_numbers(window), pl.DataFrame(said)], how="horizontal"), "labels": told}, exact=True)

    def metrics(self, profile: Profile) -> Sequence[Metric[Labelled]]:
        """The measures of labels."""
        return metrics(tuple(profile.tables["labels"]["label"].to_list()), self.beta)

    def scored(self, profile: Profile, table: pl.DataFrame) -> Labelled:
        """Labels and probabilities as arrays."""
        count = profile.tables["labels"].height
        target, predicted, probability = (table.select(f"{what}_{k}" for k in range(count)).to_numpy() for what in ("target", "predicted", "probability"))
        return Labelled(target.astype(bool), predicted.astype(bool), probability)
