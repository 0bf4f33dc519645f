"""A forest: scikit-learn's trees, kept as arrays, averaged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mlforge.artifact import Block
from mlforge.components import Fitting
from mlforge.task import Output
from mlforge.trees import LEAF, Tree, graph_of, matrix
from mlforge_sklearn import arrays

if TYPE_CHECKING:
    import onnx

__all__ = ["Averaged"]

_LEAST = 1e-12  # of a share: its logarithm is a score


class Averaged:
    """An `Estimator` over the blocks side by side."""

    def __init__(self, blocks: tuple[Block, ...], output: Output, kind: Any, settings: Mapping[str, Any]) -> None:
        self.blocks, self.output, self.kind, self.settings = blocks, output, kind, settings
        self._saved: dict[str, np.ndarray] = {}
        self._trees: list[Any] = []

    def fit(self, fitting: Fitting) -> Sequence[Mapping[str, float]]:
        """Grow every tree."""
        settings = {**self.settings, **({"n_estimators": 2} if fitting.smoke else {})}
        forest = self.kind(**settings, random_state=fitting.seed % 2**32, n_jobs=fitting.threads or -1)
        forest.fit(matrix(fitting.train.blocks), np.asarray(fitting.train.target).reshape(-1), sample_weight=fitting.train.weight)
        self._take(self._plain(forest))
        return []

    def save(self, folder: Path) -> None:
        """Every node of every tree."""
        arrays.write(folder, self._saved)

    def load(self, folder: Path) -> None:
        """Read them again."""
        self._take(arrays.read(folder))

    def scores(self, blocks: tuple[np.ndarray, ...]) -> np.ndarray:
        """The mean of what scikit-learn's trees say; for classes its logarithm."""
        rows = matrix(blocks)
        total = np.zeros((len(rows), self.output.width))
        for tree in self._trees:
            total += tree.predict(rows).reshape(len(rows), -1)
        mean = total / len(self._trees)
        return mean if self.output.kind == "value" else np.log(np.maximum(mean, _LEAST))

    def graph(self, opset: int) -> onnx.ModelProto:
        """The trees, each leaf divided by how many they are."""
        trees = [Tree(part["feature"], part["threshold"], part["left"], part["right"], part["values"] / len(self._trees)) for part in self._parts(self._saved)]
        return graph_of(trees, self.blocks, [0.0] * self.output.width, "scores" if self.output.kind == "value" else "shares", opset)

    def _plain(self, forest: Any) -> dict[str, np.ndarray]:
        """The nodes as arrays: scikit-learn's own records have bytes between their fields that nobody sets."""
        grown = [one.tree_ for one in forest.estimators_]
        leaf = [tree.children_left == -1 for tree in grown]
        values = [tree.value.reshape(tree.node_count, -1) for tree in grown]
        if self.output.kind == "classes":
            values = [self._every_class(value, forest.classes_) for value in values]
        return {
            "nodes": np.array([tree.node_count for tree in grown], np.int64),
            "feature": np.concatenate([np.where(end, LEAF, tree.feature) for tree, end in zip(grown, leaf, strict=True)]).astype(np.int64),
            "threshold": np.concatenate([np.where(end, 0.0, tree.threshold) for tree, end in zip(grown, leaf, strict=True)]),
            "left": np.concatenate([tree.children_left for tree in grown]).astype(np.int64),
            "right": np.concatenate([tree.children_right for tree in grown]).astype(np.int64),
            "values": np.concatenate(values),
        }

    def _every_class(self, values: np.ndarray, seen: np.ndarray) -> np.ndarray:
        wide = np.zeros((len(values), self.output.width))
        wide[:, seen.astype(np.int64)] = values / values.sum(1, keepdims=True)
        return wide

    def _take(self, saved: dict[str, np.ndarray]) -> None:
        self._saved = saved
        features = sum(block.width for block in self.blocks)
        self._trees = [_rebuilt(part, features, self.output.width if self.output.kind == "classes" else 1) for part in self._parts(saved)]

    @staticmethod
    def _parts(saved: Mapping[str, np.ndarray]) -> list[dict[str, np.ndarray]]:
        stops = np.cumsum(saved["nodes"])
        spans = [slice(stop - count, stop) for stop, count in zip(stops.tolist(), saved["nodes"].tolist(), strict=True)]
        return [{name: array[span] for name, array in saved.items() if name != "nodes"} for span in spans]


def _rebuilt(part: Mapping[str, np.ndarray], features: int, outputs: int) -> Any:
    """scikit-learn's own compiled tree over these nodes."""
    from sklearn.tree import _tree

    tree = _tree.Tree(features, np.array([outputs], np.intp), 1)
    nodes = np.zeros(len(part["feature"]), _tree.NODE_DTYPE)
    nodes["left_child"], nodes["right_child"], nodes["threshold"] = part["left"], part["right"], part["threshold"]
    nodes["feature"] = np.where(part["feature"] == LEAF, -2, part["feature"])
    nodes["n_node_samples"], nodes["weighted_n_node_samples"] = 1, 1.0
    values = np.ascontiguousarray(part["values"].reshape(len(nodes), 1, -1))
    tree.__setstate__({"max_depth": len(nodes), "node_count": len(nodes), "nodes": nodes, "values": values})
    return tree
