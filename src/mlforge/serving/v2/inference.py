"""What a client asks: an inference request, as read from HTTP's body or from gRPC's message."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from mlforge.serving.access.json_shape import keys_in, none_repeated, repeated_key
from mlforge.serving.v2.binary import unpacked
from mlforge.serving.v2.datatypes import datatype
from mlforge.serving.v2.elements import elements
from mlforge.serving.v2.malformed import Malformed
from mlforge.serving.v2.tensor import Tensor, counted

__all__ = ["Inference", "Parameters", "Wanted", "named_once", "read_inference"]

Parameters = dict[str, str | bool | int | float]


class Wanted(msgspec.Struct, frozen=True, gc=False):
    """An output that is asked for."""

    name: str
    binary: bool


class Inference(msgspec.Struct, frozen=True, gc=False):
    """An inference request."""

    tensors: Sequence[Tensor]
    id: str | None = None
    parameters: Mapping[str, str | bool | int | float] | None = None
    outputs: Sequence[Wanted] | None = None  # None: all of them
    binary: bool = False  # as what outputs are sent that do not say it themselves

    @property
    def timeout_s(self) -> float | None:
        """How long the client waits: Triton's parameter `timeout`, in microseconds."""
        given = None if self.parameters is None else self.parameters.get("timeout")
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
        request = _decoded(body)
        tensors = _tensors(request.inputs, None)
    else:
        length = _length(header_length, len(body))
        request = _decoded(body[:length])
        tensors = _tensors(request.inputs, memoryview(body)[length:])
    return Inference(tensors, request.id, request.parameters, _wanted(request), _flag(request.parameters, "binary_data_output"))


def named_once(names: Sequence[str], where: str) -> None:
    """Raise Malformed when a name stands twice."""
    if len(set(names)) != len(names):
        seen: set[str] = set()
        twice = next(name for name in names if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise Malformed(f"{where}: {twice!r:.60} is given twice")


def _decoded(text: bytes) -> _Request:
    try:
        request = _REQUEST.decode(text)
        if not none_repeated(text, _keys(request)):  # fields that the protocol does not know, or one that is there twice
            everything = msgspec.json.decode(text)
            if (key := repeated_key(text, keys_in(everything))) is not None:
                raise Malformed(f"the key {key!r} is there twice in one object")
        return request
    except msgspec.ValidationError as error:
        raise Malformed(f"the request is not as the protocol says: {str(error).replace('`', '')}") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Malformed(f"the body is not UTF-8 JSON: {error!s:.120}") from None
    except RecursionError:
        raise Malformed("the body is nested too deeply") from None


def _keys(request: _Request) -> int:
    """How many keys the decoded objects have together."""
    keys = 1 + (request.id is not None) + _parameter_keys(request.parameters)
    for one in request.inputs:
        keys += 3 + (len(memoryview(one.data)) > 0) + (0 if one.parameters is None else _parameter_keys(one.parameters))
    return keys + (0 if request.outputs is None else 1 + sum(1 + _parameter_keys(one.parameters) for one in request.outputs))


def _parameter_keys(parameters: Parameters | None) -> int:
    return 0 if parameters is None else 1 + len(parameters)


def _tensors(inputs: Sequence[_Input], binary: memoryview | None) -> list[Tensor]:
    """The input tensors; `binary` is what follows the JSON."""
    tensors, used = [], 0
    for number, given in enumerate(inputs):
        try:
            size = None if given.parameters is None else _binary_size(given, None if binary is None else len(binary) - used)
            tensors.append(_tensor(given, None if size is None or binary is None else binary[used : used + size]))
        except Malformed as wrong:
            raise Malformed(f"inputs[{number}] {given.name!r:.60}: {wrong.message}") from None
        used += size or 0
    if binary is not None and used != len(binary):
        raise Malformed(f"{len(binary)} bytes follow the JSON, and the inputs' binary_data_size add up to {used}")
    if len(tensors) > 1:
        named_once([tensor.name for tensor in tensors], "inputs")
    return tensors


def _tensor(given: _Input, binary: memoryview | None) -> Tensor:
    kind = datatype(given.datatype)
    shape = tuple(given.shape)
    count = counted(shape)
    if binary is not None:
        return Tensor(given.name, kind, shape, unpacked(binary, kind, count))
    if not len(memoryview(given.data)):
        raise Malformed("data is missing; give it, or binary_data_size among the input's parameters")
    values = elements(given.data, kind, shape)
    if len(values) != count:
        raise Malformed(f"data has {len(values)} elements, and shape {list(shape)} has {count}")
    return Tensor(given.name, kind, shape, values)


def _length(header: str, body: int) -> int:
    if not (header.isascii() and header.isdigit()) or len(header) > 18 or int(header) > body:
        raise Malformed(f"Inference-Header-Content-Length is {header!r:.40}, expected the length of the JSON within a body of {body} bytes")
    return int(header)


def _binary_size(given: _Input, left: int | None) -> int | None:
    size = (given.parameters or {}).get("binary_data_size")
    if size is None:
        return None
    if left is None:
        raise Malformed("has binary data, and the header Inference-Header-Content-Length, which says where it begins, is missing")
    if isinstance(size, bool) or not isinstance(size, int) or not 0 <= size <= left:
        raise Malformed(f"binary_data_size is {size!r:.40}, and {left} bytes are left of the body")
    if len(memoryview(given.data)):
        raise Malformed("has both data and binary_data_size; give one of them")
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
