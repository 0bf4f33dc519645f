"""What a registered model says of the training rows, for one that learns from it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mlforge.artifact import Assignment, Bundles, Table, frames
from mlforge.components import Champion, Job
from mlforge.errors import MlforgeError, RecipeError
from mlforge.lifecycle.baselines.yardsticks import aligned
from mlforge.task import Output

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

__all__ = ["taught"]

_LEAST = 1e-7  # probability: a teacher that is quite sure still has a logarithm


def taught(job: Job, teacher: Champion, output: Output, folder: Path) -> np.ndarray:
    """Its scores for the training rows, in their order, as a memory-mapped file below `folder`: float32 [rows, output.width].

    Raises RecipeError when it predicts something else, or cannot read these rows.
    """
    import numpy as np

    from mlforge.runtime.predictor import Predictor

    name = f"trainer.distil.teacher: {teacher.model} {teacher.version}"
    model = Predictor.open(Bundles(teacher.bundle.folder, teacher.bundle.digest).bundle())
    theirs = model.bundle.output
    if (theirs.kind, theirs.target) != (output.kind, output.target) or output.kind == "bytes":
        raise RecipeError(
            f"{name} predicts {theirs.target} ({theirs.kind}), and this model {output.target} ({output.kind})",
            hint="A teacher predicts the same classes, or the same value.",
        )
    rows = job.input("assignment", Assignment).counts.get("train", 0)
    array = np.lib.format.open_memmap(folder / "taught.npy", "w+", np.float32, (rows, output.width))
    start = 0
    for frame in frames(job.input("table", Table), job.input("assignment", Assignment), "train"):
        if frame.is_empty():
            continue
        try:
            said = aligned(model.score(frame), theirs, output)
        except MlforgeError as error:
            raise RecipeError(f"{name} cannot read the training rows: {error}", hint="A teacher reads columns of the same contract.") from None
        array[start : start + len(frame)] = _scores(said, output)
        start += len(frame)
        job.progress(start, rows, f"asking {teacher.model} {teacher.version}")
    array.flush()
    return array


def _scores(said: pl.DataFrame, output: Output) -> np.ndarray:
    """As the network would have said it."""
    import numpy as np

    if output.kind == "value":
        values: np.ndarray = (said["prediction"].to_numpy().astype(np.float64) - output.offset) / output.scale
        return values.reshape(-1, 1)
    probabilities = said.select(f"probability_{k}" for k in range(output.width)).to_numpy()
    logarithms: np.ndarray = np.log(np.maximum(probabilities, _LEAST))
    return logarithms
