"""A language model behind HTTP: texts in, the next byte and the text's bits out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from tests.serving.running import Running, serving

from mlforge.contract import Column, Contract
from mlforge.explaining.background import FILE
from mlforge.runtime.bundle import enclose, write_bundle
from mlforge.task import Output

CONTEXT = 8


def make(folder: Path) -> Path:
    """One that says: the largest byte of the text comes next, and each byte costs as many bits as it is large."""
    folder.mkdir()
    nodes = [
        helper.make_node("Cast", ["text"], ["numbers"], to=TensorProto.INT64),
        helper.make_node("ReduceMax", ["numbers", "last"], ["prediction"], keepdims=0),
        helper.make_node("Cast", ["text"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("ReduceSum", ["floats", "last"], ["bits"], keepdims=0),
        helper.make_node("Sign", ["numbers"], ["there"]),
        helper.make_node("ReduceSum", ["there", "last"], ["bytes"], keepdims=0),
        helper.make_node("OneHot", ["prediction", "classes", "sides"], ["probability"]),
    ]
    constants = {"last": np.array([1]), "classes": np.array(256), "sides": np.array([0, 1], np.float32)}
    kinds = {"prediction": TensorProto.INT64, "bits": TensorProto.FLOAT, "bytes": TensorProto.INT64}
    outputs = [helper.make_tensor_value_info(name, kind, ["rows"]) for name, kind in kinds.items()]
    outputs.append(helper.make_tensor_value_info("probability", TensorProto.FLOAT, ["rows", 256]))
    text = helper.make_tensor_value_info("text", TensorProto.UINT8, ["rows", CONTEXT])
    graph = helper.make_graph(nodes, "lm", [text], outputs, [numpy_helper.from_array(value, name) for name, value in constants.items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    contract = Contract(columns={"text": Column(dtype="text")})
    output = Output("bytes", "text", context=CONTEXT)
    write_bundle(folder, model=model.SerializeToString(), task="language_model", contract=contract, output=output, columns=("text",), seen={})
    enclose(folder, FILE, b"{}")
    return folder


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with serving(make(tmp_path_factory.mktemp("served") / "lm"), "--workers", "1") as running:
        yield running


def said(text: str) -> dict[str, float]:
    read = text.encode()[-CONTEXT:]
    return {"prediction": max(read), "bits": float(sum(read)), "bytes": len(read)}


@pytest.mark.parametrize("text", ["abc", "a b\nc", "zwölf", "漢字", "far more than it looks back on"])
def test_texts_are_read_as_bytes_in_json_csv_and_v2(server: Running, text: str) -> None:
    found = server.ask("/predict", {"rows": [{"text": text}, {"text": "abc"}]})[1]["predictions"]
    csv = f'text\n"{text}"\nabc\n'.encode()
    by_csv = server.ask("/predict", csv, headers={"content-type": "text/csv"})[1]["predictions"]
    tensors: list[Any] = [{"name": "text", "shape": [2], "datatype": "BYTES", "data": [text, "abc"]}]
    outputs = {one["name"]: one["data"] for one in server.ask("/v2/models/lm/infer", {"inputs": tensors})[1]["outputs"]}
    assert found == by_csv
    for place, one in enumerate((text, "abc")):
        wanted = said(one) if len(one.encode()) <= CONTEXT else found[place]
        assert found[place] == wanted
        assert {name: outputs[name][place] for name in wanted} == wanted
    assert found[0]["bytes"] == min(CONTEXT, len(text.encode()))


def test_an_empty_text_is_missing(server: Running) -> None:
    status, told, _ = server.ask("/predict", {"rows": [{"text": " "}]})
    assert (status, told["error"]) == (400, "row 0: text is missing")


def test_it_is_not_explained_by_columns_and_says_so(server: Running) -> None:
    status, told, _ = server.ask("/explain", {"rows": [{"text": "abc"}]})
    assert status == 404
    assert "says which byte comes next" in told["error"]
    assert not any("explain" in path for path in server.ask("/openapi.json")[1]["paths"])
