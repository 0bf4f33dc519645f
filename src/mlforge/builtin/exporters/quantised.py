"""A network's graph in int8. Imports onnxruntime's tools: only an exporter's `export` imports it."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnxruntime import quantization as tools

__all__ = ["dynamic", "static"]

_METHODS = {
    "minmax": tools.CalibrationMethod.MinMax,
    "percentile": tools.CalibrationMethod.Percentile,
    "entropy": tools.CalibrationMethod.Entropy,
}
_ROWS = 64  # run at a time: what lies between the layers is kept while the ranges are taken


class _Rows(tools.CalibrationDataReader):  # type: ignore[misc]  # onnxruntime is not typed for us
    """Rows, some at a time."""

    def __init__(self, blocks: Mapping[str, np.ndarray]) -> None:
        rows = len(next(iter(blocks.values())))
        self._parts = iter([{name: block[start : start + _ROWS] for name, block in blocks.items()} for start in range(0, rows, _ROWS)])

    def get_next(self) -> dict[str, np.ndarray] | None:
        """The next ones, while there are any."""
        return next(self._parts, None)


def dynamic(network: onnx.ModelProto, *, per_channel: bool) -> onnx.ModelProto:
    """Weights in int8; the ranges of what goes between the layers are found with every request."""
    beyond = _stacked(network)
    kind = tools.QuantType.QInt8
    return _made(network, lambda model, path: tools.quantize_dynamic(model, path, per_channel=per_channel, weight_type=kind, nodes_to_exclude=beyond))


def static(network: onnx.ModelProto, blocks: Mapping[str, np.ndarray], method: str, *, per_channel: bool) -> onnx.ModelProto:
    """Weights and layers in int8, with ranges that these rows have."""
    return _made(network, lambda model, path: tools.quantize_static(model, path, _Rows(blocks), per_channel=per_channel, calibrate_method=_METHODS[method]))


def _stacked(network: onnx.ModelProto) -> list[str]:
    """Products with a stack of matrices, which onnxruntime (1.32) cannot carry out in int8 with ranges of the moment: they stay in float32."""
    shapes = {tensor.name: len(tensor.dims) for tensor in network.graph.initializer}
    return [node.name for node in network.graph.node if node.op_type == "MatMul" and any(shapes.get(name, 2) != 2 for name in node.input)]


def _made(network: onnx.ModelProto, work: Callable[[onnx.ModelProto, str], None]) -> onnx.ModelProto:
    """The tools write to a file, keep some beside the model that they are given, and change that model."""
    given = onnx.ModelProto()
    given.CopyFrom(network)
    with tempfile.TemporaryDirectory(prefix="mlforge-") as folder, _quiet():
        path = Path(folder) / "quantised.onnx"
        work(given, str(path))
        made: onnx.ModelProto = onnx.load(path)
    return made


@contextmanager
def _quiet() -> Iterator[None]:
    """They recommend, at the root logger, to optimise the graph first: onnxruntime does when it opens it."""
    before: Any = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
