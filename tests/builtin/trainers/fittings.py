"""A small fitting of a real network; run as a program, it fits and exits, so that it can be killed."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from mlforge.artifact import Block
from mlforge.builtin.models.mlp import Mlp
from mlforge.builtin.trainers.lightning import Lightning
from mlforge.components import Fitting, Model, Tensors
from mlforge.finding import Finding
from mlforge.task import Output

BLOCKS = (Block("numbers", "float32", 3), Block("categories", "int64", 1, (4,)))
CLASSES = Output("classes", "y", ("no", "yes"))
VALUE = Output("value", "y", (), 10.0, 2.0)


def tensors(rows: int, seed: int, output: Output, *, weight: np.ndarray | None = None) -> Tensors:
    """Rows whose target follows from the first number and the category."""
    rng = np.random.default_rng(seed)
    numbers = rng.normal(size=(rows, 3)).astype(np.float32)
    ids = rng.integers(0, 4, (rows, 1))
    score = numbers[:, 0] + (ids[:, 0] - 1.5)
    target = (score > 0).astype(np.int64) if output.kind == "classes" else score.astype(np.float32).reshape(-1, 1)
    return Tensors((numbers, ids), target, weight)


class Watched(list[tuple[float, float, str]]):
    """Progress as it was told."""

    def __call__(self, done: float, total: float, note: str) -> None:
        self.append((done, total, note))


def fitting(folder: Path, *, output: Output = CLASSES, smoke: bool = False, seed: int = 3, train: Tensors | None = None, model: Model | None = None) -> Fitting:
    (folder / "out").mkdir(parents=True, exist_ok=True)
    (folder / "work").mkdir(exist_ok=True)
    found: list[Finding] = []
    return Fitting(
        model=model or Mlp(hidden=(16,), dropout=0.2),
        blocks=BLOCKS,
        output=output,
        train=train or tensors(500, 1, output),
        validation=tensors(200, 2, output),
        seed=seed,
        folder=folder / "out",
        work=folder / "work",
        smoke=smoke,
        progress=Watched(),
        find=found.append,
    )


def files(folder: Path) -> dict[str, bytes]:
    """What a fit has left."""
    return {path.name: path.read_bytes() for path in sorted((folder / "out").iterdir())}


SLOWLY = Lightning(max_epochs=20, batch_size=16, patience=None, checkpoint_every=0.05, accelerator="cpu", threads=1, ema=0.95, warmup=0.1, label_smoothing=0.05)

if __name__ == "__main__":
    SLOWLY.fit(fitting(Path(sys.argv[1])))
