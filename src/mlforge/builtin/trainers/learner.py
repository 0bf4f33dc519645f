"""The Lightning module that fits a network over blocks. Imports torch and pytorch_lightning: only the trainer's `fit` imports it."""

from __future__ import annotations

from typing import Any

import pytorch_lightning as lightning
import torch

from mlforge.builtin.trainers.batches import Batch
from mlforge.builtin.trainers.keeper import Keeper
from mlforge.builtin.trainers.losses import mean, row_losses
from mlforge.builtin.trainers.sums import Sums

__all__ = ["Learner"]


class Learner(lightning.LightningModule):  # type: ignore[misc]  # pytorch_lightning is not typed for us
    """Steps and losses of a plain network; what is kept of them is its keeper's affair."""

    def __init__(self, keeper: Keeper) -> None:
        super().__init__()
        self.keeper, self.settings, self.network = keeper, keeper.settings, keeper.network
        self._sums = Sums()
        self._sharded = False

    # ── Lightning's hooks, in the order in which they are called ──────────────────────────────────────────────────────────────────────────────────

    def configure_model(self) -> None:
        """Shard the network where each process is to keep a share of it."""
        if self.keeper.weights.sharded and not self._sharded:
            self._sharded = True
            mesh = self.device_mesh["data_parallel"]
            self.settings.sharding.shard(self.network, mesh, self.settings.precision)
            self.keeper.sharded(mesh)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """The optimiser; its kernels are fused, which saves a third of a small network's step on a CPU."""
        return self.settings.optimiser_of(self.network)

    def on_train_start(self) -> None:
        """Restore what belongs to the trainer."""
        self.keeper.begin(self.trainer)

    def on_train_epoch_start(self) -> None:
        """Restore what belongs to the epoch."""
        self.keeper.begin_epoch(self.trainer)

    def on_train_batch_start(self, batch: Batch, index: int) -> None:
        """Set the learning rate."""
        rate = self.keeper.rate(self.keeper.step)
        for group in self.trainer.optimizers[0].param_groups:
            group["lr"] = rate

    def training_step(self, batch: Batch, index: int) -> torch.Tensor:
        """The loss of a portion of a step."""
        scores = self.network(*batch.blocks)
        losses = row_losses(scores, batch.target, self.keeper.now.label_smoothing)
        if batch.taught is not None and self.settings.distil is not None:
            losses = self.settings.distil.mixed(losses, scores, batch.taught)
        loss = mean(losses, batch)
        self.keeper.noted(loss.detach())
        return loss

    def on_train_batch_end(self, outputs: Any, batch: Batch, index: int) -> None:
        """A step is done when its last portion is."""
        if (index + 1) % self.keeper.batches.portions == 0:
            self.keeper.stepped(self.trainer)

    def on_validation_epoch_start(self) -> None:
        """Begin to sum."""
        self._sums = Sums()

    def on_validation_batch_start(self, batch: Batch, index: int) -> None:
        """Stop here too."""
        self.keeper.judging(self.trainer)

    def validation_step(self, batch: Batch, index: int) -> None:
        """Sum what the validation rows say."""
        average = self.keeper.average
        self._sums.add(self.network(*batch.blocks) if average is None else average.scores(self.network, batch.blocks), batch)

    def on_train_epoch_end(self) -> None:
        """Take down the epoch."""
        self.keeper.end_epoch(self.trainer, self.keeper.values(self.trainer, self._sums))
