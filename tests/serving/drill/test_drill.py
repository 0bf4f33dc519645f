"""`mlforge drill` does harm to a server of its own, and says how it bore it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from tests.serving.bundles import ROW, make_bundle
from tests.serving.rollout.conftest import registered
from tests.serving.rollout.load import patience

from mlforge.serving.drill.slowed import slowed
from mlforge.store import Store
from mlforge.testing.project import TestProject


@pytest.fixture
def people(project: TestProject, tmp_path: Path) -> Iterator[Store]:
    """A project with a model of two versions."""
    project.write({"mlforge.toml": ""})
    with Store.open(None, project.root / ".mlforge") as store:
        registered(store, tmp_path / "drafts")
        registered(store, tmp_path / "drafts", rollout={"canary": {}, "fallback": {"model": "other", "constant": "no"}})
        yield store


def test_what_it_finds_is_printed_and_kept_and_the_model_is_left_alone(project: TestProject, people: Store) -> None:
    entries = len(people.audit.entries(100))
    outcome = project.run("drill", "people@2", "--only", "rollback", "--only", "corrupt_model", "--only", "missing_feature")
    assert outcome.code == 0, outcome.text
    lines = outcome.out.splitlines()
    assert [line.split()[:2] for line in lines] == [["ok", "rollback"], ["ok", "corrupt_model"], ["ok", "missing_feature"]]
    assert "none failed" in lines[0]
    assert "Of 6 columns, 3 are needed" in lines[2]
    (run,) = people.records.runs("people.drill")
    assert (run.state, run.plain["drill"]["version"]) == ("done", 2)
    found = people.records.findings(run.stages[0].key)
    assert [one.name for one in found] == ["drill/rollback", "drill/corrupt_model", "drill/missing_feature"]
    assert 0 < found[0].value < patience(2.0)
    assert len(people.audit.entries(100)) == entries
    assert people.registry.champion("people").version == 1


@pytest.mark.slow
def test_a_whole_drill_and_one_that_the_model_does_not_bear(project: TestProject, people: Store, tmp_path: Path) -> None:
    outcome = project.run("drill", "people@2", "--json")
    found = {one["name"].removeprefix("drill/"): one for one in outcome.json}
    assert list(found) == ["rollback", "corrupt_model", "missing_feature", "worker_death", "slow_model"]
    death = found.pop("worker_death")
    assert [one["text"] for one in found.values() if one["severity"] != "info"] == []
    assert death["value"] < patience(3.0), death
    assert outcome.code == (0 if death["severity"] == "info" else 4)
    registered(people, tmp_path / "drafts", model="patient", rollout={"timeout_ms": 60_000})
    outcome = project.run("drill", "patient", "--only", "slow_model")
    assert outcome.code == 4
    assert outcome.out.startswith("FAIL  slow_model")
    assert "patient 1 does not bear slow_model." in outcome.err


@pytest.mark.parametrize(
    ("arguments", "code", "said"), [(("peple",), 2, "Did you mean people?"), (("people@7",), 2, "no version 7"), (("people", "--only", "fire"), 2, "fire")]
)
def test_what_cannot_be_rehearsed_is_told(project: TestProject, people: Store, arguments: tuple[str, ...], code: int, said: str) -> None:
    outcome = project.run("drill", *arguments)
    assert outcome.code == code
    assert said in outcome.text


def test_a_slowed_graph_says_what_it_said_before(tmp_path: Path) -> None:
    graph = (make_bundle(tmp_path / "bundle") / "model.onnx").read_bytes()
    made = slowed(graph)
    assert made is not None
    asked = {"age": 41.0, "income": np.nan, "member": 1.0, "city": "Bern", "plan": "", "since": 0.0}
    assert set(asked) >= set(ROW)
    feed = {name: np.array([[value]], object if isinstance(value, str) else np.float64) for name, value in asked.items()}
    before, after = (onnxruntime.InferenceSession(one, providers=["CPUExecutionProvider"]).run(["probability"], feed)[0] for one in (graph, made))
    np.testing.assert_allclose(after, before, rtol=1e-6)
