"""One fit from its tensors to its weights. Imports torch and pytorch_lightning."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import pytorch_lightning as lightning
import torch
from pytorch_lightning.utilities.model_helpers import is_overridden
from safetensors.torch import save_file

from mlforge.builtin.trainers.asked import Asked
from mlforge.builtin.trainers.batches import Batches
from mlforge.builtin.trainers.checkpoints import Checkpoints, Saved
from mlforge.builtin.trainers.keeper import Keeper
from mlforge.builtin.trainers.learner import Learner
from mlforge.builtin.trainers.memory import agreed, halving
from mlforge.builtin.trainers.running import running
from mlforge.builtin.trainers.shares import Damaged, whole
from mlforge.builtin.trainers.units import computed_again
from mlforge.builtin.trainers.utilisation import utilisation
from mlforge.builtin.trainers.watcher import Watcher
from mlforge.builtin.trainers.weighing import weighed
from mlforge.components import Fitting
from mlforge.errors import RecipeError, RunFailed
from mlforge.finding import Finding

if TYPE_CHECKING:
    from mlforge.builtin.trainers.lightning import Lightning

__all__ = ["fit"]

_VALIDATION_ROWS = 8192  # at a time; without gradients more rows fit than in training


def fit(settings: Lightning, fitting: Fitting, asked: Asked) -> None:
    """Fit, or continue, and fill the fitting's folder."""
    shares = settings.sharding.checkpoints == "sharded" and fitting.place.world > 1
    every, steps, kept = settings.checkpoint_every, settings.checkpoint_steps, settings.checkpoints
    checkpoints = Checkpoints(fitting.work, every, steps=steps, kept=kept, place=fitting.place, shares=shares)
    attempt = _Attempt(settings, fitting, asked, checkpoints)
    saved = checkpoints.load()
    before = saved.record.portions if saved is not None else 0
    portions = agreed(fitting, settings.batch_size, before or settings.accumulate)
    halving(fitting, settings.batch_size, portions, attempt, may=portions == settings.accumulate)


@dataclass
class _Attempt:
    """A fit in a given number of portions a step."""

    settings: Lightning
    fitting: Fitting
    asked: Asked
    checkpoints: Checkpoints

    def __call__(self, portions: int) -> None:
        saved = self.checkpoints.load()
        try:
            self._from(saved, portions)
        except Damaged:
            assert saved is not None, "nothing else can be"
            self.checkpoints.damaged(saved)
            self(portions)

    def _from(self, saved: Saved | None, portions: int) -> None:
        torch.manual_seed(self.fitting.seed)  # a second attempt begins with the same weights
        keeper, validation = self._keeper(portions)
        if saved is not None:
            keeper.resume(saved)
        began = time.perf_counter()
        while not keeper.record.stopped:
            self._train(keeper, validation)
        seconds = time.perf_counter() - began
        best = whole(keeper.best)
        if self.fitting.place.first:
            self._finish(keeper, best)
            _measured(self.fitting, keeper, seconds)

    def _keeper(self, portions: int) -> tuple[Keeper, Batches]:
        settings, fitting = self.settings, self.fitting
        limit = 1 if fitting.smoke else None
        train_rows, validation_rows = weighed(fitting, settings.class_weights)
        make = partial(Batches, limit=limit, place=fitting.place, workers=settings.workers, pin=settings.on_gpu())
        train = make(train_rows, settings.batch_size, seed=fitting.seed, weight=train_rows.weight, portions=portions, within=settings.shuffle_within)
        at_once = min(_VALIDATION_ROWS, fitting.output.rows_at_once)
        rows = max(1, at_once * settings.accumulate // portions) * fitting.place.world
        validation = make(validation_rows, rows, weight=validation_rows.weight)
        network = cast("torch.nn.Module", fitting.model.build(fitting.blocks, fitting.output))
        if (again := settings.checkpoint_activations) is not False:
            computed_again(network, () if again is True else again)
        if settings.changes and isinstance(network, lightning.LightningModule):
            raise RecipeError("trainer.changes: the model is a LightningModule, which sets its learning rate itself", hint="Leave trainer.changes out.")
        keeper = Keeper(fitting, settings, train, self.checkpoints, network, self.asked)
        if settings.compile is not None:
            network.compile(mode=settings.compile, dynamic=False)  # whole batches and an epoch's last: few shapes, each at its best
        return keeper, validation

    def _train(self, keeper: Keeper, validation: Batches) -> None:
        """To the end; or to the end of the epoch whose steps are done, when it was left before it was judged."""
        own = isinstance(keeper.network, lightning.LightningModule)
        watcher = [Watcher(keeper, validation)] if own else []
        if own and self.settings.distil is not None:
            raise RecipeError("trainer.distil: this model learns in its own way, and listens to no teacher", hint="Leave distil out, or choose another model.")
        module: Any = keeper.network if own else Learner(keeper)
        manual = not module.automatic_optimization
        trainer = running(self.settings, self.fitting, keeper.batches.portions, keeper.record.epochs, watcher, manual=manual)
        if not keeper.learned:
            judged = [validation] if not own or is_overridden("validation_step", module) else []
            trainer.fit(module, keeper.batches, *judged)
        elif own:
            keeper.end_epoch(trainer, keeper.values(trainer, watcher[0].sums(trainer, module)))
        else:
            trainer.validate(module, validation, verbose=False)
            module.on_train_epoch_end()

    def _finish(self, keeper: Keeper, best: Mapping[str, torch.Tensor]) -> None:
        if self.fitting.smoke:
            _round_trip(self.checkpoints.load(), best)
        save_file(dict(best), self.fitting.folder / "weights.safetensors")
        keeper.record.write(self.fitting.folder, self.settings.score)
        if keeper.pruner is not None:
            gone, there = keeper.pruner.counts
            text = f"{gone} of {there} hidden neurons were taken out"
            self.fitting.find(Finding(name="train/pruned_share", value=gone / there, text=text))


def _measured(fitting: Fitting, keeper: Keeper, seconds: float) -> None:
    """How long it took, and how fast the steps were: those after the first few, without judging."""
    fitting.find(Finding(name="train/seconds", value=seconds, unit="s", volatile=True, better="lower", text="time to fit, without reading the rows"))
    pace = keeper.batches.pace
    if pace.seconds:
        world = fitting.place.world
        speed, share = pace.rows * world / pace.seconds, pace.waited / pace.seconds
        text = "rows that training steps went through, over all processes"
        fitting.find(Finding(name="train/rows_per_second", value=speed, unit="rows/s", volatile=True, better="higher", text=text))
        text = "share of the steps' time in which the device waited for rows; trainer.workers make them ahead"
        fitting.find(Finding(name="train/data_wait_share", value=share, volatile=True, better="lower", text=text))
        for finding in utilisation(keeper.network, speed, keeper.settings.precision, world):
            fitting.find(finding)


def _round_trip(saved: Saved | None, best: Mapping[str, torch.Tensor]) -> None:
    """A smoke run proves that what was checkpointed can be read again."""
    state = saved.filled() if saved is not None else None
    if state is None or any(not tensor.equal(state["best"][name]) for name, tensor in best.items()):
        raise RunFailed("trainer: the checkpoint that was just written reads back differently", hint="Check the disk that holds the store.")
