"""The evaluator of language models."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from mlforge.builtin.probes.exact import EXACT, Exact, row_numbers
from mlforge.builtin.probes.measuring import Metric, names
from mlforge.window import Profile, Window

if TYPE_CHECKING:
    import polars as pl

    from mlforge.builtin.probes.resampling import Array
    from mlforge.contract import Contract
    from mlforge.task import Task

__all__ = ["Language"]


@dataclass(frozen=True)
class _Read:
    """Texts as a model has read them."""

    bits: Array
    bytes: Array


class Language(Exact):
    """Bits per byte and perplexity of a language model on texts that it has not seen, with intervals.

    Every byte counts alike. Intervals resample whole texts; weighted by the contract's weight column, where it has one.
    """

    libraries: ClassVar[tuple[str, ...]] = ("numpy", "polars")

    def declares(self, contract: Contract, task: Task) -> Iterable[str]:
        """Each metric, and `<metric>/gain`: how much better than the champion."""
        return names(_metrics()) if task.output == "bytes" else []

    def summarise(self, window: Window) -> Profile:
        """Each row's number, weight, bits and bytes."""
        import polars as pl

        if window.output is None or window.predictions is None or window.output.kind != "bytes":
            return Profile()
        said = window.predictions.select(pl.col("bits", "bytes").cast(pl.Float64))
        return Profile({EXACT: pl.concat([row_numbers(window), said], how="horizontal")}, exact=True)

    def metrics(self, profile: Profile) -> Sequence[Metric[_Read]]:
        """The measures of texts."""
        return _metrics()

    def scored(self, profile: Profile, table: pl.DataFrame) -> _Read:
        """Bits and bytes as arrays."""
        return _Read(table["bits"].to_numpy(), table["bytes"].to_numpy())


def _metrics() -> list[Metric[_Read]]:
    return [
        Metric("bits_per_byte", _bits_per_byte, "lower", lambda _: "the texts have no bytes", unit="bits"),
        Metric("perplexity", _perplexity, "lower", lambda _: "the texts have no bytes"),
    ]


def _bits_per_byte(read: _Read, weights: Array) -> Array:
    """All bits by all bytes: how far each byte could be compressed."""
    import numpy as np

    bits, count = np.einsum("n,nb->b", read.bits, weights), np.einsum("n,nb->b", read.bytes, weights)
    ratio: Array = np.divide(bits, count, out=np.full_like(bits, np.nan), where=count > 0)
    return ratio


def _perplexity(read: _Read, weights: Array) -> Array:
    """Among how many bytes the model is as unsure as if all were equally likely."""
    import numpy as np

    powers: Array = np.exp2(_bits_per_byte(read, weights))
    return powers
