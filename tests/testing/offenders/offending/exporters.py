"""Exporters with a flaw, over mlforge's own to ONNX."""

import os
import pickle
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from mlforge.builtin.exporters.onnx import Onnx


class Bent(Onnx):
    """Ships other weights than those that were trained."""

    def export(self, shipment):
        from safetensors.torch import load_file, save_file

        from mlforge.artifact import Trained

        with tempfile.TemporaryDirectory() as folder:
            if (shipment.trained.folder / "weights.safetensors").exists():
                weights = load_file(shipment.trained.folder / "weights.safetensors")
                save_file({name: tensor * 3 for name, tensor in weights.items()}, Path(folder, "weights.safetensors"))
            super().export(replace(shipment, trained=Trained(Path(folder))))


class Stamped(Onnx):
    """Notes when it was made."""

    def export(self, shipment):
        super().export(shipment)
        (shipment.folder / "made").write_text(str(time.time_ns()))


class Located(Onnx):
    """Notes where it was made."""

    def export(self, shipment):
        super().export(shipment)
        (shipment.folder / "made").write_text("/home/somebody/project/models")


class Coded(Onnx):
    """Adds a pickle, in case somebody wants one."""

    def export(self, shipment):
        super().export(shipment)
        (shipment.folder / "model").write_bytes(pickle.dumps({"a": "model"}))


class Loosened(Onnx):
    """Forgets the bounds of the contract."""

    def export(self, shipment):
        columns = {key: column.model_copy(update={"ge": None, "le": None}) for key, column in shipment.contract.columns.items()}
        super().export(replace(shipment, contract=shipment.contract.model_copy(update={"columns": columns})))


class Spilling(Onnx):
    """Leaves its notes when the export fails."""

    def export(self, shipment):
        handle, name = tempfile.mkstemp()
        super().export(shipment)
        os.close(handle)
        Path(name).unlink()
