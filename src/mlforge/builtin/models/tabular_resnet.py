"""The residual network for tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from mlforge.artifact import Block
from mlforge.components import Model
from mlforge.task import Output

if TYPE_CHECKING:
    import torch

__all__ = ["TabularResnet"]


class TabularResnet(Model):
    """Residual blocks over numbers and learned vectors of categories (Gorishniy et al., 2021): a strong network that trains fast."""

    requires: ClassVar[tuple[str, ...]] = ("torch",)
    libraries: ClassVar[tuple[str, ...]] = ("torch",)
    tasks: ClassVar[frozenset[str]] = frozenset({"classification", "regression", "multilabel"})
    tunable: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "d": {"choice": (64, 128, 256)},
        "blocks": {"randint": (1, 6)},
        "hidden_dropout": {"uniform": (0.0, 0.5)},
        "dropout": {"uniform": (0.0, 0.3)},
    }

    d: int = Field(default=128, ge=1, description="numbers that flow from block to block")
    blocks: int = Field(default=3, ge=1, le=64, description="residual blocks, one after the other")
    factor: float = Field(default=2.0, gt=0, le=16, description="how many times wider a block is inside")
    hidden_dropout: float = Field(default=0.2, ge=0, lt=1, description="share of a block's inner neurons that are left out at random in each training step")
    dropout: float = Field(default=0.1, ge=0, lt=1, description="share of what a block adds that is left out at random in each training step")
    embedding: int = Field(default=16, ge=1, description="length of the vector that stands for a category, and for a number where there are waves")
    waves: int = Field(default=0, ge=0, description="waves of learned length through which each number is seen as well; for numbers with telling single values")
    wave_spread: float = Field(default=1.0, gt=0, description="how short the waves are at first; larger tells closer numbers apart")

    def build(self, blocks: tuple[Block, ...], output: Output) -> torch.nn.Module:
        """The network."""
        from mlforge.builtin.models.residual import Reading, Resnet

        inner = max(1, round(self.d * self.factor))
        reading = Reading(blocks, self.embedding, self.waves, self.wave_spread)
        return Resnet(reading, output.width, self.d, self.blocks, inner, self.hidden_dropout, self.dropout)
