"""The linear model."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from mlforge.artifact import Block
from mlforge.components import Model
from mlforge.task import Output

if TYPE_CHECKING:
    import torch

__all__ = ["Linear"]


class Linear(Model):
    """A weight per number and per category: logistic regression, or linear regression."""

    requires: ClassVar[tuple[str, ...]] = ("torch",)
    libraries: ClassVar[tuple[str, ...]] = ("torch",)
    tasks: ClassVar[frozenset[str]] = frozenset({"classification", "regression", "multilabel"})

    def build(self, blocks: tuple[Block, ...], output: Output) -> torch.nn.Module:
        """The network."""
        from mlforge.builtin.models.tabular import WideLinear

        return WideLinear(blocks, output.width)
