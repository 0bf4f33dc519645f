"""One server, asked in all the ways that it offers."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator

import polars as pl
import pytest
from tests.serving.bundles import ROW, make_bundle, probability
from tests.serving.running import Running, serving


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = make_bundle(tmp_path_factory.mktemp("served") / "people")
    with serving(folder, "--workers", "2") as running:
        yield running


def test_it_says_what_it_serves_and_where(server: Running) -> None:
    assert "people" in server.said[0]
    assert "2 workers × 1 thread" in server.said[-1]


def test_a_row_by_name_is_answered_by_name(server: Running) -> None:
    status, told, headers = server.ask("/predict", {"rows": [ROW | {"the plan": None}]})
    assert status == 200
    assert told["model"] == "people"
    (row,) = told["predictions"]
    assert row["prediction"] == "yes"
    assert row["probabilities"].keys() == {"no", "yes"}
    assert row["probabilities"]["yes"] == pytest.approx(probability(ROW), abs=1e-6)
    assert told["id"] == headers["x-request-id"]


@pytest.mark.parametrize(
    "body",
    [{"rows": [ROW, ROW]}, [ROW, ROW], {"columns": {key: [value] * 2 for key, value in ROW.items()}}],
    ids=["rows", "list", "columns"],
)
def test_every_shape_of_json_says_the_same(server: Running, body: object) -> None:
    status, told, _ = server.ask("/predict", body)
    assert status == 200
    assert [row["prediction"] for row in told["predictions"]] == ["yes", "yes"]


def test_one_object_is_one_row(server: Running) -> None:
    assert len(server.ask("/predict", ROW)[1]["predictions"]) == 1


def test_csv_and_arrow_are_read_and_written(server: Running) -> None:
    frame = pl.DataFrame([ROW, ROW | {"city": "Paris"}]).with_columns(pl.lit("gold").alias("the plan"))
    status, content, headers = server.ask("/predict", frame.write_csv().encode(), headers={"content-type": "text/csv", "accept": "text/csv"})
    assert (status, headers["content-type"]) == (200, "text/csv; charset=utf-8")
    by_csv = pl.read_csv(content)
    stream = io.BytesIO()
    frame.write_ipc_stream(stream)
    kind = "application/vnd.apache.arrow.stream"
    status, content, headers = server.ask("/predict", stream.getvalue(), headers={"content-type": kind, "accept": kind})
    assert (status, headers["content-type"]) == (200, kind)
    by_arrow = pl.read_ipc_stream(io.BytesIO(content))
    assert by_arrow["prediction"].to_list() == by_csv["prediction"].to_list()
    assert by_arrow["probability yes"].to_list() == pytest.approx([probability(ROW), probability(ROW | {"city": "Paris"})], abs=1e-6)


def test_a_wrong_row_is_refused_with_row_column_found_and_expected(server: Running) -> None:
    status, told, _ = server.ask("/predict", {"rows": [ROW, ROW | {"age": 430, "city": "Oslo"}]})
    assert status == 400
    assert told["error"] == "row 1: age 430 is above 100; city 'Oslo' is not one of Bern, Rom, Paris"
    assert told["rows"] == [{"row": 1, "reason": "age 430 is above 100; city 'Oslo' is not one of Bern, Rom, Paris"}]


@pytest.mark.parametrize("how", ["body", "query"])
def test_the_other_rows_are_answered_where_the_caller_asks_for_it(server: Running, how: str) -> None:
    body = {"rows": [ROW, ROW | {"age": None}, ROW | {"city": "Rom"}]} | ({"partial": True} if how == "body" else {})
    status, told, _ = server.ask("/predict" + ("?partial=true" if how == "query" else ""), body)
    assert status == 200
    assert [None if row is None else row["prediction"] for row in told["predictions"]] == ["yes", None, "yes"]
    assert told["rejected"] == [{"row": 1, "reason": "age is missing"}]


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("text/csv;q=0, application/json", "application/json"),
        ("text/csv; q=0.0, */*", "application/json"),
        ("application/json;q=0.1, text/csv", "text/csv; charset=utf-8"),
        ("text/*", "text/csv; charset=utf-8"),
    ],
)
def test_the_answer_is_of_a_kind_that_the_caller_takes(server: Running, accept: str, kind: str) -> None:
    status, _, headers = server.ask("/predict", {"rows": [ROW, ROW | {"age": None}], "partial": True}, headers={"accept": accept})
    assert (status, headers["content-type"]) == (200, kind)
    assert headers["x-rejected-rows"] == (None if kind == "application/json" else "1"), "a table has no place for a row that is not there"


@pytest.mark.parametrize(
    ("path", "method", "body", "kind", "status", "says"),
    [
        ("/nothing", "GET", None, "", 404, "there is nothing at /nothing"),
        ("/predict", "GET", None, "", 405, "POST was expected"),
        ("/predict", "POST", b"{", "application/json", 400, "no JSON"),
        ("/predict", "POST", b"<x/>", "text/xml", 415, "text/xml"),
        ("/predict", "POST", b"[3]", "application/json", 400, "row 0"),
        ("/predict", "POST", b"3", "application/json", 400, "a JSON number"),
        ("/predict", "POST", json.dumps({"rows": [ROW], "partial": "so"}).encode(), "application/json", 400, "partial"),
        ("/predict", "POST", json.dumps({"rows": [ROW], "id": "x" * 129}).encode(), "application/json", 400, "has 129 characters; 1 to 128"),
        ("/predict", "POST", json.dumps({"rows": [ROW], "id": "a\nb"}).encode(), "application/json", 400, "that can be printed"),
        ("/models/peopel", "GET", None, "", 404, "Did you mean people?"),
    ],
)
def test_a_wrong_request_has_its_status_and_a_reason(server: Running, path: str, method: str, body: bytes | None, kind: str, status: int, says: str) -> None:
    found, told, _ = server.ask(path, body, method=method, headers={"content-type": kind} if kind else None)
    assert found == status
    assert says in told["error"]
    assert told.keys() == {"error"}
