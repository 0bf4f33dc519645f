"""The transformer for tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self

from pydantic import Field, model_validator

from mlforge.artifact import Block
from mlforge.components import Model
from mlforge.task import Output

if TYPE_CHECKING:
    import torch

__all__ = ["FtTransformer"]


class FtTransformer(Model):
    """A token per column through a transformer (FT-Transformer, Gorishniy et al., 2021): often the best network, and the slowest."""

    requires: ClassVar[tuple[str, ...]] = ("torch",)
    libraries: ClassVar[tuple[str, ...]] = ("torch",)
    tasks: ClassVar[frozenset[str]] = frozenset({"classification", "regression", "multilabel"})
    tunable: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "d_token": {"choice": (32, 64, 128)},
        "layers": {"randint": (1, 4)},
        "attention_dropout": {"uniform": (0.0, 0.5)},
        "hidden_dropout": {"uniform": (0.0, 0.5)},
    }

    d_token: int = Field(default=64, ge=1, description="length of the vector that stands for a column's value")
    layers: int = Field(default=2, ge=1, le=64, description="attention layers, one after the other")
    heads: int = Field(default=8, ge=1, description="parts into which attention splits a vector; must divide d_token")
    factor: float = Field(default=4 / 3, gt=0, le=16, description="how many times wider the layer after attention is inside")
    attention_dropout: float = Field(default=0.2, ge=0, lt=1, description="share of attention that is left out at random in each training step")
    hidden_dropout: float = Field(default=0.1, ge=0, lt=1, description="share of inner neurons that are left out at random in each training step")

    @model_validator(mode="after")
    def _divides(self) -> Self:
        if self.d_token % self.heads:
            raise ValueError(f"{self.heads} heads do not divide d_token={self.d_token}")
        return self

    def build(self, blocks: tuple[Block, ...], output: Output) -> torch.nn.Module:
        """The network."""
        from mlforge.builtin.models.attention import Transformer

        inner = max(1, round(self.d_token * self.factor))
        return Transformer(blocks, output.width, self.d_token, self.layers, self.heads, inner, self.attention_dropout, self.hidden_dropout)
