"""Inference requests and responses between gRPC's messages and what all transports share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from mlforge.serving.grpc.messages import message
from mlforge.serving.v2.answer import Said, chosen
from mlforge.serving.v2.binary import packed, unpacked
from mlforge.serving.v2.datatypes import BYTES, Datatype, datatype, of_dtype
from mlforge.serving.v2.inference import Inference, Wanted, named_once
from mlforge.serving.v2.malformed import Malformed
from mlforge.serving.v2.tensor import Tensor, counted

__all__ = ["asked", "told"]

_FIELDS = {
    "BOOL": "bool_contents",
    **dict.fromkeys(("INT8", "INT16", "INT32"), "int_contents"),
    "INT64": "int64_contents",
    **dict.fromkeys(("UINT8", "UINT16", "UINT32"), "uint_contents"),
    "UINT64": "uint64_contents",
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
    "BYTES": "bytes_contents",
}


def asked(request: Any) -> Inference:
    """What a ModelInferRequest asks; its outputs are raw where its inputs are. Raises Malformed."""
    raw = request.raw_input_contents
    if raw and len(raw) != len(request.inputs):
        raise Malformed(f"raw_input_contents has {len(raw)} entries, expected one for each of the {len(request.inputs)} inputs")
    tensors = []
    for number, one in enumerate(request.inputs):
        try:
            tensors.append(_tensor(one, raw[number] if raw else None))
        except Malformed as wrong:
            raise Malformed(f"inputs[{number}] {one.name!r:.60}: {wrong.message}") from None
    named_once([tensor.name for tensor in tensors], "inputs")
    outputs = [Wanted(one.name, bool(raw)) for one in request.outputs] or None
    return Inference(tensors, request.id or None, _parameters(request.parameters), outputs, bool(raw))


def told(said: Said, request: Inference) -> Any:
    """The ModelInferResponse."""
    response = message("inference.ModelInferResponse")(model_name=said.model, model_version=said.version or "", id=request.id or "")
    if said.fallback:
        response.parameters["fallback"].string_param = said.fallback
    for one in chosen(said, request):
        values = said.outputs[one.name]
        kind = of_dtype(values.dtype)
        output = response.outputs.add(name=one.name, datatype=kind.name, shape=values.shape)
        if one.binary:
            response.raw_output_contents.append(packed(values, kind))
        else:
            flat = values.ravel().tolist()
            getattr(output.contents, _FIELDS[kind.name]).extend([str(text).encode() for text in flat] if kind is BYTES else flat)
    return response


def _tensor(given: Any, raw: bytes | None) -> Tensor:
    kind = datatype(given.datatype)
    shape = tuple(given.shape)
    count = counted(shape)
    if raw is None:
        return Tensor(given.name, kind, shape, _typed(given.contents, kind, count))
    if given.HasField("contents"):
        raise Malformed("has contents, and the request has raw_input_contents; give one of them")
    return Tensor(given.name, kind, shape, unpacked(raw, kind, count))


def _typed(contents: Any, kind: Datatype, count: int) -> list[Any] | np.ndarray:
    if kind.name not in _FIELDS:
        raise Malformed(f"{kind.name} has no typed contents; send it as raw_input_contents")
    values = getattr(contents, _FIELDS[kind.name])
    if len(values) != count:
        found = ", ".join(f"{field.name} with {len(found)}" for field, found in contents.ListFields()) or "none"
        raise Malformed(f"contents are {found}, expected {_FIELDS[kind.name]} with {count} elements of {kind.name}")
    if kind is BYTES:
        return [_text(value, position) for position, value in enumerate(values)]
    try:
        return np.array(values, kind.stored)
    except OverflowError:
        raise Malformed(f"an element is out of range, expected {kind.told}, as {kind.name} says") from None


def _text(value: bytes, position: int) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise Malformed(f"element {position} is not UTF-8") from None


def _parameters(given: Mapping[str, Any]) -> dict[str, str | bool | int | float] | None:
    chosen = {name: (value, value.WhichOneof("parameter_choice")) for name, value in given.items()}
    return {name: getattr(value, which) for name, (value, which) in chosen.items() if which is not None} or None
