"""Curves for TensorBoard."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from mlforge.components import Fitting, Logger

__all__ = ["Tensorboard"]


class Tensorboard(Logger):
    """Writes losses, learning rate and whatever is logged for TensorBoard: `tensorboard --logdir .mlforge/runs`."""

    requires: ClassVar[tuple[str, ...]] = ("torch", "pytorch-lightning", "tensorboard")

    def build(self, fitting: Fitting, folder: Path) -> Any:
        """The logger."""
        from pytorch_lightning.loggers import TensorBoardLogger

        return TensorBoardLogger(folder, name="", version="")
