"""Requests that were right once: bytes, numbers, names and headers of them are changed at random, the same for the same seed."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO

import numpy as np
import polars as pl

__all__ = ["Asked", "mutated", "seeds"]

_INTERESTING = [b"null", b"true", b"-1", b"0", b"1e308", b"1e999", b"-0", b"99999999999999999999", b'""', b"[]", b"{}", b"NaN", b"\x00", b"\xff\xfe", b"[" * 50]
_WORDS = [b'"inputs"', b'"shape"', b'"data"', b'"datatype"', b'"FP64"', b'"BYTES"', b'"BOOL"', b'"parameters"', b'"binary_data_size"', b'"outputs"', b'"id"']
_HEADERS = ["", "0", "1", "-1", "99999999999", "1.5", "0x10", "é", "a" * 500, "application/json", "text/csv", "multipart/form-data", "*/*", "gzip", "identity"]


@dataclass(frozen=True)
class Asked:
    """One request."""

    method: str
    path: str
    body: bytes
    headers: Mapping[str, str]


def seeds() -> Sequence[Asked]:
    """Requests of every kind that are right."""
    matrix = [[0.5, 3, 1.5, -2.0], [-0.5, 0, 4.5, 7.25]]
    wide = {"name": "input", "shape": [2, 4], "datatype": "FP64"}
    columns = [
        {"name": "age", "shape": [2], "datatype": "INT64", "data": [39, 50]},
        {"name": "yearly income", "shape": [2, 1], "datatype": "FP64", "data": [[7e4], [None]]},
        {"name": "member", "shape": [2], "datatype": "BOOL", "data": [True, False]},
        {"name": "city", "shape": [2], "datatype": "BYTES", "data": ["Rom", "Oslo"]},
        {"name": "note", "shape": [2], "datatype": "BYTES", "data": ["good", "Æ"]},
        {"name": "born", "shape": [2], "datatype": "BYTES", "data": ["1981-02-03", "1970-01-01T12:00:00"]},
        {"name": "visits", "shape": [2, 3], "datatype": "FP64", "data": [1, 2, 3, 4, 5, 6]},
    ]
    row = {"age": 39, "yearly income": 7e4, "member": True, "city": "Rom", "note": "good", "born": "1981-02-03", "visits": [1, 2, 3]}
    table = pl.DataFrame({f"column {place}": [1.0, 3.0] for place in range(4)})
    arrow = BytesIO()
    table.write_ipc_stream(arrow)
    infer = "/v2/models/matrix/infer"
    kind = {"content-type": "application/json"}
    return [
        Asked("POST", infer, json.dumps({"id": "1", "inputs": [{**wide, "data": matrix}], "outputs": [{"name": "prediction"}]}).encode(), kind),
        Asked("POST", infer, json.dumps({"inputs": [{**wide, "data": matrix[0] * 30, "shape": [30, 4]}]}).encode(), kind),
        Asked("POST", "/v2/models/mixed/versions/3/infer", json.dumps({"inputs": columns}).encode(), kind),
        _binary(infer, [{**wide, "parameters": {"binary_data_size": 64}}], np.array(matrix).tobytes()),
        _binary(
            "/v2/models/mixed/infer",
            [*columns[:3], {**columns[3], "data": None, "parameters": {"binary_data_size": 15}}, *columns[4:]],
            b"\3\0\0\0Rom\4\0\0\0Oslo",
        ),
        Asked("POST", "/v2/models/cells/infer", np.ones(4).tobytes(), {"inference-header-content-length": "0"}),
        Asked("POST", "/v2/repository/index", b'{"ready": true}', kind),
        Asked("GET", "/v2/models/mixed/versions/3", b"", {}),
        Asked("GET", "/v2/models/matrix/ready", b"", {}),
        Asked("POST", "/models/mixed/predict", json.dumps({"rows": [row, row], "partial": True}).encode(), kind),
        Asked("POST", "/models/matrix/predict?partial=true", table.write_csv().encode(), {"content-type": "text/csv"}),
        Asked("POST", "/models/matrix/predict", arrow.getvalue(), {"content-type": "application/vnd.apache.arrow.stream"}),
    ]


def _binary(path: str, inputs: Sequence[Mapping[str, object]], behind: bytes) -> Asked:
    text = json.dumps({"inputs": [{key: value for key, value in one.items() if value is not None} for one in inputs]}).encode()
    return Asked("POST", path, text + behind, {"inference-header-content-length": str(len(text)), "content-type": "application/octet-stream"})


def mutated(asked: Asked, rng: random.Random) -> Asked:
    """The request with one to four changes; most of them in the body."""
    body, path, headers, method = asked.body, asked.path, dict(asked.headers), asked.method
    for _ in range(rng.randint(1, 4)):
        luck = rng.random()
        if luck < 0.85:
            body = rng.choice(_CHANGES)(body, rng)
        elif luck < 0.95 and headers:
            headers[rng.choice(list(headers))] = rng.choice(_HEADERS)
        elif luck < 0.98:
            place = rng.randrange(1, len(path) + 1)
            path = path[:place] + rng.choice(["/", "..", "%00", "%2e%2e/", "x", "%FF", "?a=b", "versions/"]) + path[place:]
        else:
            method = rng.choice(["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"])
    return Asked(method, path, body, headers)


def _flip(body: bytes, rng: random.Random) -> bytes:
    if not body:
        return body
    place = rng.randrange(len(body))
    return body[:place] + bytes([body[place] ^ (1 << rng.randrange(8))]) + body[place + 1 :]


def _cut(body: bytes, rng: random.Random) -> bytes:
    one, other = sorted((rng.randint(0, len(body)), rng.randint(0, len(body))))
    return body[:one] + body[other:]


def _repeat(body: bytes, rng: random.Random) -> bytes:
    one = rng.randint(0, len(body))
    part = body[one : one + rng.randint(1, 200)]
    return body[:one] + part * rng.randint(1, 5) + body[one:]


def _insert(body: bytes, rng: random.Random) -> bytes:
    place = rng.randint(0, len(body))
    return body[:place] + rng.choice(_INTERESTING + _WORDS) + body[place:]


def _number(body: bytes, rng: random.Random) -> bytes:
    """Another value where a digit stands."""
    digits = [place for place, byte in enumerate(body) if 48 <= byte <= 57]
    if not digits:
        return body
    place = rng.choice(digits)
    return body[:place] + rng.choice(_INTERESTING) + body[place + 1 :]


def _word(body: bytes, rng: random.Random) -> bytes:
    known = [word for word in _WORDS if word in body]
    return body.replace(rng.choice(known), rng.choice(_WORDS + _INTERESTING), 1) if known else body


_CHANGES: Sequence[Callable[[bytes, random.Random], bytes]] = (_flip, _cut, _repeat, _insert, _number, _number, _word, _word)
