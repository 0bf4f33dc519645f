"""What a model of the family "estimator" must do.

    class TestLightGBM(EstimatorContract):
        component = LightGBM(n_estimators=20)

Choose settings with which it is fitted in a second.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import ClassVar, cast

import numpy as np
import pytest

from mlforge.artifact import Block
from mlforge.components import Component, Estimator, Fitting, Model, Tensors
from mlforge.task import Output
from mlforge.testing.component import ComponentContract
from mlforge.testing.files import files_of
from mlforge.testing.fits import CATEGORIES, NUMBERS, OUTPUTS, fitting, tensors

__all__ = ["EstimatorContract", "through_onnx"]

_OPSET = 18
_ROUNDING = 1e-5


def through_onnx(estimator: Estimator, blocks: tuple[Block, ...], values: tuple[np.ndarray, ...]) -> np.ndarray:
    """The scores as onnxruntime computes them."""
    from mlforge.runtime.session import runtime

    graph = estimator.graph(_OPSET)
    graph.ir_version = 10
    session = runtime().InferenceSession(graph.SerializeToString())
    said: np.ndarray = session.run(["scores"], {block.name: value for block, value in zip(blocks, values, strict=True)})[0]
    return said


class EstimatorContract(ComponentContract[Model]):
    """Clauses for a model with a fit of its own."""

    kind: ClassVar[type[Component]] = Model

    @pytest.fixture(params=sorted(OUTPUTS))
    def output(self, request: pytest.FixtureRequest, subject: Model) -> Output:
        """Each output that the model's tasks have."""
        output = OUTPUTS[request.param]
        if ("regression" if output.kind == "value" else "classification") not in subject.tasks:
            pytest.skip(f"{type(subject).__name__} is for {', '.join(sorted(subject.tasks))}")
        return output

    def exercise(self, component: Model, folder: Path) -> None:
        """Fit it for a moment, save it and read it back."""
        fit = replace(fitting(component, folder, _first(component), rows=100), smoke=True)
        self._fitted(fit).save(fit.folder)
        self._built(fit).load(fit.folder)

    def disturb(self, component: Model, folder: Path) -> None:
        """Have its caller give up half way."""
        fit = replace(fitting(component, folder, _first(component), rows=100), progress=_give_up, find=_give_up)
        self._fitted(fit)
        raise RuntimeError("it tells no progress")

    def test_it_names_a_family_and_tasks(self, subject: Model) -> None:
        """Else no trainer knows whether it can fit it."""
        assert subject.family == "estimator", f"the family is {subject.family}; inherit ModelContract for a network"
        assert subject.tasks, "it is for no task"

    @pytest.mark.parametrize("blocks", [(NUMBERS,), (CATEGORIES,), (NUMBERS, CATEGORIES)], ids=["numbers", "categories", "both"])
    def test_the_graph_says_what_the_library_says(self, subject: Model, tmp_path: Path, output: Output, blocks: tuple[Block, ...]) -> None:
        """Else the bundle that ships is not the model that was fitted."""
        fit = fitting(subject, tmp_path, output, blocks)
        estimator = self._fitted(fit)
        rows = tensors(3000, 9, blocks, output).blocks
        wanted, said = estimator.scores(rows), through_onnx(estimator, blocks, rows)
        assert wanted.shape == said.shape == (3000, output.width)
        assert wanted.std() > 0.01, "it has learned nothing"
        if output.kind == "classes":
            wanted, said = (np.exp(one - one.max(1, keepdims=True)) for one in (wanted.astype(np.float64), said.astype(np.float64)))
            wanted, said = wanted / wanted.sum(1, keepdims=True), said / said.sum(1, keepdims=True)
        assert np.abs(wanted - said).max() <= _ROUNDING

    def test_it_learns(self, subject: Model, tmp_path: Path, output: Output) -> None:
        """Else the fit, or the order of scores, is wrong."""
        fit = fitting(subject, tmp_path, output)
        scores = self._fitted(fit).scores(fit.validation.blocks)
        if output.kind == "value":
            assert np.corrcoef(scores[:, 0], fit.validation.target[:, 0])[0, 1] > 0.7
        else:
            assert (scores.argmax(1) == fit.validation.target).mean() > 1.4 / output.width

    def test_what_is_saved_reads_back_to_the_same_scores_and_the_same_bytes(self, subject: Model, tmp_path: Path, output: Output) -> None:
        """Else the artifact is not what was fitted, or no digest can be trusted."""
        fit = fitting(subject, tmp_path, output)
        estimator = self._fitted(fit)
        estimator.save(fit.folder)
        again = self._built(fit)
        again.load(fit.folder)
        assert np.array_equal(again.scores(fit.validation.blocks), estimator.scores(fit.validation.blocks))
        assert again.graph(_OPSET).SerializeToString(deterministic=True) == estimator.graph(_OPSET).SerializeToString(deterministic=True)
        (tmp_path / "second").mkdir()
        again.save(tmp_path / "second")
        assert files_of(fit.folder) == files_of(tmp_path / "second")

    def test_nothing_that_is_saved_is_a_pickle(self, subject: Model, tmp_path: Path, output: Output) -> None:
        """Else loading a model runs whatever somebody has put there."""
        fit = fitting(subject, tmp_path, output)
        self._fitted(fit).save(fit.folder)
        assert files_of(fit.folder), "it saved nothing"
        for content in files_of(fit.folder).values():
            assert not content.startswith(b"\x80"), "a pickle begins so"
            assert b"csklearn" not in content
            assert b"numpy.core" not in content

    def test_the_same_fit_gives_the_same_bytes_on_any_number_of_threads(self, subject: Model, tmp_path: Path, output: Output) -> None:
        """Else a run cannot be repeated on another machine."""
        saved = []
        for threads in (1, 2):
            fit = replace(fitting(subject, tmp_path / str(threads), output), threads=threads)
            estimator = self._fitted(fit)
            estimator.save(fit.folder)
            saved.append(estimator.graph(_OPSET).SerializeToString(deterministic=True))
        assert saved[0] == saved[1]

    def test_rows_that_weigh_nothing_are_not_learned_from(self, subject: Model, tmp_path: Path, output: Output) -> None:
        """Else a weight column, and balanced classes, are silently without effect."""
        fit = fitting(subject, tmp_path, output)
        train = fit.train
        wrong = -train.target if output.kind == "value" else output.width - 1 - train.target
        both = Tensors(tuple(np.concatenate([block, block]) for block in train.blocks), np.concatenate([train.target, wrong]))
        weight = np.repeat(np.array([1, 0], np.float32), len(train))
        errors = []
        for part in (replace(both, weight=weight), both):
            scores = self._fitted(replace(fit, train=part)).scores(fit.validation.blocks)
            wanted = fit.validation.target
            errors.append(float(((scores - wanted) ** 2).mean()) if output.kind == "value" else float((scores.argmax(1) != wanted).mean()))
        assert errors[0] < errors[1]

    def test_rounds_are_told_with_their_validation_loss_and_a_smoke_run_is_short(self, subject: Model, tmp_path: Path, output: Output) -> None:
        """Else curves are empty, and a trial of the whole chain takes hours."""
        fit = fitting(subject, tmp_path, output)
        for row in self._built(fit).fit(fit):
            assert row["validation/loss"] >= 0
        assert len(self._built(fit).fit(replace(fit, smoke=True))) <= 1

    def _built(self, fit: Fitting) -> Estimator:
        return cast("Estimator", fit.model.build(fit.blocks, fit.output))

    def _fitted(self, fit: Fitting) -> Estimator:
        estimator = self._built(fit)
        estimator.fit(fit)
        return estimator


def _first(model: Model) -> Output:
    return OUTPUTS["binary" if "classification" in model.tasks else "regression"]


def _give_up(*told: object) -> None:
    raise KeyError("the caller gives up")
