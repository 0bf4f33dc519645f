"""The protocol's paths as OpenAPI tells them, with the tensors of the models that are served."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from mlforge.serving.v2.datatypes import DATATYPES
from mlforge.serving.v2.handler import Handler
from mlforge.serving.v2.metadata import ModelMetadata, TensorMetadata
from mlforge.serving.v2.signature import MATRIX

if TYPE_CHECKING:
    from mlforge.serving.context import WorkerContext

__all__ = ["paths"]

_ERROR = {"type": "object", "properties": {"error": {"type": "string"}}, "required": ["error"]}
_ERRORS = {
    400: "what is wrong with the request: a row, its column, what was found and expected",
    413: "more than the server's limits allow",
    415: "a body of another kind",
    422: "the model cannot answer these rows",
    503: "too many requests",
    504: "no answer within the deadline",
}
_PARAMETERS = {"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}}
_SHAPE = {"type": "array", "items": {"type": "integer", "minimum": 0, "maximum": 2**31 - 1}, "minItems": 1, "maxItems": 8}
_DATATYPE = {"type": "string", "enum": list(DATATYPES)}
_ELEMENTS = {"BOOL": "boolean", "BYTES": "string", "INT64": "integer"}
_FLAT = "flat in row-major order, or nested as the shape says; null stands for a missing value"


def paths(context: WorkerContext) -> dict[str, object]:
    """The path items of /v2."""
    handler = Handler(context)
    told: dict[str, object] = {
        "/v2": {"get": _get("The server's name, version and extensions.", _object(name="string", version="string", extensions="array"))},
        "/v2/health/live": {"get": _get("Is the server alive.", _object(live="boolean"))},
        "/v2/health/ready": {"get": _get("Are all models ready.", _object(live="boolean", ready="boolean"), unready=True)},
        "/v2/repository/index": {"post": _index()},
    }
    for one in handler.models():
        known = handler.metadata(one.name)
        for base in (f"/v2/models/{one.name}", *([f"/v2/models/{one.name}/versions/{one.version}"] if one.version else [])):
            told[base] = {"get": _get(f"The tensors of {one.name}.", _object(name="string", platform="string", inputs="array", outputs="array"))}
            told[f"{base}/ready"] = {"get": _get(f"Is {one.name} ready.", _object(name="string", ready="boolean"), unready=True)}
            told[f"{base}/infer"] = {"post": _infer(known)}
    return told


def _object(**properties: str) -> dict[str, object]:
    return {"type": "object", "properties": {name: {"type": kind} for name, kind in properties.items()}, "required": list(properties)}


def _answers(ok: Mapping[str, object], *errors: int) -> dict[str, object]:
    failed = {str(code): {"description": _ERRORS[code], "content": {"application/json": {"schema": _ERROR}}} for code in errors}
    return {"200": _answer("as the Open Inference Protocol says", ok), **failed}


def _answer(about: str, schema: Mapping[str, object]) -> dict[str, object]:
    return {"description": about, "content": {"application/json": {"schema": schema}}}


def _get(summary: str, ok: Mapping[str, object], *, unready: bool = False) -> dict[str, object]:
    answers = _answers(ok) | ({"503": _answer("not ready", ok)} if unready else {})
    return {"summary": summary, "tags": ["v2"], "responses": answers}


def _index() -> dict[str, object]:
    body = {"content": {"application/json": {"schema": {"type": "object", "properties": {"ready": {"type": "boolean"}}}}}}
    entry = _object(name="string", version="string", state="string", reason="string")
    answers = _answers({"type": "array", "items": entry}, 400, 413)
    return {"summary": "The models that are served.", "tags": ["v2"], "requestBody": body, "responses": answers}


def _infer(model: ModelMetadata) -> dict[str, object]:
    tensors = [_input(one.name, one.datatype, one.shape) for one in model.inputs]
    if "matrix" in model.properties:
        tensors.append(_input(MATRIX, "FP64", (-1, len(model.inputs))))
    wanted = {"type": "object", "properties": {"name": {"enum": [one.name for one in model.outputs]}, "parameters": _PARAMETERS}, "required": ["name"]}
    asked = {
        "type": "object",
        "properties": {
            "id": {"type": "string"},
            "parameters": _PARAMETERS,
            "inputs": {"type": "array", "items": {"anyOf": tensors}, "minItems": 1},
            "outputs": {"type": "array", "items": wanted},
        },
        "required": ["inputs"],
    }
    data = {"type": "array", "items": {"type": ["string", "number", "boolean", "null"]}}
    given = {"name": {"type": "string"}, "shape": _SHAPE, "datatype": _DATATYPE, "parameters": _PARAMETERS, "data": data}
    said = {
        "type": "object",
        "properties": {
            "model_name": {"type": "string"},
            "model_version": {"type": "string"},
            "id": {"type": "string"},
            "parameters": _PARAMETERS,
            "outputs": {"type": "array", "items": {"type": "object", "properties": given, "required": ["name", "shape", "datatype"]}},
        },
        "required": ["model_name", "outputs"],
    }
    content = {"schema": asked, "example": {"inputs": [_example(one) for one in model.inputs]}}
    return {
        "summary": f"Ask {model.name}, column by column.",
        "tags": ["v2"],
        "requestBody": {"required": True, "content": {"application/json": content}},
        "responses": _answers(said, 400, 413, 415, 422, 503, 504),
    }


def _input(name: str, datatype: str, shape: Sequence[int]) -> dict[str, object]:
    told = f"{datatype} of shape {list(shape)}, with the number of rows for -1; other datatypes that can hold the values are taken, too"
    element = {"type": [_ELEMENTS.get(datatype, "number"), "null", "array"]}
    properties = {
        "name": {"const": name},
        "shape": _SHAPE,
        "datatype": _DATATYPE,
        "parameters": _PARAMETERS,
        "data": {"type": "array", "description": _FLAT, "items": element},
    }
    return {"type": "object", "description": told, "properties": properties, "required": ["name", "shape", "datatype", "data"]}


def _example(one: TensorMetadata) -> dict[str, object]:
    fillers: dict[str, object] = {"BOOL": True, "BYTES": "…"}
    return {"name": one.name, "shape": [1, *one.shape[1:]], "datatype": one.datatype, "data": [fillers.get(one.datatype, 0)] * math.prod(one.shape[1:])}
