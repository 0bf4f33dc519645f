"""The exporter that also compiles a network for programs of one's own."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import ClassVar

from mlforge.components import Exporter, Shipment
from mlforge.errors import MissingRequirement, RunFailed

__all__ = ["TorchExport"]

PACKAGE = "network.pt2"
_WITHIN = 1e-4  # raw scores: another order of sums, and no more


class TorchExport(Exporter):
    """The ONNX bundle, and beside it, in the run's folder, the network as an AOTInductor package, which is native code and which mlforge never serves."""

    requires: ClassVar[tuple[str, ...]] = ("torch", "onnx", "onnxscript", "safetensors")
    libraries: ClassVar[tuple[str, ...]] = ("torch", "onnx", "onnxscript")
    families: ClassVar[frozenset[str]] = frozenset({"network"})

    def export(self, shipment: Shipment) -> None:
        """The bundle is code-free like any other; the package is made only where a run keeps files that are no part of its result."""
        from mlforge.builtin.exporters.bundled import fill, model_graph

        fill(shipment, model_graph(shipment))
        if shipment.aside is not None:
            shipment.aside.mkdir(parents=True, exist_ok=True)
            self._compile(shipment, shipment.aside / PACKAGE)

    def _compile(self, shipment: Shipment, path: Path) -> None:
        from mlforge.builtin.exporters.compiled import apart, compile_network

        if shutil.which("g++") is None and shutil.which("clang++") is None:
            raise MissingRequirement(
                "exporters: torch_export needs a C++ compiler, and there is none", hint="Install g++ or clang++, or leave torch_export out."
            )
        compile_network(shipment.network(), shipment.encoding.blocks, path)
        difference = apart(path, shipment.network(), shipment.training_rows(100))
        if not difference <= _WITHIN:
            raise RunFailed(f"exporters: the compiled network differs from the trained one by {difference:.3g}", hint="Leave torch_export out.")
