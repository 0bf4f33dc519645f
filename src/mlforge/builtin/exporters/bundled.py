"""From a fitted model to a bundle: the features' graph in front of the model's, and the classes behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlforge.components import Shipment
from mlforge.errors import RecipeError
from mlforge.runtime.bundle import write_bundle

if TYPE_CHECKING:
    import onnx

__all__ = ["fill", "model_graph"]


def model_graph(shipment: Shipment) -> onnx.ModelProto:
    """The fitted model alone, from blocks to raw scores, at the opset of the features' graph."""
    (opset,) = (entry.version for entry in _front(shipment).opset_import if entry.domain == "")
    family = shipment.model.family
    if family == "estimator":
        return shipment.estimator().graph(opset)
    if family != "network":
        raise RecipeError(f"exporters: networks and estimators become ONNX, and the model is a {family}", hint="Choose another exporter.")
    from mlforge.builtin.exporters.torch_graph import network_graph

    return network_graph(shipment.network(), shipment.encoding.blocks, opset)


def fill(shipment: Shipment, model: onnx.ModelProto) -> None:
    """Write the bundle with this graph of the model: float32, or what an exporter has made of it."""
    from mlforge.builtin.exporters.graph import assemble

    encoding = shipment.encoding
    whole = assemble(_front(shipment), model, encoding.blocks, encoding.output)
    write_bundle(
        shipment.folder,
        model=whole.SerializeToString(deterministic=True),
        task=shipment.task.name,
        contract=shipment.contract,
        output=encoding.output,
        columns=encoding.columns,
        seen=encoding.vocabularies,
    )


def _front(shipment: Shipment) -> onnx.ModelProto:
    import onnx

    return onnx.load(shipment.encoding.folder / "front.onnx")
