"""The protocol's own text, sentence by sentence, against a running server: tensors, parameters, the index.

Quoted: specification/protocol/inference_rest.md and open_inference_rest.yaml of https://github.com/kserve/open-inference-protocol, commit d49cc23.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.serving.v2.asking import MATRIX, infer, numbers, output, people, served_alike, tensor
from tests.serving.v2.server import Server


class TestRequestInputs:
    def test_name_shape_datatype_and_data_are_required(self, server: Server) -> None:
        """open_inference_rest.yaml, request_input: "required: name, shape, datatype, data" """
        whole = tensor("input", "FP64", MATRIX, [2, 4])
        for field in whole:
            answer = infer(server, {"inputs": [{key: value for key, value in whole.items() if key != field}]})
            assert answer.status == 400
            assert field in answer.error

    def test_parameters_of_an_input_are_optional(self, server: Server) -> None:
        """ "“parameters” : An object containing zero or more parameters for this input expressed as key/value pairs." """
        for parameters in ({}, {"a": "b", "c": 1, "d": 1.5, "e": True}):
            assert infer(server, {"inputs": [tensor("input", "FP64", MATRIX, [2, 4], parameters=parameters)]}).status == 200

    def test_the_shape_is_of_the_whole_batch(self, server: Server) -> None:
        """ "If the input is batched, the shape and data must represent the full shape and contents of the entire batch." """
        for rows in (1, 2, 7, 100):
            answer = infer(server, {"inputs": [tensor("input", "FP64", [[0.5, 3, 1.5, -2.0]] * rows, [rows, 4])]})
            assert output(answer, "prediction")["shape"] == [rows]
            assert output(answer, "probability")["shape"] == [rows, 3]

    @pytest.mark.parametrize("shape", [[2, -4], [2.5, 4], ["2", 4], [None, 4], "24", [2**64, 4], [2, 4, 1, 1, 1, 1, 1, 1, 1]])
    def test_a_shape_that_is_none_is_an_error(self, server: Server, shape: object) -> None:
        """ "Each dimension must be an integer representable as an unsigned 64-bit integer value." """
        answer = infer(server, {"inputs": [{"name": "input", "shape": shape, "datatype": "FP64", "data": MATRIX}]})
        assert answer.status == 400
        assert "shape" in answer.error

    @pytest.mark.parametrize("shape", [[2, 3], [4, 2], [8], [1, 4], [2, 4, 1]])
    def test_data_that_are_not_of_the_shape_are_errors(self, server: Server, shape: list[int]) -> None:
        """ "“data”: The contents of the tensor." """
        assert infer(server, {"inputs": [tensor("input", "FP64", MATRIX, shape)]}).status == 400

    def test_columns_may_be_flat_or_one_wide(self, server: Server) -> None:
        """Of a column, [rows] and [rows, 1] are the same."""
        wide = tensor("age", "INT64", [[39], [50]], [2, 1])
        served_alike(server, people(), people(age=wide), "mixed")

    def test_a_cell_of_an_array_may_be_flat_or_as_declared(self, server: Server) -> None:
        """ "Tensor elements may be presented in their nature multi-dimensional representation, or as a flattened one-dimensional representation." """
        flat, shaped = tensor("pixels", "FP64", [1, 2, 3, 4], [1, 4]), tensor("pixels", "FP64", [[[1, 2], [3, 4]]], [1, 2, 2])
        served_alike(server, {"inputs": [flat]}, {"inputs": [shaped]}, "cells")

    def test_tensors_of_different_lengths_are_an_error(self, server: Server) -> None:
        """All tensors of a request have the same rows."""
        answer = infer(server, people(age=tensor("age", "INT64", [39])), "mixed")
        assert "has 2 rows, and 'age' has 1" in answer.error

    def test_a_missing_input_is_an_error_that_names_it(self, server: Server) -> None:
        """ "“inputs” : The inputs required by the model." """
        assert "'city' is missing" in infer(server, people("city"), "mixed").error
        misspelt = infer(server, people("city", town=tensor("citty", "BYTES", ["Rom", "Oslo"])), "mixed")
        assert "Did you mean citty?" in misspelt.error

    def test_an_input_that_is_given_twice_is_an_error(self, server: Server) -> None:
        """A name stands for one tensor."""
        assert "twice" in infer(server, people(again=tensor("age", "INT64", [1, 2])), "mixed").error
        assert "twice" in infer(server, people(again=tensor("income", "FP64", [1, 2])), "mixed").error

    def test_no_rows_have_no_answers(self, server: Server) -> None:
        """A shape may have a 0."""
        answer = infer(server, {"inputs": [tensor("input", "FP64", [], [0, 4])]})
        assert output(answer, "prediction") == {"name": "prediction", "shape": [0], "datatype": "INT64", "data": []}
        assert output(answer, "probability")["shape"] == [0, 3]

    def test_a_column_s_key_serves_as_its_name(self, server: Server) -> None:
        """As everywhere, rows may have a contract's keys."""
        served_alike(server, people(), people(income=tensor("income", "FP64", [7e4, 1e4])), "mixed")


