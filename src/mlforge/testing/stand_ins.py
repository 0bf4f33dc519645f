"""Small models that stand in where a suite for a trainer or an exporter needs one: a network, and an estimator."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from mlforge.artifact import Block
from mlforge.components import Fitting, Model
from mlforge.task import Output

if TYPE_CHECKING:
    import onnx
    import torch

__all__ = ["LeastSquares", "Slopes", "model_for"]


class Slopes(Model):
    """A weight per number and per category."""

    def build(self, blocks: tuple[Block, ...], output: Output) -> torch.nn.Module:
        """A sum of linear layers and embeddings."""
        from mlforge.builtin.models.linear import Linear

        built: torch.nn.Module = Linear().build(blocks, output)
        return built


class LeastSquares(Model):
    """Least squares over numbers and ids as they are, to each class's indicator or to the value."""

    family: ClassVar[str] = "estimator"

    def build(self, blocks: tuple[Block, ...], output: Output) -> Solved:
        """Still to be solved."""
        return Solved(blocks, output)


class Solved:
    """An `Estimator`: one matrix."""

    def __init__(self, blocks: tuple[Block, ...], output: Output) -> None:
        self.blocks, self.output = blocks, output
        self._weights = np.zeros((sum(block.width for block in blocks) + 1, output.width), np.float32)

    def fit(self, fitting: Fitting) -> Sequence[Mapping[str, float]]:
        """One solve, and so one round without a curve."""
        target = fitting.train.target
        wanted = target if self.output.kind == "value" else np.eye(self.output.width, dtype=np.float32)[target]
        solved, *_ = np.linalg.lstsq(self._matrix(fitting.train.blocks), wanted, rcond=None)
        self._weights = solved.astype(np.float32)
        fitting.progress(1, 1, "solved")
        return []

    def save(self, folder: Path) -> None:
        """JSON."""
        (folder / "weights.json").write_text(json.dumps(self._weights.tolist()))

    def load(self, folder: Path) -> None:
        """JSON."""
        self._weights = np.array(json.loads((folder / "weights.json").read_text()), np.float32)

    def scores(self, blocks: tuple[np.ndarray, ...]) -> np.ndarray:
        """A product."""
        said: np.ndarray = self._matrix(blocks) @ self._weights
        return said

    def graph(self, opset: int) -> onnx.ModelProto:
        """The same product."""
        from onnx import TensorProto, helper, numpy_helper

        kinds = {"float32": TensorProto.FLOAT, "int64": TensorProto.INT64}
        inputs = [helper.make_tensor_value_info(block.name, kinds[block.dtype], ["rows", block.width]) for block in self.blocks]
        nodes = [helper.make_node("Cast", [block.name], [f"cast/{block.name}"], to=TensorProto.FLOAT) for block in self.blocks]
        nodes += [
            helper.make_node("Concat", [f"cast/{block.name}" for block in self.blocks], ["matrix"], axis=1),
            helper.make_node("Gemm", ["matrix", "slopes", "offset"], ["scores"]),
        ]
        constants = [numpy_helper.from_array(self._weights[:-1], "slopes"), numpy_helper.from_array(self._weights[-1], "offset")]
        output = helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["rows", self.output.width])
        return helper.make_model(helper.make_graph(nodes, "solved", inputs, [output], constants), opset_imports=[helper.make_opsetid("", opset)])

    def _matrix(self, blocks: tuple[np.ndarray, ...]) -> np.ndarray:
        return np.hstack([*(block.astype(np.float32) for block in blocks), np.ones((len(blocks[0]), 1), np.float32)])


def model_for(families: frozenset[str]) -> Model:
    """A model of one of these families, a network where there is a choice."""
    if "network" in families:
        return Slopes()
    if "estimator" in families:
        return LeastSquares()
    raise AssertionError(f"there is no stand-in of the family {', '.join(sorted(families))}: give the suite a `model`")
