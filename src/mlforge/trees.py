"""Ensembles of trees as an ONNX graph, for plugins that bring boosted trees or forests.

A tree learned in double is written in float32 without moving a single row to another leaf: rows are float32, so a threshold may be rounded down to the next
float32. Sets of categories become chains of comparisons that share their end.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from mlforge.artifact import Block

if TYPE_CHECKING:
    import numpy as np
    import onnx

__all__ = ["Tree", "graph_of", "matrix"]

Link = Literal["scores", "binary", "shares"]
LEAF = -1
_LEAST = 1e-12  # of a share: its logarithm is a score, and no score is infinite


@dataclass(frozen=True)
class Tree:
    """One tree; node 0 is the root. A row goes left when its feature is ≤ the threshold, or is one of the node's categories."""

    feature: np.ndarray  # int64 [nodes]; LEAF where there is none
    threshold: np.ndarray  # float64 [nodes]
    left: np.ndarray  # int64 [nodes]
    right: np.ndarray  # int64 [nodes]
    values: np.ndarray  # float64 [nodes, outputs]: what a leaf adds
    first: int = 0  # the output to which the first value is added
    categories: Mapping[int, tuple[int, ...]] = field(default_factory=dict)  # by node: the ids that go left


def matrix(blocks: Sequence[np.ndarray]) -> np.ndarray:
    """The blocks side by side as the trees see them: float32 [rows, features], category ids as numbers."""
    import numpy as np

    return np.concatenate([np.asarray(block, np.float32) for block in blocks], axis=1)


def graph_of(trees: Sequence[Tree], blocks: tuple[Block, ...], base: Sequence[float], link: Link, opset: int) -> onnx.ModelProto:
    """From the blocks, by name, to `scores` [rows, classes or 1].

    `base` is added to the sums of the trees, one number per output. `link` says what these sums are: the scores; the one score of the positive class of two;
    or shares of classes, whose logarithms are the scores.
    """
    from onnx import TensorProto, helper

    nodes, joined = _joined(blocks)
    nodes.append(
        helper.make_node(
            "TreeEnsembleRegressor", [joined], ["sums"], name="trees", domain="ai.onnx.ml",
            n_targets=len(base), base_values=[float(number) for number in base], aggregate_function="SUM", post_transform="NONE", **_attributes(trees),
        )
    )  # fmt: skip
    constants = _link(nodes, link)
    inputs = [helper.make_tensor_value_info(b.name, TensorProto.FLOAT if b.dtype == "float32" else TensorProto.INT64, ["rows", b.width]) for b in blocks]
    outputs = [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["rows", 2 if link == "binary" else len(base)])]
    graph = helper.make_graph(nodes, "trees", inputs, outputs, constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset), helper.make_opsetid("ai.onnx.ml", 4)])


def _joined(blocks: tuple[Block, ...]) -> tuple[list[onnx.NodeProto], str]:
    from onnx import TensorProto, helper

    nodes, parts = [], []
    for block in blocks:
        parts.append(block.name if block.dtype == "float32" else f"{block.name}/numbers")
        if block.dtype != "float32":
            nodes.append(helper.make_node("Cast", [block.name], [parts[-1]], name=parts[-1], to=TensorProto.FLOAT))
    nodes.append(helper.make_node("Concat", parts, ["row"], name="row", axis=1))
    return nodes, "row"


def _link(nodes: list[onnx.NodeProto], link: Link) -> list[onnx.TensorProto]:
    import numpy as np
    from onnx import helper, numpy_helper

    if link == "binary":
        nodes.append(helper.make_node("Sub", ["sums", "sums"], ["zero"], name="zero"))
        nodes.append(helper.make_node("Concat", ["zero", "sums"], ["scores"], name="scores", axis=1))
        return []
    if link == "shares":
        nodes.append(helper.make_node("Max", ["sums", "least"], ["shares"], name="shares"))
        nodes.append(helper.make_node("Log", ["shares"], ["scores"], name="scores"))
        return [numpy_helper.from_array(np.array(_LEAST, np.float32), "least")]
    nodes.append(helper.make_node("Identity", ["sums"], ["scores"], name="scores"))
    return []


