"""What a server says of itself is true, and its explanations are those of the model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import polars as pl
import pytest
from tests.serving.bundles import ROW, make_bundle, people
from tests.serving.running import Running, serving

from mlforge.contract import Column, Contract, Length
from mlforge.explaining.background import FILE, Background
from mlforge.runtime.bundle import enclose
from mlforge.runtime.conform import Conformer
from mlforge.serving.row_schema import example_row, row_schema


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = make_bundle(tmp_path_factory.mktemp("described") / "people")
    enclose(folder, FILE, _background().model_dump_json().encode())
    plain = make_bundle(tmp_path_factory.mktemp("plain") / "plain")
    with serving(folder, plain, "--workers", "1") as running:
        yield running


def _background() -> Background:
    many = [ROW | {"age": 20 + place, "income": place / 50, "city": ("Bern", "Rom", "Paris")[place % 3], "the plan": "gold"} for place in range(60)]
    return Background.of(Conformer(people()).separate(pl.DataFrame(many)).rows, people())


@pytest.fixture(scope="module")
def described(server: Running) -> Any:
    status, told, _ = server.ask("/openapi.json")
    assert status == 200
    return told


def test_the_description_names_every_route_that_is_there(server: Running, described: Any) -> None:
    for path, methods in described["paths"].items():
        for method in methods:
            status, _, _ = server.ask(path.replace("{model}", "people"), {} if method == "post" else None, method=method.upper())
            assert status not in (404, 405), (method, path)


def test_the_example_in_the_description_is_answered(server: Running, described: Any) -> None:
    body = described["paths"]["/models/people/predict"]["post"]["requestBody"]["content"]["application/json"]
    jsonschema.validate(body["example"], body["schema"])
    status, told, _ = server.ask("/models/people/predict", body["example"])
    assert status == 200, told
    jsonschema.validate(told, described["paths"]["/models/people/predict"]["post"]["responses"]["200"]["content"]["application/json"]["schema"])


def test_errors_are_as_described(server: Running, described: Any) -> None:
    schema = described["components"]["schemas"]["Error"]
    jsonschema.validate(server.ask("/models/people/predict", [{"age": 1}])[1], schema)


def test_a_row_schema_has_the_contracts_types_and_ranges() -> None:
    schema = row_schema(people())
    assert schema["properties"]["age"] == {"type": "integer", "minimum": 16, "maximum": 100}
    assert schema["properties"]["income"] == {"type": ["number", "null"], "minimum": -10, "exclusiveMaximum": 1000}
    assert schema["properties"]["city"] == {"type": "string", "enum": ["Bern", "Rom", "Paris"]}
    assert schema["required"] == ["age", "city", "since"]


@pytest.mark.parametrize(
    "column",
    [
        Column(dtype="int", gt=3), Column(dtype="int", lt=-3), Column(dtype="float", gt=0, lt=0.5), Column(dtype="float", values=(2.5, 3)),
        Column(dtype="string", length=Length(min=6)), Column(dtype="text", length=Length(max=2)), Column(dtype="bool", nullable=True),
        Column(dtype="datetime", ge="2020-01-01"), Column(dtype="array[int, 2x2]"), Column(dtype="category", values=(True, 1)),
    ],
    ids=lambda column: column.dtype,
)  # fmt: skip
def test_the_example_row_keeps_its_contract_and_schema(column: Column) -> None:
    contract = Contract(columns={"x": column}, nulls=("?",))
    row = example_row(contract)
    assert row is not None
    jsonschema.validate(row, row_schema(contract))
    assert Conformer(contract).separate(pl.DataFrame([row])).rejected.is_empty()


def test_the_page_for_people_needs_nothing_from_elsewhere(server: Running) -> None:
    status, page, headers = server.ask("/docs")
    text = page.decode()
    assert status == 200
    assert headers["content-security-policy"].startswith("default-src 'none'")
    assert "the plan" in text
    assert "≥ 16, ≤ 100" in text
    assert "<script" not in text
    assert "http://HOST:PORT/models/people/predict" in text


def test_an_explanation_adds_up_to_the_answer(server: Running) -> None:
    status, told, _ = server.ask("/models/people/explain", {"rows": [ROW]})
    assert status == 200, told
    (one,) = told["explanations"]
    answer = server.ask("/models/people/predict", ROW)[1]["predictions"][0]
    assert one["prediction"] == answer["prediction"]
    assert one["answer"] == pytest.approx(answer["probabilities"]["yes"], abs=1e-6)
    assert one["base"] + sum(share["value"] for share in one["columns"].values()) == pytest.approx(one["answer"], abs=1e-3)


@pytest.mark.parametrize(
    ("path", "body", "status", "says"),
    [
        ("/models/plain/explain", [ROW], 404, "plain has no background"),
        ("/models/people/explain", [ROW | {"age": 430}], 400, "row 0: age 430 is above 100"),
        ("/models/people/explain", [], 400, "0 rows; 1 to 10 can be explained"),
        ("/models/people/explain", {"columns": {"age": [3]}}, 400, "rows were expected"),
        ("/explain", [ROW], 404, "ask /models/people/explain, /models/plain/explain"),
    ],
)
def test_what_cannot_be_explained_is_told(server: Running, path: str, body: object, status: int, says: str) -> None:
    found, told, _ = server.ask(path, body)
    assert (found, says in told["error"]) == (status, True), told


def test_explanations_are_offered_where_the_recipe_allows(server: Running, tmp_path: Path) -> None:
    with serving(make_bundle(tmp_path / "people"), "--workers", "1", "serve.explain=false") as silent:
        assert silent.ask("/explain", [ROW])[0] == 404
        assert "/models/people/explain" not in silent.ask("/openapi.json")[1]["paths"]
