"""Boosted trees: scikit-learn's predictors, kept as arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from threadpoolctl import threadpool_limits

from mlforge.artifact import Block
from mlforge.components import Fitting
from mlforge.task import Output
from mlforge.trees import LEAF, Tree, graph_of, matrix
from mlforge_sklearn import arrays

if TYPE_CHECKING:
    import onnx

__all__ = ["Boosted"]

_NO_CATEGORIES = np.zeros((0, 8), np.uint32)


class Boosted:
    """An `Estimator` over the blocks side by side; the trees of a round stand one after the other, one per output."""

    def __init__(self, blocks: tuple[Block, ...], output: Output, settings: Mapping[str, Any]) -> None:
        self.blocks, self.output, self.settings = blocks, output, settings
        self._saved: dict[str, np.ndarray] = {}

    def fit(self, fitting: Fitting) -> Sequence[Mapping[str, float]]:
        """Add trees until the validation loss no longer falls."""
        from sklearn import ensemble

        kind: Any = ensemble.HistGradientBoostingRegressor if self.output.kind == "value" else ensemble.HistGradientBoostingClassifier
        settings = {**self.settings, **({"max_iter": 1} if fitting.smoke else {})}
        booster = kind(**settings, early_stopping=True, scoring="loss", tol=0.0, categorical_features=None, random_state=fitting.seed % 2**32)
        parts = fitting.train, fitting.validation
        (rows, target), (held, wanted) = ((matrix(part.blocks), np.asarray(part.target).reshape(-1)) for part in parts)
        with threadpool_limits(fitting.threads):
            booster.fit(rows, target, sample_weight=fitting.train.weight, X_val=held, y_val=wanted, sample_weight_val=fitting.validation.weight)
        halved = 2 if self.output.kind == "value" else 1  # scikit-learn's squared error is half of it
        losses = [-float(score) * halved for score in booster.validation_score_[1:]]
        self._saved = _plain(booster, int(np.argmin(losses)) + 1)
        return [{"validation/loss": loss} for loss in losses]

    def save(self, folder: Path) -> None:
        """Every node of every tree."""
        arrays.write(folder, self._saved)

    def load(self, folder: Path) -> None:
        """Read them again."""
        self._saved = arrays.read(folder)

    def scores(self, blocks: tuple[np.ndarray, ...]) -> np.ndarray:
        """What scikit-learn's predictors say, summed."""
        rows = np.asarray(matrix(blocks), np.float64)
        raw = np.repeat(self._saved["baseline"][None], len(rows), axis=0)
        for place, part in enumerate(self._parts()):
            raw[:, place % raw.shape[1]] += _rebuilt(part).predict(rows, _NO_CATEGORIES, np.zeros(0, np.uint32), 1)
        return np.hstack([np.zeros_like(raw), raw]) if self._binary else raw

    def graph(self, opset: int) -> onnx.ModelProto:
        """The same trees as ONNX has them."""
        baseline = self._saved["baseline"]
        trees = [
            Tree(part["feature"], part["threshold"], part["left"], part["right"], part["values"][:, None], place % len(baseline))
            for place, part in enumerate(self._parts())
        ]
        return graph_of(trees, self.blocks, baseline.tolist(), "binary" if self._binary else "scores", opset)

    @property
    def _binary(self) -> bool:
        return self.output.kind == "classes" and self.output.width == 2

    def _parts(self) -> list[dict[str, np.ndarray]]:
        saved, stops = self._saved, np.cumsum(self._saved["nodes"])
        spans = [slice(stop - count, stop) for stop, count in zip(stops.tolist(), saved["nodes"].tolist(), strict=True)]
        return [{name: array[span] for name, array in saved.items() if name not in ("nodes", "baseline")} for span in spans]


def _plain(booster: Any, rounds: int) -> dict[str, np.ndarray]:
    nodes = [predictor.nodes for of_round in booster._predictors[:rounds] for predictor in of_round]
    together = np.concatenate(nodes)
    leaf = together["is_leaf"].astype(bool)
    return {
        "nodes": np.array([len(one) for one in nodes], np.int64),
        "baseline": np.asarray(booster._baseline_prediction, np.float64).reshape(-1),
        "feature": np.where(leaf, LEAF, together["feature_idx"]).astype(np.int64),
        "threshold": np.where(leaf, 0.0, together["num_threshold"]),
        "left": np.where(leaf, 0, together["left"]).astype(np.int64),
        "right": np.where(leaf, 0, together["right"]).astype(np.int64),
        "values": np.where(leaf, together["value"], 0.0),
    }


def _rebuilt(part: Mapping[str, np.ndarray]) -> Any:
    """scikit-learn's own compiled predictor over these nodes."""
    from sklearn.ensemble._hist_gradient_boosting.common import PREDICTOR_RECORD_DTYPE
    from sklearn.ensemble._hist_gradient_boosting.predictor import TreePredictor

    nodes = np.zeros(len(part["feature"]), PREDICTOR_RECORD_DTYPE)
    nodes["is_leaf"] = part["feature"] == LEAF
    nodes["feature_idx"] = np.maximum(part["feature"], 0)
    nodes["num_threshold"], nodes["left"], nodes["right"], nodes["value"] = part["threshold"], part["left"], part["right"], part["values"]
    return TreePredictor(nodes, _NO_CATEGORIES, _NO_CATEGORIES)
