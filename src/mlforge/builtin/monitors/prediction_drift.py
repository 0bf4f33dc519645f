"""The monitor prediction_drift."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from mlforge.builtin.monitors.family import Family
from mlforge.window import Window

if TYPE_CHECKING:
    import polars as pl

__all__ = ["PredictionDrift"]

_CLASSES = 20  # probabilities that are watched


class PredictionDrift(Family):
    """Predictions that are distributed otherwise than on the test rows, under a promise on false alarms.

    The predicted value, or the predicted class and the probabilities of up to 20 classes, each compared as the monitor drift compares columns. It says that the
    model answers otherwise, not that it answers worse.
    """

    about: ClassVar[str] = "prediction_drift"
    against: ClassVar[Literal["train", "test"]] = "test"

    def values(self, window: Window) -> pl.DataFrame | None:
        """What the model said, of rows that keep the contract."""
        import polars as pl

        said = window.predictions
        if said is None or window.output is None or "prediction" not in said.columns:
            return None
        said = said.drop_nulls("prediction")
        if window.output.kind != "classes":
            return said.select(pl.col("prediction").cast(pl.Float64)) if window.output.kind == "value" else None
        shown = range(1, 2) if len(window.output.classes) == 2 else range(min(len(window.output.classes), _CLASSES))
        chosen = [pl.col(f"probability_{k}").cast(pl.Float64) for k in shown if f"probability_{k}" in said.columns]
        return said.select(pl.col("prediction").cast(pl.String), *chosen)
