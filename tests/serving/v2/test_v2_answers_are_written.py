"""Inference responses, in JSON and with binary tensors behind it."""

from __future__ import annotations

import json

import numpy as np
import pytest

from mlforge.serving.grpc.contents import told
from mlforge.serving.v2.answer import Said, written
from mlforge.serving.v2.binary import unpacked
from mlforge.serving.v2.datatypes import DATATYPES
from mlforge.serving.v2.inference import Inference, Wanted

OUTPUTS = {
    "prediction": np.array(["yes", "Æ"], object),
    "probability": np.array([[0.25, 0.75], [np.nan, 0.5]], np.float32),
    "count": np.arange(200).reshape(2, 100),
    "sure": np.array([True, False]),
}


def test_every_kind_of_output_is_json() -> None:
    text, length = written(Said("m", "3", OUTPUTS), Inference([]))
    said = json.loads(text)
    assert length is None
    assert (said["model_name"], said["model_version"], "id" in said, "parameters" in said) == ("m", "3", False, False)
    by_name = {one["name"]: one for one in said["outputs"]}
    assert by_name["prediction"] == {"name": "prediction", "shape": [2], "datatype": "BYTES", "data": ["yes", "Æ"]}
    assert by_name["probability"] == {"name": "probability", "shape": [2, 2], "datatype": "FP32", "data": [0.25, 0.75, None, 0.5]}
    assert by_name["count"]["data"] == list(range(200))
    assert by_name["sure"] == {"name": "sure", "shape": [2], "datatype": "BOOL", "data": [True, False]}


def test_binary_outputs_follow_in_their_order_and_json_ones_stay_in_the_json() -> None:
    wanted = [Wanted("sure", True), Wanted("prediction", False), Wanted("probability", True)]
    body, length = written(Said("m", None, OUTPUTS), Inference([], id="7", outputs=wanted))
    assert length is not None
    said, rest = json.loads(body[:length]), body[length:]
    assert said["id"] == "7"
    assert "model_version" not in said
    assert [one.get("parameters") for one in said["outputs"]] == [{"binary_data_size": 2}, None, {"binary_data_size": 16}]
    assert [("data" in one) for one in said["outputs"]] == [False, True, False]
    assert rest == b"\1\0" + OUTPUTS["probability"].tobytes()


def test_texts_in_binary_are_read_as_they_were() -> None:
    body, length = written(Said("m", None, OUTPUTS), Inference([], outputs=[Wanted("prediction", True)]))
    assert unpacked(body[length:], DATATYPES["BYTES"], 2) == ["yes", "Æ"]


@pytest.mark.parametrize("raw", [True, False])
def test_over_grpc_it_says_the_same(raw: bool) -> None:
    response = told(Said("m", "3", OUTPUTS), Inference([], binary=raw))
    assert [(one.name, one.datatype, list(one.shape)) for one in response.outputs][:2] == [("prediction", "BYTES", [2]), ("probability", "FP32", [2, 2])]
    assert len(response.raw_output_contents) == (4 if raw else 0)
    assert [one.HasField("contents") for one in response.outputs] == [not raw] * 4


def test_who_answered_in_another_s_place_is_told() -> None:
    text, _ = written(Said("m", "2", {"sure": OUTPUTS["sure"]}, "m 2"), Inference([]))
    assert json.loads(text)["parameters"] == {"fallback": "m 2"}
    assert told(Said("m", "2", {"sure": OUTPUTS["sure"]}, "m 2"), Inference([])).parameters["fallback"].string_param == "m 2"
