"""Writing a transform's ONNX nodes, every name under the transform's entry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from onnx import NodeProto, TensorProto

__all__ = ["Nodes"]


class Nodes:
    """Collects nodes and constants; names are the entry's, counted up, so that the same fit gives the same bytes."""

    def __init__(self, entry: str) -> None:
        self.entry = entry
        self.nodes: list[NodeProto] = []
        self.constants: list[TensorProto] = []

    def add(self, operator: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """Add a node with one output; the output's name."""
        from onnx import helper

        name = f"{self.entry}/{len(self.nodes)}_{operator.lower()}"
        self.nodes.append(helper.make_node(operator, list(inputs), [name], name=name, domain=domain, **attributes))
        return name

    def constant(self, value: np.ndarray) -> str:
        """Add a constant; its name."""
        from onnx import numpy_helper

        name = f"{self.entry}/constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(value, name))
        return name
