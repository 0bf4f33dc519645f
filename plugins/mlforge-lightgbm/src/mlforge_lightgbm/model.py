"""The model: settings of boosted trees."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from mlforge.artifact import Block
from mlforge.components import Model
from mlforge.task import Output

if TYPE_CHECKING:
    from mlforge_lightgbm.boosted import Boosted

__all__ = ["LightGBM"]


class LightGBM(Model):
    """Boosted trees by LightGBM; keeps the rounds up to the lowest validation loss."""

    family: ClassVar[str] = "estimator"
    requires: ClassVar[tuple[str, ...]] = ("lightgbm", "onnx")
    libraries: ClassVar[tuple[str, ...]] = ("lightgbm", "numpy")

    n_estimators: int = Field(default=3000, ge=1, description="rounds at most; each adds one tree (for more than two classes, one per class)")
    learning_rate: float = Field(default=0.05, gt=0, le=1, description="how much of each tree is added; smaller needs more rounds and often ends better")
    num_leaves: int = Field(default=31, ge=2, le=131072, description="leaves of a tree at most: how intricate it may be")
    max_depth: int | None = Field(default=None, ge=1, description="questions between root and leaf at most; null: as many as the leaves allow")
    min_child_samples: int = Field(default=20, ge=1, description="training rows that a leaf must have at least")
    subsample: float = Field(default=1.0, gt=0, le=1, description="share of the training rows that each tree sees")
    colsample_bytree: float = Field(default=0.8, gt=0, le=1, description="share of the columns that each tree sees")
    reg_alpha: float = Field(default=0.0, ge=0, description="pulls leaves to exactly zero (L1)")
    reg_lambda: float = Field(default=1.0, ge=0, description="pulls leaves towards zero (L2)")
    max_bin: int = Field(default=255, ge=2, le=65535, description="steps into which each number is cut")
    early_stopping_rounds: int | None = Field(default=100, ge=1, description="stop after so many rounds without a lower validation loss; null: never")
    categories: Literal["native", "numbers"] = Field(
        default="native", description="native: a question may ask for any set of categories; numbers: for those before or after one, in sorted order"
    )
    cat_smooth: float = Field(default=10.0, ge=0, description="how little is believed of categories with few rows; for native categories")

    def build(self, blocks: tuple[Block, ...], output: Output) -> Boosted:
        """An estimator that is still to be fitted."""
        from mlforge_lightgbm.boosted import Boosted

        return Boosted(self, blocks, output)

    def parameters(self, output: Output, seed: int, threads: int | None) -> dict[str, Any]:
        """The settings as LightGBM's `train` takes them; the same trees on any number of threads."""
        if output.kind == "value":
            objective: dict[str, Any] = {"objective": "regression", "metric": "l2"}
        elif output.width == 2:
            objective = {"objective": "binary", "metric": "binary_logloss"}
        else:
            objective = {"objective": "multiclass", "metric": "multi_logloss", "num_class": output.width}
        named = ("learning_rate", "num_leaves", "min_child_samples", "subsample", "colsample_bytree", "reg_alpha", "reg_lambda", "max_bin", "cat_smooth")
        return objective | {name: getattr(self, name) for name in named} | {
            "max_depth": self.max_depth or -1, "subsample_freq": int(self.subsample < 1), "seed": seed % 2**31, "num_threads": threads or 0,
            "deterministic": True, "force_row_wise": True, "verbosity": -1,
        }  # fmt: skip
