"""The protocol's own text, sentence by sentence, against a running server: paths, health, metadata, requests.

Quoted: specification/protocol/inference_rest.md and open_inference_rest.yaml of https://github.com/kserve/open-inference-protocol, commit d49cc23.
"""

from __future__ import annotations

import json
from importlib.metadata import version

import pytest
from tests.serving.v2.asking import infer, numbers, output, people, tensor
from tests.serving.v2.server import Server


class TestHealth:
    def test_server_live(self, server: Server) -> None:
        """ "Server Live | GET | v2/health/live"; "$live_server_response = { "live" : $bool }" """
        answer = server.ask("GET", "/v2/health/live")
        assert (answer.status, answer.json) == (200, {"live": True})
        assert answer.headers["content-type"] == "application/json"

    def test_server_ready(self, server: Server) -> None:
        """ "indicates if all the models are ready for inferencing"; "$ready_server_response = { "live" : $bool }" """
        answer = server.ask("GET", "/v2/health/ready")
        assert answer.status == 200
        assert answer.json["live"] is True
        assert answer.json["ready"] is True

    def test_model_ready(self, server: Server) -> None:
        """ "$ready_model_response = { "name" : $string, "ready": $bool }" """
        answer = server.ask("GET", "/v2/models/mixed/ready")
        assert (answer.status, answer.json) == (200, {"name": "mixed", "ready": True})

    def test_model_ready_of_a_version(self, server: Server) -> None:
        """ "The model name and (optionally) version must be available in the URL." """
        answer = server.ask("GET", "/v2/models/mixed/versions/3/ready")
        assert (answer.status, answer.json) == (200, {"name": "mixed", "ready": True})

    def test_a_model_that_is_not_there_is_not_ready(self, server: Server) -> None:
        """ "indicates if a specific model is ready for inferencing" """
        assert server.ask("GET", "/v2/models/nobody/ready").status == 404
        assert "no model 'nobody'" in server.ask("GET", "/v2/models/nobody/ready").error

    def test_a_version_that_is_not_there_is_not_ready(self, server: Server) -> None:
        """ "Was the model successfully downloaded and loaded onto the server to be able to run inference requests?" """
        answer = server.ask("GET", "/v2/models/mixed/versions/2/ready")
        assert answer.status == 404
        assert "has no version '2' here; version 3 is served" in answer.error


class TestServerMetadata:
    def test_it_has_name_version_and_extensions(self, server: Server) -> None:
        """ "$metadata_server_response = { "name" : $string, "version" : $string, "extensions" : [ $string, ... ] }" """
        answer = server.ask("GET", "/v2")
        assert answer.status == 200
        assert answer.json == {"name": "mlforge", "version": version("mlforge"), "extensions": ["binary_tensor_data"]}

    def test_it_is_under_the_path_with_a_slash_too(self, server: Server) -> None:
        """open_inference_rest.yaml: "paths: /v2/: get: summary: Server Metadata" """
        assert server.ask("GET", "/v2/").json == server.ask("GET", "/v2").json

    def test_a_failed_request_has_the_error_form(self, server: Server) -> None:
        """ "A failed server metadata request must be indicated by an HTTP error status … $metadata_server_error_response = { "error": $string }" """
        answer = server.ask("POST", "/v2", {})
        assert answer.status == 405
        assert answer.headers["allow"] == "GET"
        assert "GET was expected" in answer.error


