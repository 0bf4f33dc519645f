"""What a language model is held against: the byte before, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from mlforge.errors import DataError
from mlforge.task import BYTES, Output

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

__all__ = ["Bigrams"]

_PRIOR = 4.0  # how many bytes' worth of belief in plain frequencies is mixed into what followed a byte


@dataclass(frozen=True)
class Bigrams:
    """How often each byte follows each in the training texts: P(b | a) = (n(a, b) + 4 P(b)) / (n(a) + 4), and P(b) is smoothed by one of each."""

    output: Output
    log2: np.ndarray  # [before, after]; before the first byte there is 0

    @classmethod
    def fit(cls, rows: Iterable[pl.DataFrame], output: Output, weight: str | None = None) -> Self:
        """From the text column, a partition at a time; weighted where there is a weight column. A text is counted as a model reads it: its last bytes."""
        import numpy as np

        counts = np.zeros((BYTES, BYTES))
        for frame in rows:
            weights = frame[weight].to_list() if weight else [1.0] * len(frame)
            for text, each in zip(_read(frame, output), weights, strict=True):
                np.add.at(counts, (text[:-1], text[1:]), each)
        if not counts.any():
            raise DataError("there are no training rows", hint="Give split.validation and split.test smaller shares, or the source more rows.")
        single = counts.sum(0) + 1
        single[0] = 0  # it never follows
        single /= single.sum()
        chances = (counts + _PRIOR * single) / (counts.sum(1, keepdims=True) + _PRIOR)
        return cls(output, np.log2(np.maximum(chances, np.finfo(np.float64).tiny)))

    def predict(self, rows: pl.DataFrame) -> pl.DataFrame:
        """The likeliest next byte, and the bits and bytes of each text."""
        import polars as pl

        texts = list(_read(rows, self.output))
        bits = [-float(self.log2[text[:-1], text[1:]].sum()) for text in texts]
        following = [int(self.log2[text[-1]].argmax()) for text in texts]
        return pl.DataFrame({"prediction": following, "bits": bits, "bytes": [len(text) - 1 for text in texts]})


def _read(rows: pl.DataFrame, output: Output) -> Iterable[np.ndarray]:
    """Each text's last bytes, after a 0."""
    import numpy as np

    for text in rows[output.target]:
        yield np.frombuffer(b"\0" + (text or "").encode()[-output.context :].replace(b"\0", b"\1"), np.uint8)
