"""Samples a second of two processes against one: a compute-bound network, one torch thread each, gloo. `python benchmarks/scaling.py [ROUNDS]`."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np

from mlforge.artifact import Block
from mlforge.builtin.clusters.local import Local
from mlforge.builtin.models.mlp import Mlp
from mlforge.builtin.trainers.lightning import Lightning
from mlforge.components import Fitting, Tensors
from mlforge.finding import Finding
from mlforge.lifecycle.fitting.errand import carry_out
from mlforge.task import Output

ROWS, WIDTH, EPOCHS, BATCH = 16_384, 512, 2, 2048


def rows(count: int, seed: int) -> Tensors:
    some = np.random.default_rng(seed)
    numbers = some.normal(size=(count, WIDTH)).astype(np.float32)
    return Tensors((numbers,), (numbers[:, 0] > 0).astype(np.int64), None)


def samples_a_second(workers: int) -> float:
    """Of the fit alone: processes that start, import and read are not counted."""
    found: list[Finding] = []
    trainer = Lightning(max_epochs=EPOCHS, batch_size=BATCH, accelerator="cpu", threads=1, patience=None)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part in ("trained", "work"):
            (folder / part).mkdir()
        fitting = Fitting(
            Mlp(hidden=(1024, 1024)), (Block("numbers", "float32", WIDTH),), Output("classes", "label", (0, 1)), rows(ROWS, 1), rows(512, 2), 7,
            folder / "trained", folder / "work", False, lambda done, total, note: None, found.append,
        )  # fmt: skip
        carry_out(fitting, trainer, Local(workers=workers, threads=1), folder / "errand")
    seconds = next(finding.value for finding in found if finding.name == "train/seconds")
    assert seconds is not None
    return ROWS * EPOCHS / seconds


def main(rounds: int = 3) -> None:
    """The best of some rounds, in turns: what else the machine does then disturbs both alike."""
    rates = [(samples_a_second(1), samples_a_second(2)) for _ in range(rounds)]
    one, two = (max(side) for side in zip(*rates, strict=True))
    print(
        f"one process  {one:10,.0f} samples/s\ntwo          {two:10,.0f} samples/s\nratio        {two / one:10.2f}   (wanted: at least 1.5, on two free cores)"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
