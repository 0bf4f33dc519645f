"""Measures of predicted values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlforge.builtin.probes.measuring import Metric
from mlforge.builtin.probes.sums import mean

if TYPE_CHECKING:
    from mlforge.builtin.probes.resampling import Array

__all__ = ["Valued", "metrics"]

_POINTS = 300  # of the picture of true and predicted values


@dataclass(frozen=True)
class Valued:
    """Rows with a true and a predicted value, in the target's unit."""

    target: Array
    predicted: Array

    @property
    def error(self) -> Array:
        """Predicted less true."""
        return self.predicted - self.target


def metrics(unit: str = "", quantiles: Sequence[float] = ()) -> list[Metric[Valued]]:
    """Every measure; `unit` is the target's. `pinball/<quantile>` of each of the quantiles."""
    return [
        Metric("mae", _mae, "lower", unit=unit),
        Metric("rmse", _rmse, "lower", unit=unit),
        Metric(
            "r2",
            _r2,
            "higher",
            lambda v: "all targets are equal, so there is nothing to explain" if len(v.target) > 1 else "one row has no variance to explain",
            evidence=_scatter,
        ),
        Metric("mape", _mape, "lower", lambda v: f"a share of the target is undefined where it is 0, as in {int((v.target == 0).sum())} rows"),
        Metric("bias", _bias, unit=unit),
        *(Metric(f"pinball/{quantile:g}", _pinball(quantile), "lower", unit=unit) for quantile in quantiles),
    ]


def _mae(valued: Valued, weights: Array) -> Array:
    """Mean absolute error."""
    import numpy as np

    return mean(np.abs(valued.error), weights)


def _rmse(valued: Valued, weights: Array) -> Array:
    """Root of the mean squared error."""
    import numpy as np

    return np.sqrt(mean(valued.error**2, weights))


def _r2(valued: Valued, weights: Array) -> Array:
    """Share of the target's variance that is explained; negative when the mean of these very rows would have been the better prediction."""
    import numpy as np

    if len(np.unique(valued.target)) < 2:
        return np.full(weights.shape[1], np.nan)
    centred = valued.target - valued.target.mean()  # so that the variance below is no difference of two large numbers
    variance = mean(centred**2, weights) - mean(centred, weights) ** 2
    return 1 - np.divide(mean(valued.error**2, weights), variance, out=np.full_like(variance, np.nan), where=variance > 0)


def _scatter(valued: Valued, weight: Array) -> dict[str, Any]:
    """True and predicted values of some rows, from all over."""
    import numpy as np

    some = np.unique(np.linspace(0, len(valued.target) - 1, _POINTS).round().astype(int))
    return {"scatter": [[float(f"{value:.6g}") for value in pair] for pair in zip(valued.target[some], valued.predicted[some], strict=True)]}


def _mape(valued: Valued, weights: Array) -> Array:
    """Mean absolute error as a share of the target: 0.1 is 10 %."""
    import numpy as np

    if (valued.target == 0).any():
        return np.full(weights.shape[1], np.nan)
    return mean(np.abs(valued.error / valued.target), weights)


def _bias(valued: Valued, weights: Array) -> Array:
    """Mean error: above 0, predictions are too high."""
    return mean(valued.error, weights)


def _pinball(quantile: float) -> Callable[[Valued, Array], Array]:
    """The loss that the true quantile makes smallest: a value above the prediction counts `quantile` a unit, one below it the rest."""

    def measure(valued: Valued, weights: Array) -> Array:
        import numpy as np

        return mean(np.maximum(-quantile * valued.error, (1 - quantile) * valued.error), weights)

    return measure
