"""The trainer for networks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from mlforge.builtin.trainers.changes import Change, changed
from mlforge.builtin.trainers.distilling import Distil
from mlforge.builtin.trainers.pruning import Prune
from mlforge.builtin.trainers.record import Rule
from mlforge.builtin.trainers.schedule import Schedule
from mlforge.builtin.trainers.sharding import Sharding
from mlforge.builtin.trainers.weighing import ClassWeights
from mlforge.components import Fitting, Objection, Trainer
from mlforge.contract import Contract
from mlforge.errors import RunFailed
from mlforge.units import Duration, Share, Size

if TYPE_CHECKING:
    import torch

__all__ = ["Lightning"]

Precision = Literal["32-true", "16-mixed", "bf16-mixed", "bf16-true", "transformer-engine"]


class Lightning(Trainer):
    """Fits a network with PyTorch Lightning; keeps the weights with the lowest validation loss."""

    requires: ClassVar[tuple[str, ...]] = ("torch", "pytorch-lightning", "safetensors")
    libraries: ClassVar[tuple[str, ...]] = ("torch", "pytorch-lightning", "numpy")
    fits: ClassVar[frozenset[str]] = frozenset({"network"})
    together: ClassVar[bool] = True
    observed: ClassVar[bool] = True
    adjustable: ClassVar[frozenset[str]] = frozenset({"lr", "weight_decay", "label_smoothing"})
    tunable: ClassVar[Mapping[str, Mapping[str, Any]]] = {"lr": {"loguniform": (1e-4, 3e-2)}, "weight_decay": {"loguniform": (1e-4, 1e-1)}}

    max_epochs: int = Field(default=30, ge=1, description="how often to go through the training rows at most")
    batch_size: int = Field(default=128, ge=1, description="rows of a training step, over all devices and portions")
    lr: float = Field(default=1e-3, gt=0, description="learning rate, at its highest")
    weight_decay: float = Field(default=0.01, ge=0, description="how strongly weights are pulled to zero")
    optimizer: Literal["adamw", "adam", "sgd"] = Field(default="adamw", description="how gradients become steps; sgd has a Nesterov momentum of 0.9")
    schedule: Schedule = Field(default="cosine", description="how the learning rate goes over the run; one_cycle rises for 30 % of it, then falls")
    warmup: Share = Field(default=0.0, ge=0, lt=1, description="share of the steps in which the learning rate rises before its schedule begins")
    ema: float | None = Field(
        default=None, gt=0, lt=1, description="keep an exponential moving average of the weights, and judge and ship that; how much of it each step leaves"
    )
    label_smoothing: float = Field(default=0.0, ge=0, lt=1, description="share of each label that is spread over all classes: less certain, often better")
    patience: int | None = Field(default=5, ge=1, description="stop after so many epochs without a better score; null: never")
    min_delta: float = Field(default=0.0, ge=0, description="by how much the score must be better to count, for patience")
    score: str = Field(
        default="validation/loss", min_length=1, description="by what the best epoch is chosen: a name among the curves, such as validation/accuracy"
    )
    higher: bool | None = Field(default=None, description="is a higher score better; null: yes for an accuracy, no for the rest")
    class_weights: ClassWeights = Field(default=None, description="balanced: every class weighs the same in the loss, however rare")
    prune: Prune | None = Field(default=None, description="take the least important hidden neurons out while it learns: what ships is smaller and faster")
    distil: Distil | None = Field(default=None, description="learn from what a registered model says of the training rows, besides their labels")
    accumulate: int = Field(default=1, ge=1, description="portions in which a step's rows are worked off one after the other: less memory, the same result")
    clip: float | None = Field(default=None, gt=0, description="longest gradient; longer ones are shortened to it")
    clip_by: Literal["norm", "value"] = Field(default="norm", description="what clip limits: the length of the whole gradient, or each of its numbers")
    max_steps: int | None = Field(default=None, ge=1, description="stop after so many steps, within an epoch if need be")
    changes: Mapping[str, Change] = Field(default={}, description="what changes while it trains, by any name: a sweep of a population finds such changes")
    stop_after: int | None = Field(default=None, ge=1, description="stop after so many epochs, with the schedule as if it went on to max_epochs")
    max_time: Duration | None = Field(default=None, description="stop after so much time of fitting, and judge what there is")
    precision: Precision = Field(
        default="32-true", description="number format: the mixed ones compute in 16 bits, bf16-true keeps the weights so too, transformer-engine computes in 8"
    )
    accelerator: Literal["auto", "cpu", "gpu"] = Field(default="auto", description="where to train; auto takes a GPU when there is one")
    strategy: Literal["auto", "ddp", "fsdp", "deepspeed"] = Field(
        default="auto", description="how processes share a step: each with all weights (ddp, which auto takes), or each with a share of them (fsdp)"
    )
    sharding: Sharding = Field(default=Sharding(), description="how fsdp shards")
    devices: Annotated[int, Field(ge=1)] | Literal["auto"] = Field(default=1, description="processes on each machine, one a GPU; auto: as many as it has GPUs")
    nodes: int = Field(default=1, ge=1, description="machines that share a step")
    deterministic: bool | None = Field(
        default=None,
        description="the same bits each time; null: on a CPU, where that is cheap; not on a GPU, where it is slower and some layers have no such way",
    )
    threads: int | None = Field(default=None, ge=1, description="CPU threads; null: as many as torch finds")
    shuffle_within: Size = Field(
        default=2_000_000_000, description="rows of more bytes than this, as the network reads them, are shuffled in windows of so many, and read from disk"
    )
    workers: int = Field(default=0, ge=0, le=64, description="threads that make batches ahead; 0: none, which is quickest for data in memory")
    compile: Literal["default", "reduce-overhead", "max-autotune"] | None = Field(
        default=None, description="have torch.compile translate the network first: worth it for large networks and long runs"
    )
    checkpoint_activations: bool | tuple[str, ...] = Field(
        default=False, description="compute layers again on the way back instead of keeping what they said; true: those in lists of layers, or classes"
    )
    profiler: Literal["simple", "advanced", "pytorch"] | None = Field(default=None, description="measure where the time goes, into a file of the run")
    log_every: int = Field(default=50, ge=1, description="steps between two entries of a logger")
    checkpoint_every: Duration = Field(default=10.0, description="shortest time between two checkpoints, which are made after a step")
    checkpoint_steps: int | None = Field(default=None, ge=1, description="most steps between two checkpoints; null: only time decides")
    checkpoints: int = Field(default=2, ge=2, le=100, description="how many of the last checkpoints to keep while it trains")

    def teacher(self) -> str | None:
        """The one whose scores are learned from."""
        return None if self.distil is None else self.distil.teacher

    def objections(self, contract: Contract) -> Iterable[Objection]:
        """Settings that do not go together."""
        from mlforge.builtin.trainers.suits import objections

        return objections(self)

    def processes(self) -> tuple[int, int]:
        """As many on each machine as `devices` says, on so many machines."""
        if self.devices != "auto":
            return (self.devices, self.nodes)
        import torch

        return (max(1, torch.cuda.device_count()) if self.accelerator != "cpu" else 1, self.nodes)

    def on_gpu(self) -> bool:
        """Will it train on a CUDA device."""
        import torch

        return self.accelerator != "cpu" and torch.cuda.is_available()

    def rule(self, smoke: bool) -> Rule:
        """By what the best epoch is chosen, and when to stop."""
        higher = self.score.endswith("accuracy") if self.higher is None else self.higher
        last = min(self.max_epochs, self.stop_after or self.max_epochs)
        return Rule(1 if smoke else last, self.patience, self.score, higher, self.min_delta)

    def at(self, epochs: int) -> Lightning:
        """The settings when so many epochs are done."""
        return changed(self, self.changes.values(), epochs) if self.changes else self

    def fit(self, fitting: Fitting) -> None:
        """Fit, or continue from the last whole checkpoint: the same rows in the same order either way, and on one CPU, or where `deterministic` is asked for,
        with one set of versions the same bytes."""
        from mlforge.builtin.trainers.asked import listening
        from mlforge.builtin.trainers.fit import fit
        from mlforge.builtin.trainers.suits import device_for
        from mlforge.builtin.trainers.surroundings import interruptible, quiet, reproducible

        device_for(self)
        if not len(fitting.validation):
            raise RunFailed("trainer: there are no validation rows to choose the best weights by", hint="Give the split a validation share.")
        strict = self.deterministic if self.deterministic is not None else not self.on_gpu()
        with quiet(), reproducible(fitting.seed, self.threads, strict=strict, gpu=self.on_gpu()), interruptible(), listening() as asked:
            fit(self, fitting, asked)

    def optimiser_of(self, network: torch.nn.Module) -> torch.optim.Optimizer:
        """The optimiser for a network's weights."""
        import torch

        weights = list(network.parameters())
        fused = True if self.precision != "16-mixed" or self.clip is None else None  # fused kernels undo the scaling of half precision too late for clipping
        if self.optimizer == "sgd":
            return torch.optim.SGD(weights, self.lr, momentum=0.9, nesterov=True, weight_decay=self.weight_decay, fused=fused)
        kind = torch.optim.AdamW if self.optimizer == "adamw" else torch.optim.Adam
        return kind(weights, self.lr, weight_decay=self.weight_decay, fused=fused)
