"""Does a bundle say what the trained model says, row by row."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlforge.errors import RunFailed
from mlforge.finding import Finding
from mlforge.runtime.predictor import Predictor
from mlforge.task import BYTES, Output

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

__all__ = ["BROKEN", "Parity"]

_SAME = {"classes": "class", "labels": "labels", "bytes": "byte"}

BROKEN = 1e-3  # a larger difference is no rounding


@dataclass
class Parity:
    """The differences over all rows seen so far; those of values are in units of the target's standard deviation."""

    rows: int = 0
    largest: float = 0.0
    agreeing: int = 0

    def add(self, predictor: Predictor, scorer: Callable[[tuple[np.ndarray, ...]], np.ndarray], rows: pl.DataFrame, blocks: tuple[np.ndarray, ...]) -> None:
        """Compare these rows: as the bundle takes them, and as the trained model scores them."""
        import numpy as np

        output = predictor.bundle.output
        said = predictor.score(rows)
        scores = scorer(blocks).astype(np.float64)
        if output.kind == "value":
            differences = np.abs((said["prediction"].to_numpy() - output.offset) / output.scale - scores[:, 0])
            self.agreeing += len(rows)
        elif output.kind == "bytes":
            differences = _of_texts(said, scores)
            self.agreeing += int((said["prediction"].to_numpy() == scores[:, :BYTES].argmax(1)).sum())
        else:
            labels = output.kind == "labels"
            differences = np.abs(said.select(predictor.probabilities.keys()).to_numpy() - (_sigmoid(scores) if labels else _softmax(scores)))
            wanted = _named(scores, output) if labels else [output.classes[i] for i in scores.argmax(1).tolist()]
            self.agreeing += sum(one == other for one, other in zip(said["prediction"].to_list(), wanted, strict=True))
        self.rows += len(rows)
        largest = float(differences.max())  # NaN when any is
        self.largest = largest if math.isnan(largest) or math.isnan(self.largest) or largest > self.largest else self.largest

    def findings(self, variant: str, output: Output) -> Iterator[Finding]:
        """What was measured. Raises RunFailed when the bundle is not the model."""
        if not self.largest <= BROKEN:
            raise RunFailed(
                f"exporters.{variant}: the bundle differs from the trained model by {self.largest:.3g} on a test row; rounding stays below {BROKEN:g}",
                hint="The exported graph computes something else; choose another exporter, or report the model that shows it.",
            )
        units = {
            "classes": "of a probability",
            "labels": "of a probability",
            "value": "in standard deviations of the target",
            "bytes": "of a probability, or in bits per byte,",
        }
        unit = units[output.kind]
        yield Finding(
            name="parity/max_difference", value=self.largest, variant=variant, rows=self.rows, better="lower",
            text=f"largest difference {unit} between the bundle and the trained network over {self.rows} test rows",
        )  # fmt: skip
        if output.kind != "value":
            share = self.agreeing / self.rows
            text = f"share of test rows for which both name the same {_SAME[output.kind]} ({self.rows - self.agreeing} differ)"
            yield Finding(name="parity/agreement", value=share, variant=variant, rows=self.rows, better="higher", text=text)


def _of_texts(said: pl.DataFrame, scores: np.ndarray) -> np.ndarray:
    """Of each probability of the next byte, and of the bits that a byte of the text takes."""
    import numpy as np

    probability = np.abs(said.select(f"probability_{k}" for k in range(BYTES)).to_numpy() - _softmax(scores[:, :BYTES]))
    bits = np.abs(said["bits"].to_numpy() - scores[:, BYTES]) / np.maximum(scores[:, BYTES + 1], 1)
    return np.column_stack([probability, bits])


def _softmax(scores: np.ndarray) -> np.ndarray:
    import numpy as np

    powers = np.exp(scores - scores.max(1, keepdims=True))
    shares: np.ndarray = powers / powers.sum(1, keepdims=True)
    return shares


def _sigmoid(scores: np.ndarray) -> np.ndarray:
    import numpy as np

    shares: np.ndarray = 0.5 * (1 + np.tanh(0.5 * scores))
    return shares


def _named(scores: np.ndarray, output: Output) -> list[str]:
    """The labels that a bundle should name."""
    return [" ".join(label for label, score in zip(output.targets, row, strict=True) if score >= 0) for row in scores.tolist()]
