"""The protocol's paths as OpenAPI tells them, with the tensors of the models that are served."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mlforge.serving.v2.datatypes import DATATYPES
from mlforge.serving.v2.metadata import ModelMetadata
from mlforge.serving.v2.speaker import Speaker

if TYPE_CHECKING:
    from mlforge.serving.desk import Desk

__all__ = ["paths"]

_ERROR = {"type": "object", "properties": {"error": {"type": "string"}}, "required": ["error"]}
_PARAMETERS = {"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}}
_DATA = {"type": "array", "description": "flat in row-major order, or nested as the shape says; null stands for a missing value"}
_SHAPE = {"type": "array", "items": {"type": "integer", "minimum": 0, "maximum": 2**31 - 1}, "maxItems": 8}
_DATATYPE = {"type": "string", "enum": list(DATATYPES)}


def paths(desk: Desk) -> dict[str, object]:
    """The path items of /v2."""
    speaker = Speaker(desk)
    told: dict[str, object] = {
        "/v2": {"get": _get("The server's name, version and extensions.", _object(name="string", version="string", extensions="array"))},
        "/v2/health/live": {"get": _get("Is the server alive.", _object(live="boolean"))},
        "/v2/health/ready": {"get": _get("Are all models ready.", _object(live="boolean", ready="boolean"), 503)},
        "/v2/repository/index": {"post": _index()},
    }
    for one in speaker.models():
        known = speaker.metadata(one.name)
        for base in (f"/v2/models/{one.name}", *([f"/v2/models/{one.name}/versions/{one.version}"] if one.version else [])):
            told[base] = {"get": _get(f"The tensors of {one.name}.", _object(name="string", platform="string", inputs="array", outputs="array"))}
            told[f"{base}/ready"] = {"get": _get(f"Is {one.name} ready.", _object(name="string", ready="boolean"), 503)}
            told[f"{base}/infer"] = {"post": _infer(known)}
    return told


def _object(**properties: str) -> dict[str, object]:
    return {"type": "object", "properties": {name: {"type": kind} for name, kind in properties.items()}, "required": list(properties)}


def _answers(ok: Mapping[str, object], *errors: int) -> dict[str, object]:
    about = {400: "what is wrong with the request", 503: "not ready, or too many requests", 504: "no answer in time"}
    failed = {str(code): {"description": about.get(code, "refused"), "content": {"application/json": {"schema": _ERROR}}} for code in errors}
    return {"200": {"description": "as the Open Inference Protocol says", "content": {"application/json": {"schema": ok}}}, **failed}


def _get(summary: str, ok: Mapping[str, object], *errors: int) -> dict[str, object]:
    return {"summary": summary, "tags": ["v2"], "responses": _answers(ok, *errors)}


def _index() -> dict[str, object]:
    body = {"content": {"application/json": {"schema": {"type": "object", "properties": {"ready": {"type": "boolean"}}}}}}
    entry = _object(name="string", version="string", state="string", reason="string")
    return {"summary": "The models that are served.", "tags": ["v2"], "requestBody": body, "responses": _answers({"type": "array", "items": entry}, 400)}


def _infer(model: ModelMetadata) -> dict[str, object]:
    tensor = {"name": {"type": "string"}, "shape": _SHAPE, "datatype": _DATATYPE, "parameters": _PARAMETERS, "data": _DATA}
    given = {"type": "object", "properties": tensor, "required": ["name", "shape", "datatype", "data"]}
    wanted = {"type": "object", "properties": {"name": {"enum": [one.name for one in model.outputs]}, "parameters": _PARAMETERS}, "required": ["name"]}
    asked = {
        "type": "object",
        "properties": {
            "id": {"type": "string"},
            "parameters": _PARAMETERS,
            "inputs": {"type": "array", "items": given, "minItems": 1},
            "outputs": {"type": "array", "items": wanted},
        },
        "required": ["inputs"],
    }
    said = {
        "type": "object",
        "properties": {
            "model_name": {"type": "string"},
            "model_version": {"type": "string"},
            "id": {"type": "string"},
            "outputs": {"type": "array", "items": {**given, "required": ["name", "shape", "datatype"]}},
        },
        "required": ["model_name", "outputs"],
    }
    content: dict[str, Any] = {"schema": asked, "example": _example(model)}
    return {
        "summary": f"Ask {model.name}, column by column.",
        "tags": ["v2"],
        "requestBody": {"required": True, "content": {"application/json": content}},
        "responses": _answers(said, 400, 413, 415, 422, 503, 504),
    }


def _example(model: ModelMetadata) -> dict[str, object]:
    fillers: dict[str, object] = {"BOOL": True, "BYTES": "…"}
    inputs = []
    for one in model.inputs:
        count = 1
        for size in one.shape[1:]:
            count *= size
        inputs.append({"name": one.name, "shape": [1, *one.shape[1:]], "datatype": one.datatype, "data": [fillers.get(one.datatype, 0)] * count})
    return {"inputs": inputs}