class TestTensorData:
    def test_flat_and_nested_are_the_same(self, server: Server) -> None:
        """ "Can be represented in its natural format as: "data" : [ [ 1, 2 ], [ 4, 5 ] ] Or in a flattened one-dimensional representation" """
        flat = [cell for row in MATRIX for cell in row]
        served_alike(server, numbers(), {"inputs": [tensor("input", "FP64", flat, [2, 4])]})

    def test_it_is_row_major(self, server: Server) -> None:
        """ "Tensor data must be presented in row-major order of the tensor elements." """
        one = infer(server, {"inputs": [tensor("input", "FP64", MATRIX[1], [1, 4])]})
        both = infer(server, {"inputs": [tensor("input", "FP64", MATRIX[0] + MATRIX[1], [2, 4])]})
        assert output(both, "probability")["data"][3:] == pytest.approx(output(one, "probability")["data"], abs=1e-6)

    def test_answers_are_flat_and_row_major(self, server: Server) -> None:
        """The protocol's example of a response: " "shape" : [ 3, 2 ], … "data" : [ 1.0, 1.1, 2.0, 2.1, 3.0, 3.1 ]" """
        told = output(infer(server, numbers()), "probability")
        assert told["shape"] == [2, 3]
        assert np.reshape(told["data"], (2, 3)).sum(axis=1) == pytest.approx([1, 1], abs=1e-5)

    @pytest.mark.parametrize("data", [[[1, 2, 3, 4], [1, 2, 3]], [[1, 2, 3, 4], 5], [[[1]], [[2]]], [[1, 2, 3, 4, 5, 6, 7, 8]]])
    def test_nested_data_of_another_shape_are_errors(self, server: Server, data: list[Any]) -> None:
        """ "Tensor elements may be presented in their nature multi-dimensional representation" """
        assert infer(server, {"inputs": [{"name": "input", "shape": [2, 4], "datatype": "FP64", "data": data}]}).status == 400

    @pytest.mark.parametrize("data", ["1234", 1, {"0": 1}, True])
    def test_data_that_are_no_array_are_errors(self, server: Server, data: object) -> None:
        """ "Tensor data given explicitly is provided in a JSON array." """
        assert infer(server, {"inputs": [{"name": "input", "shape": [1, 4], "datatype": "FP64", "data": data}]}).status == 400

    @pytest.mark.parametrize("name", ["UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16", "INT32", "INT64", "FP16", "FP32", "FP64"])
    @pytest.mark.parametrize("rows", [1, 40])
    def test_every_datatype_of_numbers(self, server: Server, name: str, rows: int) -> None:
        """ "Tensor data types are shown in the following table along with the size of each type, in bytes." """
        rest = [tensor(f"column {place}", "FP64", [value] * rows) for place, value in ((0, 0.5), (2, 1.5), (3, -2.0))]
        said, expected = ({"inputs": [tensor("column 1", kind, [3] * rows), *rest]} for kind in (name, "INT64"))
        served_alike(server, said, expected)

    def test_bool(self, server: Server) -> None:
        """ "BOOL | 1"; "Each element of the array may be an integer, floating-point number, string or boolean value." """
        assert infer(server, people(), "mixed").status == 200
        assert infer(server, people(member=tensor("member", "UINT8", [1, 0])), "mixed").status == 200

    def test_bytes_are_strings(self, server: Server) -> None:
        """ "BYTES | Variable (max 2^32)" """
        assert output(infer(server, people(), "mixed"), "prediction")["datatype"] == "BYTES"
        assert infer(server, people(note=tensor("note", "BYTES", ["Æ„“ \\ \n", "x" * 10_000])), "mixed").status == 200

    @pytest.mark.parametrize("name", ["FP31", "fp64", "STRING", "INT", "", "BF16", "float64"])
    def test_other_datatypes_are_errors(self, server: Server, name: str) -> None:
        """ "“datatype” : The data-type of the tensor elements as defined in Tensor Data Types." """
        answer = infer(server, {"inputs": [tensor("input", name, MATRIX, [2, 4])]})
        assert answer.status == 400
        assert f"datatype {name!r} is not known; there are BOOL, UINT8" in answer.error

    @pytest.mark.parametrize(
        ("name", "value"),
        [("FP64", "1"), ("FP64", True), ("INT64", 1.5), ("INT8", 128), ("UINT8", -1), ("UINT64", 2**64), ("FP32", 1e39), ("BOOL", 1), ("BYTES", 1)],
    )
    def test_an_element_of_another_type_is_an_error(self, server: Server, name: str, value: object) -> None:
        """ "The server can decide to coerce each element to the required type or return an error if an unexpected value is received." """
        rest = [tensor(f"column {place}", "FP64", [1]) for place in (0, 2, 3)]
        answer = infer(server, {"inputs": [tensor("column 1", name, [value]), *rest]})
        assert answer.status == 400
        assert "column 1" in answer.error

    @pytest.mark.parametrize("literal", ["NaN", "Infinity", "-Infinity", "1e999", "01", ".5", "0x1"])
    def test_what_is_no_number_in_json_is_an_error(self, server: Server, literal: str) -> None:
        """ "In all JSON schemas … $number … refer to the fundamental JSON types." """
        body = f'{{"inputs": [{{"name": "input", "shape": [1, 4], "datatype": "FP64", "data": [{literal}, 1, 1, 1]}}]}}'
        assert infer(server, body.encode()).status == 400

    def test_null_is_a_missing_value(self, server: Server) -> None:
        """An addition: the protocol has no word for what is missing; a nullable number is FP64, whose NaN JSON cannot write."""
        assert infer(server, people(income=tensor("yearly income", "FP64", [None, 1])), "mixed").status == 200
        assert "age is missing" in infer(server, people(age=tensor("age", "INT64", [39, None])), "mixed").error

    def test_numbers_of_json_are_taken_as_written(self, server: Server) -> None:
        """ "-0.1" of FP32 is -0.1, whether 1 row is asked or 100, and so are the answers."""
        one = output(infer(server, {"inputs": [tensor("input", "FP32", [-0.1, 3, 0.1, 0.7], [1, 4])]}), "probability")["data"]
        many = output(infer(server, {"inputs": [tensor("input", "FP32", [-0.1, 3, 0.1, 0.7] * 100, [100, 4])]}), "probability")["data"]
        assert many == pytest.approx(one * 100, abs=1e-6)


