"""Linear models."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from mlforge.artifact import Block
from mlforge.components import Model
from mlforge.task import Output

if TYPE_CHECKING:
    from mlforge_sklearn.weights import Weights

__all__ = ["LogisticRegression", "Ridge"]

_NEEDS = ("scikit-learn", "onnx")
_DECIDES = ("scikit-learn", "scipy", "numpy")


class LogisticRegression(Model):
    """scikit-learn's logistic regression: a weight per number and per category, solved to the optimum."""

    family: ClassVar[str] = "estimator"
    tasks: ClassVar[frozenset[str]] = frozenset({"classification"})
    requires: ClassVar[tuple[str, ...]] = _NEEDS
    libraries: ClassVar[tuple[str, ...]] = _DECIDES

    C: float = Field(default=1.0, gt=0, description="how freely weights may grow; smaller pulls them to zero more strongly")
    max_iter: int = Field(default=1000, ge=1, description="steps of the solver at most")

    def build(self, blocks: tuple[Block, ...], output: Output) -> Weights:
        """An estimator that is still to be fitted."""
        from sklearn import linear_model

        from mlforge_sklearn.weights import Weights

        return Weights(blocks, output, lambda smoke: linear_model.LogisticRegression(C=self.C, max_iter=1 if smoke else self.max_iter))


class Ridge(Model):
    """scikit-learn's ridge regression: a weight per number and per category, pulled to zero."""

    family: ClassVar[str] = "estimator"
    tasks: ClassVar[frozenset[str]] = frozenset({"regression"})
    requires: ClassVar[tuple[str, ...]] = _NEEDS
    libraries: ClassVar[tuple[str, ...]] = _DECIDES

    alpha: float = Field(default=1.0, ge=0, description="how strongly weights are pulled to zero")

    def build(self, blocks: tuple[Block, ...], output: Output) -> Weights:
        """An estimator that is still to be fitted."""
        from sklearn import linear_model

        from mlforge_sklearn.weights import Weights

        return Weights(blocks, output, lambda smoke: linear_model.Ridge(alpha=self.alpha, solver="lsqr", tol=1e-8))
