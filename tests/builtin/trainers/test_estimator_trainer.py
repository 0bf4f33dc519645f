"""The trainer for things with a fit of their own, over an estimator that is written here: the mean of each class, or of the target."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest
from tests.builtin.trainers.fittings import CLASSES, VALUE, fitting

from mlforge.builtin.trainers.estimator import Estimator
from mlforge.components import Model, Tensors
from mlforge.errors import RunFailed


class Shares(Model):
    """Says the classes' shares in the training rows, or the target's mean, to every row."""

    family = "estimator"

    rounds: tuple[float | str, ...] = ()  # "nan" as text: no key of a component may be one

    def build(self, blocks, output):
        return Same(self, output)


class Same:
    def __init__(self, model, output):
        self.model, self.output, self.said, self.threads = model, output, None, None

    def fit(self, fitting):
        weight = np.ones(len(fitting.train)) if fitting.train.weight is None else fitting.train.weight
        if self.output.kind == "value":
            self.said = np.array([np.average(fitting.train.target[:, 0], weights=weight)])
        else:
            self.said = np.log(np.bincount(fitting.train.target, weight, self.output.width) / weight.sum())
        return [{"validation/loss": loss} for loss in map(float, self.model.rounds)]

    def save(self, folder):
        (folder / "shares.json").write_text(json.dumps(self.said.tolist()))

    def scores(self, blocks):
        return np.tile(self.said, (len(blocks[0]), 1))


def told(folder):
    return json.loads((folder / "out" / "trained.json").read_text())


@pytest.mark.parametrize("output", [CLASSES, VALUE])
def test_without_rounds_the_validation_loss_is_measured(tmp_path, output):
    fit = fitting(tmp_path, model=Shares(), output=output)
    Estimator().fit(fit)
    said = json.loads((tmp_path / "out" / "shares.json").read_text())
    target = fit.validation.target
    wanted = ((target[:, 0] - said[0]) ** 2).mean() if output is VALUE else -np.mean(np.array(said)[target])
    assert told(tmp_path) == {"epochs": 1, "best_epoch": 1, "best_score": pytest.approx(float(wanted), rel=1e-6), "score": "validation/loss"}
    assert pl.read_parquet(tmp_path / "out" / "curves.parquet")["value"].to_list() == pytest.approx([float(wanted)])


def test_rounds_become_curves_and_the_lowest_is_the_best(tmp_path):
    Estimator().fit(fitting(tmp_path, model=Shares(rounds=(0.5, 0.3, 0.3, 0.4))))
    assert told(tmp_path) == {"epochs": 4, "best_epoch": 2, "best_score": 0.3, "score": "validation/loss"}
    curves = pl.read_parquet(tmp_path / "out" / "curves.parquet")
    assert curves["value"].to_list() == [0.5, 0.3, 0.3, 0.4]


def test_balanced_class_weights_give_every_class_the_same_total(tmp_path):
    whole = fitting(tmp_path / "rows", model=Shares()).train
    kept = (whole.target == 0) | (np.arange(len(whole)) % 10 == 0)
    rare = Tensors(tuple(block[kept] for block in whole.blocks), whole.target[kept])
    shares = []
    for name, trainer in (("plain", Estimator()), ("balanced", Estimator(class_weights="balanced"))):
        trainer.fit(fitting(tmp_path / name, model=Shares(), train=rare))
        shares.append(np.exp(json.loads((tmp_path / name / "out" / "shares.json").read_text())))
    assert shares[0].max() > 0.7
    assert shares[1] == pytest.approx([0.5, 0.5], abs=1e-6)


def test_without_validation_rows_there_is_nothing_to_judge_by(tmp_path):
    fit = fitting(tmp_path, model=Shares())
    empty = Tensors(tuple(block[:0] for block in fit.validation.blocks), fit.validation.target[:0])
    with pytest.raises(RunFailed, match="no validation rows"):
        Estimator().fit(type(fit)(**{**vars(fit), "validation": empty}))


@pytest.mark.parametrize("loss", ["nan", "inf"])
def test_a_loss_that_is_not_finite_is_a_run_that_failed(tmp_path, loss):
    with pytest.raises(RunFailed, match="the validation loss is"):
        Estimator().fit(fitting(tmp_path, model=Shares(rounds=(0.5, loss))))