class TestRequestOutputs:
    def test_all_outputs_are_returned_where_none_are_asked_for(self, server: Server) -> None:
        """ "Optional, if not specified all outputs produced by the model will be returned using default $request_output settings." """
        assert [one["name"] for one in infer(server, numbers()).json["outputs"]] == ["prediction", "probability"]
        assert [one["name"] for one in infer(server, numbers(outputs=[])).json["outputs"]] == ["prediction", "probability"]

    def test_those_that_are_asked_for_are_returned(self, server: Server) -> None:
        """ "For the above request the inference server must return the “output0” output tensor." """
        assert [one["name"] for one in infer(server, numbers(outputs=[{"name": "probability"}])).json["outputs"]] == ["probability"]

    def test_they_are_returned_in_the_order_in_which_they_are_asked_for(self, server: Server) -> None:
        """ "“outputs” : The output tensors requested for this inference." """
        asked = [{"name": "probability", "parameters": {"a": 1}}, {"name": "prediction"}]
        assert [one["name"] for one in infer(server, numbers(outputs=asked)).json["outputs"]] == ["probability", "prediction"]

    def test_an_output_that_the_model_does_not_have_is_an_error(self, server: Server) -> None:
        """ "“name” : The name of the output tensor." """
        answer = infer(server, numbers(outputs=[{"name": "probabilities"}]))
        assert answer.status == 400
        assert "no output of matrix; there are prediction, probability" in answer.error

    def test_an_output_that_is_asked_for_twice_is_an_error(self, server: Server) -> None:
        """A name stands for one tensor."""
        assert "twice" in infer(server, numbers(outputs=[{"name": "prediction"}] * 2)).error

    def test_each_has_name_shape_datatype_and_data(self, server: Server) -> None:
        """open_inference_rest.yaml, response_output: "required: name, shape, datatype, data" """
        for one in infer(server, numbers()).json["outputs"]:
            assert {"name", "shape", "datatype", "data"} <= set(one)
            assert len(one["data"]) == np.prod(one["shape"])


class TestParameters:
    @pytest.mark.parametrize("value", ["a", 1, -1.5, True])
    def test_strings_numbers_and_booleans_are_taken(self, server: Server, value: object) -> None:
        """ "the “value” is a $string, $number, or $boolean" """
        assert infer(server, numbers(parameters={"anything": value})).status == 200

    @pytest.mark.parametrize("value", [None, [1], {"a": 1}])
    def test_other_values_are_errors(self, server: Server, value: object) -> None:
        """ "$parameter = $string : $string | $number | $boolean" """
        answer = infer(server, numbers(parameters={"anything": value}))
        assert answer.status == 400
        assert "parameters" in answer.error

    def test_a_timeout_that_has_passed_is_504(self, server: Server) -> None:
        """ "A server can implement server-specific parameters to provide non-standard capabilities": Triton's `timeout`, in microseconds."""
        assert infer(server, numbers(parameters={"timeout": 5_000_000})).status == 200
        assert infer(server, numbers(parameters={"timeout": 1e-3})).status == 504
        assert "timeout" in infer(server, numbers(parameters={"timeout": "soon"})).error

    def test_so_is_one_in_a_header(self, server: Server) -> None:
        """As for every other kind of request."""
        assert infer(server, numbers(), x_deadline_ms="5000").status == 200
        assert infer(server, numbers(), x_deadline_ms="0.000001").status == 504
        assert "x-deadline-ms is 'soon'" in infer(server, numbers(), x_deadline_ms="soon").error


