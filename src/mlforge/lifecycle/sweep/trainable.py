"""A trial as Ray Tune sees it: one worker process runs one after another. Imports ray."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ray import tune

from mlforge.lifecycle.sweep.bench import Bench, Commission
from mlforge.lifecycle.sweep.journal import Measured
from mlforge.lifecycle.sweep.running import Epoch, Running

__all__ = ["Worker"]


class Worker(tune.Trainable):  # type: ignore[misc]  # ray is not typed for us
    """Runs trials of one search. Ray asks it for a step at a time: an epoch where trials may be given up early, else the whole trial."""

    def setup(self, config: dict[str, Any], commission: Commission | None = None, held: bool = False) -> None:
        """Take up the first trial."""
        assert commission is not None, "Ray hands it in"
        self._bench, self._held = Bench(commission), held
        self._begin(config)

    def step(self) -> dict[str, Any]:
        """Its next epoch, or what it came to."""
        told = self._running.next()
        if isinstance(told, Epoch):
            return {"epoch": told.number, "values": list(told.values.items())}  # pairs: Ray flattens maps
        if isinstance(told, Measured):
            return {"done": True, "epoch": told.epochs, "measured": (dict(told.findings), told.epochs, list(told.curve))}
        return {"done": True, "failed": told.reason}

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Take up another trial in the same process."""
        self._running.stop()
        self._begin(new_config)
        return True

    def cleanup(self) -> None:
        """Give up what is running."""
        self._running.stop()

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        """Nothing: a fit keeps its own checkpoints."""

    def load_checkpoint(self, checkpoint: object) -> None:
        """Nothing, likewise."""

    def _begin(self, config: Mapping[str, Any]) -> None:
        self._running = Running(self._bench, int(config["number"]), list(config["overrides"]), config["parent"], held=self._held)
