"""An inference session: one opened bundle, to be run over columns."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from functools import cached_property
from math import inf
from typing import TYPE_CHECKING, Any, Self

from mlforge.runtime.bundle import MODEL, Bundle, read_bundle
from mlforge.runtime.predictor import Predictor
from mlforge.runtime.session import Graph
from mlforge.serving.offer import Offer

if TYPE_CHECKING:
    import numpy as np

__all__ = ["Engine"]

_WARMING = 20  # runs
_LONGEST_WARMING = 0.5  # seconds; a slow graph is not asked so often


class Engine:
    """A version of a model, opened. `inputs` are the columns that its graph takes, in the graph's order; `run` is safe from several threads."""

    def __init__(self, offer: Offer, bundle: Bundle, graph: Graph) -> None:
        self.offer, self.bundle, self.graph = offer, bundle, graph
        self.name, self.version, self.digest = offer.model, offer.version, offer.digest
        self.contract = bundle.contract
        self.inputs = tuple(graph.inputs)
        self.outputs = graph.outputs
        self.classes = tuple(str(name).lower() if isinstance(name, bool) else str(name) for name in bundle.output.classes)

    @classmethod
    def open(cls, offer: Offer, threads: int) -> Self:
        """Open a bundle, its digests verified. Raises DataError when it is damaged."""
        bundle = read_bundle(offer.folder, offer.described)
        return cls(offer, bundle, Graph(offer.folder / MODEL, threads=threads))

    @cached_property
    def predictor(self) -> Predictor:
        """The same bundle, for frames of raw rows."""
        return Predictor(self.bundle, self.graph)

    def run(self, columns: Sequence[np.ndarray]) -> Mapping[str, np.ndarray]:
        """The graph's outputs by name for these columns, which are typed as it takes them: [rows, 1] each, or [rows, size]."""
        return dict(zip(self.outputs, self.graph.ask(dict(zip(self.inputs, columns, strict=True))), strict=True))

    def warm(self) -> float:
        """Run it over made-up rows until it is as fast as it gets; seconds that one row takes then."""
        columns = [_empty(self.graph.inputs[name], self.graph.widths[name]) for name in self.inputs]
        best, first = inf, time.perf_counter()
        for _ in range(_WARMING):
            begun = time.perf_counter()
            self.run(columns)
            best = min(best, time.perf_counter() - begun)
            if time.perf_counter() - first > _LONGEST_WARMING:
                break
        return best


def _empty(kind: str, width: int) -> Any:
    import numpy as np

    dtype: Any = {"tensor(double)": np.float64, "tensor(float)": np.float32, "tensor(bool)": np.bool_, "tensor(uint8)": np.uint8}.get(kind, object)
    return np.full((1, width), "" if dtype is object else 0, dtype)
