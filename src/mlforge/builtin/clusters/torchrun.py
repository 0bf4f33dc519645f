"""Ranks that torchrun has started."""

from __future__ import annotations

import os
from collections.abc import Mapping

from mlforge.builtin.clusters.launched import Launched

__all__ = ["Torchrun"]

_NAMES = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")


class Torchrun(Launched):
    """The processes that torchrun starts: `torchrun --nproc-per-node=2 -m mlforge run …`."""

    def variables(self) -> Mapping[str, str] | None:
        """What torchrun has set."""
        if "TORCHELASTIC_RUN_ID" not in os.environ:
            return None
        return {name: os.environ[name] for name in _NAMES}

    def how(self) -> str:
        """With torchrun."""
        return "Start it with: torchrun --nproc-per-node=2 -m mlforge run … (or choose cluster=local)."
