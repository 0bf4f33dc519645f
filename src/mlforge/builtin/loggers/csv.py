"""Curves as rows of text."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from mlforge.components import Fitting, Logger

__all__ = ["Csv"]


class Csv(Logger):
    """Writes losses, learning rate and whatever is logged into metrics.csv as the fit goes on."""

    requires: ClassVar[tuple[str, ...]] = ("torch", "pytorch-lightning")

    def build(self, fitting: Fitting, folder: Path) -> Any:
        """The logger."""
        from pytorch_lightning.loggers import CSVLogger

        return CSVLogger(folder, name="", version="")
