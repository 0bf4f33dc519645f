"""Putting the pieces of an ONNX model together, with nothing in it that differs from one run to the next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlforge.artifact import Block
from mlforge.builtin.exporters.labels import OPSET, labelled
from mlforge.task import Output

if TYPE_CHECKING:
    import onnx

__all__ = ["assemble", "strip"]

_NETWORK = "network/"


def assemble(front: onnx.ModelProto, network: onnx.ModelProto, blocks: tuple[Block, ...], output: Output) -> onnx.ModelProto:
    """Raw columns → blocks → raw scores → `prediction` [rows] and, for classes, `probability` [rows, classes].

    Of labels, `prediction` names those with a probability of at least a half, parted by spaces.

    Of texts: the next byte as `prediction` and its `probability` [rows, 256], and `bits` and `bytes` of the text itself.

    `network` takes the blocks by name and gives `scores`.
    """
    from onnx import checker, compose

    network = compose.add_prefix(network, _NETWORK)  # a column may have the name of something inside the network
    network.ir_version = front.ir_version
    joints = [(f"block/{block.name}", f"{_NETWORK}{block.name}") for block in blocks]
    model = compose.merge_models(front, network, io_map=joints, name="model", producer_name="mlforge")
    _head(model.graph, f"{_NETWORK}scores", output)
    if output.kind == "labels":
        for entry in model.opset_import:
            entry.version = max(entry.version, OPSET) if entry.domain == "" else entry.version
    strip(model)
    checker.check_model(model, full_check=True)
    return model


def strip(model: onnx.ModelProto) -> None:
    """Take out what says where and how the model was made: stack traces with paths, descriptions, versions of producers."""
    graph = model.graph
    del model.metadata_props[:], graph.metadata_props[:], graph.value_info[:]
    for part in (model, graph, *graph.node, *graph.initializer, *graph.input, *graph.output):
        part.doc_string = ""
    for part in (*graph.node, *graph.initializer, *graph.input, *graph.output):
        del part.metadata_props[:]
    model.producer_name, model.producer_version, model.domain, model.model_version = "mlforge", "", "", 0


def _head(graph: onnx.GraphProto, scores: str, output: Output) -> None:
    """From raw scores to what a person asked for."""
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper

    del graph.output[:]
    if output.kind == "value":  # in double: a target such as a year needs more digits than float32 has
        constants = {"head/scale": np.float64(output.scale), "head/offset": np.float64(output.offset), "head/shape": np.array([-1], np.int64)}
        graph.initializer.extend(numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items())
        graph.node.extend(
            [
                helper.make_node("Cast", [scores], ["head/double"], name="head/double", to=TensorProto.DOUBLE),
                helper.make_node("Mul", ["head/double", "head/scale"], ["head/scaled"], name="head/scaled"),
                helper.make_node("Add", ["head/scaled", "head/offset"], ["head/column"], name="head/column"),
                helper.make_node("Reshape", ["head/column", "head/shape"], ["prediction"], name="prediction"),
            ]
        )
        graph.output.append(helper.make_tensor_value_info("prediction", TensorProto.DOUBLE, ["rows"]))
        return
    if output.kind == "bytes":
        _next_byte(graph, scores)
        return
    if output.kind == "labels":
        labelled(graph, scores, output)
        return
    names = np.array(output.classes, dtype=object if isinstance(output.classes[0], str) else None)
    classes = numpy_helper.from_array(names, "head/classes")
    graph.initializer.append(classes)
    graph.node.extend(
        [
            helper.make_node("Softmax", [scores], ["probability"], name="probability", axis=1),
            helper.make_node("ArgMax", [scores], ["head/best"], name="head/best", axis=1, keepdims=0),
            helper.make_node("Gather", ["head/classes", "head/best"], ["prediction"], name="prediction", axis=0),
        ]
    )
    graph.output.append(helper.make_tensor_value_info("prediction", classes.data_type, ["rows"]))
    graph.output.append(helper.make_tensor_value_info("probability", TensorProto.FLOAT, ["rows", len(output.classes)]))


def _next_byte(graph: onnx.GraphProto, scores: str) -> None:
    """Raw scores of texts, apart: logits of the byte that comes next, bits, bytes."""
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper

    from mlforge.task import BYTES

    constants = {"head/sizes": np.array([BYTES, 1, 1], np.int64), "head/shape": np.array([-1], np.int64)}
    graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in constants.items())
    graph.node.extend(
        [
            helper.make_node("Split", [scores, "head/sizes"], ["head/logits", "head/bits", "head/bytes"], name="head/split", axis=1),
            helper.make_node("Softmax", ["head/logits"], ["probability"], name="probability", axis=1),
            helper.make_node("ArgMax", ["head/logits"], ["prediction"], name="prediction", axis=1, keepdims=0),
            helper.make_node("Reshape", ["head/bits", "head/shape"], ["bits"], name="bits"),
            helper.make_node("Reshape", ["head/bytes", "head/shape"], ["head/count"], name="head/count"),
            helper.make_node("Cast", ["head/count"], ["bytes"], name="bytes", to=TensorProto.INT64),
        ]
    )
    for name, kind in {"prediction": TensorProto.INT64, "bits": TensorProto.FLOAT, "bytes": TensorProto.INT64}.items():
        graph.output.append(helper.make_tensor_value_info(name, kind, ["rows"]))
    graph.output.append(helper.make_tensor_value_info("probability", TensorProto.FLOAT, ["rows", BYTES]))
