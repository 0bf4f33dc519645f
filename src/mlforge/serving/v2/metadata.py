"""What the server and its models tell about themselves, for HTTP and gRPC alike."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version

from mlforge.runtime.bundle import Bundle
from mlforge.serving.v2.signature import MATRIX, Signature
from mlforge.task import BYTES, Output

__all__ = ["EXTENSIONS", "NAME", "PLATFORM", "ModelMetadata", "TensorMetadata", "described", "server_metadata"]

NAME = "mlforge"
EXTENSIONS = ("binary_tensor_data",)
PLATFORM = "onnx_onnxv1"


@dataclass(frozen=True, slots=True)
class TensorMetadata:
    """A tensor that a model takes or puts out; -1 in its shape stands for the rows."""

    name: str
    datatype: str
    shape: Sequence[int]


@dataclass(frozen=True, slots=True)
class ModelMetadata:
    """What a model takes and puts out."""

    name: str
    versions: Sequence[str]  # that may be asked for; none where no store has registered the bundle
    inputs: Sequence[TensorMetadata]
    outputs: Sequence[TensorMetadata]
    properties: Mapping[str, str]
    platform: str = PLATFORM


def server_metadata() -> dict[str, object]:
    """The server's name, version and extensions."""
    return {"name": NAME, "version": version("mlforge"), "extensions": list(EXTENSIONS)}


def described(name: str, versions: Sequence[str], bundle: Bundle, signature: Signature) -> ModelMetadata:
    """A model's metadata, from its contract."""
    properties = {"task": bundle.task}
    if bundle.output.classes:
        properties["classes"] = json.dumps(bundle.output.classes, ensure_ascii=False)  # in the order of `probability`
    if signature.matrix:
        properties["matrix"] = f"all columns may be sent as one tensor {MATRIX!r} of shape [-1, {len(signature.slots)}], in the order of inputs"
    inputs = [TensorMetadata(slot.name, slot.datatype, slot.shape) for slot in signature.slots]
    return ModelMetadata(name, versions, inputs, _outputs(bundle.output), properties)


def _outputs(output: Output) -> list[TensorMetadata]:
    if output.kind == "value":
        return [TensorMetadata("prediction", "FP64", [-1])]
    if output.kind == "bytes":
        texts = [TensorMetadata("bits", "FP32", [-1]), TensorMetadata("bytes", "INT64", [-1])]
        return [TensorMetadata("prediction", "INT64", [-1]), *texts, TensorMetadata("probability", "FP32", [-1, BYTES])]
    kind = {bool: "BOOL", int: "INT64"}.get(type(output.classes[0]), "BYTES")
    return [TensorMetadata("prediction", kind, [-1]), TensorMetadata("probability", "FP32", [-1, len(output.classes)])]