class TestModelMetadata:
    def test_it_has_what_the_protocol_asks(self, server: Server) -> None:
        """ "name" : $string, "versions" : [ $string, ... ] #optional, "platform" : $string, "inputs" : [ … ], "outputs" : [ … ]" """
        told = server.ask("GET", "/v2/models/mixed").json
        assert told["name"] == "mixed"
        assert told["versions"] == ["3"]
        assert {"name": "age", "datatype": "INT64", "shape": [-1]} in told["inputs"]

    def test_the_platform_is_one_of_the_list(self, server: Server) -> None:
        """ "The following platform names are allowed: … onnx_onnxv1 : A ONNX model encoded for ONNX Runtime." """
        assert server.ask("GET", "/v2/models/mixed").json["platform"] == "onnx_onnxv1"

    def test_inputs_are_the_columns_under_their_real_names(self, server: Server) -> None:
        """ "“inputs” : The inputs required by the model." """
        names = [one["name"] for one in server.ask("GET", "/v2/models/mixed").json["inputs"]]
        assert names == ["age", "yearly income", "member", "city", "note", "born", "visits"]

    def test_variable_sizes_are_minus_one(self, server: Server) -> None:
        """ "“shape” : The shape of the tensor. Variable-size dimensions are specified as -1." """
        (pixels,) = server.ask("GET", "/v2/models/cells").json["inputs"]
        assert pixels == {"name": "pixels", "datatype": "FP64", "shape": [-1, 2, 2]}

    @pytest.mark.parametrize("model", ["mixed", "matrix", "cells"])
    def test_outputs_are_what_an_inference_returns(self, server: Server, model: str) -> None:
        """ "“outputs” : The outputs produced by the model." """
        asked = {"mixed": people(), "matrix": numbers(), "cells": {"inputs": [tensor("pixels", "FP64", [1, 2, 3, 4] * 2, [2, 2, 2])]}}[model]
        returned = infer(server, asked, model).json["outputs"]
        told = server.ask("GET", f"/v2/models/{model}").json["outputs"]
        assert [(one["name"], one["datatype"], one["shape"]) for one in told] == [(one["name"], one["datatype"], [-1, *one["shape"][1:]]) for one in returned]

    def test_versions_are_left_out_where_there_are_none(self, server: Server) -> None:
        """ "Optional for models that don’t allow a version to be explicitly requested." """
        assert "versions" not in server.ask("GET", "/v2/models/matrix").json

    def test_a_version_may_be_asked_for(self, server: Server) -> None:
        """ "v2/models/<model_name>[/versions/<model_version>]" """
        assert server.ask("GET", "/v2/models/mixed/versions/3").json == server.ask("GET", "/v2/models/mixed").json

    @pytest.mark.parametrize("path", ["/v2/models/nobody", "/v2/models/mixed/versions/4", "/v2/models/matrix/versions/1", "/v2/models/mixed/versions/latest"])
    def test_what_is_not_served_is_an_error(self, server: Server, path: str) -> None:
        """ "A failed model metadata request must be indicated by an HTTP error status … { "error": $string }" """
        answer = server.ask("GET", path)
        assert answer.status == 404
        assert answer.error

    def test_datatypes_are_of_the_table(self, server: Server) -> None:
        """ "“datatype” : The data-type of the tensor elements as defined in Tensor Data Types." """
        told = {one["name"]: one["datatype"] for one in server.ask("GET", "/v2/models/mixed").json["inputs"]}
        assert told == {"age": "INT64", "yearly income": "FP64", "member": "BOOL", "city": "BYTES", "note": "BYTES", "born": "BYTES", "visits": "FP64"}

    def test_classes_are_told_in_the_order_of_the_probabilities(self, server: Server) -> None:
        """open_inference_rest.yaml: "properties: type: object, additionalProperties: type: string" """
        assert json.loads(server.ask("GET", "/v2/models/mixed").json["properties"]["classes"]) == ["no", "yes"]


