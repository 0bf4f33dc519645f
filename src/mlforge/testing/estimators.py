"""What a model of the family "estimator" must do: tests for its author to inherit.

class TestLightGBM(EstimatorContract):
    model = LightGBM(n_estimators=20)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, cast

import numpy as np
import pytest

from mlforge.artifact import Block
from mlforge.components import Estimator, Fitting, Model, Tensors
from mlforge.task import Output

__all__ = ["EstimatorContract", "fitting", "through_onnx"]

NUMBERS = Block("numbers", "float32", 3)
CATEGORIES = Block("categories", "int64", 2, (5, 40))
OUTPUTS: Mapping[str, Output] = {
    "binary": Output("classes", "y", ("no", "yes")),
    "multiclass": Output("classes", "y", ("a", "b", "c")),
    "regression": Output("value", "y", (), 10.0, 2.0),
}
_OPSET = 18
_ROUNDING = 1e-5


def tensors(rows: int, seed: int, blocks: tuple[Block, ...], output: Output) -> Tensors:
    """Rows of which numbers and categories both tell something."""
    random = np.random.default_rng(seed)
    numbers = random.normal(size=(rows, 3)).astype(np.float32)
    ids = np.stack([random.integers(0, n, rows) for n in CATEGORIES.cardinalities], 1)
    effect = np.cos(np.arange(40) * 2.3)[ids[:, 1]] + 0.3 * ids[:, 0]
    noisy = random.normal(scale=0.3, size=rows)
    for block, signal in ((NUMBERS, numbers[:, 0] * 2 + np.abs(numbers[:, 1])), (CATEGORIES, effect)):
        noisy = noisy + signal * (block in blocks)
    by_name: Mapping[str, np.ndarray] = {"numbers": numbers, "categories": ids}
    if output.kind == "value":
        target = noisy.astype(np.float32).reshape(-1, 1)
    else:
        target = np.digitize(noisy, np.quantile(noisy, np.linspace(0, 1, output.width + 1)[1:-1])).astype(np.int64)
    return Tensors(tuple(by_name[block.name] for block in blocks), target)


def fitting(model: Model, folder: Path, output: Output, blocks: tuple[Block, ...] = (NUMBERS, CATEGORIES), *, rows: int = 600) -> Fitting:
    """A small fit into a folder."""
    (folder / "out").mkdir(parents=True)
    (folder / "work").mkdir()
    train, validation = tensors(rows, 1, blocks, output), tensors(200, 2, blocks, output)
    return Fitting(model, blocks, output, train, validation, 3, folder / "out", folder / "work", False, lambda done, total, note: None, lambda finding: None)


def through_onnx(estimator: Estimator, blocks: tuple[Block, ...], values: tuple[np.ndarray, ...]) -> np.ndarray:
    """The scores as onnxruntime computes them."""
    import onnxruntime

    graph = estimator.graph(_OPSET)
    graph.ir_version = 10
    session = onnxruntime.InferenceSession(graph.SerializeToString())
    said: np.ndarray = session.run(["scores"], {block.name: value for block, value in zip(blocks, values, strict=True)})[0]
    return said


class EstimatorContract:
    """Tests of one model; `model` is small enough to be fitted in a second."""

    model: ClassVar[Model]

    @pytest.fixture(params=sorted(OUTPUTS))
    def output(self, request: pytest.FixtureRequest) -> Output:
        """Each output that the model's tasks have."""
        output = OUTPUTS[request.param]
        if ("regression" if output.kind == "value" else "classification") not in self.model.tasks:
            pytest.skip(f"{type(self.model).__name__} is for {', '.join(sorted(self.model.tasks))}")
        return output

    @pytest.mark.parametrize("blocks", [(NUMBERS,), (CATEGORIES,), (NUMBERS, CATEGORIES)], ids=["numbers", "categories", "both"])
    def test_the_graph_says_what_the_library_says(self, tmp_path: Path, output: Output, blocks: tuple[Block, ...]) -> None:
        fit = fitting(self.model, tmp_path, output, blocks)
        estimator = self._fitted(fit)
        rows = tensors(3000, 9, blocks, output).blocks
        wanted, said = estimator.scores(rows), through_onnx(estimator, blocks, rows)
        assert wanted.shape == said.shape == (3000, output.width)
        assert wanted.std() > 0.01, "it has learned nothing"
        if output.kind == "classes":
            wanted, said = (np.exp(one - one.max(1, keepdims=True)) for one in (wanted.astype(np.float64), said.astype(np.float64)))
            wanted, said = wanted / wanted.sum(1, keepdims=True), said / said.sum(1, keepdims=True)
        assert np.abs(wanted - said).max() <= _ROUNDING

    def test_it_learns(self, tmp_path: Path, output: Output) -> None:
        fit = fitting(self.model, tmp_path, output)
        scores = self._fitted(fit).scores(fit.validation.blocks)
        if output.kind == "value":
            assert np.corrcoef(scores[:, 0], fit.validation.target[:, 0])[0, 1] > 0.7
        else:
            assert (scores.argmax(1) == fit.validation.target).mean() > 1.4 / output.width

    def test_what_is_saved_reads_back_to_the_same_scores_and_the_same_bytes(self, tmp_path: Path, output: Output) -> None:
        fit = fitting(self.model, tmp_path, output)
        estimator = self._fitted(fit)
        estimator.save(fit.folder)
        again = self._built(fit)
        again.load(fit.folder)
        assert np.array_equal(again.scores(fit.validation.blocks), estimator.scores(fit.validation.blocks))
        assert again.graph(_OPSET).SerializeToString(deterministic=True) == estimator.graph(_OPSET).SerializeToString(deterministic=True)
        (tmp_path / "second").mkdir()
        again.save(tmp_path / "second")
        assert _files(fit.folder) == _files(tmp_path / "second")

    def test_nothing_that_is_saved_is_a_pickle(self, tmp_path: Path, output: Output) -> None:
        fit = fitting(self.model, tmp_path, output)
        self._fitted(fit).save(fit.folder)
        assert _files(fit.folder), "it saved nothing"
        for content in _files(fit.folder).values():
            assert not content.startswith(b"\x80"), "a pickle begins so"
            assert b"csklearn" not in content
            assert b"numpy.core" not in content

    def test_the_same_fit_gives_the_same_bytes_on_any_number_of_threads(self, tmp_path: Path, output: Output) -> None:
        saved = []
        for threads in (1, 2):
            fit = replace(fitting(self.model, tmp_path / str(threads), output), threads=threads)
            estimator = self._fitted(fit)
            estimator.save(fit.folder)
            saved.append(estimator.graph(_OPSET).SerializeToString(deterministic=True))
        assert saved[0] == saved[1]

    def test_rows_that_weigh_nothing_are_not_learned_from(self, tmp_path: Path, output: Output) -> None:
        fit = fitting(self.model, tmp_path, output)
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

    def test_rounds_are_told_with_their_validation_loss_and_a_smoke_run_is_short(self, tmp_path: Path, output: Output) -> None:
        fit = fitting(self.model, tmp_path, output)
        for row in self._built(fit).fit(fit):
            assert row["validation/loss"] >= 0
        assert len(self._built(fit).fit(replace(fit, smoke=True))) <= 1

    def _built(self, fit: Fitting) -> Estimator:
        assert self.model.family == "estimator"
        return cast("Estimator", self.model.build(fit.blocks, fit.output))

    def _fitted(self, fit: Fitting) -> Estimator:
        estimator = self._built(fit)
        estimator.fit(fit)
        return estimator


def _files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
