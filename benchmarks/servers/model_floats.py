"""The models of the race: one network, as a plain ONNX over a tensor of floats and as a bundle of mlforge over a column of them; made without training."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FEATURES = 14
HIDDEN = 128


def main(folder: Path) -> None:
    """Write `floats.onnx` and the bundle `floats/`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "floats.onnx").write_bytes(_plain())
    _bundle(folder / "floats")


def _layers(source: str) -> tuple[list[onnx.NodeProto], list[onnx.TensorProto]]:
    draw = np.random.default_rng(0)
    nodes, weights = [], []
    sizes = (FEATURES, HIDDEN, HIDDEN, 1)
    for number, (taken, given) in enumerate(itertools.pairwise(sizes)):
        weights += [
            numpy_helper.from_array((draw.standard_normal((taken, given)) / taken**0.5).astype(np.float32), f"w{number}"),
            numpy_helper.from_array(np.zeros(given, np.float32), f"b{number}"),
        ]
        nodes.append(helper.make_node("Gemm", [source, f"w{number}", f"b{number}"], [f"h{number}"]))
        source = f"a{number}"
        nodes.append(helper.make_node("Relu" if given > 1 else "Sigmoid", [f"h{number}"], [source]))
    return nodes, weights


def _model(nodes: list[onnx.NodeProto], weights: list[onnx.TensorProto], inputs: list[onnx.ValueInfoProto], outputs: list[onnx.ValueInfoProto]) -> bytes:
    graph = helper.make_graph(nodes, "network", inputs, outputs, weights)
    return bytes(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9).SerializeToString())


def _plain() -> bytes:
    nodes, weights = _layers("x")
    value = helper.make_tensor_value_info
    return _model(nodes, weights, [value("x", TensorProto.FLOAT, ["rows", FEATURES])], [value("a2", TensorProto.FLOAT, ["rows", 1])])


def _bundle(folder: Path) -> None:
    from mlforge.contract import Column, Contract
    from mlforge.runtime.bundle import write_bundle
    from mlforge.task import Output

    nodes, weights = _layers("floats")
    weights += [numpy_helper.from_array(np.array([[1.0]], np.float32), "one"), numpy_helper.from_array(np.array(["no", "yes"], object), "names")]
    nodes = [
        helper.make_node("Cast", ["x"], ["floats"], to=TensorProto.FLOAT),
        *nodes,
        helper.make_node("Sub", ["one", "a2"], ["no"]),
        helper.make_node("Concat", ["no", "a2"], ["probability"], axis=1),
        helper.make_node("ArgMax", ["probability"], ["place"], axis=1, keepdims=0),
        helper.make_node("Gather", ["names", "place"], ["prediction"]),
    ]
    value = helper.make_tensor_value_info
    outputs = [value("prediction", TensorProto.STRING, ["rows"]), value("probability", TensorProto.FLOAT, ["rows", 2])]
    contract = Contract(columns={"x": Column(dtype=f"array[float, {FEATURES}]")}, extra="drop")
    folder.mkdir(parents=True, exist_ok=True)
    model = _model(nodes, weights, [value("x", TensorProto.DOUBLE, ["rows", FEATURES])], outputs)
    write_bundle(folder, model=model, task="classification", contract=contract, output=Output("classes", "y", ("no", "yes")), columns=("x",), seen={})


if __name__ == "__main__":
    main(Path(sys.argv[1]))
