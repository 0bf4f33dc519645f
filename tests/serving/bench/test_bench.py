"""`mlforge bench` puts load on a server, and holds what it measures against the objective."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.serving.bundles import ROW, make_bundle
from tests.serving.running import Running, serving

from mlforge.store import Store
from mlforge.testing.project import TestProject

QUICK = ("--seconds", "0.4", "--connections", "2", "--rows", "1")


@pytest.fixture
def people(project: TestProject, tmp_path: Path) -> Iterator[Store]:
    """A project with the model `people`, whose recipe is patient, and `hasty`, whose is not."""
    project.write({"mlforge.toml": ""})
    with Store.open(None, project.root / ".mlforge") as store:
        register(store, tmp_path / "people", {"workers": 1, "threads": 1, "slo": {"p99_ms": 60_000}, "access": {"keys": "/nowhere"}, "port": 1})
        register(store, tmp_path / "hasty", {"workers": 1, "threads": 1, "slo": {"p99_ms": 0.001}})
        register(store, tmp_path / "easy", {"workers": 1, "threads": 1})
        yield store


def register(store: Store, draft: Path, serve: dict[str, Any]) -> None:
    make_bundle(draft / "onnx")
    (draft / "bundles.json").write_text(json.dumps({"variants": ["onnx"], "ships": "onnx"}))
    (draft / "name.txt").write_text(draft.name)
    run = store.records.begin_run(draft.name, {"serve": serve}, (), smoke=False)
    store.records.end_run(run, "done", 0)
    store.registry.register(draft.name, bundle=store.artifacts.publish(draft), verdict="v", run=run)


def test_a_server_of_its_own_is_asked_and_the_figures_are_printed_kept_and_drawn(project: TestProject, people: Store) -> None:
    entries = len(people.audit.entries(100))
    outcome = project.run("bench", "people", *QUICK, "--rows", "1,20", "--page", project.root / "bench.html")
    assert outcome.code == 0, outcome.text
    lines = outcome.out.splitlines()
    assert lines[0].split()[:5] == ["loop", "connections", "rows", "asked/s", "answered/s"]
    assert [line.split()[:3] for line in lines[1:5]] == [["closed", "2", "1"], ["open", "2", "1"], ["closed", "2", "20"], ["open", "2", "20"]]
    assert all(line.endswith("kept") or "lagged" in line for line in lines[1:5])
    assert "objective  p99 ≤ 1 min" in outcome.out
    (run,) = people.records.runs("people.bench")
    assert (run.state, run.plain["bench"]["version"]) == ("done", 1)
    found = {one.name: one for one in people.records.findings(run.stages[0].key)}
    assert len(found) == 12
    assert all(one.volatile for one in found.values())
    assert 0 < found["bench/closed/2_connections/1_rows/p99"].value < 60
    assert found["bench/open/arrivals/20_rows/errors"].value == 0
    assert found["bench/closed/2_connections/20_rows/throughput"].value > 1
    assert len(people.audit.entries(100)) == entries
    page = (project.root / "bench.html").read_text()
    assert page.count("<figure>") == 2
    assert "people 1 under load" in page
    assert "http" not in page.replace("http://www.w3.org/", "")


def test_an_objective_that_is_missed_is_exit_code_four(project: TestProject, people: Store, tmp_path: Path) -> None:
    with serving(make_bundle(tmp_path / "served" / "hasty"), "--workers", "1") as server:
        outcome = project.run("bench", "hasty", "--url", server.url, "--rate", "50", *QUICK, "--json")
    assert outcome.code == 4, outcome.text
    assert "hasty 1 does not keep its objective in 2 of 2 rounds. closed, 2 connections, 1 row: p99 is" in outcome.err
    assert [one["severity"] for one in outcome.json if one["name"].endswith("/p99")] == ["warning", "warning"]
    assert people.records.runs("hasty.bench")[0].state == "refused"


def test_a_server_that_runs_is_asked_for_the_rows_of_a_file_and_no_objective_is_a_line(project: TestProject, people: Store, tmp_path: Path) -> None:
    others = [{**ROW, "the plan": "gold", "age": age} for age in (16, 40, 1000)]  # the last breaks the contract
    (project.root / "rows.jsonl").write_text("".join(json.dumps(row | {"more": 1}) + "\n" for row in others))
    with serving(make_bundle(tmp_path / "served" / "easy"), "--workers", "1") as server:
        outcome = project.run("bench", "easy", "--url", server.url, *QUICK, "--source", "rows.jsonl")
        assert outcome.code == 0, outcome.text
        assert "none is declared; serve.slo.p99_ms" in outcome.out
        assert "answers with version unknown of easy" in outcome.err
        assert answers(server, 200) > 10
        assert answers(server, 400) == 0
        outcome = project.run("bench", "people", "--url", server.url, *QUICK)
        assert outcome.code == 2
        assert "does not serve people; it serves easy" in outcome.err


def answers(server: Running, status: int) -> int:
    """How many predictions were answered so."""
    told = re.search(rf'mlforge_requests_total{{endpoint="predict",code="{status}"}} (\d+)', server.ask("/metrics")[1].decode())
    assert told is not None
    return int(told[1])


def test_nobody_who_listens_at_the_address_is_told(project: TestProject, people: Store) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    outcome = project.run("bench", "people", "--url", f"http://127.0.0.1:{port}")
    assert outcome.code == 5
    assert f"nothing that speaks HTTP answers at http://127.0.0.1:{port}" in outcome.err
    assert people.records.runs("people.bench") == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("peple",), "Did you mean people?"),
        (("people", "--rate", "0"), "--rate"),
        (("people", "--connections", "1,many"), "write it as 1,16,64"),
        (("people", "--rows", "0"), "0 is not from 1 to"),
        (("people", "--url", "localhost:8080"), "is no address of a server"),
        (("people", "--url", "http://127.0.0.1:1", "--key-env", "MLFORGE_NO_SUCH_KEY"), "MLFORGE_NO_SUCH_KEY is not set"),
    ],
)
def test_what_cannot_be_asked_is_told(project: TestProject, people: Store, arguments: tuple[str, ...], said: str) -> None:
    outcome = project.run("bench", *arguments)
    assert outcome.code == 2, outcome.text
    assert said in outcome.err
