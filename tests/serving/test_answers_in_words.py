"""Answers put together from templates are the JSON that one would expect."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from mlforge.serving.answering import Answering
from mlforge.serving.batcher import Answer
from mlforge.serving.engine import Engine
from mlforge.serving.http import Refused
from mlforge.serving.offer import Offer
from mlforge.serving.request_rows import Rejected, RequestRows


def _answering(classes: tuple[str, ...] = (), outputs: tuple[str, ...] = ("prediction", "probability")) -> Answering:
    bundle = SimpleNamespace(output=SimpleNamespace(target='the "target"'))
    offer = Offer("m", 3, "", Path("m"))
    return Answering(cast("Engine", SimpleNamespace(name="m", version=3, offer=offer, classes=classes, outputs=outputs, bundle=bundle)))


def _answer(rows: int, load: RequestRows | None = None, start: int = 0, **outputs: Any) -> Answer:
    return Answer(load or RequestRows(rows, []), outputs, start, start + rows)


def test_classes_are_named_whatever_stands_in_their_names() -> None:
    names = ("100 %b", 'a "b"', "ä\\\n")
    shares = np.array([[0.1, 0.2, 0.7], [1.0, 0.0, 1e-12]], np.float32)
    told = json.loads(_answering(names).json(_answer(2, prediction=np.array([names[2], names[0]], object), probability=shares), 'i"d'))
    assert told.keys() == {"model", "version", "target", "id", "predictions"}
    assert (told["model"], told["version"], told["target"], told["id"]) == ("m", 3, 'the "target"', 'i"d')
    assert [row["prediction"] for row in told["predictions"]] == [names[2], names[0]]
    for row, share in zip(told["predictions"], shares, strict=True):
        assert list(row["probabilities"]) == list(names)
        assert np.array(list(row["probabilities"].values()), np.float32).tolist() == share.tolist()  # to the last bit


@pytest.mark.parametrize(
    "values", [np.array([1.5, -2.0]), np.array([3, 4]), np.array([True, False]), np.array(["x", "y"], object)], ids=lambda one: str(one.dtype)
)
def test_predictions_of_every_type_are_themselves(values: np.ndarray) -> None:
    told = json.loads(_answering(outputs=("prediction",)).json(_answer(2, prediction=values), "i"))
    assert told["predictions"] == [{"prediction": value} for value in values.tolist()]


def test_an_answer_is_its_own_part_of_the_batch() -> None:
    whole = np.arange(10.0)
    told = json.loads(_answering(outputs=("prediction", "bits")).json(_answer(2, start=4, prediction=whole, bits=whole * 2), "i"))
    assert told["predictions"] == [{"prediction": 4.0, "bits": 8.0}, {"prediction": 5.0, "bits": 10.0}]


def test_a_rejected_row_leaves_its_place_empty() -> None:
    load = RequestRows(3, [], rejected=(Rejected(1, "age is missing"),), accepted=[0, 2])
    told = json.loads(_answering(outputs=("prediction",)).json(_answer(2, load, prediction=np.array([1, 2])), "i"))
    assert told["predictions"] == [{"prediction": 1}, None, {"prediction": 2}]
    assert told["rejected"] == [{"row": 1, "reason": "age is missing"}]


def test_a_fallback_says_so() -> None:
    assert json.loads(_answering(outputs=("prediction",)).json(_answer(1, prediction=np.array([1])), "i", "version 2"))["fallback"] == "version 2"


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_is_no_answer(bad: float) -> None:
    shares = np.array([[0.5, 0.5], [0.5, bad]], np.float32)
    with pytest.raises(Refused, match="row 1") as refused:
        _answering(("a", "b")).json(_answer(2, prediction=np.array(["a", "b"], object), probability=shares), "i")
    assert refused.value.status == 422
