"""The exporter to ONNX."""

from __future__ import annotations

from typing import ClassVar

from mlforge.components import Exporter, Shipment

__all__ = ["Onnx"]


class Onnx(Exporter):
    """One ONNX graph in float32, from raw row to prediction."""

    requires: ClassVar[tuple[str, ...]] = ("torch", "onnx", "onnxscript", "safetensors")
    libraries: ClassVar[tuple[str, ...]] = ("torch", "onnx", "onnxscript")

    def export(self, shipment: Shipment) -> None:
        """Put the features' graph in front of the model, and the classes behind it."""
        from mlforge.builtin.exporters.bundled import fill, model_graph

        fill(shipment, model_graph(shipment))
