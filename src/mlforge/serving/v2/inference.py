"""What a client asks: an inference request, as read from HTTP's body or from gRPC's message."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from mlforge.serving.v2.binary import unpacked
from mlforge.serving.v2.datatypes import datatype
from mlforge.serving.v2.elements import elements
from mlforge.serving.v2.malformed import Malformed
from mlforge.serving.v2.tensor import Tensor, counted

__all__ = ["Inference", "Parameters", "Wanted", "named_once", "read_inference"]

Parameters = dict[str, str | bool | int | float]


@dataclass(frozen=True, slots=True)
class Wanted:
    """An output that is asked for."""

    name: str
    binary: bool


@dataclass(frozen=True, slots=True)
class Inference:
    """An inference request."""

    tensors: Sequence[Tensor]
    id: str | None = None
    parameters: Mapping[str, str | bool | int | float] | None = None
    outputs: Sequence[Wanted] | None = None  # None: all of them
    binary: bool = False  # as what outputs are sent that do not say it themselves

    @property
    def timeout_s(self) -> float | None:
        """How long the client waits: Triton's parameter `timeout`, in microseconds."""
        given = (self.parameters or {}).get("timeout")
        if given is None:
            return None
        if isinstance(given, bool | str) or not 0 < given < 1e15:
            raise Malformed(f"parameters: timeout is {given!r:.40}, expected microseconds, greater than 0")
        return given / 1e6


class _Input(msgspec.Struct, gc=False):
    name: str
    shape: list[int]
    datatype: str
    data: msgspec.Raw = msgspec.Raw()
    parameters: Parameters | None = None


class _Output(msgspec.Struct, gc=False):
    name: str
    parameters: Parameters | None = None


class _Request(msgspec.Struct, gc=False):
    inputs: list[_Input]
    id: str | None = None
    parameters: Parameters | None = None
    outputs: list[_Output] | None = None


_REQUEST = msgspec.json.Decoder(_Request)


def read_inference(body: bytes, header_length: str | None = None) -> Inference:
    """The request in a body: JSON, with binary tensors behind it where `Inference-Header-Content-Length` is given. Raises Malformed."""
    if header_length is None:
        text, rest = body, memoryview(b"")
    else:
        length = _length(header_length, len(body))
        text, rest = body[:length], memoryview(body)[length:]
    request = _decoded(text)
    tensors, used = [], 0
    for number, given in enumerate(request.inputs):
        where = f"inputs[{number}] {given.name!r:.60}"
        size = _binary_size(given, len(rest) - used, where, has_header=header_length is not None)
        tensors.append(_tensor(given, None if size is None else rest[used : used + size], where))
        used += size or 0
    if used != len(rest):
        raise Malformed(f"{len(rest)} bytes follow the JSON, and the inputs' binary_data_size add up to {used}")
    named_once([tensor.name for tensor in tensors], "inputs")
    return Inference(tensors, request.id, request.parameters, _wanted(request), _flag(request.parameters, "binary_data_output"))


def named_once(names: Sequence[str], where: str) -> None:
    """Raise Malformed when a name stands twice."""
    if len(set(names)) != len(names):
        twice = next(name for position, name in enumerate(names) if name in names[:position])
        raise Malformed(f"{where}: {twice!r:.60} is given twice")


def _decoded(text: bytes) -> _Request:
    try:
        return _REQUEST.decode(text)
    except msgspec.ValidationError as error:
        raise Malformed(f"the request is not as the protocol says: {str(error).replace('`', '')}") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Malformed(f"the body is not UTF-8 JSON: {error!s:.120}") from None
    except RecursionError:
        raise Malformed("the body is nested too deeply") from None


def _tensor(given: _Input, binary: memoryview | None, where: str) -> Tensor:
    kind = datatype(given.datatype, where)
    shape = tuple(given.shape)
    count = counted(shape, where)
    if binary is not None:
        return Tensor(given.name, kind, shape, unpacked(binary, kind, count, where))
    if not len(memoryview(given.data)):
        raise Malformed(f"{where}: data is missing; give it, or binary_data_size among the input's parameters")
    values = elements(given.data, kind, shape, where)
    if len(values) != count:
        raise Malformed(f"{where}: data has {len(values)} elements, and shape {list(shape)} has {count}")
    return Tensor(given.name, kind, shape, values)


def _length(header: str, body: int) -> int:
    if not (header.isascii() and header.isdigit()) or len(header) > 18 or int(header) > body:
        raise Malformed(f"Inference-Header-Content-Length is {header!r:.40}, expected the length of the JSON within a body of {body} bytes")
    return int(header)


def _binary_size(given: _Input, left: int, where: str, *, has_header: bool) -> int | None:
    size = (given.parameters or {}).get("binary_data_size")
    if size is None:
        return None
    if not has_header:
        raise Malformed(f"{where}: has binary data, and the header Inference-Header-Content-Length, which says where it begins, is missing")
    if isinstance(size, bool) or not isinstance(size, int) or not 0 <= size <= left:
        raise Malformed(f"{where}: binary_data_size is {size!r:.40}, and {left} bytes are left of the body")
    if len(memoryview(given.data)):
        raise Malformed(f"{where}: has both data and binary_data_size; give one of them")
    return size


def _wanted(request: _Request) -> list[Wanted] | None:
    if not request.outputs:
        return None
    binary = _flag(request.parameters, "binary_data_output")
    return [Wanted(one.name, _flag(one.parameters, "binary_data", binary)) for one in request.outputs]


def _flag(parameters: Parameters | None, name: str, otherwise: bool = False) -> bool:
    given = otherwise if parameters is None else parameters.get(name, otherwise)
    if not isinstance(given, bool):
        raise Malformed(f"parameters: {name} is {given!r:.40}, expected true or false")
    return given
