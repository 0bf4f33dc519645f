"""A graph made slow: the same answers, after much work."""

from __future__ import annotations

__all__ = ["slowed"]

_SIDE = 512
_PRODUCTS = 250  # of two such matrices, each a few milliseconds


def slowed(graph: bytes) -> bytes | None:
    """The graph, a second or more slower; None where onnx is not installed, or where no input is a number that the work could hang on."""
    try:
        import numpy as np
        from onnx import ModelProto, TensorProto, helper, numpy_helper
    except ImportError:
        return None
    model = ModelProto.FromString(graph)
    inner = model.graph
    number = next((one for one in inner.input if one.type.tensor_type.elem_type == TensorProto.DOUBLE), None)
    if number is None:
        return None
    name = "drill/input"
    for node in inner.node:
        node.input[:] = [name if one == number.name else one for one in node.input]
    inner.initializer.append(numpy_helper.from_array(np.full((_SIDE, _SIDE), 1e-6), "drill/matrix"))
    inner.initializer.append(numpy_helper.from_array(np.zeros(()), "drill/zero"))
    work = [
        helper.make_node("IsNaN", [number.name], ["drill/nan"]),  # depends on the rows and is a number whatever they are
        helper.make_node("Cast", ["drill/nan"], ["drill/cast"], to=TensorProto.DOUBLE),
        helper.make_node("ReduceMax", ["drill/cast"], ["drill/some"], keepdims=0),
        helper.make_node("Add", ["drill/matrix", "drill/some"], ["drill/0"]),
    ]
    work += [helper.make_node("MatMul", [f"drill/{step}", "drill/matrix"], [f"drill/{step + 1}"]) for step in range(_PRODUCTS)]
    work += [
        helper.make_node("ReduceMax", [f"drill/{_PRODUCTS}"], ["drill/done"], keepdims=0),
        helper.make_node("Mul", ["drill/done", "drill/zero"], ["drill/nothing"]),
        helper.make_node("Add", [number.name, "drill/nothing"], [name]),
    ]
    nodes = [*work, *inner.node]
    del inner.node[:]
    inner.node.extend(nodes)
    return bytes(model.SerializeToString())
