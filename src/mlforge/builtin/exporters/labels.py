"""From raw scores to labels that do not exclude each other, as ONNX nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlforge.task import Output

if TYPE_CHECKING:
    import onnx

__all__ = ["OPSET", "labelled"]

OPSET = 20  # the first that can join texts; of what fronts and networks are made of, nothing means another thing than in 18


def labelled(graph: onnx.GraphProto, scores: str, output: Output) -> None:
    """`probability` [rows, labels], each for itself, and `prediction` [rows]: the labels with at least a half, in their order and parted by spaces.

    Names are joined within the graph, so that whoever serves a bundle needs to know nothing of labels: a prediction is a text, as that of a class is.
    """
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper

    names = np.array(output.targets, dtype=object)
    made = {
        "head/names": names, "head/none": np.array("", dtype=object), "head/space": np.array(" ", dtype=object), "head/zero": np.array(0, np.float32),
        "head/first": np.array(0, np.int64), "head/axis": np.array(1, np.int64),
    }  # fmt: skip
    graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in made.items())
    nodes = [
        ("Sigmoid", [scores], "probability", {}),
        ("GreaterOrEqual", [scores, "head/zero"], "head/hit", {}),
        ("Cast", ["head/hit"], "head/count", {"to": TensorProto.INT64}),
        ("CumSum", ["head/count", "head/axis"], "head/before", {"exclusive": 1}),
        ("Greater", ["head/before", "head/first"], "head/later", {}),
        ("And", ["head/hit", "head/later"], "head/parted", {}),
        ("Where", ["head/hit", "head/names", "head/none"], "head/said", {}),
        ("Where", ["head/parted", "head/space", "head/none"], "head/gap", {}),
        ("StringConcat", ["head/gap", "head/said"], "head/part/0", {}),
    ]
    columns = [f"head/column/{k}" for k in range(len(names))]
    graph.node.extend(helper.make_node(kind, takes, [gives], name=gives, **settings) for kind, takes, gives, settings in nodes)
    for k, column in enumerate(columns):
        graph.initializer.append(numpy_helper.from_array(np.array(k, np.int64), f"head/at/{k}"))
        graph.node.append(helper.make_node("Gather", ["head/part/0", f"head/at/{k}"], [column], name=column, axis=1))
    joined = columns[0]
    for k, column in enumerate(columns[1:], 1):
        name = "prediction" if k == len(columns) - 1 else f"head/joined/{k}"
        graph.node.append(helper.make_node("StringConcat", [joined, column], [name], name=name))
        joined = name
    graph.output.append(helper.make_tensor_value_info("prediction", TensorProto.STRING, ["rows"]))
    graph.output.append(helper.make_tensor_value_info("probability", TensorProto.FLOAT, ["rows", len(names)]))
