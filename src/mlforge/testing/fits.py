"""Small fits for the contract suites of models, estimators and trainers: tensors that tell something, and a place to leave what is learned."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from mlforge.artifact import Block
from mlforge.components import Fitting, Model, Tensors
from mlforge.task import Output

__all__ = ["BLOCKS", "CATEGORIES", "LABELS", "LANGUAGE", "NUMBERS", "OUTPUTS", "TEXTS", "fitting", "give_up", "output_for", "tensors"]

NUMBERS = Block("numbers", "float32", 3)
CATEGORIES = Block("categories", "int64", 2, (5, 40))
TEXTS = Block("bytes", "uint8", 16)
BLOCKS = (NUMBERS, CATEGORIES, TEXTS)
OUTPUTS: Mapping[str, Output] = {
    "binary": Output("classes", "y", ("no", "yes")),
    "multiclass": Output("classes", "y", ("a", "b", "c")),
    "regression": Output("value", "y", (), 10.0, 2.0),
}
LABELS = Output("labels", "tall, wide, old", ("tall", "wide", "old"))
"""Labels that do not exclude each other."""

LANGUAGE = Output("bytes", "text", context=TEXTS.width)
"""What a language model says of texts."""


def output_for(model: Model) -> Output:
    """An output of one of its tasks."""
    if "language_model" in model.tasks:
        return LANGUAGE
    return OUTPUTS["binary" if "classification" in model.tasks else "regression"]


def read_texts(rows: int, seed: int) -> np.ndarray:
    """Texts of a few letters, of different lengths, 0 behind their end."""
    random = np.random.default_rng(seed)
    texts = random.choice(np.frombuffer(b"aaaaeehn", np.uint8), (rows, TEXTS.width))
    lengths = random.integers(1, TEXTS.width + 1, (rows, 1))
    return np.where(np.arange(TEXTS.width) < lengths, texts, 0).astype(np.uint8)


def tensors(rows: int, seed: int, blocks: tuple[Block, ...], output: Output) -> Tensors:
    """Rows of which numbers and categories both tell something; or texts."""
    if output.kind == "bytes":
        texts = read_texts(rows, seed)
        length = (texts != 0).sum(1, keepdims=True)
        return Tensors((texts,), length.astype(np.int64), length.ravel().astype(np.float32))
    random = np.random.default_rng(seed)
    numbers = random.normal(size=(rows, 3)).astype(np.float32)
    ids = np.stack([random.integers(0, n, rows) for n in CATEGORIES.cardinalities], 1)
    effect = np.cos(np.arange(40) * 2.3)[ids[:, 1]] + 0.3 * ids[:, 0]
    noisy = random.normal(scale=0.3, size=rows)
    for block, signal in ((NUMBERS, numbers[:, 0] * 2 + np.abs(numbers[:, 1])), (CATEGORIES, effect)):
        noisy = noisy + signal * (block in blocks)
    by_name: Mapping[str, np.ndarray] = {"numbers": numbers, "categories": ids}
    target: np.ndarray
    if output.kind == "labels":
        target = (noisy[:, None] + random.normal(size=(rows, output.width)) > np.arange(output.width)).astype(np.uint8)
    elif output.kind == "value":
        target = noisy.astype(np.float32).reshape(-1, 1)
    else:
        shares = np.linspace(0, 1, output.width + 1)[1:-1]
        target = np.digitize(noisy, np.quantile(noisy, shares) if rows else shares).astype(np.int64)
    return Tensors(tuple(by_name[block.name] for block in blocks), target)


def fitting(model: Model, folder: Path, output: Output, blocks: tuple[Block, ...] = (NUMBERS, CATEGORIES), *, rows: int = 600) -> Fitting:
    """A small fit into a folder."""
    (folder / "out").mkdir(parents=True)
    (folder / "work").mkdir()
    train, validation = tensors(rows, 1, blocks, output), tensors(200, 2, blocks, output)
    return Fitting(model, blocks, output, train, validation, 3, folder / "out", folder / "work", False, lambda done, total, note: None, lambda finding: None)


def give_up(done: float, total: float, note: str) -> None:
    """Told of progress, raises KeyError when most of it is done."""
    if done > 0.6 * total:
        raise KeyError("the caller gives up")
