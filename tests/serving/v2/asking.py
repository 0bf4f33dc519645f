"""Inference requests to the tests' server, and what comes of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tests.serving.v2.server import Answer, Server

__all__ = ["MATRIX", "infer", "numbers", "output", "people", "served_alike", "tensor"]

MATRIX = [[0.5, 3, 1.5, -2.0], [-0.5, 0, 4.5, 7.25]]


def tensor(name: str, datatype: str, data: Sequence[object], shape: Sequence[int] | None = None, **more: object) -> dict[str, object]:
    return {"name": name, "shape": [len(data)] if shape is None else list(shape), "datatype": datatype, "data": list(data), **more}


def numbers(**more: object) -> dict[str, object]:
    return {"inputs": [tensor("input", "FP64", MATRIX, [2, 4])], **more}


def people(*without: str, **instead: Mapping[str, object]) -> dict[str, object]:
    """Two rows of `mixed`, a tensor for each column."""
    columns: dict[str, Mapping[str, object]] = {
        "age": tensor("age", "INT64", [39, 50]),
        "income": tensor("yearly income", "FP64", [7e4, 1e4]),
        "member": tensor("member", "BOOL", [True, False]),
        "city": tensor("city", "BYTES", ["Rom", "Oslo"]),
        "note": tensor("note", "BYTES", ["good", "bad"]),
        "born": tensor("born", "BYTES", ["1981-02-03", "1970-01-01T12:00:00"]),
        "visits": tensor("visits", "FP64", [1, 2, 3, 4, 5, 6], [2, 3]),
    }
    return {"inputs": [one for key, one in (columns | instead).items() if key not in without]}


def infer(server: Server, body: object, model: str = "matrix", **headers: str) -> Answer:
    return server.ask("POST", f"/v2/models/{model}/infer", body, **headers)


def output(answer: Answer, name: str) -> dict[str, Any]:
    assert answer.status == 200, answer.body
    (found,) = [one for one in answer.json["outputs"] if one["name"] == name]
    return dict(found)


def served_alike(server: Server, one: object, other: object, model: str = "matrix") -> None:
    said, told = infer(server, one, model), infer(server, other, model)
    assert said.status == told.status == 200, (said.body, told.body)
    assert said.json["outputs"] == told.json["outputs"]
