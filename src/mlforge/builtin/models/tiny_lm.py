"""The small language model."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Self

from pydantic import Field, model_validator

from mlforge.artifact import Block
from mlforge.components import Model
from mlforge.errors import RecipeError
from mlforge.task import Output

if TYPE_CHECKING:
    import torch

__all__ = ["TinyLm"]


class TinyLm(Model):
    """A transformer that reads bytes and says which comes next: small as it is, GPT-2's size by overrides.

    How many bytes it reads is `features.bytes.context`. With 18 layers of width 768 and 12 heads it has 127 million weights.
    """

    requires: ClassVar[tuple[str, ...]] = ("torch",)
    libraries: ClassVar[tuple[str, ...]] = ("torch",)
    tasks: ClassVar[frozenset[str]] = frozenset({"language_model"})

    layers: int = Field(default=2, ge=1, le=256, description="blocks of attention and two linear layers, one after the other")
    heads: int = Field(default=4, ge=1, description="parts into which attention splits a vector; must divide width, and leave an even number")
    width: int = Field(default=64, ge=2, description="length of the vector that stands for a byte")
    dropout: float = Field(default=0.0, ge=0, lt=1, description="share of numbers that are left out at random in each training step")
    tie_weights: bool = Field(default=True, description="the table that turns bytes into vectors also turns vectors into bytes")

    @model_validator(mode="after")
    def _divides(self) -> Self:
        if self.width % (2 * self.heads):
            raise ValueError(f"{self.heads} heads do not divide width={self.width} into even parts")
        return self

    def build(self, blocks: tuple[Block, ...], output: Output) -> torch.nn.Module:
        """The network."""
        from mlforge.builtin.models.language import ByteTransformer

        if [block.name for block in blocks] != ["bytes"]:
            raise RecipeError(f"model: tiny_lm reads bytes, and the features make {', '.join(block.name for block in blocks)}", hint="Write features: [bytes].")
        return ByteTransformer(blocks[0].width, self.layers, self.heads, self.width, self.dropout, tied=self.tie_weights)
