"""What is kept of a fit while it goes on: its record, the best weights, checkpoints; and when it stops. Imports torch."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch

from mlforge.builtin.trainers.asked import Asked
from mlforge.builtin.trainers.average import Average
from mlforge.builtin.trainers.batches import Batches
from mlforge.builtin.trainers.chance import draw_on, drawn, seeded
from mlforge.builtin.trainers.checkpoints import Checkpoints, Saved
from mlforge.builtin.trainers.pruning import Pruner
from mlforge.builtin.trainers.record import Record
from mlforge.builtin.trainers.schedule import factor
from mlforge.builtin.trainers.sums import Sums
from mlforge.builtin.trainers.weights import Weights
from mlforge.components import Fitting
from mlforge.errors import RunFailed

if TYPE_CHECKING:
    from mlforge.builtin.trainers.lightning import Lightning

__all__ = ["Keeper"]

_LOOK = 50  # portions between two looks at the loss: looking makes a GPU wait
_VOTE = 8  # steps between two votes of several ranks, for the same reason


class Keeper:
    """Told of every step and epoch by what runs under Lightning's trainer: a plain network's `Learner`, or the `Watcher` of a LightningModule."""

    def __init__(self, fitting: Fitting, settings: Lightning, batches: Batches, checkpoints: Checkpoints, network: torch.nn.Module, asked: Asked) -> None:
        self.fitting, self.settings, self.batches, self.checkpoints, self.network, self.asked = fitting, settings, batches, checkpoints, network, asked
        sharded = settings.strategy == "fsdp" and fitting.place.world > 1
        self.weights = Weights(network, sharded=sharded, shares=settings.sharding.checkpoints == "sharded")
        self.average = Average(network, settings.ema) if settings.ema is not None else None
        self.pruner = Pruner(settings.prune, network, fitting.blocks) if settings.prune is not None else None
        self.record, self.rule = Record(), settings.rule(fitting.smoke)
        self.now = settings  # with what has changed by the current epoch
        self.step = 0  # steps of the current epoch that are done
        self.best: dict[str, torch.Tensor] = {}
        self.losses: list[torch.Tensor] = []  # of each portion of the current epoch
        self._before: torch.Tensor | None = None  # the same, from before this process
        self._state: Any = None  # what is still to be restored
        self._in_shares: Saved | None = None  # a checkpoint of which this process can take up its share when the network is sharded
        self._over = False  # has it had all its steps or time
        self._began = time.monotonic()

    # ── steps ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def total(self) -> int:
        """Steps that there will be at most."""
        most = (1 if self.fitting.smoke else self.settings.max_epochs) * self.batches.steps
        return most if self.settings.max_steps is None else min(most, self.settings.max_steps)

    @property
    def done(self) -> int:
        """Steps that are done."""
        return self.record.epochs * self.batches.steps + self.step

    def rate(self, step: int) -> float:
        """The learning rate of a step of the current epoch."""
        done = self.record.epochs * self.batches.steps + step
        return self.now.lr * factor(self.settings.schedule, done, self.total, self.settings.warmup)

    @property
    def learned(self) -> bool:
        """Has the epoch had its steps, so that it is only to be judged."""
        return self.step == self.batches.steps or (self.step > 0 and self.done >= self.total)

    # ── what it is told, in this order ────────────────────────────────────────────────────────────────────────────────────────────────────────────

    def resume(self, saved: Saved) -> None:
        """Go on from a checkpoint: what is a function of the network alone now, the rest when the trainer has its optimisers."""
        self.record, self.step = saved.record, saved.step
        self.batches.start, self._over = self.step, self.done >= self.total
        if self.record.stopped:
            self.record.settle(self.rule, over=self._over or self._late())
        if (losses := saved.state["losses"]) is not None:
            self._before = losses.repeat_interleave(self.batches.portions // saved.record.portions)  # each counts as often as those that come
        self._take_up(saved)

    def sharded(self, mesh: Any) -> None:
        """The network is sharded over the processes of a mesh; collective. Raises Damaged when the checkpoint to go on from is."""
        if self._in_shares is not None and self._in_shares.shares is not None:
            self._in_shares.shares.check(self.fitting.place.rank, self.fitting.place.world)
            self._restore(self._in_shares.filled(mesh))
            self._in_shares = None

    def begin(self, trainer: Any) -> None:
        """The trainer has its optimisers."""
        self.asked.listen()  # after Lightning, which would pass on what it hears while ranks wait for each other
        self.record.portions, self.record.world = self.batches.portions, self.batches.place.world
        if self._state is not None:
            self.weights.load_optimisers(trainer, self._state)

    def begin_epoch(self, trainer: Any) -> None:
        """Start from the seed and the epoch alone, or from where the epoch was left."""
        self.batches.epoch, self.now = self.record.epochs, self.settings.at(self.record.epochs)
        if self.settings.changes:
            for group in (group for one in trainer.optimizers for group in one.param_groups):
                group["weight_decay"] = self.now.weight_decay
        self.losses = []
        seeded(self.fitting.seed, self.record.epochs, self.fitting.place)
        if self._state is not None and self.step:
            if len(self._state["random"]["torch"][0]) == self.fitting.place.world:
                draw_on(self._state["random"], self.fitting.place, trainer.strategy.root_device)
            trainer.reload_dataloaders_every_n_epochs = 1  # the next epoch is whole again
        else:
            trainer.reload_dataloaders_every_n_epochs = 0
        self._state = None

    def noted(self, loss: torch.Tensor) -> None:
        """The loss of a portion."""
        self.losses.append(loss)
        if len(self.losses) % _LOOK == 0:
            self.look()

    def stepped(self, trainer: Any) -> None:
        """A step is done, with all its portions."""
        if self.average is not None:
            self.average.follow(self.network, self.done)
        self.step += 1
        if self.pruner is not None:
            self.pruner.stepped(self.done, self.total, None if self.average is None else self.average.tensors)
        if self.step % 10 == 1 and self.fitting.place.first:
            self.fitting.progress(self.record.epochs + (self.step - 1) / self.batches.steps, self.rule.last, self.record.progress(self.rule))
        last, due = self.step == self.batches.steps, self.checkpoints.due(1)
        vote = self.fitting.place.world == 1 or self.step % _VOTE == 0 or last
        due, asked, late = self._agreed(trainer, due, self.asked.by is not None, self._late()) if vote else (False, False, False)
        if trainer.loggers and self.done % self.settings.log_every == 0:
            self._log(trainer, {"step/loss": float(self.losses[-1]), "step/learning_rate": float(trainer.optimizers[0].param_groups[0]["lr"])})
        if asked or (due and not last and not self._logged(trainer)):
            self.checkpoints.save(self.saved(trainer))
        if asked:
            raise KeyboardInterrupt
        if late or self.done >= self.total:
            self._over = trainer.should_stop = True

    def judging(self, trainer: Any) -> None:
        """A validation batch begins; nothing has been learned since the last step."""
        if self.asked.by is not None and self.fitting.place.world == 1:
            self.checkpoints.save(self.saved(trainer))
            raise KeyboardInterrupt

    def end_epoch(self, trainer: Any, values: dict[str, float]) -> None:
        """Take down the epoch, keep its weights if they are the best, leave a checkpoint, stop when it is time."""
        logged = {name: float(value) for name, value in trainer.callback_metrics.items()}
        values |= {name: value for name, value in logged.items() if name not in values}
        self._log(trainer, values)
        counts = self.pruner is None or self.pruner.settings.finished(self.done, self.total)
        self.step, self.batches.start, self._before = 0, 0, None
        self.record.seconds, self._began = self._seconds(), time.monotonic()
        if self.record.note(values, self.rule, over=self._over, counts=counts):
            kept = self.weights.all() | (self.average.tensors if self.average is not None else {})
            self.best = {name: tensor.detach().cpu().clone() for name, tensor in kept.items()}
        due, asked = self._agreed(trainer, self.checkpoints.due(0), self.asked.by is not None)
        if due or asked or self.record.stopped:
            self.checkpoints.save(self.saved(trainer))
        if asked:
            raise KeyboardInterrupt
        trainer.should_stop = self.record.stopped
        if not self.record.stopped and self.fitting.place.first:
            self.fitting.report(self.record.epochs, values)

    # ── what is asked of it ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

    def saved(self, trainer: Any) -> Saved:
        """The state as a checkpoint keeps it; collective."""
        state = {
            "network": self.weights.all(),
            "best": self.best,
            "average": self.average.tensors if self.average is not None else {},
            "losses": self._told(trainer) if self.step else None,
            "random": drawn(self.fitting.place, trainer.strategy.root_device) if self.step else None,
            **(self.weights.optimisers(trainer) if self._state is None else {name: self._state[name] for name in self.weights.of_trainer}),
        }
        return Saved(replace(self.record, seconds=self._seconds()), self.step, state)

    def look(self) -> None:
        """Raise RunFailed when a loss of this epoch was not finite."""
        finite = torch.stack(self.losses).isfinite()
        if not bool(finite.all()):
            portion = int(finite.logical_not().nonzero()[0])
            step = self.batches.start + portion // self.batches.portions
            raise self.diverged(
                f"the loss of epoch {self.record.epochs + 1}, batch {step + 1} of {self.batches.steps} is {self.losses[portion].item()} "
                f"(learning rate {self.rate(step):g})"
            )

    def values(self, trainer: Any, sums: Sums) -> dict[str, float]:
        """The epoch's values. Raises RunFailed when a loss is not finite."""
        if self.losses:
            self.look()
        values = {"train/loss": float(self._told(trainer).cpu().double().mean())} | sums.values(self.fitting.output, lambda one: self._summed(trainer, one))
        if not values["validation/loss"] - values["validation/loss"] == 0:  # neither infinite nor NaN
            raise self.diverged(f"the validation loss of epoch {self.record.epochs + 1} is {values['validation/loss']}")
        return values

    def diverged(self, what: str) -> RunFailed:
        """The error for a loss that is not finite."""
        return RunFailed(f"trainer: {what}", hint=f"Try trainer.lr={self.now.lr / 10:g}, or trainer.clip=1.0.")

    def _take_up(self, saved: Saved) -> None:
        """What is a function of the network: now, or when it is sharded over processes that each take up a share."""
        if saved.shares is None:
            self._restore(saved.state)
        elif self.weights.sharded and not self.record.stopped:
            self._in_shares = saved
        else:
            saved.shares.check(0, 1)
            if not self.record.stopped:
                self._restore(saved.filled())
            elif self.fitting.place.first:  # nothing is left but to write it down
                self.best = dict(saved.part("best"))

    def _restore(self, state: Any) -> None:
        """Take up what is a function of the network, and keep the rest until the trainer has its optimisers."""
        self._state, self.best = state, dict(state["best"])
        self.weights.load(state["network"])
        if self.pruner is not None:
            self.pruner.recall()
        if self.average is not None:
            self.average.tensors = dict(state["average"])

    def _told(self, trainer: Any) -> torch.Tensor:
        """The loss of each portion of the epoch; the ranks' mean."""
        now = self._summed(trainer, torch.stack(self.losses)) / self.fitting.place.world if self.losses else None
        before = self._before if now is None or self._before is None else self._before.to(now.device)
        parts = [part for part in (before, now) if part is not None]
        return torch.cat(parts)

    def _log(self, trainer: Any, values: dict[str, float]) -> None:
        for logger in trainer.loggers:
            logger.log_metrics(values, step=self.done)

    def _logged(self, trainer: Any) -> bool:
        """Has something been logged in this epoch: Lightning sums it up, and cannot take its sums up again."""
        return any(True for _ in trainer.fit_loop.epoch_loop._results.valid_items())

    def _late(self) -> bool:
        limit = self.settings.max_time
        return limit is not None and self._seconds() >= limit

    def _seconds(self) -> float:
        return self.record.seconds + time.monotonic() - self._began

    def _agreed(self, trainer: Any, *said: bool) -> tuple[bool, ...]:
        """The ranks do alike: what one wants, all do."""
        if self.fitting.place.world == 1:
            return said
        return tuple(bool(vote) for vote in self._summed(trainer, torch.tensor([float(one) for one in said])).tolist())

    def _summed(self, trainer: Any, tensor: torch.Tensor) -> torch.Tensor:
        """Over the ranks."""
        if self.fitting.place.world == 1:
            return tensor
        summed: torch.Tensor = trainer.strategy.reduce(tensor.to(trainer.strategy.root_device), reduce_op="sum").cpu()
        return summed
