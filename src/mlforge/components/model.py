"""Kinds that build, fit and ship a model, and what is handed to them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, cast

from mlforge.artifact import Block, Encoding, Trained
from mlforge.components.component import Component
from mlforge.contract import Contract
from mlforge.finding import Finding
from mlforge.task import Output, Task

if TYPE_CHECKING:
    import numpy as np
    import onnx
    import torch

__all__ = ["Callback", "Estimator", "Exporter", "Fitting", "Logger", "Model", "Place", "Shipment", "Tensors", "Trainer"]


class Model(Component):
    """Builds what is to be fitted."""

    family: ClassVar[str] = "network"
    """What kind of thing it builds: "network", or "estimator" for things with a fit of their own. A trainer says which families it fits."""

    tasks: ClassVar[frozenset[str]] = frozenset({"classification", "regression"})

    @abstractmethod
    def build(self, blocks: tuple[Block, ...], output: Output) -> torch.nn.Module | Estimator:
        """A network whose `forward` takes one tensor per block, in this order, and returns raw scores [rows, output.width].

        Must be exportable by `torch.export`. A model of the family "estimator" builds an `Estimator` instead.
        """


class Estimator(Protocol):
    """What a model of the family "estimator" builds: it fits itself, and knows what it has learned as files and as a graph."""

    def fit(self, fitting: Fitting) -> Sequence[Mapping[str, float]]:
        """Fit to `fitting.train`, deterministic under `fitting.seed` and for any number of threads; one batch's worth of effort when `fitting.smoke`.

        Returns the curves, a row per round, each with "validation/loss" (mean cross-entropy; mean squared error of the standardised target): what is kept is
        the first round where it is lowest. Empty when it has no rounds.
        """

    def save(self, folder: Path) -> None:
        """Write what was learned into files that cannot carry code: a library's own text, npz, JSON; never pickle. Same fit, same bytes."""

    def load(self, folder: Path) -> None:
        """Read what `save` has written."""

    def scores(self, blocks: tuple[np.ndarray, ...]) -> np.ndarray:
        """Raw scores [rows, output.width] as the library itself computes them: what an exported graph is held against."""

    def graph(self, opset: int) -> onnx.ModelProto:
        """A graph from the blocks, each an input by its name, to `scores` (float32): what a bundle computes them by. `ai.onnx.ml` is at version 4."""


@dataclass(frozen=True)
class Tensors:
    """One part of the data as arrays, row by row: in memory or memory-mapped."""

    blocks: tuple[np.ndarray, ...]
    target: np.ndarray  # int64 [rows] of class ids, or float32 [rows, 1]; of labels, uint8 [rows, labels]; of texts, int64 [rows, 1] of their numbers of bytes
    weight: np.ndarray | None = None  # float32 [rows]; of texts always there, and in proportion to their bytes
    taught: np.ndarray | None = None  # float32 [rows, output.width]: scores of the trainer's teacher; of the training rows only

    def __len__(self) -> int:
        return len(self.target)


@dataclass(frozen=True)
class Place:
    """Which of the processes of one fit this is. With more than one, RANK, WORLD_SIZE, LOCAL_RANK, LOCAL_WORLD_SIZE, MASTER_ADDR and MASTER_PORT are set."""

    rank: int = 0  # among all of them; rank 0 tells progress, finds, and fills the folder
    world: int = 1  # how many there are
    local_rank: int = 0  # among those of this machine
    local_world: int = 1  # how many are on this machine: the same on every one

    @property
    def first(self) -> bool:
        """Does this process speak and write for all."""
        return self.rank == 0

    @property
    def nodes(self) -> int:
        """How many machines there are."""
        return self.world // self.local_world


@dataclass(frozen=True)
class Fitting:
    """All that a trainer needs to fit one model, and where to leave it."""

    model: Model
    blocks: tuple[Block, ...]
    output: Output
    train: Tensors
    validation: Tensors
    seed: int
    folder: Path  # to be filled with the files of `Trained`
    work: Path  # for checkpoints; survives a kill, and belongs to this very fitting
    smoke: bool
    progress: Callable[[float, float, str], None]  # done, total, note
    find: Callable[[Finding], None]
    threads: int | None = None  # CPU threads for an estimator's fit; None: as many as there are
    report: Callable[[int, Mapping[str, float]], None] = lambda epoch, values: None  # told of each epoch (from 1) but the last; may raise to end the fit
    aside: Path | None = None  # for files that are no part of the result, such as logs and profiles; None: nobody wants them
    callbacks: Mapping[str, Callback] = field(default_factory=dict)  # by entry
    loggers: Mapping[str, Logger] = field(default_factory=dict)  # by entry
    place: Place = field(default_factory=Place)  # every process of a fit gets the whole tensors (memory-mapped) and the same `work`


