"""What is kept of the fit of a LightningModule, which learns in its own way. Imports torch and pytorch_lightning."""

from __future__ import annotations

from typing import Any

import pytorch_lightning as lightning
import torch
from pytorch_lightning.callbacks import Checkpoint

from mlforge.builtin.trainers.batches import Batch, Batches
from mlforge.builtin.trainers.keeper import Keeper
from mlforge.builtin.trainers.sums import Sums

__all__ = ["Watcher"]


class Watcher(Checkpoint):  # type: ignore[misc]  # pytorch_lightning is not typed for us; a Checkpoint is called after all other callbacks
    """Tells the keeper what happens, and judges each epoch by the scores that the module's `forward` gives the validation rows, as it will be shipped."""

    def __init__(self, keeper: Keeper, validation: Batches) -> None:
        self.keeper, self.validation = keeper, validation

    def on_fit_start(self, trainer: Any, module: lightning.LightningModule) -> None:
        """A module that is to be sharded has done so when it was configured."""
        if self.keeper.weights.sharded:
            self.keeper.sharded(module.device_mesh["data_parallel"])

    def on_train_start(self, trainer: Any, module: lightning.LightningModule) -> None:
        """Restore what belongs to the trainer."""
        self.keeper.begin(trainer)

    def on_train_epoch_start(self, trainer: Any, module: lightning.LightningModule) -> None:
        """Restore what belongs to the epoch."""
        self.keeper.begin_epoch(trainer)

    def on_train_batch_end(self, trainer: Any, module: lightning.LightningModule, outputs: Any, batch: Batch, index: int) -> None:
        """A step is done when its last portion is; its loss is what the module's step has returned."""
        loss = outputs.get("loss") if isinstance(outputs, dict) else outputs
        if isinstance(loss, torch.Tensor):
            self.keeper.noted(loss.detach())
        if (index + 1) % self.keeper.batches.portions == 0:
            self.keeper.stepped(trainer)

    def on_train_epoch_end(self, trainer: Any, module: lightning.LightningModule) -> None:
        """Judge and take down the epoch."""
        self.keeper.end_epoch(trainer, self.keeper.values(trainer, self.sums(trainer, module)))

    def sums(self, trainer: Any, module: lightning.LightningModule) -> Sums:
        """What the validation rows say."""
        sums, average = Sums(), self.keeper.average
        module.eval()
        with torch.no_grad(), trainer.precision_plugin.forward_context():
            for batch in self.validation:
                self.keeper.judging(trainer)
                there = module.transfer_batch_to_device(trainer.precision_plugin.convert_input(batch), module.device, 0)
                sums.add(module(*there.blocks) if average is None else average.scores(module, there.blocks), there)
        module.train()
        return sums
