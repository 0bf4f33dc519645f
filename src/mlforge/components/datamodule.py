"""The kind of source that is a LightningDataModule."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import TYPE_CHECKING, Any, ClassVar

from mlforge.components.data import Source

if TYPE_CHECKING:
    import polars as pl

__all__ = ["DataModuleSource"]

_LOADERS = {"train": "train_dataloader", "validation": "val_dataloader", "test": "test_dataloader"}
_CHUNK = 4096  # rows that are held as Python objects at a time


class DataModuleSource(Source):
    """The rows of a LightningDataModule, with a column `loader` that says from which of its loaders each comes: train, validation or test.

    They go through the contract like any others, and `split: column` keeps the module's own parts, so that rows cannot get from one into another; batches are
    then the trainer's. Samples are read from the loaders' datasets in order, each once, under a fixed seed: what a loader shuffles or repeats is left to the
    trainer.
    """

    requires: ClassVar[tuple[str, ...]] = ("torch", "pytorch-lightning")
    libraries: ClassVar[tuple[str, ...]] = ("torch",)

    @abstractmethod
    def datamodule(self) -> Any:
        """The `pytorch_lightning.LightningDataModule`, made anew."""

    def row(self, sample: Any) -> Mapping[str, Any]:
        """One sample as a row: a dictionary as it is, a pair as columns x and y. Override it for anything else."""
        return sample if isinstance(sample, Mapping) else dict(zip(("x", "y"), sample, strict=True))

    def fingerprint(self) -> str:
        """A digest of all rows; override it where something cheaper tells that they may have changed."""
        digest = sha256()
        for frame in self._frames():
            digest.update(frame.hash_rows(seed=0).to_numpy().tobytes())
        return digest.hexdigest()

    def scan(self) -> pl.LazyFrame:
        """All rows: training, validation, test."""
        import polars as pl

        return pl.concat(self._frames(), how="vertical_relaxed").lazy()

    def _frames(self) -> Iterator[pl.DataFrame]:
        import polars as pl
        import torch

        rows: list[dict[str, Any]] = []
        with torch.random.fork_rng():
            torch.manual_seed(0)
            for part, sample in self._samples():
                rows.append({name: _plain(value) for name, value in self.row(sample).items()} | {"loader": part})
                if len(rows) == _CHUNK:
                    yield pl.DataFrame(rows)
                    rows = []
        if rows:
            yield pl.DataFrame(rows)

    def _samples(self) -> Iterator[tuple[str, Any]]:
        from pytorch_lightning import LightningDataModule

        module = self.datamodule()
        module.prepare_data()
        module.setup("fit")
        for part, name in _LOADERS.items():
            if getattr(type(module), name) is getattr(LightningDataModule, name):
                continue  # it has no such loader
            if part == "test":
                module.setup("test")
            dataset = getattr(module, name)().dataset
            samples = (dataset[i] for i in range(len(dataset))) if hasattr(dataset, "__getitem__") else iter(dataset)
            yield from ((part, sample) for sample in samples)


def _plain(value: Any) -> Any:
    """Tensors and arrays as numbers and lists of them."""
    return value.tolist() if hasattr(value, "tolist") else value
