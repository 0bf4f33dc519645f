from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.builtin.trainers.fittings import fitting, tensors

from mlforge.artifact import Block
from mlforge.builtin.models.tiny_lm import TinyLm
from mlforge.builtin.trainers.batches import Batches
from mlforge.builtin.trainers.lightning import Lightning
from mlforge.components import Fitting, Tensors
from mlforge.finding import Finding
from mlforge.task import Output

QUICK = {"max_epochs": 2, "batch_size": 16, "accelerator": "cpu", "threads": 1, "patience": None}
CONTEXT = 12


def texts(rows: int, seed: int) -> Tensors:
    """Texts in which each letter follows from the one before."""
    rng = np.random.default_rng(seed)
    read = ((rng.integers(0, 26, (rows, 1)) + np.arange(CONTEXT)) % 26 + 97).astype(np.uint8)
    lengths = rng.integers(CONTEXT // 2, CONTEXT + 1, (rows, 1))
    read[np.arange(CONTEXT) >= lengths] = 0
    return Tensors((read,), lengths.astype(np.int64), lengths[:, 0].astype(np.float32))


def of_texts(folder: Path, found: list[Finding]) -> Fitting:
    made = fitting(folder)
    return Fitting(
        TinyLm(width=32, heads=2, layers=1), (Block("bytes", "uint8", CONTEXT),), Output("bytes", "text", context=CONTEXT), texts(600, 1), texts(200, 2),
        3, made.folder, made.work, False, made.progress, found.append,
    )  # fmt: skip


def test_a_fit_tells_how_fast_its_steps_were_and_how_long_they_waited(tmp_path: Path) -> None:
    found: list[Finding] = []
    made = fitting(tmp_path)
    Lightning(**QUICK).fit(Fitting(**{**{name: getattr(made, name) for name in made.__dataclass_fields__}, "find": found.append}))
    told = {finding.name: finding for finding in found}
    assert told["train/rows_per_second"].value > 0  # type: ignore[operator]
    assert 0 < told["train/data_wait_share"].value < 1  # type: ignore[operator]
    assert all(told[name].volatile for name in ("train/rows_per_second", "train/data_wait_share", "train/seconds"))
    assert "train/tokens_per_second" not in told


def test_a_language_model_learns_what_follows_what_and_tells_its_tokens(tmp_path: Path) -> None:
    import polars as pl

    found: list[Finding] = []
    Lightning(**(QUICK | {"max_epochs": 3, "lr": 0.01})).fit(of_texts(tmp_path, found))
    told = {finding.name: finding.value for finding in found}
    assert told["train/tokens_per_second"] == pytest.approx(told["train/rows_per_second"] * CONTEXT)  # type: ignore[operator]
    curves = pl.read_parquet(tmp_path / "out" / "curves.parquet")
    bits = curves.filter(pl.col("name") == "validation/bits_per_byte")["value"].to_list()
    assert 0.45 < bits[-1] < min(0.8, bits[0])  # only a text's first byte cannot be known: 4.7 bits of nine bytes
    loss = curves.filter(pl.col("name") == "validation/loss")["value"].to_list()
    assert bits == pytest.approx([one / np.log(2) for one in loss])


def test_the_first_batches_do_not_count_where_there_are_many(tmp_path: Path) -> None:
    few, many = Batches(tensors(100, 1, fitting(tmp_path).output), 10), Batches(tensors(1000, 1, fitting(tmp_path).output), 10)
    for loader in (few, many):
        assert len(list(loader)) == len(loader)
    assert (few.pace.rows, many.pace.rows) == (100, 900)
    assert 0 < many.pace.waited < many.pace.seconds