class TestTheContractAtTheDoor:
    def test_a_row_that_breaks_it_is_named_with_what_was_found_and_expected(self, server: Server) -> None:
        """ "“error” : The descriptive message for the error." """
        answer = infer(server, people(age=tensor("age", "INT64", [39, 430]), city=tensor("city", "BYTES", ["Rom", "Paris"])), "mixed")
        assert answer.status == 400
        assert answer.error == "row 1: age 430 is above 100; city 'Paris' is not one of Bern, Oslo, Rom"

    @pytest.mark.parametrize("rows", [1, 40])
    @pytest.mark.parametrize(
        ("place", "value", "told"), [(1, 11, "column 1 11.0 is above 10"), (1, 2.5, "column 1 2.5 is not an int"), (2, 5, "column 2 5.0 is not below 5")]
    )
    def test_it_holds_for_a_matrix_too(self, server: Server, rows: int, place: int, value: float, told: str) -> None:
        """However many rows there are."""
        row = [0.5, 3.0, 1.5, -2.0]
        data = [*(row * (rows - 1)), *row[:place], value, *row[place + 1 :]]
        answer = infer(server, {"inputs": [tensor("input", "FP64", data, [rows, 4])]})
        assert answer.status == 400
        assert f"row {rows - 1}: " in answer.error
        assert told.partition(" is ")[2] in answer.error

    def test_a_matrix_of_another_width_is_an_error(self, server: Server) -> None:
        """It has all columns, in the order of the metadata's inputs."""
        answer = infer(server, {"inputs": [tensor("input", "FP64", [1, 2, 3], [1, 3])]})
        assert "expected numbers of shape [rows, 4]" in answer.error

    def test_a_matrix_of_truths_is_an_error(self, server: Server) -> None:
        """As each of its columns would be: a truth is no number."""
        assert "input 'input' is BOOL of shape [1, 4], expected numbers" in infer(server, {"inputs": [tensor("input", "BOOL", [True] * 4, [1, 4])]}).error

    def test_a_matrix_is_the_same_as_its_columns(self, server: Server) -> None:
        """The metadata say so: "all columns may be sent as one tensor 'input'"."""
        told = server.ask("GET", "/v2/models/matrix").json
        assert "'input' of shape [-1, 4]" in told["properties"]["matrix"]
        columns = [tensor(one["name"], "FP64", [row[place] for row in MATRIX]) for place, one in enumerate(told["inputs"])]
        served_alike(server, numbers(), {"inputs": columns})

    def test_texts_that_stand_for_a_missing_value_do_so_here(self, server: Server) -> None:
        """ "?" is one of the contract's nulls."""
        served_alike(server, people(city=tensor("city", "BYTES", ["?", "Oslo"])), people(city=tensor("city", "BYTES", [None, "Oslo"])), "mixed")


class TestRepositoryIndex:
    def test_it_lists_what_is_served(self, server: Server) -> None:
        """Triton's extension: "POST v2/repository/index"; "{ "name" : $string, "version" : $string #optional, "state" : $string, "reason" : $string }" """
        told = server.ask("POST", "/v2/repository/index", b"").json
        assert [(one["name"], one["version"], one["state"]) for one in told] == [("mixed", "3", "READY"), ("matrix", "", "READY"), ("cells", "1", "READY")]
        assert server.ask("POST", "/v2/repository/index", {"ready": True}).json == told

    def test_a_wrong_body_is_an_error(self, server: Server) -> None:
        """ "A failed index request must be indicated by an HTTP error status (typically 400)." """
        assert server.ask("POST", "/v2/repository/index", {"ready": "yes"}).status == 400
        assert server.ask("POST", "/v2/repository/index", b"[").error

    @pytest.mark.parametrize("action", ["load", "unload"])
    def test_clients_do_not_load_models(self, server: Server, action: str) -> None:
        """ "A failed load request must be indicated by an HTTP error status (typically 400)." """
        answer = server.ask("POST", f"/v2/repository/models/mixed/{action}", b"")
        assert answer.status == 400
        assert "mlforge promote" in answer.error
