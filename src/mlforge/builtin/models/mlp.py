"""The multi-layer perceptron."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from mlforge.artifact import Block
from mlforge.components import Model
from mlforge.task import Output

if TYPE_CHECKING:
    import torch

__all__ = ["Mlp"]


class Mlp(Model):
    """Layers of neurons over numbers and learned vectors of categories."""

    requires: ClassVar[tuple[str, ...]] = ("torch",)
    libraries: ClassVar[tuple[str, ...]] = ("torch",)
    tasks: ClassVar[frozenset[str]] = frozenset({"classification", "regression", "multilabel"})

    tunable: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "hidden": {"choice": ((64,), (256,), (128, 128), (256, 256), (512, 256))},
        "dropout": {"uniform": (0.0, 0.5)},
    }

    hidden: tuple[Annotated[int, Field(ge=1)], ...] = Field(default=(256, 256), description="neurons of each hidden layer, from input to output")
    dropout: float = Field(default=0.0, ge=0, lt=1, description="share of neurons that are left out at random in each training step")
    activation: Literal["relu", "gelu", "silu"] = Field(default="relu", description="what each neuron applies to its sum")
    embedding: int = Field(default=8, ge=1, description="length of the vector that stands for a category")

    def build(self, blocks: tuple[Block, ...], output: Output) -> torch.nn.Module:
        """The network."""
        from torch import nn

        from mlforge.builtin.models import tabular

        activation = {"relu": nn.ReLU, "gelu": nn.GELU, "silu": nn.SiLU}[self.activation]
        return tabular.Mlp(blocks, self.hidden, output.width, self.embedding, self.dropout, activation)