class Callback(Component):
    """Is called while a network is fitted; its section is `observers`, for a recipe must not say `callbacks`, which is a word of Hydra's."""

    requires: ClassVar[tuple[str, ...]] = ("torch", "pytorch-lightning")

    @abstractmethod
    def build(self, fitting: Fitting) -> Any:
        """A `pytorch_lightning.Callback`, made anew in every process of the fit.

        What it keeps over steps belongs into its `state_dict`, as tensors, numbers, text, lists and dictionaries, so that a fit that is continued ends with
        the same bytes; what it logs through the module becomes a curve. Only where `fitting.place.first` may it find.
        """


class Logger(Component):
    """Writes down how a fit goes, for people to look at; no part of what comes of it."""

    @abstractmethod
    def build(self, fitting: Fitting, folder: Path) -> Any:
        """A `pytorch_lightning.loggers.Logger` that writes below `folder`, a folder of the run that exists already."""


class Trainer(Component):
    """Fits a model."""

    fits: ClassVar[frozenset[str]]
    """Families of models that it can fit."""

    together: ClassVar[bool] = False
    """Can several processes fit one model together, each its share of every step."""

    observed: ClassVar[bool] = False
    """Does it call the recipe's observers and write to its loggers."""

    adjustable: ClassVar[frozenset[str]] = frozenset()
    """Fields that may change while it fits. A trainer that has any has the fields `max_epochs`, `stop_after` (so many epochs, its schedules going as if it went
    on to `max_epochs`) and `changes` (a map of named entries, each with `after`, so many epochs, and new values). It goes on from the `work` of a fit that had
    another `stop_after`, and the same changes up to there, to the same bytes as from the start."""

    def processes(self) -> tuple[int, int]:
        """How many processes fit together: on each machine, and on how many machines. Where a cluster gives other numbers, those hold."""
        return (1, 1)

    def teacher(self) -> str | None:
        """The registered model to learn from, such as "adult@3": then `fitting.train.taught` has its scores, and another version makes another fit."""
        return None

    @abstractmethod
    def fit(self, fitting: Fitting) -> None:
        """Fit and fill `fitting.folder` with `weights.safetensors` (or an estimator's own files), `trained.json` and `curves.parquet`. Killed and called
        again, it continues from `work` to the same bytes. One of several processes that fails and leaves a file `again` in
        `work` has them all begun once more.

        Raises RunFailed when the loss is not finite.
        """


@dataclass(frozen=True)
class Shipment:
    """All that an exporter needs to make one bundle, and where to leave it."""

    model: Model
    trained: Trained
    encoding: Encoding
    contract: Contract
    task: Task
    folder: Path  # to be filled with a bundle (see mlforge.runtime.bundle)
    smoke: bool
    rows: Callable[[int], tuple[np.ndarray, ...]] | None = None  # so many training rows, or as many as there are, as blocks
    aside: Path | None = None  # a folder, to be made, for files that are no part of the bundle and are never served; None: nobody wants them

    def training_rows(self, count: int) -> tuple[np.ndarray, ...]:
        """So many training rows (fewer where there are no more) as a network is fed them, spread over all; always the same ones."""
        assert self.rows is not None, "a shipment of the stage export has them"
        return self.rows(count)

    def network(self) -> torch.nn.Module:
        """The fitted network, on the CPU and in evaluation mode; for models of the family "network"."""
        from safetensors.torch import load_file

        network = self.model.build(self.encoding.blocks, self.encoding.output)
        assert self.model.family == "network", f"{type(self.model).__name__} builds no network"
        fitted = cast("torch.nn.Module", network)
        fitted.load_state_dict(load_file(self.trained.folder / "weights.safetensors"))
        return fitted.eval()

    def estimator(self) -> Estimator:
        """The fitted estimator; for models of the family "estimator"."""
        assert self.model.family == "estimator", f"{type(self.model).__name__} builds no estimator"
        fitted = cast("Estimator", self.model.build(self.encoding.blocks, self.encoding.output))
        fitted.load(self.trained.folder)
        return fitted

    def scorer(self) -> Callable[[tuple[np.ndarray, ...]], np.ndarray]:
        """From blocks to raw scores [rows, output.width], as the trained model itself says them: what a bundle is held against."""
        if self.model.family == "estimator":
            return self.estimator().scores
        import torch

        network, step = self.network(), self.encoding.output.rows_at_once

        def scores(blocks: tuple[np.ndarray, ...]) -> np.ndarray:
            tensors = [torch.from_numpy(block) for block in blocks]
            with torch.inference_mode():
                parts = [network(*(tensor[start : start + step] for tensor in tensors)) for start in range(0, len(tensors[0]), step)]
                said: np.ndarray = torch.cat(parts).numpy()
                return said

        return scores


class Exporter(Component):
    """Makes one variant of the bundle."""

    families: ClassVar[frozenset[str]] = frozenset({"network", "estimator"})
    """Families of models that it can export."""

    tolerance: ClassVar[float] = 1e-3
    """How far a probability, or a value in standard deviations of the target, may be from the trained model's on any test row. More is no rounding."""

    agreement: ClassVar[float] = 0.0
    """Share of the test rows for which both must name the same class."""

    @abstractmethod
    def export(self, shipment: Shipment) -> None:
        """Fill `shipment.folder` with a bundle. Same inputs, same bytes."""
