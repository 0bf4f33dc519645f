from __future__ import annotations

import importlib.util
import logging

import numpy as np
import pytest

if importlib.util.find_spec("mlforge_sklearn") is None:
    pytest.skip("needs mlforge-sklearn: pip install -e plugins/mlforge-sklearn", allow_module_level=True)

from mlforge.builtin.exporters.onnx import Onnx
from mlforge.errors import DataError
from mlforge.testing import EstimatorContract
from mlforge.testing.exporters import shipment, signature
from mlforge.testing.fits import OUTPUTS, fitting
from mlforge_sklearn import averaged, boosted
from mlforge_sklearn.boosting import HistGradientBoosting
from mlforge_sklearn.forest import ExtraTrees, RandomForest
from mlforge_sklearn.linear import LogisticRegression, Ridge


class TestLogisticRegression(EstimatorContract):
    component = LogisticRegression()


class TestRidge(EstimatorContract):
    component = Ridge()


class TestRandomForest(EstimatorContract):
    component = RandomForest(n_estimators=20)


class TestExtraTrees(EstimatorContract):
    component = ExtraTrees(n_estimators=20, max_depth=8, max_features=1.0)


class TestHistGradientBoosting(EstimatorContract):
    component = HistGradientBoosting(max_iter=40, learning_rate=0.2)


def original(monkeypatch, module, model, fit):
    """scikit-learn's own object, caught on its way into arrays, and ours."""
    caught = {}
    target, name = (averaged.Averaged, "_plain") if module is averaged else (boosted, "_plain")
    plain = getattr(target, name)
    monkeypatch.setattr(target, name, lambda *given: caught.update(fitted=given[1] if module is averaged else given[0]) or plain(*given))
    built = model.build(fit.blocks, fit.output)
    built.fit(fit)
    return caught["fitted"], built


@pytest.mark.parametrize("output", ["binary", "multiclass", "regression"])
@pytest.mark.parametrize(("module", "model"), [(averaged, RandomForest(n_estimators=10)), (boosted, HistGradientBoosting(max_iter=10, n_iter_no_change=20))])
def test_what_is_rebuilt_from_arrays_says_what_scikit_learns_own_object_says(tmp_path, monkeypatch, module, model, output):
    fit = fitting(model, tmp_path, OUTPUTS[output])
    theirs, ours = original(monkeypatch, module, model, fit)
    rows = np.concatenate([np.asarray(block, np.float32) for block in fit.validation.blocks], 1)
    scores = ours.scores(fit.validation.blocks)
    if output == "regression":
        assert np.allclose(scores[:, 0], theirs.predict(rows), atol=1e-12)
    else:
        shares = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
        assert np.allclose(shares, theirs.predict_proba(rows), atol=1e-9)


def test_the_round_with_the_lowest_loss_is_kept(tmp_path):
    model = HistGradientBoosting(max_iter=500, learning_rate=0.9, n_iter_no_change=8)
    fit = fitting(model, tmp_path, OUTPUTS["binary"])
    built = model.build(fit.blocks, fit.output)
    losses = [row["validation/loss"] for row in built.fit(fit)]
    scores = built.scores(fit.validation.blocks)
    loss = np.mean(np.log1p(np.exp(-np.where(fit.validation.target == 1, 1, -1) * scores[:, 1])))
    assert len(losses) < 500
    assert loss == pytest.approx(min(losses), rel=1e-6)


def test_a_class_that_training_lacks_gets_no_share(tmp_path):
    model = RandomForest(n_estimators=5)
    fit = fitting(model, tmp_path, OUTPUTS["multiclass"])
    fit.train.target[fit.train.target == 1] = 2
    built = model.build(fit.blocks, fit.output)
    built.fit(fit)
    assert np.exp(built.scores(fit.validation.blocks)[:, 1]).max() < 1e-9


def test_a_solver_that_does_not_converge_is_told(tmp_path, caplog):
    fit = fitting(LogisticRegression(), tmp_path, OUTPUTS["binary"])
    with caplog.at_level(logging.WARNING):
        LogisticRegression(max_iter=1).build(fit.blocks, fit.output).fit(fit)
    assert "did not converge" in caplog.text


@pytest.mark.parametrize("damage", ["text", "pickle", "missing"])
def test_a_damaged_file_or_a_pickle_is_a_data_error(tmp_path, damage):
    model = Ridge()
    fit = fitting(model, tmp_path, OUTPUTS["regression"])
    built = model.build(fit.blocks, fit.output)
    built.fit(fit)
    built.save(fit.folder)
    file = fit.folder / "model.npz"
    if damage == "missing":
        file.unlink()
    elif damage == "text":
        file.write_text("no arrays here")
    else:
        np.savez(file, coefficients=np.array([{"any": "object"}], object), intercepts=np.zeros(1))
    with pytest.raises(DataError, match="cannot be read"):
        built.load(fit.folder)


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_its_bundle_has_the_signature_of_a_networks(tmp_path, task):
    """Else a server, or a client of one, has to know what is behind a bundle."""
    signatures = []
    for name, model in {"network": None, "estimator": RandomForest(n_estimators=5)}.items():
        (tmp_path / name).mkdir()
        given = shipment(tmp_path / name, name, task, model)
        Onnx().export(given)
        signatures.append(signature(given.folder))
    assert signatures[0] == signatures[1]
