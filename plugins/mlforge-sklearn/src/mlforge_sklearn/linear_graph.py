"""A linear model as an ONNX graph."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING

import numpy as np

from mlforge.artifact import Block

if TYPE_CHECKING:
    import onnx

__all__ = ["linear_graph"]


def linear_graph(blocks: tuple[Block, ...], weights: np.ndarray, bias: np.ndarray, opset: int) -> onnx.ModelProto:
    """`weights` is [one-hot columns, outputs], in the order of the blocks; sums are made in double, for categories need no one-hot at all."""
    from onnx import TensorProto, helper, numpy_helper

    nodes, constants, terms, start = [], [numpy_helper.from_array(np.asarray(bias, np.float64), "bias")], [], 0
    for block in blocks:
        columns = sum(block.cardinalities) or block.width
        constants.append(numpy_helper.from_array(np.ascontiguousarray(weights[start : start + columns], np.float64), f"{block.name}/weights"))
        start += columns
        terms.append(f"{block.name}/term")
        if block.cardinalities:
            starts = np.array([0, *accumulate(block.cardinalities)][:-1], np.int64)
            constants.append(numpy_helper.from_array(starts, f"{block.name}/starts"))
            constants.append(numpy_helper.from_array(np.array([1], np.int64), f"{block.name}/axis"))
            nodes += [
                helper.make_node("Add", [block.name, f"{block.name}/starts"], [f"{block.name}/rows"], name=f"{block.name}/rows"),
                helper.make_node("Gather", [f"{block.name}/weights", f"{block.name}/rows"], [f"{block.name}/each"], name=f"{block.name}/each", axis=0),
                helper.make_node("ReduceSum", [f"{block.name}/each", f"{block.name}/axis"], [terms[-1]], name=terms[-1], keepdims=0),
            ]
        else:
            nodes += [
                helper.make_node("Cast", [block.name], [f"{block.name}/double"], name=f"{block.name}/double", to=TensorProto.DOUBLE),
                helper.make_node("MatMul", [f"{block.name}/double", f"{block.name}/weights"], [terms[-1]], name=terms[-1]),
            ]
    nodes += [
        helper.make_node("Sum", [*terms, "bias"], ["sums"], name="sums"),
        helper.make_node("Cast", ["sums"], ["scores"], name="scores", to=TensorProto.FLOAT),
    ]
    inputs = [helper.make_tensor_value_info(b.name, TensorProto.FLOAT if b.dtype == "float32" else TensorProto.INT64, ["rows", b.width]) for b in blocks]
    outputs = [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["rows", weights.shape[1]])]
    return helper.make_model(helper.make_graph(nodes, "linear", inputs, outputs, constants), opset_imports=[helper.make_opsetid("", opset)])
