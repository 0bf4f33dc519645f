"""Boosted trees."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from mlforge.artifact import Block
from mlforge.components import Model
from mlforge.task import Output

if TYPE_CHECKING:
    from mlforge_sklearn.boosted import Boosted

__all__ = ["HistGradientBoosting"]


class HistGradientBoosting(Model):
    """scikit-learn's histogram-based boosted trees; keeps the rounds up to the lowest validation loss."""

    family: ClassVar[str] = "estimator"
    requires: ClassVar[tuple[str, ...]] = ("scikit-learn", "onnx")
    libraries: ClassVar[tuple[str, ...]] = ("scikit-learn", "numpy")

    max_iter: int = Field(default=1000, ge=1, description="rounds at most; each adds one tree (for more than two classes, one per class)")
    learning_rate: float = Field(default=0.05, gt=0, le=1, description="how much of each tree is added; smaller needs more rounds and often ends better")
    max_leaf_nodes: int = Field(default=31, ge=2, description="leaves of a tree at most: how intricate it may be")
    min_samples_leaf: int = Field(default=20, ge=1, description="training rows that a leaf must have at least")
    l2_regularization: float = Field(default=0.0, ge=0, description="pulls leaves towards zero")
    n_iter_no_change: int = Field(default=50, ge=1, description="stop after so many rounds without a lower validation loss")

    def build(self, blocks: tuple[Block, ...], output: Output) -> Boosted:
        """An estimator that is still to be fitted."""
        from mlforge_sklearn.boosted import Boosted

        return Boosted(blocks, output, self.model_dump())
