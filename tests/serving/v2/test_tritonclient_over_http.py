"""NVIDIA's own client, over HTTP, against a running server."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from tests.serving.v2.server import Server

client = pytest.importorskip("tritonclient.http", reason="needs tritonclient[http]")

MATRIX = np.array([[0.5, 3, 1.5, -2.0], [-0.5, 0, 4.5, 7.25]])


@pytest.fixture(scope="module")
def triton(server: Server) -> Iterator[object]:
    with client.InferenceServerClient(server.address) as made:
        yield made


def given(name: str, values: np.ndarray, datatype: str, *, binary: bool) -> object:
    made = client.InferInput(name, values.shape, datatype)
    made.set_data_from_numpy(values, binary_data=binary)
    return made


def people(*, binary: bool) -> list[object]:
    columns = {
        "age": (np.array([39, 50], np.int64), "INT64"),
        "yearly income": (np.array([7e4, np.nan if binary else 1e4]), "FP64"),
        "member": (np.array([True, False]), "BOOL"),
        "city": (np.array(["Rom", "Oslo"], object), "BYTES"),
        "note": (np.array(["good", "Æ„“"], object), "BYTES"),
        "born": (np.array([b"1981-02-03", b"1970-01-01"], object), "BYTES"),
        "visits": (np.array([[1.0, 2, 3], [4, 5, 6]]), "FP64"),
    }
    return [given(name, values, datatype, binary=binary) for name, (values, datatype) in columns.items()]


def test_health_and_metadata(triton) -> None:
    assert triton.is_server_live()
    assert triton.is_server_ready()
    assert triton.is_model_ready("mixed")
    assert triton.is_model_ready("mixed", "3")
    assert not triton.is_model_ready("nobody")
    assert triton.get_server_metadata()["extensions"] == ["binary_tensor_data"]
    assert [one["name"] for one in triton.get_model_metadata("matrix")["inputs"]] == [f"column {place}" for place in range(4)]
    assert {one["name"] for one in triton.get_model_repository_index()} == {"mixed", "matrix", "cells"}


@pytest.mark.parametrize("datatype", ["FP16", "FP32", "FP64"])
def test_binary_and_json_say_the_same(triton, datatype: str) -> None:
    values = MATRIX.astype({"FP16": np.float16, "FP32": np.float32, "FP64": np.float64}[datatype])
    answers = [triton.infer("matrix", [given("input", values, datatype, binary=binary)]) for binary in ((True, False) if datatype != "FP16" else (True, True))]
    for name in ("prediction", "probability"):
        np.testing.assert_array_equal(answers[0].as_numpy(name), answers[1].as_numpy(name))
    assert answers[0].as_numpy("probability").dtype == np.float32
    assert answers[0].as_numpy("probability").shape == (2, 3)


@pytest.mark.parametrize("binary", [True, False])
@pytest.mark.parametrize("sent", [True, False])
def test_columns_of_every_type(triton, binary: bool, sent: bool) -> None:
    wanted = [client.InferRequestedOutput(name, binary_data=binary) for name in ("probability", "prediction")]
    answer = triton.infer("mixed", people(binary=sent), model_version="3", outputs=wanted, request_id="mine")
    assert answer.get_response()["id"] == "mine"
    assert answer.get_response()["model_version"] == "3"
    assert answer.as_numpy("probability").sum(axis=1) == pytest.approx([1, 1], abs=1e-5)
    texts = [text.decode() if isinstance(text, bytes) else text for text in answer.as_numpy("prediction")]
    assert set(texts) <= {"no", "yes"}


def test_without_named_outputs_all_come_in_binary(triton) -> None:
    answer = triton.infer("matrix", [given("input", MATRIX, "FP64", binary=False)])
    assert all("binary_data_size" in one["parameters"] for one in answer.get_response()["outputs"])


def test_many_rows_in_binary(triton) -> None:
    rows = np.tile(MATRIX, (500, 1))
    few = triton.infer("matrix", [given("input", MATRIX, "FP64", binary=True)]).as_numpy("probability")
    many = triton.infer("matrix", [given("input", rows, "FP64", binary=True)]).as_numpy("probability")
    np.testing.assert_allclose(many, np.tile(few, (500, 1)), atol=1e-6)


def test_an_error_is_told(triton) -> None:
    with pytest.raises(client.InferenceServerException, match="column 1 11 is above 10") as caught:
        triton.infer("matrix", [given("input", np.array([[0, 11, 0, 0]], np.int32), "INT32", binary=True)])
    assert caught.value.status() == "400"


def test_its_timeout_is_kept(triton) -> None:
    assert triton.infer("matrix", [given("input", MATRIX, "FP64", binary=True)], timeout=5_000_000).as_numpy("prediction").shape == (2,)


def test_bodies_that_are_compressed_are_refused(triton) -> None:
    with pytest.raises(client.InferenceServerException) as caught:
        triton.infer("matrix", [given("input", MATRIX, "FP64", binary=True)], request_compression_algorithm="gzip")
    assert caught.value.status() == "415"


async def _asked(server: Server) -> np.ndarray:
    from tritonclient.http import aio

    async with aio.InferenceServerClient(server.address) as made:
        assert await made.is_server_ready()
        sent = aio.InferInput("input", MATRIX.shape, "FP64")
        sent.set_data_from_numpy(MATRIX)
        return (await made.infer("matrix", [sent])).as_numpy("prediction")


def test_its_asynchronous_client(server: Server) -> None:
    import asyncio

    pytest.importorskip("aiohttp")
    assert asyncio.run(_asked(server)).shape == (2,)


def test_a_body_of_nothing_but_a_tensor(server: Server) -> None:
    """ "the Inference-Header-Content-Length header must be provided with value 0 to indicate that the request body doesn't include the inference header" """
    body = np.array([1.0, 2, 3, 4]).tobytes()
    answer = server.ask("POST", "/v2/models/cells/infer", body, inference_header_content_length="0", content_type="application/octet-stream")
    told = answer.json
    assert answer.status == 200
    assert [(one["name"], one["shape"], one["parameters"]) for one in told["outputs"]] == [("prediction", [1], {"binary_data_size": 8})]
    assert len(answer.body) == int(answer.headers["inference-header-content-length"]) + 8
    for model, sent in (("matrix", body), ("cells", body[:-1]), ("cells", b"")):
        refused = server.ask("POST", f"/v2/models/{model}/infer", sent, inference_header_content_length="0")
        assert refused.status == 400
        assert refused.error
