"""A fit that is killed at chosen points; run as a program, it kills children of its own and tells which of them were continued to the same bytes.

python -m tests.builtin.trainers.killing FOLDER WORKERS PORTIONS POINTS SEED
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
from pathlib import Path

import numpy as np
import torch
from tests.builtin.trainers.fittings import CLASSES, files, fitting, tensors

from mlforge.builtin.models.mlp import Mlp
from mlforge.builtin.trainers.lightning import Lightning
from mlforge.components import Fitting, Model, Tensors

EPOCHS, ROWS, SIZE = 3, 250, 31
STEPS = -(-ROWS // SIZE)


def trainer(workers: int = 0, portions: int = 1, **more) -> Lightning:
    """Everything on that has a state: an average, patience, a schedule with a warm-up, dropout; a checkpoint after every third step."""
    given = {"max_epochs": EPOCHS, "batch_size": SIZE, "lr": 0.02, "accelerator": "cpu", "threads": 1, "ema": 0.9, "warmup": 0.1, "patience": 2}
    given |= {"label_smoothing": 0.05, "checkpoint_every": "1h", "checkpoint_steps": 3, "workers": workers, "accumulate": portions}
    return Lightning(**(given | more))


class Disturbed(Model):
    """A perceptron that does something at its n-th forward pass, be it in training or in validation."""

    at: int = 0

    def build(self, blocks, output):
        network = Mlp(hidden=(16,), dropout=0.2).build(blocks, output)
        passes = 0

        def count(*_: object) -> None:
            nonlocal passes
            passes += 1
            if passes == self.at:
                disturb()

        network.register_forward_pre_hook(count)
        return network


def disturb() -> None:
    """What happens then."""
    os.kill(os.getpid(), signal.SIGKILL)


def mapped(folder: Path) -> Tensors:
    """Training rows in memory maps, as a stage has them."""
    folder.mkdir(parents=True, exist_ok=True)
    whole = tensors(ROWS, 1, CLASSES)
    for name, array in (("numbers", whole.blocks[0]), ("ids", whole.blocks[1]), ("target", whole.target)):
        if not (folder / f"{name}.npy").exists():
            np.save(folder / f"{name}.npy", array)
    numbers, ids, target = (np.load(folder / f"{name}.npy", mmap_mode="c") for name in ("numbers", "ids", "target"))
    return Tensors((numbers, ids), target)


def one(folder: Path, at: int = 0) -> Fitting:
    return fitting(folder, model=Disturbed(at=at), train=mapped(folder.parent / "rows"))


def in_a_child(folder: Path, fitted: Lightning, at: int = 0) -> int:
    """Fit in a child, and say how it ended. This process fits nothing itself: threads would not outlive the fork."""
    child = os.fork()
    if child == 0:
        try:
            fitted.fit(one(folder, at))
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def main(folder: Path, workers: int, portions: int, points: int, seed: int) -> None:
    import mlforge.builtin.trainers.fit  # noqa: F401  # Lightning takes seconds to import: once, not in each child

    torch.set_num_threads(1)
    fitted = trainer(workers, portions)
    in_a_child(folder / "undisturbed", fitted)
    wanted, draw = files(folder / "undisturbed"), random.Random(seed)
    assert wanted
    for point in range(points):
        there = folder / f"killed-{point}"
        all_of_them = EPOCHS * (STEPS * portions + 1)
        passes = [draw.randint(1, all_of_them), draw.randint(1, all_of_them // 2)]  # once, and then once more on the way
        died = [in_a_child(there, fitted, at) == -signal.SIGKILL for at in passes]
        left = sorted(path.name for path in (there / "work").iterdir())
        in_a_child(there, fitted)
        sys.stdout.write(json.dumps({"passes": passes, "killed": died, "left": left, "same": files(there) == wanted}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), *(int(word) for word in sys.argv[2:]))
