"""Does a bundle say what the trained model says, row by row."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlforge.components import Exporter
from mlforge.finding import Finding
from mlforge.runtime.predictor import Predictor
from mlforge.task import BYTES, Output

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

__all__ = ["Parity"]

_SAME = {"classes": "class", "labels": "labels", "bytes": "byte"}


@dataclass
class Parity:
    """The differences over all rows seen so far; those of values are in units of the target's standard deviation."""

    rows: int = 0
    largest: float = 0.0
    total: float = 0.0  # of each row's largest difference
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
        self.total += float(differences.reshape(len(rows), -1).max(1).sum())
        largest = float(differences.max())  # NaN when any is
        self.largest = largest if math.isnan(largest) or math.isnan(self.largest) or largest > self.largest else self.largest

    def broken(self, exporter: Exporter, output: Output) -> str:
        """Why the bundle is not the model, by what its exporter allows; nothing while it is."""
        if not self.largest <= exporter.tolerance:
            allowed = f"rounding stays below {exporter.tolerance:g}" if exporter.tolerance < 0.01 else f"{exporter.tolerance:g} is allowed"
            return f"the bundle differs from the trained model by {self.largest:.3g} on a test row; {allowed}"
        if output.kind != "value" and self.agreeing < exporter.agreement * self.rows:
            share = self.agreeing / self.rows
            return f"the bundle and the trained model agree on {share:.1%} of the test rows; {exporter.agreement:.0%} are the fewest allowed"
        return ""

    def findings(self, variant: str, output: Output) -> Iterator[Finding]:
        """What was measured."""
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
        text = f"mean over {self.rows} test rows of the largest difference {unit} between the bundle and the trained network"
        yield Finding(name="parity/mean_difference", value=self.total / self.rows, variant=variant, rows=self.rows, better="lower", text=text)
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
