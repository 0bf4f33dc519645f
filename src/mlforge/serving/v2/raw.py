"""A request of nothing but one tensor's bytes ("Raw Binary Request" of the binary extension): what it is, the model's metadata says."""

from __future__ import annotations

from mlforge.serving.v2.binary import unpacked
from mlforge.serving.v2.datatypes import DATATYPES
from mlforge.serving.v2.inference import Inference
from mlforge.serving.v2.malformed import Malformed
from mlforge.serving.v2.signature import Signature
from mlforge.serving.v2.tensor import Tensor

__all__ = ["raw_inference"]


def raw_inference(body: bytes, signature: Signature) -> Inference:
    """The request in a body without JSON, for a model with one input; all outputs are sent in binary. Raises Malformed for other models."""
    if len(signature.slots) != 1:
        raise Malformed(f"Inference-Header-Content-Length is 0, which is for models with one input; this one has {len(signature.slots)}")
    (slot,) = signature.slots
    kind = DATATYPES[slot.datatype]
    count = slot.width if kind.size == 0 else max(1, len(body) // (kind.size * slot.width)) * slot.width
    shape = (count // slot.width, *slot.cell)
    return Inference([Tensor(slot.name, kind, shape, unpacked(body, kind, count))], binary=True)
