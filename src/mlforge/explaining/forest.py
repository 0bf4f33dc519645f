"""What each column adds to the score of an ensemble of trees: exact Shapley values, from the trees in the bundle's own graph.

A leaf is reached when every question on its way is answered so. Of a row and one background row, each column on the way is kept by both, by the row alone,
by the other alone, or by neither, and the leaf's share of the Shapley values follows from how many there are of each in closed form (interventional TreeSHAP:
Lundberg et al. 2020). Columns are the players, however many inputs of the trees a column has become.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import factorial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from mlforge.explaining.attribution import Attribution, Share
from mlforge.explaining.paths import Paths, paths_of

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    from mlforge.runtime.session import Graph
    from mlforge.task import Output

__all__ = ["Forest"]

_CELLS = 50_000_000  # leaves × background rows × columns that are looked at together


@dataclass(frozen=True)
class Forest:
    """The trees of a bundle, and its graph down to what they are asked about."""

    paths: Paths
    graph: Graph
    output: Output
    shares: bool  # do the trees add up to probabilities, and not to scores

    @classmethod
    def open(cls, model: Path, output: Output) -> Self | None:
        """None where a bundle has no trees, or `onnx`, which reads them, is not installed."""
        from importlib.util import find_spec

        if find_spec("onnx") is None:
            return None
        import onnx

        from mlforge.runtime.session import Graph

        read = onnx.load(str(model))
        trees = [node for node in read.graph.node if node.op_type == "TreeEnsembleRegressor"]
        if len(trees) != 1 or output.kind not in ("classes", "value"):
            return None
        (tree,) = trees
        shares = any(node.op_type == "Max" and tree.output[0] in node.input for node in read.graph.node)
        del read.graph.output[:]
        for name in (tree.input[0], tree.output[0]):
            read.graph.output.append(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None))
        return cls(paths_of(tree), Graph(read.SerializeToString()), output, shares)

    def about(self, place: int | None) -> str:
        """What is explained."""
        if place is None:
            return self.output.target
        return f"{'the probability' if self.shares else 'the score (log-odds)'} of {self.output.classes[place]}"

    def attributed(self, row: pl.DataFrame, background: pl.DataFrame, place: int | None) -> Attribution | None:
        """The score of one row, attributed to the background's columns. None where a question is about several columns at once."""
        import numpy as np

        asked, said = self.graph.run(row)
        others = row[np.zeros(background.height, dtype=np.int64)].with_columns(background.get_columns())
        usual, scores = self.graph.run(others)
        owner = self._owners(row, others, background.columns, asked, usual)
        if owner is None:
            return None
        at = 0 if said.shape[1] == 1 else place or 0
        scale, offset = (self.output.scale, self.output.offset) if self.output.kind == "value" else (1.0, 0.0)
        added = self._added(asked[0], usual, owner, len(background.columns), at) * scale
        told = {key: Share(float(value), 0.0) for key, value in zip(background.columns, added, strict=True)}
        return Attribution(float(scores[:, at].astype(np.float64).mean()) * scale + offset, float(said[0, at]) * scale + offset, told, True)

    def _owners(self, row: pl.DataFrame, others: pl.DataFrame, columns: list[str], asked: np.ndarray, usual: np.ndarray) -> np.ndarray | None:
        """The column that each input of the trees comes from, found by changing one column at a time; -1 where none moves it."""
        import numpy as np

        owner = np.full(usual.shape[1], -1)
        for number, key in enumerate(columns):
            changed, _ = self.graph.run(others.with_columns(row[key].gather([0] * others.height)))
            moved = _other(changed, usual).any(axis=0)
            if (owner[moved] >= 0).any():
                return None
            owner[moved] = number
        return None if (_other(asked, usual).any(axis=0) & (owner < 0)).any() else owner

    def _added(self, row: np.ndarray, usual: np.ndarray, owner: np.ndarray, columns: int, at: int) -> np.ndarray:
        """The Shapley values of the columns, a few paths at a time."""
        import numpy as np

        paths, added = self.paths, np.zeros(columns)
        most = columns + 1
        mine = np.array([[_weight(a - 1, b) if a else 0.0 for b in range(most)] for a in range(most)])
        theirs = np.array([[_weight(a, b - 1) if b else 0.0 for b in range(most)] for a in range(most)])
        step = max(1, _CELLS // (len(usual) * columns))
        for first in range(0, paths.count, step):
            some = paths.some(first, first + step, at)
            if some is None:
                continue
            count = len(some.values)
            here, there = np.zeros((count, columns), bool), np.zeros((len(usual), count, columns), bool)
            column = owner[some.feature]
            known = column >= 0  # a question that no column moves is answered alike by both, and decides for both
            wrong = ~some.holds(row[None])[0]
            here[some.path[wrong & known], column[wrong & known]] = True
            dead = np.zeros(count, bool)
            dead[some.path[wrong & ~known]] = True
            rows, places = np.nonzero(~some.holds(usual))
            kept = known[places]
            there[rows[kept], some.path[places[kept]], column[places[kept]]] = True
            lost = (here[None] & there).any(axis=2) | dead[None]
            own, other = ~here[None] & there, here[None] & ~there
            a, b = own.sum(axis=2), other.sum(axis=2)
            worth = np.where(lost, 0.0, some.values[None])
            added += np.einsum("mlc,ml->c", own.astype(np.float64), worth * mine[a, b])
            added -= np.einsum("mlc,ml->c", other.astype(np.float64), worth * theirs[a, b])
        return added / len(usual)


def _weight(before: int, after: int) -> float:
    return factorial(before) * factorial(after) / factorial(before + after + 1)


def _other(one: Any, other: Any) -> np.ndarray:
    """Where numbers differ; two that are missing do not."""
    import numpy as np

    differ: np.ndarray = (one != other) & ~(np.isnan(one) & np.isnan(other))
    return differ
