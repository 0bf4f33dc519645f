"""The exporter to ONNX with a network in whole numbers of 8 bits."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from mlforge.components import Exporter, Shipment
from mlforge.errors import DataError

__all__ = ["OnnxInt8"]

_FEWEST = 32  # rows: with fewer, the ranges of a network's layers are chance


class OnnxInt8(Exporter):
    """ONNX with a network's weights and layers in int8: a quarter of the size, often faster."""

    requires: ClassVar[tuple[str, ...]] = ("torch", "onnx", "onnxscript", "safetensors")
    libraries: ClassVar[tuple[str, ...]] = ("torch", "onnx", "onnxscript", "onnxruntime")
    families: ClassVar[frozenset[str]] = frozenset({"network"})
    tolerance: ClassVar[float] = 0.5
    agreement: ClassVar[float] = 0.9

    mode: Literal["static", "dynamic"] = Field(
        default="static",
        description="where the range of a layer's outputs comes from: from training rows, once (static), or from the rows of each request (dynamic), "
        "so that a row's answer depends a little on the rows beside it",
    )
    rows: int = Field(default=512, ge=_FEWEST, le=100_000, description="training rows from which static takes the ranges")
    method: Literal["minmax", "percentile", "entropy"] = Field(
        default="minmax", description="how static takes a range from what it has seen: all of it, all but the rarest, or where the least is lost"
    )
    per_channel: bool = Field(default=True, description="a scale for each neuron's weights instead of one for a layer's: more exact")

    def export(self, shipment: Shipment) -> None:
        """The network's graph in int8; features and classes stay as they are."""
        from mlforge.builtin.exporters.bundled import fill, model_graph
        from mlforge.builtin.exporters.quantised import dynamic, static

        network = model_graph(shipment)
        if self.mode == "dynamic":
            fill(shipment, dynamic(network, per_channel=self.per_channel))
            return
        blocks = shipment.training_rows(self.rows)
        found = len(blocks[0])
        if found < _FEWEST and not shipment.smoke:
            raise DataError(
                f"exporters: onnx_int8 takes the ranges of a network's layers from training rows, and there are {found}; {_FEWEST} are the fewest",
                hint="Give the split a larger training share, or choose mode: dynamic.",
            )
        names = [block.name for block in shipment.encoding.blocks]
        fill(shipment, static(network, dict(zip(names, blocks, strict=True)), self.method, per_channel=self.per_channel))
