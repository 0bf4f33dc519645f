"""What a client is told: an inference response, as JSON with binary tensors behind it where they are asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
import orjson

from mlforge.serving.v2.binary import packed
from mlforge.serving.v2.datatypes import BYTES, of_dtype
from mlforge.serving.v2.inference import Inference, Wanted
from mlforge.serving.v2.malformed import Malformed

__all__ = ["Said", "chosen", "written"]

_FEW = 64  # elements up to which a list is written faster than an array


class Said(msgspec.Struct, frozen=True, gc=False):
    """What a model says to one request."""

    model: str
    version: str | None
    outputs: Mapping[str, np.ndarray]  # by name, each with one row per row
    fallback: str = ""  # what answered in the place of what was asked


def chosen(said: Said, request: Inference) -> Sequence[Wanted]:
    """The outputs that are sent, in the order in which they were asked for. Raises Malformed for one that the model does not have."""
    if request.outputs is None:
        return [Wanted(name, request.binary) for name in said.outputs]
    seen: set[str] = set()
    for one in request.outputs:
        if one.name not in said.outputs:
            raise Malformed(f"outputs: {one.name!r:.60} is no output of {said.model}; there are {', '.join(said.outputs)}")
        if one.name in seen:
            raise Malformed(f"outputs: {one.name!r:.60} is asked for twice")
        seen.add(one.name)
    return request.outputs


def written(said: Said, request: Inference) -> tuple[bytes, int | None]:
    """The response's body, and the length of its JSON when binary tensors follow."""
    outputs, tail = [], []
    for one in chosen(said, request):
        values = said.outputs[one.name]
        kind = of_dtype(values.dtype)
        output: dict[str, Any] = {"name": one.name, "shape": values.shape, "datatype": kind.name}
        if one.binary:
            tail.append(packed(values, kind))
            output["parameters"] = {"binary_data_size": len(tail[-1])}
        else:
            output["data"] = values.ravel().tolist() if values.size <= _FEW or kind is BYTES or kind.size == 2 else np.ascontiguousarray(values).ravel()
        outputs.append(output)
    body: dict[str, Any] = {"model_name": said.model}
    if said.version is not None:
        body["model_version"] = said.version
    if request.id is not None:
        body["id"] = request.id
    if said.fallback:
        body["parameters"] = {"fallback": said.fallback}
    text = orjson.dumps({**body, "outputs": outputs}, option=orjson.OPT_SERIALIZE_NUMPY)
    return (b"".join((text, *tail)), len(text)) if tail else (text, None)
