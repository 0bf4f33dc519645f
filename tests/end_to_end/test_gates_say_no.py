"""What happens when a gate says no, and what happens after."""

from __future__ import annotations

import json

from tests.end_to_end.buyers import STAGES, buyers, digests, store_of, verdict_of

from mlforge.testing.project import TestProject

WORSE = ("trainer.lr=1e-7", "trainer.max_epochs=1", "gates.thresholds.rules.auc.min=0", "gates.baseline=null")


def test_a_refused_model_is_recorded_not_registered_and_refused_again_without_running_anything(project: TestProject) -> None:
    buyers(project)
    command = ("run", "buyers", "gates.thresholds.rules.auc.min=0.9999", "trainer.max_epochs=1")
    first = project.run(*command)
    assert first.code == 4, first.text
    assert "Traceback" not in first.text
    assert "a gate said no" in first.err
    assert "roc_auc" in first.out
    with store_of(project) as store:
        assert store.registry.models() == []
        assert store.records.runs("buyers", limit=1)[0].state == "refused"
        assert verdict_of(store, "buyers")["thresholds.auc"] is False
        before = digests(store, "buyers")
    again = project.run(*command)
    assert again.code == 4
    with store_of(project) as store:
        newest = store.records.runs("buyers", limit=1)[0]
        assert newest.state == "refused"
        assert {stage.state for stage in newest.stages} == {"reused"}
        assert [stage.name for stage in newest.stages] == list(STAGES[:-1])
        assert digests(store, "buyers") == before
        assert store.registry.models() == []


def test_a_worse_candidate_does_not_replace_the_champion(trained: TestProject) -> None:
    outcome = trained.run("run", "buyers", *WORSE)
    assert outcome.code == 4, outcome.text
    assert "worse than champion buyers 1" in outcome.text
    with store_of(trained) as store:
        (version,) = store.registry.versions("buyers")
        assert (version.version, version.aliases) == (1, ("champion",))
        assert verdict_of(store, "buyers") == {"thresholds.auc": True, "no_regression": False}
        assert store.audit.verify() == 1


def test_a_candidate_that_is_not_worse_is_registered_beside_the_champion(trained: TestProject) -> None:
    outcome = trained.run("run", "buyers", "seed=3", "gates.no_regression.tolerance=1", "gates.thresholds.rules.auc.min=0.5")
    assert outcome.code == 0, outcome.text
    assert "Next    mlforge diff buyers@champion buyers@2 · mlforge promote buyers 2" in outcome.out
    listed = trained.run("models", "buyers", "--json").json
    assert [(version["version"], version["aliases"]) for version in listed] == [(1, ["champion"]), (2, ["challenger"])]
    with store_of(trained) as store:
        assert store.audit.verify() == 2


def test_an_unchanged_run_of_the_champion_does_nothing_and_registers_nothing(trained: TestProject) -> None:
    outcome = trained.run("run", "buyers", "--json")
    assert outcome.code == 0, outcome.text
    assert {stage["state"] for stage in json.loads(outcome.out)["stages"]} == {"reuse", "done"}
    with store_of(trained) as store:
        assert len(store.registry.versions("buyers")) == 1
        assert store.audit.verify() == 1


def test_smoke_never_registers_even_where_a_gate_would_pass(trained: TestProject) -> None:
    assert trained.run("run", "buyers", "--smoke").code == 0
    with store_of(trained) as store:
        assert len(store.registry.versions("buyers")) == 1