class TestInference:
    def test_a_successful_request(self, server: Server) -> None:
        """ "A successful inference request is indicated by a 200 HTTP status code. The inference response object … is returned in the HTTP body." """
        answer = infer(server, people(), "mixed")
        assert answer.status == 200
        assert answer.headers["content-type"] == "application/json"
        assert answer.json["model_name"] == "mixed"

    def test_the_answers_are_the_model_s(self, server: Server) -> None:
        """The same rows by their names, at /predict."""
        rows = [{"age": 39, "yearly income": 7e4, "member": True, "city": "Rom", "note": "good", "born": "1981-02-03", "visits": [1, 2, 3]}]
        rows += [{"age": 50, "yearly income": 1e4, "member": False, "city": "Oslo", "note": "bad", "born": "1970-01-01T12:00:00", "visits": [4, 5, 6]}]
        named = server.ask("POST", "/models/mixed/predict", {"rows": rows}).json["predictions"]
        said = infer(server, people(), "mixed")
        assert output(said, "prediction")["data"] == [one["prediction"] for one in named]
        shares = [share for one in named for share in one["probabilities"].values()]
        assert output(said, "probability")["data"] == pytest.approx(shares, abs=1e-6)

    def test_the_version_that_answered_is_told(self, server: Server) -> None:
        """ "“model_version” : The specific model version used for inference." """
        assert infer(server, people(), "mixed").json["model_version"] == "3"

    def test_no_version_is_told_where_there_are_none(self, server: Server) -> None:
        """ "Inference servers that do not implement versioning should not provide this field in the response." """
        assert "model_version" not in infer(server, numbers()).json

    def test_a_version_may_be_asked_for(self, server: Server) -> None:
        """ "POST | v2/models/<model_name>[/versions/<model_version>]/infer" """
        assert server.ask("POST", "/v2/models/mixed/versions/3/infer", people()).json["model_version"] == "3"

    @pytest.mark.parametrize("path", ["/v2/models/mixed/versions/9/infer", "/v2/models/matrix/versions/1/infer", "/v2/models/nobody/infer"])
    def test_another_version_is_an_error(self, server: Server, path: str) -> None:
        """ "The model name and (optionally) version must be available in the URL." """
        answer = server.ask("POST", path, people())
        assert answer.status == 404
        assert answer.error

    def test_an_id_is_returned(self, server: Server) -> None:
        """ "“id” : An identifier for this request. Optional, but if specified this identifier must be returned in the response." """
        assert infer(server, numbers(id="42")).json["id"] == "42"
        assert infer(server, numbers(id="Æ „quoted“ \\ \n")).json["id"] == "Æ „quoted“ \\ \n"

    def test_no_id_is_returned_where_none_was_given(self, server: Server) -> None:
        """ "“id” : The “id” identifier given in the request, if any." """
        assert "id" not in infer(server, numbers()).json

    def test_an_id_that_is_no_string_is_an_error(self, server: Server) -> None:
        """ " "id" : $string #optional" """
        assert "id" in infer(server, numbers(id=42)).error

    def test_fields_that_are_not_known_are_let_be(self, server: Server) -> None:
        """The binary extension's own examples have "model_name" in the request."""
        assert infer(server, numbers(model_name="matrix", sequence=1)).status == 200

    def test_a_body_without_inputs_is_an_error(self, server: Server) -> None:
        """ " "inputs" : [ $request_input, ... ]", which is not optional"""
        for body in ({}, {"inputs": []}, {"inputs": None}):
            assert "inputs" in infer(server, body).error

    def test_a_body_is_required(self, server: Server) -> None:
        """ "The inference request object … is required in the HTTP body of the POST request." """
        answer = infer(server, b"")
        assert answer.status == 400
        assert "JSON" in answer.error

    @pytest.mark.parametrize("body", [b"{", b"[1, 2]", b"nonsense", b'"inputs"', b"\xff\xfe", b'{"inputs": [{]}'])
    def test_a_body_that_is_no_request_is_an_error(self, server: Server, body: bytes) -> None:
        """ "A failed inference request must be indicated by an HTTP error status (typically 400)." """
        answer = infer(server, body)
        assert answer.status == 400
        assert answer.error

    def test_other_methods_are_errors(self, server: Server) -> None:
        """ "An inference request is made with an HTTP POST to an inference endpoint." """
        answer = server.ask("GET", "/v2/models/matrix/infer")
        assert answer.status == 405
        assert answer.error

    def test_paths_that_are_not_the_protocol_s_are_errors(self, server: Server) -> None:
        """ "$inference_error_response = { "error": <error message string> }" """
        for path in ("/v2/models", "/v2/model/matrix/infer", "/v2/health", "/v2/models//infer"):
            answer = server.ask("POST", path, numbers())
            assert answer.status == 404, path
            assert answer.error

    def test_a_body_of_another_kind_is_an_error(self, server: Server) -> None:
        """ "Content-Type: application/json" """
        answer = infer(server, b"a,b\n1,2\n", content_type="text/csv")
        assert answer.status == 415
        assert "text/csv" in answer.error

    def test_content_types_of_clients_are_taken(self, server: Server) -> None:
        """The protocol's examples say application/json; clients say nothing, a charset, or what curl says."""
        for kind in (
            "application/json",
            "application/json; charset=utf-8",
            "APPLICATION/JSON",
            "application/octet-stream",
            "application/x-www-form-urlencoded",
        ):
            assert infer(server, numbers(), content_type=kind).status == 200
