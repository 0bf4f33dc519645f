"""Where the learning rate goes."""

from __future__ import annotations

from typing import Any

from mlforge.components import Callback, Fitting

__all__ = ["LearningRate"]


class LearningRate(Callback):
    """Notes the learning rate at the end of each epoch as a curve."""

    def build(self, fitting: Fitting) -> Any:
        """The callback."""
        from pytorch_lightning import Callback as LightningCallback

        class Note(LightningCallback):  # type: ignore[misc]  # pytorch_lightning is not typed for us
            def on_train_epoch_end(self, trainer: Any, module: Any) -> None:
                module.log("train/learning_rate", float(trainer.optimizers[0].param_groups[0]["lr"]))

        return Note()
