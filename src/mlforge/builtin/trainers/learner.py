"""The Lightning module that fits a network over blocks. Imports torch and pytorch_lightning: only the trainer's `fit` imports it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytorch_lightning as lightning
import torch

from mlforge.builtin.trainers.average import Average
from mlforge.builtin.trainers.batches import Batch, Batches
from mlforge.builtin.trainers.checkpoints import Checkpoints, Saved
from mlforge.builtin.trainers.losses import mean, row_losses
from mlforge.builtin.trainers.record import Record
from mlforge.builtin.trainers.schedule import factor
from mlforge.components import Fitting
from mlforge.errors import RunFailed

if TYPE_CHECKING:
    from mlforge.builtin.trainers.lightning import Lightning

__all__ = ["Learner"]

_LOOK = 50  # batches between two looks at the loss: looking makes a GPU wait


class Learner(lightning.LightningModule):  # type: ignore[misc]  # pytorch_lightning is not typed for us
    """Steps, losses and what is kept of each epoch. `best` has the weights with the lowest validation loss."""

    def __init__(self, fitting: Fitting, settings: Lightning, train: Batches, checkpoints: Checkpoints, epochs: int) -> None:
        super().__init__()
        self.network = cast("torch.nn.Module", fitting.model.build(fitting.blocks, fitting.output))
        self.average = Average(self.network, settings.ema) if settings.ema is not None else None
        self.fitting, self.settings, self.batches, self.checkpoints, self.last_epoch = fitting, settings, train, checkpoints, epochs
        self.record = Record()
        self.best: dict[str, torch.Tensor] = {}
        self._optimiser_state: dict[int, Any] = {}
        self._losses: list[torch.Tensor] = []
        self._sums: list[torch.Tensor] = []

    def resume(self, saved: Saved) -> None:
        """Go on from a checkpoint."""
        self.network.load_state_dict(dict(saved.network))
        self.record, self.best = saved.record, dict(saved.best)
        self._optimiser_state = {index: dict(state) for index, state in saved.optimiser.items()}
        if self.average is not None:
            self.average.tensors = dict(saved.average)

    # ── Lightning's hooks, in the order in which they are called ──────────────────────────────────────────────────────────────────────────────────

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """The optimiser, its state restored when the run is continued; its kernels are fused, which saves a third of a small network's step on a CPU."""
        made = self.settings.optimiser_of(self.network)
        if self._optimiser_state:
            made.load_state_dict({"state": self._optimiser_state, "param_groups": made.state_dict()["param_groups"]})
        return made

    def on_train_epoch_start(self) -> None:
        """Start from the seed and the epoch alone, whatever came before in this process."""
        self.batches.epoch = self.record.epochs
        torch.manual_seed((self.fitting.seed * 1_000_003 + self.record.epochs + 1) % 2**63)
        self._losses = []

    def on_train_batch_start(self, batch: Batch, index: int) -> None:
        """Set the learning rate."""
        for group in self.trainer.optimizers[0].param_groups:
            group["lr"] = self._rate(index)

    def training_step(self, batch: Batch, index: int) -> torch.Tensor:
        """The loss of a batch."""
        loss = mean(row_losses(self.network(*batch.blocks), batch.target, self.settings.label_smoothing), batch)
        self._losses.append(loss.detach())
        if index % _LOOK == _LOOK - 1:
            self._look()
        if index % 10 == 0:
            done = self.record.epochs + index / len(self.batches)
            self.fitting.progress(done, self.last_epoch, f"epoch {self.record.epochs + 1}")
        return loss

    def on_train_batch_end(self, outputs: Any, batch: Batch, index: int) -> None:
        """Let the average follow the weights."""
        if self.average is not None:
            self.average.follow(self.network, self.record.epochs * len(self.batches) + index)

    def on_validation_epoch_start(self) -> None:
        """Begin to sum."""
        self._sums = []

    def validation_step(self, batch: Batch, index: int) -> None:
        """Sum what the validation rows say: weights, weighted losses, rows that are right (or squared errors), rows."""
        scores = self.network(*batch.blocks) if self.average is None else self.average.scores(self.network, batch.blocks)
        scores, target = scores[: batch.real], batch.target[: batch.real]
        losses = row_losses(scores, target)
        weights = torch.ones_like(losses) if batch.weight is None else batch.weight[: batch.real]
        right = (scores.argmax(1) == target).float() if target.ndim == 1 else losses
        self._sums.append(torch.stack([weights.sum(), (weights * losses).sum(), right.sum(), torch.ones_like(losses).sum()]))

    def on_train_epoch_end(self) -> None:
        """Take down the epoch, keep its weights if they are the best, leave a checkpoint, stop when it is time."""
        self._look()
        values = self._values()
        if self.record.note(values, patience=self.settings.patience, last=self.last_epoch):
            kept = self.network.state_dict() | (self.average.tensors if self.average is not None else {})
            self.best = {name: tensor.detach().cpu().clone() for name, tensor in kept.items()}
        if self.checkpoints.due or self.record.stopped:
            self.checkpoints.save(self.saved())
        self.trainer.should_stop = self.record.stopped
        if not self.record.stopped and self.fitting.place.first:
            self.fitting.report(self.record.epochs, values)

    # ── what they use ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

    def saved(self) -> Saved:
        """The state as a checkpoint keeps it."""
        state = self.trainer.optimizers[0].state_dict()["state"]
        tensors = {index: {name: value for name, value in one.items() if torch.is_tensor(value)} for index, one in state.items()}
        return Saved(self.record, self.network.state_dict(), self.best, tensors, self.average.tensors if self.average is not None else {})

    def _rate(self, index: int) -> float:
        step = self.record.epochs * len(self.batches) + index
        return self.settings.lr * factor(self.settings.schedule, step, self.last_epoch * len(self.batches), self.settings.warmup)

    def _look(self) -> None:
        """Raise RunFailed when a loss of this epoch was not finite."""
        finite = torch.stack(self._losses).isfinite()
        if not bool(finite.all()):
            batch = int(finite.logical_not().nonzero()[0])
            raise RunFailed(
                f"trainer: the loss of epoch {self.record.epochs + 1}, batch {batch + 1} of {len(self.batches)} is {self._losses[batch].item()} "
                f"(learning rate {self._rate(batch):g})",
                hint=f"Try trainer.lr={self.settings.lr / 10:g}, or trainer.clip=1.0.",
            )

    def _values(self) -> dict[str, float]:
        weights, loss, right, rows = torch.stack(self._sums).cpu().double().sum(0).tolist()  # in double, which not every device knows
        values = {"train/loss": float(torch.stack(self._losses).cpu().double().mean()), "validation/loss": loss / weights}
        if not values["validation/loss"] - values["validation/loss"] == 0:  # neither infinite nor NaN
            raise RunFailed(
                f"trainer: the validation loss of epoch {self.record.epochs + 1} is {values['validation/loss']}",
                hint=f"Try trainer.lr={self.settings.lr / 10:g}, or trainer.clip=1.0.",
            )
        output = self.fitting.output
        metric = {"validation/accuracy": right / rows} if output.kind == "classes" else {"validation/rmse": (right / rows) ** 0.5 * output.scale}
        return values | metric
