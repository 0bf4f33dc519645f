"""A linear estimator over numbers and one-hot categories, as weights and as a graph."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

from mlforge.artifact import Block
from mlforge.components import Fitting
from mlforge.errors import RunFailed
from mlforge.task import Output
from mlforge_sklearn import arrays

if TYPE_CHECKING:
    import onnx

__all__ = ["Weights"]

_log = logging.getLogger(__name__)


class Weights:
    """An `Estimator`; `make` gives scikit-learn's object, told whether the run is a smoke run."""

    def __init__(self, blocks: tuple[Block, ...], output: Output, make: Callable[[bool], Any]) -> None:
        self.blocks, self.output, self.make = blocks, output, make
        self._fitted: Any = None

    def fit(self, fitting: Fitting) -> Sequence[Mapping[str, float]]:
        """Solve, on one core of BLAS, so that the number of cores does not decide the last bit."""
        fitted = self.make(fitting.smoke)
        with warnings.catch_warnings(), threadpool_limits(1):
            warnings.simplefilter("error" if not fitting.smoke else "ignore", ConvergenceWarning)
            target = np.asarray(fitting.train.target).reshape(-1)
            try:
                fitted.fit(self._one_hot(fitting.train.blocks), target, sample_weight=fitting.train.weight)
            except ConvergenceWarning:
                warnings.simplefilter("ignore", ConvergenceWarning)
                _log.warning("the solver did not converge; a larger model.max_iter, or a smaller model.C, would let it")
                fitted.fit(self._one_hot(fitting.train.blocks), target, sample_weight=fitting.train.weight)
            except ValueError as error:
                raise RunFailed(f"model: scikit-learn cannot fit these rows: {str(error)[:300]}") from None
        self._fitted = self._rebuilt(np.atleast_2d(fitted.coef_), np.atleast_1d(fitted.intercept_))
        return []

    def save(self, folder: Path) -> None:
        """Weights and intercepts."""
        arrays.write(folder, {"coefficients": self._fitted.coef_, "intercepts": self._fitted.intercept_})

    def load(self, folder: Path) -> None:
        """Read them again."""
        saved = arrays.read(folder)
        self._fitted = self._rebuilt(saved["coefficients"], saved["intercepts"])

    def scores(self, blocks: tuple[np.ndarray, ...]) -> np.ndarray:
        """What scikit-learn says, before any link."""
        columns = self._one_hot(blocks)
        if self.output.kind == "value":
            said: np.ndarray = self._fitted.predict(columns).reshape(-1, 1)
            return said
        raw: np.ndarray = self._fitted.decision_function(columns).reshape(columns.shape[0], -1)
        return np.hstack([np.zeros_like(raw), raw]) if self.output.width == 2 else raw

    def graph(self, opset: int) -> onnx.ModelProto:
        """Numbers times weights, plus the row of weights that belongs to each category."""
        from mlforge_sklearn.linear_graph import linear_graph

        coefficients, intercepts = self._fitted.coef_, self._fitted.intercept_
        if self.output.kind == "classes" and self.output.width == 2:
            coefficients, intercepts = (np.concatenate([np.zeros_like(one), one]) for one in (coefficients, intercepts))
        return linear_graph(self.blocks, coefficients.T, intercepts, opset)

    def _rebuilt(self, coefficients: np.ndarray, intercepts: np.ndarray) -> Any:
        made = self.make(False)
        made.coef_, made.intercept_, made.n_features_in_ = coefficients, intercepts, coefficients.shape[1]
        if self.output.kind == "classes":
            made.classes_ = np.arange(self.output.width)
        return made

    def _one_hot(self, blocks: Sequence[np.ndarray]) -> Any:
        from scipy import sparse

        parts = []
        for block, values in zip(self.blocks, blocks, strict=True):
            if not block.cardinalities:
                parts.append(sparse.csr_array(np.asarray(values, np.float64)))
                continue
            starts = np.array([0, *accumulate(block.cardinalities)][:-1])
            columns = (np.asarray(values) + starts).ravel()
            rows = np.repeat(np.arange(len(values)), block.width)
            parts.append(sparse.csr_array((np.ones(len(columns)), (rows, columns)), shape=(len(values), sum(block.cardinalities))))
        return sparse.hstack(parts, format="csr")
