"""Boosted trees: fitted by LightGBM, kept in its text format, written as an ONNX graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lightgbm
import numpy as np

from mlforge.artifact import Block
from mlforge.components import Fitting, Tensors
from mlforge.errors import DataError, RunFailed
from mlforge.task import Output
from mlforge.trees import graph_of, matrix
from mlforge_lightgbm.reading import trees_of

if TYPE_CHECKING:
    import onnx

    from mlforge_lightgbm.model import LightGBM

__all__ = ["Boosted"]

_FILE = "model.txt"


class Boosted:
    """An `Estimator` over the blocks side by side, numbers first."""

    def __init__(self, model: LightGBM, blocks: tuple[Block, ...], output: Output) -> None:
        self.model, self.blocks, self.output = model, blocks, output
        self._booster: Any = None

    def fit(self, fitting: Fitting) -> Sequence[Mapping[str, float]]:
        """Add trees until the validation loss no longer falls."""
        model = self.model
        train = self._data(fitting.train)
        validation = self._data(fitting.validation, train)
        rounds = 1 if fitting.smoke else model.n_estimators
        losses: list[float] = []

        def note(state: Any) -> None:
            losses.append(state.evaluation_result_list[0][2])
            fitting.progress(state.iteration + 1, rounds, f"round {state.iteration + 1}")

        callbacks: list[Any] = [note]
        if model.early_stopping_rounds is not None:
            callbacks.append(lightgbm.early_stopping(model.early_stopping_rounds, verbose=False))
        parameters = model.parameters(self.output, fitting.seed, fitting.threads)
        try:
            booster = lightgbm.train(parameters, train, rounds, valid_sets=[validation], valid_names=["validation"], callbacks=callbacks)
        except lightgbm.basic.LightGBMError as error:
            raise RunFailed(f"model.lightgbm: {str(error)[:300]}", hint="LightGBM refused these settings or rows.") from None
        self._read(booster.model_to_string(num_iteration=int(np.argmin(losses)) + 1))
        return [{"validation/loss": loss} for loss in losses]

    def save(self, folder: Path) -> None:
        """LightGBM's own text."""
        (folder / _FILE).write_text(self._booster.model_to_string(), encoding="utf-8")

    def load(self, folder: Path) -> None:
        """Read it again; the text is parsed, never run."""
        try:
            self._read((folder / _FILE).read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, lightgbm.basic.LightGBMError) as error:
            raise DataError(f"{folder / _FILE}: LightGBM cannot read it: {str(error)[:200]}", hint="Fit the model again.") from None

    def scores(self, blocks: tuple[np.ndarray, ...]) -> np.ndarray:
        """What LightGBM says, before any link."""
        raw: np.ndarray = self._booster.predict(matrix(blocks), raw_score=True).reshape(len(blocks[0]), -1)
        return np.hstack([np.zeros_like(raw), raw]) if self._binary else raw

    def graph(self, opset: int) -> onnx.ModelProto:
        """The same trees as ONNX has them."""
        outputs = 1 if self._binary or self.output.kind == "value" else self.output.width
        return graph_of(trees_of(self._booster, outputs), self.blocks, [0.0] * outputs, "binary" if self._binary else "scores", opset)

    @property
    def _binary(self) -> bool:
        return self.output.kind == "classes" and self.output.width == 2

    def _read(self, text: str) -> None:
        self._booster = lightgbm.Booster(model_str=text)

    def _data(self, rows: Tensors, reference: Any = None) -> Any:
        native = self.model.categories == "native"
        widths = [(block.width, native and bool(block.cardinalities)) for block in self.blocks]
        categorical = [i for i, flag in enumerate(flag for width, flag in widths for _ in range(width)) if flag]
        target = np.asarray(rows.target).reshape(-1)
        parameters = {"max_bin": self.model.max_bin, "verbosity": -1, "feature_pre_filter": False}
        return lightgbm.Dataset(
            matrix(rows.blocks), target, reference=reference, weight=rows.weight, categorical_feature=categorical, params=parameters, free_raw_data=True
        )
