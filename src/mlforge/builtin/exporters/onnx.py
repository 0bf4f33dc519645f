"""The exporter to ONNX."""

from __future__ import annotations

from typing import ClassVar

from mlforge.components import Exporter, Shipment
from mlforge.errors import RecipeError
from mlforge.runtime.bundle import write_bundle

__all__ = ["Onnx"]


class Onnx(Exporter):
    """One ONNX graph in float32, from raw row to prediction."""

    requires: ClassVar[tuple[str, ...]] = ("torch", "onnx", "onnxscript", "safetensors")
    libraries: ClassVar[tuple[str, ...]] = ("torch", "onnx", "onnxscript")

    def export(self, shipment: Shipment) -> None:
        """Put the features' graph in front of the model, and the classes behind it."""
        import onnx

        from mlforge.builtin.exporters.graph import assemble

        family = shipment.model.family
        if family not in ("network", "estimator"):
            raise RecipeError(f"exporters: onnx exports networks and estimators, and the model is a {family}", hint="Choose another exporter.")
        encoding = shipment.encoding
        front = onnx.load(encoding.folder / "front.onnx")
        (opset,) = (entry.version for entry in front.opset_import if entry.domain == "")
        if family == "estimator":
            network = shipment.estimator().graph(opset)
        else:
            from mlforge.builtin.exporters.torch_graph import network_graph

            network = network_graph(shipment.network(), encoding.blocks, opset)
        model = assemble(front, network, encoding.blocks, encoding.output)
        write_bundle(
            shipment.folder,
            model=model.SerializeToString(deterministic=True),
            task=shipment.task.name,
            contract=shipment.contract,
            output=encoding.output,
            columns=encoding.columns,
            seen=encoding.vocabularies,
        )
