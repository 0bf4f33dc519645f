"""The exporter to ONNX with weights of half the size."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from mlforge.components import Exporter, Shipment

if TYPE_CHECKING:
    import onnx

__all__ = ["OnnxFp16"]

_LARGEST = 65504.0  # that float16 can write
_FEWEST = 16  # numbers of a tensor that is worth it


class OnnxFp16(Exporter):
    """ONNX with a network's weights in float16: half the size, and computed in float32, which is what CPUs are fast in."""

    requires: ClassVar[tuple[str, ...]] = ("torch", "onnx", "onnxscript", "safetensors")
    libraries: ClassVar[tuple[str, ...]] = ("torch", "onnx", "onnxscript")
    families: ClassVar[frozenset[str]] = frozenset({"network"})
    tolerance: ClassVar[float] = 0.05
    agreement: ClassVar[float] = 0.99

    def export(self, shipment: Shipment) -> None:
        """The network's graph with narrow weights; features and classes stay as they are."""
        from mlforge.builtin.exporters.bundled import fill, model_graph

        fill(shipment, narrowed(model_graph(shipment)))


def narrowed(network: onnx.ModelProto) -> onnx.ModelProto:
    """Weights in float16, each widened by a node that a runtime carries out once. A tensor with a number that float16 cannot write stays as it is."""
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper

    graph, casts = network.graph, []
    for tensor in list(graph.initializer):
        values = numpy_helper.to_array(tensor)
        if tensor.data_type != TensorProto.FLOAT or values.size < _FEWEST or not np.abs(values).max() <= _LARGEST:
            continue
        narrow, name = f"{tensor.name}/half", tensor.name
        casts.append(helper.make_node("Cast", [narrow], [name], name=name, to=TensorProto.FLOAT))
        tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), narrow))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    return network
