"""LightGBM's trees as arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from mlforge.trees import LEAF, Tree

__all__ = ["trees_of"]


def trees_of(booster: Any, outputs: int) -> list[Tree]:
    """The trees of a fitted booster; with several outputs they take turns."""
    dumped = booster.dump_model()["tree_info"]
    return [_tree(info["tree_structure"], i % outputs) for i, info in enumerate(dumped)]


def _tree(root: dict[str, Any], output: int) -> Tree:
    nodes = [root]
    feature, threshold, left, right, value = [], [], [], [], []
    categories: dict[int, tuple[int, ...]] = {}
    for node in nodes:  # grows as it is walked: breadth first
        if "split_feature" not in node:
            feature.append(LEAF)
            threshold.append(0.0)
            left.append(0)
            right.append(0)
            value.append(float(node["leaf_value"]))
            continue
        if node["decision_type"] == "==":
            categories[len(feature)] = tuple(int(part) for part in str(node["threshold"]).split("||"))
        feature.append(int(node["split_feature"]))
        threshold.append(0.0 if node["decision_type"] == "==" else float(node["threshold"]))
        left.append(len(nodes))
        right.append(len(nodes) + 1)
        value.append(0.0)
        nodes += [node["left_child"], node["right_child"]]
    whole = np.int64
    return Tree(
        np.array(feature, whole), np.array(threshold), np.array(left, whole), np.array(right, whole), np.array(value)[:, None], output, categories
    )  # fmt: skip
