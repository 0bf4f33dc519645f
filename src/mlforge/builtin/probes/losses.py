"""What each row's prediction costs, whatever was predicted, and whether it is right."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlforge.builtin.probes.scored import UNSEEN, ids

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    from mlforge.builtin.probes.resampling import Array
    from mlforge.task import Output

__all__ = ["hits", "log_losses"]


def log_losses(predictions: pl.DataFrame, rows: pl.DataFrame, output: Output) -> Array:
    """Each row's log loss: of its class, or the mean over its labels."""
    import numpy as np
    import polars as pl

    smallest = np.finfo(np.float64).eps
    probability = predictions.select(f"probability_{k}" for k in range(len(output.classes))).cast(pl.Float64).to_numpy()
    if output.kind == "labels":
        true = rows.select(pl.col(output.targets).cast(pl.Boolean)).to_numpy()
        each: Array = -np.log(np.clip(np.where(true, probability, 1 - probability), smallest, 1 - smallest)).mean(axis=1)
        return each
    known = ids(rows[output.target], pl.Series(list(output.classes)).cast(pl.String)).to_numpy()
    of = np.where(known == UNSEEN, 0.0, probability[np.arange(len(known)), np.maximum(known, 0)])
    losses: Array = -np.log(np.clip(of, smallest, 1 - smallest))
    return losses


def hits(predictions: pl.DataFrame, rows: pl.DataFrame, output: Output) -> np.ndarray:
    """The share of each row's answer that is right: 0 or 1 of a class, anything between of labels."""
    import numpy as np
    import polars as pl

    if output.kind == "labels":
        named = predictions["prediction"].str.split(" ")
        said = np.column_stack([named.list.contains(label).to_numpy() for label in output.targets])
        shares: np.ndarray = (said == rows.select(pl.col(output.targets).cast(pl.Boolean)).to_numpy()).mean(axis=1)
        return shares
    classes = pl.Series(list(output.classes)).cast(pl.String)
    right: np.ndarray = (ids(rows[output.target], classes) == ids(predictions["prediction"], classes)).to_numpy().astype(float)
    return right
