"""NVIDIA's own client, over gRPC, against a running server; and what the protocol's text says of gRPC.

Quoted: specification/protocol/open_inference_grpc.proto of https://github.com/kserve/open-inference-protocol, commit d49cc23.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
from tests.serving.v2.server import Server

import mlforge.serving.grpc
from mlforge.serving.grpc.messages import HEALTH, INFERENCE, message, methods

grpc = pytest.importorskip("grpc", reason="needs grpcio")
client = pytest.importorskip("tritonclient.grpc", reason="needs tritonclient[grpc]")

MATRIX = np.array([[0.5, 3, 1.5, -2.0], [-0.5, 0, 4.5, 7.25]])


@pytest.fixture(scope="module")
def triton(server: Server) -> Iterator[object]:
    with client.InferenceServerClient(server.grpc) as made:
        yield made


@pytest.fixture(scope="module")
def channel(server: Server) -> Iterator[object]:
    with grpc.insecure_channel(server.grpc) as made:
        yield made


def call(channel, method: str, of: str = INFERENCE, /, **fields: object):
    request, response, _ = methods(of)[method]
    return channel.unary_unary(f"/{of}/{method}", request.SerializeToString, response.FromString)(request(**fields), timeout=20)


def refused(channel, **fields: object):
    with pytest.raises(grpc.RpcError) as caught:
        call(channel, "ModelInfer", **fields)
    return caught.value.code(), caught.value.details()


def given(name: str, values: np.ndarray, datatype: str) -> object:
    made = client.InferInput(name, values.shape, datatype)
    made.set_data_from_numpy(values)
    return made


def typed(datatype: str, shape: list[int], name: str = "input", **contents: object) -> dict[str, object]:
    return {"name": name, "datatype": datatype, "shape": shape, "contents": contents}


def column(datatype: str, field: str, value: object) -> list[dict[str, object]]:
    """The columns of one row of `matrix`, the second as it is asked."""
    rest = [typed("FP64", [1], f"column {place}", fp64_contents=[number]) for place, number in ((0, 0.5), (2, 1.5), (3, -2.0))]
    return [typed(datatype, [1], "column 1", **{field: [value]}), *rest]


class TestTriton:
    def test_health_and_metadata(self, triton) -> None:
        assert triton.is_server_live()
        assert triton.is_server_ready()
        assert triton.is_model_ready("mixed")
        assert triton.is_model_ready("mixed", "3")
        told = triton.get_server_metadata()
        assert (told.name, told.version, list(told.extensions)) == ("mlforge", version("mlforge"), ["binary_tensor_data"])
        model = triton.get_model_metadata("mixed")
        assert (model.name, list(model.versions), model.platform) == ("mixed", ["3"], "onnx_onnxv1")
        assert [(one.name, one.datatype, list(one.shape)) for one in model.outputs] == [("prediction", "BYTES", [-1]), ("probability", "FP32", [-1, 2])]

    @pytest.mark.parametrize(("datatype", "dtype"), [("FP16", np.float16), ("FP32", np.float32), ("FP64", np.float64)])
    def test_a_matrix(self, triton, datatype: str, dtype: type) -> None:
        answer = triton.infer("matrix", [given("input", MATRIX.astype(dtype), datatype)], request_id="mine")
        assert answer.get_response().id == "mine"
        assert answer.as_numpy("prediction").shape == (2,)
        assert answer.as_numpy("probability").sum(axis=1) == pytest.approx([1, 1], abs=1e-5)

    def test_columns_of_every_type(self, triton) -> None:
        inputs = [
            given("age", np.array([39, 50], np.int32), "INT32"),
            given("yearly income", np.array([7e4, np.nan]), "FP64"),
            given("member", np.array([True, False]), "BOOL"),
            given("city", np.array(["Rom", "Oslo"], object), "BYTES"),
            given("note", np.array(["good", "Æ„“"], object), "BYTES"),
            given("born", np.array([b"1981-02-03", b""], object), "BYTES"),
            given("visits", np.array([[1.0, 2, 3], [4, 5, 6]]), "FP64"),
        ]
        answer = triton.infer("mixed", inputs, model_version="3", outputs=[client.InferRequestedOutput("prediction")])
        assert set(answer.as_numpy("prediction")) <= {b"no", b"yes"}
        assert answer.as_numpy("probability") is None
        assert answer.get_response().model_version == "3"

    def test_http_and_grpc_say_the_same(self, server: Server, triton) -> None:
        asked = {"inputs": [{"name": "input", "shape": [2, 4], "datatype": "FP64", "data": MATRIX.tolist()}]}
        told = server.ask("POST", "/v2/models/matrix/infer", asked).json["outputs"][1]["data"]
        said = triton.infer("matrix", [given("input", MATRIX, "FP64")]).as_numpy("probability")
        assert said.ravel().tolist() == pytest.approx(told, abs=1e-7)

    def test_an_error_is_told(self, triton) -> None:
        with pytest.raises(client.InferenceServerException, match=r"row 0: column 1 11(\.0)? is above 10") as caught:
            triton.infer("matrix", [given("input", np.array([[0, 11, 0, 0]], np.int32), "INT32")])
        assert caught.value.status() == "StatusCode.INVALID_ARGUMENT"


class TestConformance:
    """ "Errors are indicated by the google.rpc.Status returned for the request. The OK code indicates success and other codes indicate failure." """

    def test_server_live(self, channel) -> None:
        """ "True if the inference server is live, false if not live." """
        assert call(channel, "ServerLive").live is True

    def test_server_ready(self, channel) -> None:
        """ "True if the inference server is ready, false if not ready." """
        assert call(channel, "ServerReady").ready is True

    def test_model_ready(self, channel) -> None:
        """ "The version of the model to check for readiness. If not given the server will choose a version based on the model and internal policy." """
        assert call(channel, "ModelReady", name="mixed").ready is True
        assert call(channel, "ModelReady", name="mixed", version="3").ready is True

    @pytest.mark.parametrize("method", ["ModelReady", "ModelMetadata"])
    @pytest.mark.parametrize("asked", [{"name": "nobody"}, {"name": "mixed", "version": "2"}, {"name": "matrix", "version": "1"}, {}])
    def test_a_model_that_is_not_served(self, channel, method: str, asked: dict[str, str]) -> None:
        """ "other codes indicate failure" """
        with pytest.raises(grpc.RpcError) as caught:
            call(channel, method, **asked)
        assert caught.value.code() is grpc.StatusCode.NOT_FOUND

    def test_model_metadata(self, channel) -> None:
        """ "The tensor shape. A variable-size dimension is represented by a -1 value." """
        told = call(channel, "ModelMetadata", name="cells")
        assert [(one.name, one.datatype, list(one.shape)) for one in told.inputs] == [("pixels", "FP64", [-1, 2, 2])]
        assert told.properties["task"] == "regression"

    def test_the_id_is_returned(self, channel) -> None:
        """ "Optional identifier for the request. If specified will be returned in the response." """
        asked = [typed("FP64", [2, 4], fp64_contents=MATRIX.ravel())]
        assert call(channel, "ModelInfer", model_name="matrix", id="42", inputs=asked).id == "42"
        assert call(channel, "ModelInfer", model_name="matrix", inputs=asked).id == ""

    def test_typed_contents_are_answered_typed(self, channel) -> None:
        """ "An alternative to the "raw" representation is to use InferTensorContents to represent the tensor data in a format that matches the datatype." """
        answer = call(channel, "ModelInfer", model_name="matrix", inputs=[typed("FP64", [2, 4], fp64_contents=MATRIX.ravel())])
        assert not answer.raw_output_contents
        assert [len(answer.outputs[0].contents.int64_contents), len(answer.outputs[1].contents.fp32_contents)] == [2, 6]

    def test_raw_contents_are_answered_raw(self, channel) -> None:
        """ "'raw_output_contents' must be initialized with data for each tensor in the same order as 'outputs'." """
        asked = {"name": "input", "datatype": "FP64", "shape": [2, 4]}
        answer = call(channel, "ModelInfer", model_name="matrix", inputs=[asked], raw_input_contents=[MATRIX.tobytes()])
        assert [len(raw) for raw in answer.raw_output_contents] == [2 * 8, 6 * 4]
        assert not any(one.HasField("contents") for one in answer.outputs)
        same = call(channel, "ModelInfer", model_name="matrix", inputs=[typed("FP64", [2, 4], fp64_contents=MATRIX.ravel())])
        assert np.frombuffer(answer.raw_output_contents[1], "<f4").tolist() == pytest.approx(list(same.outputs[1].contents.fp32_contents), abs=1e-7)

    @pytest.mark.parametrize(
        ("datatype", "field"),
        [
            ("INT8", "int_contents"),
            ("INT16", "int_contents"),
            ("INT32", "int_contents"),
            ("INT64", "int64_contents"),
            ("UINT8", "uint_contents"),
            ("UINT16", "uint_contents"),
            ("UINT32", "uint_contents"),
            ("UINT64", "uint64_contents"),
            ("FP32", "fp32_contents"),
            ("FP64", "fp64_contents"),
        ],
    )
    def test_every_field_of_contents(self, channel, datatype: str, field: str) -> None:
        """ "Representation for INT8, INT16, and INT32 data types. The size must match what is expected by the tensor's shape." """
        assert len(call(channel, "ModelInfer", model_name="matrix", inputs=column(datatype, field, 3)).outputs) == 2

    def test_bool_and_bytes_contents(self, channel) -> None:
        """ "Representation for BOOL data type"; "Representation for BYTES data type" """
        inputs = [
            typed("INT64", [1, 1], "age", int64_contents=[39]),
            typed("FP64", [1], "yearly income", fp64_contents=[1.0]),
            typed("BOOL", [1], "member", bool_contents=[True]),
            typed("BYTES", [1, 1], "city", bytes_contents=[b"Rom"]),
            typed("BYTES", [1], "note", bytes_contents=["Æ".encode()]),
            typed("BYTES", [1], "born", bytes_contents=[b"?"]),
            typed("FP32", [1, 3], "visits", fp32_contents=[1, 2, 3]),
        ]
        answer = call(channel, "ModelInfer", model_name="mixed", inputs=inputs)
        assert answer.outputs[0].contents.bytes_contents[0] in (b"no", b"yes")

    def test_outputs_are_chosen(self, channel) -> None:
        """ "The requested output tensors for the inference. Optional, if not specified all outputs produced by the model will be returned." """
        asked = [typed("FP64", [2, 4], fp64_contents=MATRIX.ravel())]
        chosen = call(channel, "ModelInfer", model_name="matrix", inputs=asked, outputs=[{"name": "probability"}])
        assert [one.name for one in chosen.outputs] == ["probability"]
        assert [one.name for one in call(channel, "ModelInfer", model_name="matrix", inputs=asked).outputs] == ["prediction", "probability"]

    def test_parameters_of_every_kind_are_taken(self, channel) -> None:
        """ "The parameter value can be a string, an int64, a boolean or a message specific to a predefined parameter." """
        parameters = {
            "a": {"bool_param": True},
            "b": {"int64_param": 1},
            "c": {"string_param": "x"},
            "d": {"double_param": 0.5},
            "e": {"uint64_param": 2},
            "f": {},
        }
        asked = [typed("FP64", [2, 4], fp64_contents=MATRIX.ravel())]
        assert call(channel, "ModelInfer", model_name="matrix", inputs=asked, parameters=parameters).model_name == "matrix"

    @pytest.mark.parametrize(
        ("asked", "told"),
        [
            ({"inputs": [typed("FP64", [2, 4], fp64_contents=[1.0])]}, "contents are fp64_contents with 1, expected fp64_contents with 8 elements of FP64"),
            ({"inputs": [typed("FP64", [1, 4], fp32_contents=[1, 2, 3, 4])]}, "contents are fp32_contents with 4, expected fp64_contents with 4"),
            ({"inputs": [typed("FP64", [1, 4])]}, "contents are none"),
            ({"inputs": [typed("FP16", [1, 4])]}, "FP16 has no typed contents; send it as raw_input_contents"),
            ({"inputs": column("INT8", "int_contents", 300)}, "an element is out of range, expected a whole number from -128 to 127"),
            ({"inputs": column("BYTES", "bytes_contents", b"\xff")}, "element 0 is not UTF-8"),
            ({"inputs": column("FP31", "fp64_contents", 3)}, "datatype 'FP31' is not known"),
            ({"inputs": []}, "are missing; expected a tensor for each of the 4 columns"),
            ({"inputs": [typed("FP64", [-1, 4], fp64_contents=[1, 2, 3, 4])]}, "-1 is not a size"),
            (
                {"inputs": [typed("FP64", [1, 4], fp64_contents=[1, 2, 3, 4])], "raw_input_contents": [b"", b""]},
                "has 2 entries, expected one for each of the 1 inputs",
            ),
            (
                {"inputs": [typed("FP64", [1, 4], fp64_contents=[1, 2, 3, 4])], "raw_input_contents": [b"\0" * 32]},
                "has contents, and the request has raw_input_contents",
            ),
            ({"inputs": [{"name": "input", "datatype": "FP64", "shape": [1, 4]}], "raw_input_contents": [b"\0"]}, "1 bytes of data, expected 32"),
            ({"inputs": [typed("FP64", [1, 4], fp64_contents=[1, 2, 3, 4])], "outputs": [{"name": "x"}]}, "'x' is no output of matrix"),
        ],
    )
    def test_requests_that_do_not_keep_the_protocol(self, channel, asked: dict[str, object], told: str) -> None:
        """ "If this field is specified then InferInputTensor::contents must not be specified for any input tensor", and the like."""
        code, details = refused(channel, model_name="matrix", **asked)
        assert code is grpc.StatusCode.INVALID_ARGUMENT
        assert told in details

    def test_the_contract_holds(self, channel) -> None:
        """A row that breaks it is named, with what was found and expected."""
        code, details = refused(channel, model_name="matrix", inputs=column("INT64", "int64_contents", 11))
        assert code is grpc.StatusCode.INVALID_ARGUMENT
        assert details == "row 0: column 1 11 is above 10"

    def test_a_deadline_that_has_passed(self, channel) -> None:
        """Of the client's, and of Triton's parameter."""
        asked = [typed("FP64", [2, 4], fp64_contents=MATRIX.ravel())]
        code, _ = refused(channel, model_name="matrix", inputs=asked, parameters={"timeout": {"double_param": 1e-3}})
        assert code is grpc.StatusCode.DEADLINE_EXCEEDED

    def test_a_message_that_is_none_is_an_error(self, channel) -> None:
        """Bytes that are no message, and a method that is none."""
        for method, code in (("ModelInfer", grpc.StatusCode.INVALID_ARGUMENT), ("ModelStreamInfer", grpc.StatusCode.UNIMPLEMENTED)):
            with pytest.raises(grpc.RpcError) as caught:
                channel.unary_unary(f"/{INFERENCE}/{method}")(b"\xff\xff\xff", timeout=20)
            assert caught.value.code() is code


class TestHealth:
    def test_check(self, channel) -> None:
        """grpc.health.v1: the server as a whole, and each service by its name."""
        for service in ("", INFERENCE):
            assert call(channel, "Check", HEALTH, service=service).status == 1
        with pytest.raises(grpc.RpcError) as caught:
            call(channel, "Check", HEALTH, service="nobody")
        assert caught.value.code() is grpc.StatusCode.NOT_FOUND

    def test_watch(self, channel) -> None:
        """ "The server will immediately send back a message indicating the current serving status." """
        request, response, _ = methods(HEALTH)["Watch"]
        watched = channel.unary_stream(f"/{HEALTH}/Watch", request.SerializeToString, response.FromString)(request(service=INFERENCE), timeout=20)
        assert next(watched).status == 1
        watched.cancel()


def test_the_description_of_the_messages_is_made_from_the_protocol_s_file(tmp_path: Path) -> None:
    """As the package's docstring says."""
    pytest.importorskip("grpc_tools", reason="needs grpcio-tools")
    from google.protobuf import descriptor_pb2

    folder = Path(mlforge.serving.grpc.__file__).parent
    made = tmp_path / "messages.binpb"
    command = [sys.executable, "-m", "grpc_tools.protoc", "-I.", f"--descriptor_set_out={made}", "open_inference_grpc.proto", "health.proto"]
    subprocess.run(command, cwd=folder, check=True)
    described = [descriptor_pb2.FileDescriptorSet.FromString(path.read_bytes()) for path in (made, folder / "messages.binpb")]
    assert described[0] == described[1]
    assert message("inference.ModelInferRequest").DESCRIPTOR.full_name == "inference.ModelInferRequest"
