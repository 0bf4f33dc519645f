"""A small fit, as the stage `train` hands it to a cluster."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from mlforge.artifact import Block
from mlforge.builtin.models.mlp import Mlp
from mlforge.builtin.trainers.lightning import Lightning
from mlforge.components import Fitting, Tensors
from mlforge.finding import Finding
from mlforge.task import Output

BLOCKS = (Block("numbers", "float32", 8),)
OUTPUT = Output("classes", "label", (0, 1))


def rows(count: int, seed: int) -> Tensors:
    """So many rows of a problem that can be learned."""
    some = np.random.default_rng(seed)
    numbers = some.normal(size=(count, 8)).astype(np.float32)
    return Tensors((numbers,), (numbers[:, 0] + 0.3 * some.normal(size=count) > 0).astype(np.int64), None)


def fitting(folder: Path, find: list[Finding] | None = None, progress: Callable[[float, float, str], None] | None = None, **given: Any) -> Fitting:
    """A fit in a folder of its own; training and validation rows are odd in number."""
    (folder / "work").mkdir(parents=True, exist_ok=True)
    (folder / "trained").mkdir(exist_ok=True)
    settings: Mapping[str, Any] = {
        "model": Mlp(hidden=(16,)), "blocks": BLOCKS, "output": OUTPUT, "train": rows(1001, 1), "validation": rows(333, 2), "seed": 7,
        "folder": folder / "trained", "work": folder / "work", "smoke": False,
        "progress": progress or (lambda done, total, note: None), "find": (find if find is not None else []).append,
    }  # fmt: skip
    return Fitting(**{**settings, **given})


def trainer(**given: Any) -> Lightning:
    """Three epochs on the CPU."""
    return Lightning(**{"max_epochs": 3, "batch_size": 64, "accelerator": "cpu", "patience": None, "threads": 1, **given})


def curves(folder: Path) -> dict[str, list[float]]:
    """The values of each curve, by epoch."""
    table = pl.read_parquet(folder / "trained" / "curves.parquet").sort("name", "epoch")
    return {str(name[0]): part["value"].to_list() for name, part in table.group_by(["name"], maintain_order=True)}