def _attributes(trees: Sequence[Tree]) -> dict[str, list[int] | list[float] | list[str]]:
    """The node's attributes: every node of every tree, and what every leaf adds."""
    written = _Written()
    for place, tree in enumerate(trees):
        written.add(place, tree)
    return {
        "nodes_treeids": written.tree, "nodes_nodeids": written.node, "nodes_featureids": written.feature, "nodes_values": written.value,
        "nodes_modes": written.mode, "nodes_truenodeids": written.yes, "nodes_falsenodeids": written.no, "nodes_missing_value_tracks_true": written.missing,
        "nodes_hitrates": [1.0] * len(written.tree), "target_treeids": written.of_tree, "target_nodeids": written.of_node, "target_ids": written.output,
        "target_weights": written.weight,
    }  # fmt: skip


class _Written:
    """Lists that grow together, as ONNX wants them."""

    def __init__(self) -> None:
        self.tree: list[int] = []
        self.node: list[int] = []
        self.feature: list[int] = []
        self.value: list[float] = []
        self.mode: list[str] = []
        self.yes: list[int] = []
        self.no: list[int] = []
        self.missing: list[int] = []
        self.of_tree: list[int] = []
        self.of_node: list[int] = []
        self.output: list[int] = []
        self.weight: list[float] = []

    def add(self, place: int, tree: Tree) -> None:
        """One tree."""
        thresholds = _rounded_down(tree.threshold).tolist()
        features, left, right = tree.feature.tolist(), tree.left.tolist(), tree.right.tolist()
        extra = len(features)  # ids of the nodes that chains of categories need beyond the tree's own
        for node, feature in enumerate(features):
            if feature == LEAF:
                self._node(place, node, 0, 0.0, "LEAF", 0, 0)
                self._leaf(place, node, tree)
            elif node in tree.categories:
                extra = self._chain(place, node, feature, tree.categories[node], left[node], right[node], extra)
            else:
                self._node(place, node, feature, thresholds[node], "BRANCH_LEQ", left[node], right[node])

    def _chain(self, place: int, node: int, feature: int, ids: Sequence[int], yes: int, no: int, extra: int) -> int:
        """Is it this one, or this one, or this one: all that say yes go to the same node."""
        if not ids:
            self._node(place, node, feature, -1.0, "BRANCH_EQ", yes, no)  # no id is negative
            return extra
        at = node
        for i, category in enumerate(ids):
            following = no if i == len(ids) - 1 else extra
            self._node(place, at, feature, float(category), "BRANCH_EQ", yes, following)
            if i < len(ids) - 1:
                at, extra = extra, extra + 1
        return extra

    def _node(self, tree: int, node: int, feature: int, value: float, mode: str, yes: int, no: int) -> None:
        self.tree.append(tree)
        self.node.append(node)
        self.feature.append(feature)
        self.value.append(value)
        self.mode.append(mode)
        self.yes.append(yes)
        self.no.append(no)
        self.missing.append(0)

    def _leaf(self, place: int, node: int, tree: Tree) -> None:
        for output, weight in enumerate(tree.values[node].tolist(), start=tree.first):
            self.of_tree.append(place)
            self.of_node.append(node)
            self.output.append(output)
            self.weight.append(weight)


def _rounded_down(thresholds: np.ndarray) -> np.ndarray:
    """The largest float32 that is not above: a float32 is ≤ one exactly when it is ≤ the other."""
    import numpy as np

    with np.errstate(over="ignore"):
        near = thresholds.astype(np.float32)
    return np.where(near > thresholds, np.nextafter(near, np.float32(-np.inf)), near).astype(np.float32)
