"""The evaluator of predicted values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from mlforge.builtin.probes.exact import EXACT, Exact, row_numbers
from mlforge.builtin.probes.measuring import Metric, names
from mlforge.builtin.probes.values import Valued, metrics
from mlforge.window import Profile, Window

if TYPE_CHECKING:
    import polars as pl

    from mlforge.contract import Contract
    from mlforge.task import Task

__all__ = ["Regression"]


class Regression(Exact):
    """MAE, RMSE, R², MAPE and bias, with intervals.

    For a model that predicts a quantile, `quantiles: [0.9]` adds `pinball/0.9`. Weighted by the contract's weight column, where it has one.
    """

    libraries: ClassVar[tuple[str, ...]] = ("numpy", "polars")

    quantiles: tuple[Annotated[float, Field(gt=0, lt=1)], ...] = Field(default=(), description="adds the pinball loss at each: 0.9 where high values matter")

    def declares(self, contract: Contract, task: Task) -> Iterable[str]:
        """Each metric, and `<metric>/gain`: how much better than the champion."""
        return names(metrics(quantiles=self.quantiles)) if task.output == "value" else []

    def summarise(self, window: Window) -> Profile:
        """Each row's number, weight, true and predicted value."""
        import polars as pl

        if window.output is None or window.predictions is None or window.output.kind != "value":
            return Profile()
        values = pl.DataFrame({"target": window.rows[window.output.target].cast(pl.Float64), "predicted": window.predictions["prediction"].cast(pl.Float64)})
        unit = pl.DataFrame({"unit": [window.contract.columns[window.output.target].unit or ""]})
        return Profile({EXACT: pl.concat([row_numbers(window), values], how="horizontal"), "unit": unit}, exact=True)

    def metrics(self, profile: Profile) -> Sequence[Metric[Valued]]:
        """The measures of values."""
        return metrics(profile.tables["unit"]["unit"][0], self.quantiles)

    def scored(self, profile: Profile, table: pl.DataFrame) -> Valued:
        """True and predicted values as arrays."""
        return Valued(table["target"].to_numpy(), table["predicted"].to_numpy())
