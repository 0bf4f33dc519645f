"""Bodies of inference requests: JSON flat and nested, binary behind it, and what is wrong with those that are refused."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping

import numpy as np
import pytest

from mlforge.serving.v2.datatypes import DATATYPES
from mlforge.serving.v2.inference import Inference, read_inference
from mlforge.serving.v2.malformed import Malformed


def _read(*inputs: Mapping[str, object], header: str | None = None, behind: bytes = b"", **more: object) -> Inference:
    text = json.dumps({"inputs": inputs, **more}).encode()
    return read_inference(text + behind, str(len(text)) if header == "right" else header)


def _one(datatype: str, shape: list[int], data: object = None, **parameters: object) -> dict[str, object]:
    asked: dict[str, object] = {"name": "x", "shape": shape, "datatype": datatype}
    if data is not None:
        asked["data"] = data
    return {**asked, "parameters": parameters} if parameters else asked


@pytest.mark.parametrize("data", [[1, 2, 3, 4, 5, 6], [[1, 2], [3, 4], [5, 6]]])
@pytest.mark.parametrize("name", [name for name in DATATYPES if name not in ("BOOL", "BYTES")])
def test_numbers_are_read_flat_and_nested_alike(name: str, data: object) -> None:
    (tensor,) = _read(_one(name, [3, 2], data)).tensors
    assert tensor.array().dtype.kind == DATATYPES[name].stored.kind
    assert tensor.array().tolist() == [1, 2, 3, 4, 5, 6]
    assert tensor.rows == 3


def test_nested_data_is_seen_through_white_space() -> None:
    text = b'{"inputs": [{"name": "x", "shape": [2, 1, 2], "datatype": "INT8", "data": [\n  [ [1, 2] ],\n  [ [3, 4] ]\n] }]}'
    (tensor,) = read_inference(text).tensors
    assert tensor.array().tolist() == [1, 2, 3, 4]


def test_truths_and_strings_are_read() -> None:
    truths, texts = _read(_one("BOOL", [2], [True, False]), {**_one("BYTES", [2, 1], [["a"], ["Æ"]]), "name": "y"}).tensors
    assert truths.array().tolist() == [True, False]
    assert texts.array().tolist() == ["a", "Æ"]


def test_null_is_a_missing_value() -> None:
    assert np.isnan(_read(_one("INT64", [2], [1, None])).tensors[0].array()).tolist() == [False, True]
    assert _read(_one("BYTES", [2], ["a", None])).tensors[0].array().tolist() == ["a", None]


@pytest.mark.parametrize(
    ("name", "highest"), [("UINT8", 255), ("UINT16", 65535), ("UINT32", 2**32 - 1), ("UINT64", 2**64 - 1), ("INT8", 127), ("INT64", 2**63 - 1)]
)
def test_whole_numbers_beyond_their_datatype_are_refused(name: str, highest: int) -> None:
    assert _read(_one(name, [1], [highest])).tensors[0].array().tolist() == [highest]
    with pytest.raises(Malformed, match=f"to {highest}"):
        _read(_one(name, [1], [highest + 1])).tensors[0].array()


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (_one("FP32", [2], [1, "a"]), r"inputs\[0\] 'x': data\[1\] is a string, expected a number that 32 bits can hold, as FP32 says"),
        (_one("FP32", [1], [1e39]), r"data\[0\] is out of range, expected a number that 32 bits can hold"),
        (_one("FP16", [1], [70000]), r"data\[0\] is out of range"),
        (_one("FP64", [1], [True]), r"data\[0\] is true or false, expected a number"),
        (_one("INT32", [1], [1.5]), r"data\[0\] is a number, expected a whole number"),
        (_one("BOOL", [1], [1]), r"data\[0\] is a whole number, expected true or false"),
        (_one("BYTES", [1], [1]), r"data\[0\] is a whole number, expected a string"),
        (_one("FP32", [1], [[1]]), r""),
        (_one("FP32", [2, 1], [[1], 2]), r"data\[1\] is a whole number, expected an array"),
        (_one("FP32", [2, 1], [[1], [2, 3]]), r"data is nested otherwise than shape \[2, 1\] says"),
        (_one("FP32", [2, 1], [[1]]), r"nested otherwise"),
        (_one("FP32", [2], [1, 2, 3]), r"data has 3 elements, and shape \[2\] has 2"),
        (_one("BOOL", [3], [True]), r"data has 1 elements, and shape \[3\] has 3"),
        (_one("FP32", [2], {"a": 1}), r"data is an object, expected an array"),
        (_one("FP31", [1], [1]), r"datatype 'FP31' is not known; there are BOOL, UINT8, .*BYTES"),
        (_one("fp32", [1], [1]), r"datatype 'fp32' is not known"),
        (_one("FP32", [-1], [1]), r"shape \[-1\]: -1 is not a size"),
        (_one("FP32", [2**70], [1]), r"is not a size"),
        (_one("FP32", [1] * 9, [1]), r"shape has 9 dimensions"),
        (_one("FP32", [1]), r"data is missing"),
        (_one("FP32", [1], binary_data_size=4), r"Inference-Header-Content-Length, which says where it begins, is missing"),
        (_one("FP32", [1], [1], x=None), r"got null"),
        ({"name": "x", "datatype": "FP32", "data": [1]}, r"missing required field shape"),
        ({"name": 3, "shape": [1], "datatype": "FP32", "data": [1]}, r"Expected str, got int"),
    ],
)
def test_an_input_that_does_not_keep_the_protocol_is_told_by_its_place(asked: Mapping[str, object], told: str) -> None:
    if asked.get("data") == [[1]] and asked["shape"] == [1]:
        told = r"data\[0\] is an array, expected a number"
    with pytest.raises(Malformed, match=told) as caught:
        _read(asked)
    assert caught.value.status == 400


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", "not UTF-8 JSON"),
        (b"{", "not UTF-8 JSON"),
        (b"[]", "Expected object, got array"),
        (b"null", "Expected object, got null"),
        (b"{}", "missing required field inputs"),
        (b'{"inputs": {}}', "Expected array, got object"),
        (b'{"inputs": [], "id": 4}', r"Expected str . null, got int - at \$.id"),
        (b'{"inputs": [{"name": "\xff", "shape": [], "datatype": "", "data": []}]}', "not UTF-8 JSON"),
        (b'{"inputs": [{"name": "x", "shape": [1], "datatype": "BYTES", "data": ["\xff"]}]}', "data is not UTF-8 JSON"),
        (b'{"inputs": [{"name": "x", "shape": [1], "datatype": "FP32", "data": [NaN]}]}', "not UTF-8 JSON"),
        (b'{"inputs": [{"name": "x", "shape": [1], "datatype": "FP32", "data": ' + b"[" * 200_000, "nested too deeply"),
        (b'{"inputs": [{"name": "x", "shape": [1], "datatype": "FP32", "data": ' + b"[" * 900 + b"]" * 900 + b"}]}", "is an array, expected a number"),
    ],
)
def test_a_body_that_is_no_request_is_refused(body: bytes, told: str) -> None:
    with pytest.raises(Malformed, match=told):
        read_inference(body)


@pytest.mark.parametrize(
    "body",
    [
        b'{"inputs": [], "inputs": []}',
        b'{"inputs": [{"name": "x", "name": "y", "shape": [1], "datatype": "FP32", "data": [1]}]}',
        b'{"inputs": [{"name": "x", "shape": [1], "datatype": "FP32", "data": [1], "data" : [2]}]}',
        b'{"inputs": [], "parameters": {"a": 1, "a": 2}}',
    ],
)
def test_a_key_that_stands_twice_is_refused(body: bytes) -> None:
    """A decoder takes the last; somebody in between may take the first."""
    with pytest.raises(Malformed, match="is there twice in one object"):
        read_inference(body)


def test_fields_that_the_protocol_does_not_know_are_let_be() -> None:
    body = b'{"model_name": "x", "more": {"a": {"a": [{"b": 1}]}}, "inputs": [{"name": "x : y", "shape": [1], "datatype": "FP32", "data": [1]}]}'
    assert read_inference(body).tensors[0].name == "x : y"


def test_a_name_that_stands_twice_is_refused() -> None:
    with pytest.raises(Malformed, match="inputs: 'x' is given twice"):
        _read(_one("FP32", [1], [1]), _one("FP32", [1], [1]))


BINARY = {
    "BOOL": ([True, False, True], b"\x01\x00\x01"),
    "UINT8": ([0, 255, 1], b"\x00\xff\x01"),
    "UINT16": ([1, 2, 3], struct.pack("<3H", 1, 2, 3)),
    "UINT32": ([1, 2, 3], struct.pack("<3I", 1, 2, 3)),
    "UINT64": ([1, 2, 2**64 - 1], struct.pack("<3Q", 1, 2, 2**64 - 1)),
    "INT8": ([-1, 2, 3], struct.pack("<3b", -1, 2, 3)),
    "INT16": ([-1, 2, 3], struct.pack("<3h", -1, 2, 3)),
    "INT32": ([-1, 2, 3], struct.pack("<3i", -1, 2, 3)),
    "INT64": ([-1, 2, 3], struct.pack("<3q", -1, 2, 3)),
    "FP16": ([0.5, 1, 2], struct.pack("<3e", 0.5, 1, 2)),
    "FP32": ([0.5, 1, 2], struct.pack("<3f", 0.5, 1, 2)),
    "FP64": ([0.5, 1, 2], struct.pack("<3d", 0.5, 1, 2)),
    "BYTES": (["a", "", "Æ"], b"\x01\0\0\0a" + b"\0\0\0\0" + b"\x02\0\0\0\xc3\x86"),
}


@pytest.mark.parametrize("name", DATATYPES)
def test_every_datatype_is_read_from_binary_little_endian(name: str) -> None:
    values, packed = BINARY[name]
    (tensor,) = _read(_one(name, [3], binary_data_size=len(packed)), header="right", behind=packed).tensors
    assert tensor.array().tolist() == values


def test_binary_tensors_follow_in_the_order_of_the_inputs_and_json_may_stand_between_them() -> None:
    first, between, last = (
        _one("UINT32", [2, 2], binary_data_size=16),
        {**_one("FP32", [1], [7]), "name": "y"},
        {**_one("BOOL", [3], binary_data_size=3), "name": "z"},
    )
    behind = struct.pack("<4I", 1, 2, 3, 4) + b"\1\0\1"
    read = _read(first, between, last, header="right", behind=behind, outputs=[{"name": "o", "parameters": {"binary_data": True}}, {"name": "p"}])
    assert [tensor.array().tolist() for tensor in read.tensors] == [[1, 2, 3, 4], [7], [True, False, True]]
    assert [(one.name, one.binary) for one in read.outputs or ()] == [("o", True), ("p", False)]


def test_binary_data_output_counts_for_outputs_that_do_not_say_it_themselves() -> None:
    outputs = [{"name": "o"}, {"name": "p", "parameters": {"binary_data": False}}]
    read = _read(_one("FP32", [1], [1]), parameters={"binary_data_output": True}, outputs=outputs)
    assert [one.binary for one in read.outputs or ()] == [True, False]
    assert _read(_one("FP32", [1], [1]), parameters={"binary_data_output": True}).binary


@pytest.mark.parametrize(
    ("asked", "header", "behind", "told"),
    [
        (_one("FP32", [1], binary_data_size=4), "right", b"\0" * 5, "5 bytes follow the JSON, and the inputs' binary_data_size add up to 4"),
        (_one("FP32", [1], binary_data_size=4), "right", b"\0" * 3, "binary_data_size is 4, and 3 bytes are left"),
        (_one("FP32", [2], binary_data_size=4), "right", b"\0" * 4, "4 bytes of data, expected 8: 2 elements of FP32"),
        (_one("FP32", [1], binary_data_size=-4), "right", b"\0" * 4, "binary_data_size is -4"),
        (_one("FP32", [1], binary_data_size=True), "right", b"\0", "binary_data_size is True"),
        (_one("FP32", [1], [1], binary_data_size=4), "right", b"\0" * 4, "both data and binary_data_size"),
        (_one("BOOL", [1], binary_data_size=1), "right", b"\2", "a byte of BOOL is 2"),
        (_one("BYTES", [1], binary_data_size=4), "right", b"\xff\xff\xff\xff", "element 0 says that it has 4294967295 bytes, and 0 are left"),
        (_one("BYTES", [1], binary_data_size=5), "right", b"\1\0\0\0\xff", "element 0 is not UTF-8"),
        (_one("BYTES", [1], binary_data_size=8), "right", b"\0" * 8, "are not 1 elements of BYTES"),
        (_one("BYTES", [2], binary_data_size=4), "right", b"\0" * 4, "are not 2 elements of BYTES"),
        (_one("BYTES", [1], binary_data_size=2), "right", b"\0" * 2, "are not 1 elements of BYTES"),
        (_one("FP32", [1], [1]), "-1", b"", "Inference-Header-Content-Length is '-1'"),
        (_one("FP32", [1], [1]), "9" * 30, b"", "Inference-Header-Content-Length"),
        (_one("FP32", [1], [1]), "4", b"", "not UTF-8 JSON"),
    ],
)
def test_binary_data_that_is_not_as_it_is_described_is_refused(asked: Mapping[str, object], header: str, behind: bytes, told: str) -> None:
    with pytest.raises(Malformed, match=told):
        _read(asked, header=header, behind=behind)


def test_a_timeout_is_read_in_microseconds_and_one_that_is_none_is_refused() -> None:
    assert _read(_one("FP32", [1], [1])).timeout_s is None
    assert _read(_one("FP32", [1], [1]), parameters={"timeout": 250_000}).timeout_s == 0.25
    for wrong in ("1", True, 0, -5):
        with pytest.raises(Malformed, match="timeout is"):
            _ = _read(_one("FP32", [1], [1]), parameters={"timeout": wrong}).timeout_s


def test_a_message_stays_short_whatever_the_client_names() -> None:
    with pytest.raises(Malformed) as caught:
        _read({**_one("FP32", [1], ["a"]), "name": "n" * 100_000})
    assert len(str(caught.value)) < 300
