"""Small images as arrays, and texts, in every way that a request can bring them."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.serving.bundles import make_bundle
from tests.serving.running import Running, serving

from mlforge.contract import Column, Contract

PIXELS = [[0.5, 0.0], [0.25, -1.0]]
FLAT = [0.5, 0.0, 0.25, -1.0]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    columns = {"pixels": Column(dtype="array[float, 2x2]"), "note": Column(dtype="text", nullable=True)}
    with serving(make_bundle(tmp_path_factory.mktemp("served") / "digits", Contract(columns=columns)), "--workers", "1") as running:
        yield running


def said(server: Running, body: Any, kind: str = "application/json") -> tuple[int, Any]:
    status, told, _ = server.ask("/predict", body, headers={"content-type": kind})
    return (status, told["predictions"]) if status == 200 else (status, told["error"])


def test_an_image_is_the_same_flat_by_its_shape_and_as_text(server: Running) -> None:
    status, (first,) = said(server, {"pixels": FLAT, "note": "zwölf Boxkämpfer"})
    assert status == 200
    for body in (
        {"rows": [{"pixels": PIXELS}]}, {"columns": {"pixels": [PIXELS], "note": [None]}}, {"rows": [{"pixels": [[0.5, 0], [0.25, -1]], "note": "x" * 5000}]}
    ):  # fmt: skip
        assert said(server, body) == (200, [first])
    assert said(server, b'pixels,note\n"[0.5,0,0.25,-1]","a, b"\n', "text/csv") == (200, [first])


def test_rows_of_both_forms_may_stand_in_one_request(server: Running) -> None:
    status, answers = said(server, {"rows": [{"pixels": FLAT}, {"pixels": PIXELS}, {"pixels": [1, 1, 1, 1]}]})
    assert status == 200
    assert answers[0] == answers[1] != answers[2]


def test_arrow_and_v2_bring_them_by_their_shape(server: Running) -> None:
    first = said(server, {"pixels": FLAT})[1][0]
    for dtype, value in ((pl.Array(pl.Float32, (2, 2)), PIXELS), (pl.List(pl.Float64), FLAT)):
        stream = io.BytesIO()
        pl.DataFrame({"pixels": pl.Series([value], dtype=dtype)}).with_columns(pl.lit("text").alias("note")).write_ipc_stream(stream)
        assert said(server, stream.getvalue(), "application/vnd.apache.arrow.stream") == (200, [first])
    for shape in ([1, 2, 2], [1, 4]):
        tensors = [
            {"name": "pixels", "shape": shape, "datatype": "FP64", "data": FLAT}, {"name": "note", "shape": [1], "datatype": "BYTES", "data": ["text"]}
        ]  # fmt: skip
        status, told, _ = server.ask("/v2/models/digits/infer", {"inputs": tensors})
        assert status == 200
        assert next(one["data"] for one in told["outputs"] if one["name"] == "prediction") == [first["prediction"]]


@pytest.mark.parametrize(
    "pixels",
    [[[0.5, 0.0, 0.25, -1.0]], [[0.5, 0.0], [0.25]], [[[0.5, 0.0], [0.25, -1.0]]], [[0.5, "x"], [0.25, -1.0]], [[0.5, None], [0.25, -1.0]], [1], "[1,2]", "x"],
    ids=str,
)
def test_what_is_no_such_image_is_refused_with_its_reason(server: Running, pixels: object) -> None:
    status, error = said(server, {"rows": [{"pixels": pixels}]})
    assert status == 400
    assert "pixels" in error
    assert "is not an array of 4 finite numbers" in error


def test_a_path_in_a_request_is_a_text_and_never_opened(server: Running, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("[1,2,3,4]")
    for named in (str(secret), secret.as_uri()):
        status, error = said(server, {"pixels": named})
        assert status == 400
        assert "is not an array" in error
        assert said(server, {"pixels": FLAT, "note": named}) == said(server, {"pixels": FLAT})
