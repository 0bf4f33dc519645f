from __future__ import annotations

import importlib.util
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("lightgbm", reason="needs lightgbm")
if importlib.util.find_spec("mlforge_lightgbm") is None:
    pytest.skip("needs mlforge-lightgbm: pip install -e plugins/mlforge-lightgbm", allow_module_level=True)

from mlforge.builtin.exporters.onnx import Onnx
from mlforge.errors import DataError, RunFailed
from mlforge.testing import EstimatorContract
from mlforge.testing.estimators import through_onnx
from mlforge.testing.exporters import shipment, signature
from mlforge.testing.fits import CATEGORIES, NUMBERS, OUTPUTS, fitting, tensors
from mlforge_lightgbm.model import LightGBM
from mlforge_lightgbm.reading import trees_of

SMALL = {"n_estimators": 40, "learning_rate": 0.2, "min_child_samples": 5, "cat_smooth": 1.0}


class TestNativeCategories(EstimatorContract):
    component = LightGBM(**SMALL)


class TestCategoriesAsNumbers(EstimatorContract):
    component = LightGBM(**SMALL, categories="numbers", subsample=0.7, reg_alpha=0.01, max_depth=4)


def fitted(model, tmp_path, output="binary", blocks=(NUMBERS, CATEGORIES), **more):
    fit = replace(fitting(model, tmp_path, OUTPUTS[output], blocks), **more)
    built = model.build(fit.blocks, fit.output)
    return built, built.fit(fit), fit


def test_native_trees_ask_for_sets_of_categories_and_the_others_never_do(tmp_path):
    native, _, _ = fitted(LightGBM(**SMALL), tmp_path / "native")
    numbers, _, _ = fitted(LightGBM(**SMALL, categories="numbers"), tmp_path / "numbers")
    sets = [ids for tree in trees_of(native._booster, 1) for ids in tree.categories.values()]
    assert max(len(ids) for ids in sets) > 5, "no question asks for a set that needs a chain"
    assert not any(tree.categories for tree in trees_of(numbers._booster, 1))


def test_ids_that_training_never_met_go_where_lightgbm_sends_them(tmp_path):
    """Id 0 is what serving gives for an unknown category; training may have had none."""
    fit = fitting(LightGBM(**SMALL), tmp_path, OUTPUTS["binary"])
    met = tuple(np.maximum(block, 1) if block.dtype == np.int64 else block for block in fit.train.blocks)
    built = fit.model.build(fit.blocks, fit.output)
    built.fit(replace(fit, train=replace(fit.train, blocks=met)))
    rows = tensors(500, 7, fit.blocks, fit.output).blocks
    unknown = (rows[0], np.zeros_like(rows[1]))
    assert np.abs(built.scores(unknown) - through_onnx(built, fit.blocks, unknown)).max() < 1e-5


def test_a_number_just_at_a_threshold_goes_the_same_way(tmp_path):
    built, _, fit = fitted(LightGBM(**SMALL), tmp_path, blocks=(NUMBERS,))
    used = [(int(f), t) for tree in trees_of(built._booster, 1) for f, t in zip(tree.feature, tree.threshold, strict=True) if f >= 0]
    assert len(used) > 50
    rows = np.zeros((3 * len(used), 3), np.float32)
    for i, (feature, threshold) in enumerate(used):
        near = np.float32(threshold)
        rows[3 * i : 3 * i + 3, feature] = np.nextafter(near, np.float32(-np.inf)), near, np.nextafter(near, np.float32(np.inf))
    assert np.abs(built.scores((rows,)) - through_onnx(built, fit.blocks, (rows,))).max() < 1e-5


def test_it_stops_early_and_keeps_the_best_round(tmp_path):
    model = LightGBM(**(SMALL | {"n_estimators": 2000, "learning_rate": 0.5, "early_stopping_rounds": 10}))
    built, rounds, fit = fitted(model, tmp_path)
    losses = [row["validation/loss"] for row in rounds]
    best = int(np.argmin(losses))
    assert len(losses) == best + 11 < 2000
    assert built._booster.num_trees() == best + 1
    scores = built.scores(fit.validation.blocks)
    loss = np.mean(np.log1p(np.exp(-np.where(fit.validation.target == 1, 1, -1) * scores[:, 1])))
    assert loss == pytest.approx(losses[best], rel=1e-6)


def test_a_damaged_file_is_a_data_error(tmp_path):
    built, _, fit = fitted(LightGBM(**SMALL), tmp_path)
    built.save(fit.folder)
    (fit.folder / "model.txt").write_text("no trees here")
    with pytest.raises(DataError, match="LightGBM cannot read it"):
        built.load(fit.folder)


def test_what_lightgbm_refuses_is_a_run_that_failed(tmp_path):
    fit = fitting(LightGBM(**SMALL), tmp_path, OUTPUTS["multiclass"])
    bad = replace(fit.train, target=fit.train.target + 5)
    with pytest.raises(RunFailed, match="LightGBM"):
        LightGBM(**SMALL).build(fit.blocks, fit.output).fit(replace(fit, train=bad))


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_its_bundle_has_the_signature_of_a_networks(tmp_path, task):
    """Else a server, or a client of one, has to know what is behind a bundle."""
    signatures = []
    for name, model in {"network": None, "estimator": LightGBM(**SMALL)}.items():
        (tmp_path / name).mkdir()
        given = shipment(tmp_path / name, name, task, model)
        Onnx().export(given)
        signatures.append(signature(given.folder))
    assert signatures[0] == signatures[1]
