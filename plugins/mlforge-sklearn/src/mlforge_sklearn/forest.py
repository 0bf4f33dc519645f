"""Forests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from mlforge.artifact import Block
from mlforge.components import Model
from mlforge.task import Output

if TYPE_CHECKING:
    from mlforge_sklearn.averaged import Averaged

__all__ = ["ExtraTrees", "RandomForest"]


class RandomForest(Model):
    """scikit-learn's random forest: the mean of trees, each grown on rows drawn anew."""

    family: ClassVar[str] = "estimator"
    requires: ClassVar[tuple[str, ...]] = ("scikit-learn", "onnx")
    libraries: ClassVar[tuple[str, ...]] = ("scikit-learn", "numpy")

    n_estimators: int = Field(default=200, ge=1, le=10_000, description="trees; more are steadier, slower and larger")
    max_depth: int | None = Field(default=None, ge=1, description="questions between root and leaf at most; null: as many as there are rows for")
    min_samples_leaf: int = Field(default=5, ge=1, description="training rows that a leaf must have at least; fewer make the bundle large")
    max_features: Literal["sqrt", "log2"] | float = Field(default="sqrt", description="columns that each question may choose from: a share, or a root of all")

    def build(self, blocks: tuple[Block, ...], output: Output) -> Averaged:
        """An estimator that is still to be fitted."""
        from sklearn import ensemble

        from mlforge_sklearn.averaged import Averaged

        return Averaged(blocks, output, ensemble.RandomForestRegressor if output.kind == "value" else ensemble.RandomForestClassifier, self.settings())

    def settings(self) -> dict[str, Any]:
        """The fields as scikit-learn takes them."""
        return self.model_dump()


class ExtraTrees(RandomForest):
    """scikit-learn's extremely randomised trees: a forest whose thresholds are drawn, not searched; faster and smoother."""

    def build(self, blocks: tuple[Block, ...], output: Output) -> Averaged:
        """An estimator that is still to be fitted."""
        from sklearn import ensemble

        from mlforge_sklearn.averaged import Averaged

        return Averaged(blocks, output, ensemble.ExtraTreesRegressor if output.kind == "value" else ensemble.ExtraTreesClassifier, self.settings())
