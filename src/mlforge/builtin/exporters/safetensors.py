"""The exporter that sends a network's weights along."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import ClassVar

from mlforge.components import Exporter, Shipment
from mlforge.runtime.bundle import enclose

__all__ = ["Safetensors"]

WEIGHTS, CONFIG = "weights.safetensors", "config.json"


class Safetensors(Exporter):
    """The ONNX bundle with the network's weights (safetensors) and its settings (JSON) in it, to be trained on or converted elsewhere."""

    requires: ClassVar[tuple[str, ...]] = ("torch", "onnx", "onnxscript", "safetensors")
    libraries: ClassVar[tuple[str, ...]] = ("torch", "onnx", "onnxscript")
    families: ClassVar[frozenset[str]] = frozenset({"network"})

    def export(self, shipment: Shipment) -> None:
        """The bundle, and two files that no server reads; neither can carry code."""
        from mlforge.builtin.exporters.bundled import fill, model_graph

        fill(shipment, model_graph(shipment))
        kind, encoding = type(shipment.model), shipment.encoding
        told = {
            "format": 1,
            "model": {"component": f"{kind.__module__}:{kind.__qualname__}", "fields": shipment.model.model_dump(mode="json")},
            "blocks": [asdict(block) for block in encoding.blocks],
            "output": asdict(encoding.output),
        }
        enclose(shipment.folder, CONFIG, (json.dumps(told, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode())
        enclose(shipment.folder, WEIGHTS, (shipment.trained.folder / WEIGHTS).read_bytes())
