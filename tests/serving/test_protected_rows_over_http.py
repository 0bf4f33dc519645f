"""A model with protections takes raw rows, protects them at the decoder, and never shows what it protects."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.serving.bundles import make_bundle
from tests.serving.running import serving

from mlforge.contract import Column, Contract
from mlforge.runtime.bundle import protect_bundle
from mlforge.runtime.feed import feed
from mlforge.runtime.protections import Band, Drop, Moment, Prefix, Protector, Pseudonym, Rule, checked, sealed
from mlforge.serving.decoder import Decoder
from mlforge.serving.engine import Engine
from mlforge.serving.offer import Offer

KEY = "a long key that nobody can guess"
RAW = Contract(
    columns={
        "age": Column(dtype="int", ge=16, le=100),
        "email": Column(dtype="string", regex=r"[^@]+@[^@]+"),
        "code": Column(dtype="category", nullable=True),
        "since": Column(dtype="datetime"),
        "name": Column(dtype="string", nullable=True, pii="name"),
    },
    nulls=("?", "a"),
    extra="drop",
)
RULES: dict[str, Rule] = {"email": Pseudonym(check=checked(KEY.encode())), "code": Prefix(characters=2), "name": Drop()}
PLAIN = RAW.model_copy(update={"columns": {**RAW.columns, "email": Column(dtype="string")}})  # without a pattern, which only the contract can judge
COARSE: dict[str, Rule] = RULES | {"age": Band(width=10), "since": Moment(to="month")}
ROW = {"age": 41, "email": "ada@example.org", "code": "AB-7", "since": "2024-02-03T04:05:06", "name": "Ada"}


def _bundle(folder: Path, rules: Mapping[str, Rule], raw: Contract = RAW) -> Path:
    kept = sealed(raw, rules).projected("predict")
    columns = {key: column for key, column in kept.columns.items() if column.role != "ignore"}
    columns["code"] = columns["code"].model_copy(update={"values": ("AB", "CD", "a x"), "nullable": True})  # as training has seen it
    make_bundle(folder, kept.model_copy(update={"columns": columns}))
    protect_bundle(folder, raw.projected("predict"), rules)
    return folder


@pytest.mark.parametrize(("rules", "raw"), [(RULES, PLAIN), (RULES, RAW), (COARSE, PLAIN)], ids=["quick", "a pattern", "numbers and times"])
def test_what_comes_through_the_door_is_what_the_protections_leave(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rules: Mapping[str, Rule], raw: Contract
) -> None:
    monkeypatch.setenv("MLFORGE_PSEUDONYM_KEY", KEY)
    engine = Engine.open(Offer("kept", 0, "", _bundle(tmp_path / "kept", rules, raw)), 1)
    decoder = Decoder(engine)
    rows = [ROW, ROW | {"code": None, "age": 99}, ROW | {"code": "CD", "email": "b@c"}, ROW | {"code": "?"}, ROW | {"email": "nobody"}, ROW | {"code": "XY"}]
    rows += [ROW | {"code": " AB"}, ROW | {"code": "a x"}, ROW | {"email": "?"}, ROW | {"name": 7}, ROW | {"age": 7}]
    rows += rows[:3]
    for some in ([*rows], *([row] for row in rows)):
        load = decoder.json(json.dumps(some).encode()).load
        frame = pl.DataFrame([{**row, "name": None if row["name"] is None else str(row["name"])} for row in some], infer_schema_length=None)
        expected = engine.predictor.typed(frame)
        assert [(one.row, one.reason) for one in load.rejected] == list(expected.rejected.select("position", "reason").iter_rows())
        if load.good:
            made = feed(expected.rows, engine.graph.inputs, engine.graph.widths)
            assert [column.tolist() for column in decoder.columns.of([load])] == [made[key].tolist() for key in engine.inputs]
    assert Protector(rules).travelling["email"].kind == "pseudonym"


def test_right_rows_with_protected_texts_go_the_quick_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFORGE_PSEUDONYM_KEY", KEY)
    folder = _bundle(tmp_path / "quick", RULES, PLAIN)
    load = Decoder(Engine.open(Offer("quick", 0, "", folder), 1)).json(json.dumps({"rows": [ROW]}).encode()).load
    assert load.rows is not None


def test_a_protected_cell_is_in_no_error_and_the_key_is_asked_for_before_anybody_is_served(tmp_path: Path) -> None:
    folder = _bundle(tmp_path / "kept", COARSE)
    with serving(folder, "--workers", "1", MLFORGE_PSEUDONYM_KEY=KEY) as server:
        status, told, _ = server.ask("/predict", ROW)
        assert status == 200, told
        status, told, _ = server.ask("/predict", ROW | {"email": "secret person", "age": 430})
        assert status == 400
        assert "secret person" not in json.dumps(told)
        assert "430" not in told["error"]
        assert "email does not match" in told["error"]
        described: Any = server.ask("/openapi.json")[1]
        assert (
            "name"
            not in described["paths"]["/predict"]["post"]["requestBody"]["content"]["application/json"]["schema"]["properties"]["rows"]["items"]["properties"]
        )
    command = [sys.executable, "-P", "-c", "from mlforge.cli import main; main()", "serve", str(folder), "--port", "0"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 5
    assert "the pseudonymisation key is missing: MLFORGE_PSEUDONYM_KEY is not set" in done.stderr
    assert "Traceback" not in done.stderr
