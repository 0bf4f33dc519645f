"""The evaluator of what predictions rest on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from mlforge.builtin.probes.losses import log_losses
from mlforge.builtin.probes.resampling import mixed
from mlforge.builtin.probes.sampling import ORDER, PART, sampled
from mlforge.components import Probe
from mlforge.contract import Contract
from mlforge.finding import Finding
from mlforge.window import Profile, Window

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    from mlforge.task import Output, Task

__all__ = ["Importance"]

_TABLE, _CURVES = "losses", "curves"
_GRID = 9  # values at which a column's effect is looked at
_CURVED = 6  # columns whose effect is told
_ROWS = 200  # rows that such a curve is the mean of


class Importance(Probe):
    """Which columns predictions rest on: how much the loss grows when a column's values are dealt out to other rows (Breiman 2001; Fisher et al. 2019).

    `importance/<column>` is the added log loss, or the added squared error in units of the target's variance, with its interval. Columns that say the same
    share their importance: neither is missed when the other is there. For the first columns, evidence has the mean prediction over a column's values
    (partial dependence: Friedman 2001).
    """

    libraries: ClassVar[tuple[str, ...]] = ("numpy", "polars", "onnxruntime")
    asks: ClassVar[bool] = True
    cut: ClassVar[str] = "a value is dealt to another row of the same partition, for the model is asked a partition at a time"

    rows: int = Field(default=1000, ge=20, le=100_000, description="rows that the model is asked about, once for each column")
    confidence: float = Field(default=0.95, ge=0.5, lt=1, description="confidence of the intervals")

    def enough(self) -> int:
        """As many as are asked about."""
        return self.rows

    def declares(self, contract: Contract, task: Task) -> Iterable[str]:
        """One finding a feature."""
        return (f"importance/{key}" for key in contract.having("feature"))

    def summarise(self, window: Window) -> Profile:
        """Of the rows that were drawn, the loss as they are, and with each column dealt anew: bounded."""
        import numpy as np
        import polars as pl

        if window.output is None or window.predict is None or window.rows.height < 2:
            return Profile()
        drawn = sampled(window, [pl.col(name) for name in window.rows.columns], self.rows)
        rows, order = drawn.drop(ORDER, PART), drawn[ORDER]
        before = _losses(window.predict(rows), rows, window.output)
        added: dict[str, Any] = {}
        for number, key in enumerate(key for key in window.contract.having("feature") if key in rows.columns):
            dealt = np.argsort(mixed(order.cast(pl.UInt64).to_numpy() + np.uint64(number + 1)), kind="stable")
            place = np.empty_like(dealt)
            place[dealt] = np.roll(dealt, 1)  # one ring through all rows: no row keeps its own value
            added[key] = _losses(window.predict(rows.with_columns(rows[key].gather(place))), rows, window.output) - before
        return Profile({_TABLE: pl.DataFrame({ORDER: order, **added}), _CURVES: _curves(window, rows.head(_ROWS), added)})

    def merge(self, one: Profile, other: Profile) -> Profile:
        """The rows with the smallest hashes of both; the curves of the first."""
        import polars as pl

        if not one.tables or not other.tables:
            return one if one.tables else other
        both = pl.concat([one.tables[_TABLE], other.tables[_TABLE]]).sort(ORDER, maintain_order=True).head(self.rows)
        return Profile({_TABLE: both, _CURVES: one.tables[_CURVES]})

    def findings(self, profile: Profile, reference: Profile | None) -> Iterable[Finding]:
        """The added loss of each column, the largest first."""
        import polars as pl

        if not profile.tables:
            return
        table, z = profile.tables[_TABLE], NormalDist().inv_cdf((1 + self.confidence) / 2)
        columns = [name for name in table.columns if name != ORDER]
        rows = table.height
        for key in sorted(columns, key=lambda name: (-_mean(table[name]), name)):
            value, half = _mean(table[key]), z * float(table[key].std() or 0.0) / rows**0.5  # type: ignore[arg-type]  # a column of floats
            curve = profile.tables[_CURVES].filter(pl.col("column") == key)
            evidence = {"curve": curve.select("at", "value").rows()} if curve.height else {}
            text = f"without what {key} says, the loss is {value:.3g} larger" if value > half else f"{key} is not shown to matter"
            how = f"{100 * self.confidence:g} % normal, over rows"
            yield Finding(name=f"importance/{key}", value=value, low=value - half, high=value + half, interval=how, rows=rows, text=text, evidence=evidence)


def _mean(series: pl.Series) -> float:
    return float(series.mean() or 0.0)  # type: ignore[arg-type]  # a column of floats


def _losses(predictions: pl.DataFrame, rows: pl.DataFrame, output: Output) -> np.ndarray:
    """Each row's log loss, or its squared error in units of the target's variance."""
    import polars as pl

    if output.kind == "value":
        error = predictions["prediction"].cast(pl.Float64).to_numpy() - rows[output.target].cast(pl.Float64).to_numpy()
        squared: np.ndarray = (error / output.scale) ** 2
        return squared
    return log_losses(predictions, rows, output)


def _curves(window: Window, rows: pl.DataFrame, added: Mapping[str, Any]) -> pl.DataFrame:
    """Mean prediction (of the last class) with a column set to each of its values in turn."""
    import numpy as np
    import polars as pl

    assert window.predict is not None
    assert window.output is not None
    said = "prediction" if window.output.kind == "value" else f"probability_{len(window.output.classes) - 1}"
    told: list[dict[str, Any]] = []
    for key in sorted(added, key=lambda name: -float(np.mean(added[name])))[:_CURVED]:
        if window.contract.columns[key].pii is not None or rows[key].dtype.is_nested():
            continue
        for value in _grid(rows[key]):
            changed = rows.with_columns(pl.lit(value, dtype=rows[key].dtype).alias(key))
            told.append({"column": key, "at": str(value), "value": float(window.predict(changed)[said].cast(pl.Float64).mean() or 0.0)})  # type: ignore[arg-type]
    return pl.DataFrame(told, schema={"column": pl.String, "at": pl.String, "value": pl.Float64})


def _grid(values: pl.Series) -> list[Any]:
    """Quantiles of numbers, and the most frequent of other values."""
    import polars as pl

    there = values.drop_nulls()
    if not len(there):
        return []
    if there.dtype.is_numeric() and there.n_unique() > _GRID:
        return list(dict.fromkeys(there.quantile(share, "lower") for share in (k / (_GRID - 1) for k in range(_GRID))))
    counts = there.value_counts(name="count").sort("count", pl.nth(0), descending=[True, False]).head(_GRID)
    return sorted(counts[:, 0].to_list())
