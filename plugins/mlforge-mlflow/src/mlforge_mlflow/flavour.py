"""A bundle as MLflow's Python function: raw rows in, as mlforge serves them. MLflow imports this module when it loads such a model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from mlforge.runtime.predictor import Predictor

__all__ = ["Rows"]


class Rows:
    """Predicts raw rows."""

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor

    def predict(self, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """`prediction` and the probabilities of the classes, row by row; DataError when a row breaks the model's contract."""
        import pandas as pd
        import polars as pl

        rows = pl.DataFrame({str(name): model_input[name].tolist() for name in model_input.columns}, strict=False)
        return pd.DataFrame(self._predictor.predict(rows).to_dict(as_series=False), index=model_input.index)


def _load_pyfunc(path: str) -> Rows:
    """What MLflow calls."""
    from mlforge.runtime.predictor import Predictor

    return Rows(Predictor.open(Path(path)))
