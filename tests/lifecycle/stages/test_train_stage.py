from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from tests.lifecycle.stages.chain import people, prepared, trained

from mlforge.artifact import Assignment, Encoding, Table, Trained, frames, target_array
from mlforge.components import Fitting, Model, Trainer
from mlforge.contract import Column, Contract
from mlforge.errors import RecipeError
from mlforge.lifecycle.rows import encode as encoding_module
from mlforge.lifecycle.stages.train import Train
from mlforge.runtime.session import Graph


class Looking(Trainer):
    """Keeps what it is given."""

    fits = frozenset({"network"})

    def fit(self, fitting: Fitting) -> None:
        np.savez(fitting.folder / "seen.npz", *fitting.train.blocks, target=fitting.train.target, weight=fitting.train.weight, rows=len(fitting.validation))
        (fitting.folder / "trained.json").write_text('{"epochs": 1, "best_epoch": 1}')


class Tree(Model):
    """A model of another family."""

    family = "estimator"

    def build(self, blocks, output):
        raise NotImplementedError


def weighted() -> tuple[pl.DataFrame, Contract]:
    rows, contract = people()
    rows = rows.with_columns(weight=pl.int_range(pl.len()).cast(pl.Float64))
    return rows, Contract(columns={**contract.columns, "weight": Column(dtype="float", role="weight")})


def test_a_trainer_reads_what_the_features_graph_says_in_the_order_of_the_source(tmp_path, monkeypatch):
    monkeypatch.setattr(encoding_module, "_ROWS", 100)  # several slices, the last one shorter
    rows, contract = weighted()
    job = prepared(tmp_path, rows, contract, trainer=Looking()).run(Train())
    seen = np.load(job.output("trained", Trained).folder / "seen.npz")
    train = pl.concat(frames(job.output("table", Table), job.output("assignment", Assignment), "train"))
    encoding = job.output("encoding", Encoding)
    for i, block in enumerate(Graph(encoding.folder / "front.onnx").run(train)):
        assert np.array_equal(seen[f"arr_{i}"], block)
    assert np.array_equal(seen["target"], target_array(train, encoding.output))
    assert np.array_equal(seen["weight"], train["weight"].to_numpy().astype(np.float32))
    assert int(seen["rows"]) == job.output("assignment", Assignment).counts["validation"]


def test_encoded_rows_that_are_whole_are_used_again_and_half_written_ones_are_not(tmp_path):
    rows, contract = weighted()
    job = prepared(tmp_path, rows, contract, trainer=Looking()).run(Train())
    work = job.work
    first = (work / "tensors-train" / "target.npy").stat().st_mtime_ns
    (work / "tensors-validation").rename(work / "tensors-validation.draft")  # as a kill leaves it
    (work / "tensors-validation.draft" / "target.npy").write_bytes(b"half")
    job.run(Train())
    assert (work / "tensors-train" / "target.npy").stat().st_mtime_ns == first
    assert len(np.load(work / "tensors-validation" / "target.npy")) == job.output("assignment", Assignment).counts["validation"]


def test_two_trainings_in_two_folders_have_the_same_bytes(tmp_path):
    rows, contract = people()
    one, two = (trained(tmp_path / name, rows, contract).output("trained", Trained) for name in ("one", "two"))
    assert one.digest == two.digest
    assert one.json("trained.json")["epochs"] == 5


def test_what_took_time_is_volatile(tmp_path):
    rows, contract = people()
    job = trained(tmp_path, rows, contract)
    assert job.finding("train/seconds").volatile
    assert not job.finding("train/epochs").volatile


def test_a_trainer_that_cannot_fit_the_model_says_so_before_reading_rows(tmp_path):
    rows, contract = people()
    job = prepared(tmp_path, rows, contract, model=Tree())
    with pytest.raises(RecipeError, match="Lightning fits network, and model Tree is a estimator"):
        job.run(Train())
