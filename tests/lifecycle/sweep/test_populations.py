"""Population based training: what a population finds is a schedule, and training by that schedule from the start comes to the same."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from tests.lifecycle.sweep.toys import fits, swept, trials, tuned

WORDS = ("trainer=growing", "trainer.max_epochs=8", "sweep=pbt", "sweep.population=4", "sweep.trials=16")


def weights(project):
    return {path.read_text() for path in (project.root / ".mlforge/artifacts").glob("*/weights.safetensors")}


@pytest.mark.slow
def test_what_a_population_finds_is_a_schedule_that_trains_to_the_same_from_the_start(swift):
    swept(swift, *WORDS, "sweep.concurrency=2")
    found, told = trials(swift), json.loads((tuned(swift) / "tuned.json").read_text())
    assert [one["state"] for one in found] == ["done"] * 16
    assert [one["epochs"] for one in found] == [2] * 4 + [4] * 4 + [6] * 4 + [8] * 4
    assert [one["from"] for one in fits(swift)] == [0] * 4 + [2] * 4 + [4] * 4 + [6] * 4 + [8], "each goes on from its parent, and train from the chosen trial"
    parents = [one["parent"] for one in found]
    assert parents[:4] == [None] * 4
    assert all(number // 4 - 1 == parent // 4 for number, parent in enumerate(parents) if number >= 4)
    assert any(parent != number - 4 for number, parent in enumerate(parents) if number >= 4), "some take over from others"
    changed = {after["lr"] for one in found for after in _changes(one["overrides"]).values()}
    assert changed
    best = min(found, key=lambda one: one["findings"]["validation/loss"])
    assert told["trial"] == best["number"]
    assert best["findings"]["validation/loss"] < min(one["findings"]["validation/loss"] for one in found[:4])
    made = weights(swift)
    assert len(made) == 1
    seen = len(fits(swift))
    (swift.root / ".mlforge").rename(swift.root / "before")
    swept(swift, "trainer=growing", "trainer.max_epochs=8", *told["overrides"])
    assert fits(swift)[seen]["from"] == 0
    assert weights(swift) == made, "typed by hand, and from the start"


def _changes(overrides):
    import yaml

    return next((yaml.safe_load(one.partition("=")[2].replace(":", ": ")) for one in overrides if one.startswith("trainer.changes=")), {})


@pytest.mark.slow
def test_how_many_trials_run_at_a_time_does_not_matter_to_a_population(swift):
    made = []
    for count in (1, 2):
        swept(swift, *WORDS, f"sweep.concurrency={count}")
        made.append(tuned(swift).name)
        (swift.root / ".mlforge").rename(swift.root / f"with-{count}")
    assert made[0] == made[1]


@pytest.mark.slow
def test_a_member_that_fails_goes_on_from_another(swift):
    swept(swift, *WORDS, "trainer.fails_above=0.8", "sweep.max_failures=8")
    found = trials(swift)
    lost = [one["number"] for one in found if one["state"] == "failed" and one["number"] < 12]
    assert lost
    assert all(found[number + 4]["parent"] != number for number in lost)
    counts = Counter(one["state"] for one in found)
    assert counts["done"] >= 8


def test_what_cannot_change_while_it_trains_is_told_by_check(swift):
    space = "sweep.space={x: {key: model.hidden, choice: [[8], [16]]}, lr: {key: trainer.lr, uniform: [0, 1]}}"
    told = swift.run("check", "toy", *WORDS, "model=mlp", space)
    assert told.code == 2
    assert "model.hidden cannot change while a trial trains; one of trainer.lr" in told.text
    assert "trainer Toy cannot change its settings" in swift.run("check", "toy", "sweep=pbt").text
    assert "2 epochs are over before the last generation of sweep pbt begins" in swift.run("check", "toy", *WORDS, "trainer.max_epochs=2").text
    assert "less than two generations" in swift.run("check", "toy", *WORDS, "sweep.trials=7").text


@pytest.mark.slow
def test_a_population_of_networks_goes_on_from_checkpoints_and_trains_to_the_same_from_the_start(swift):
    lightning = ("trainer=lightning", "trainer.accelerator=cpu", "trainer.threads=1", "trainer.max_epochs=4", "trainer.patience=null", "trainer.batch_size=16")
    space = "sweep.space={lr: {key: trainer.lr, loguniform: [0.001, 0.1]}}"
    swept(swift, *lightning, "sweep=pbt", "sweep.population=3", "sweep.trials=6", "sweep.concurrency=2", space)
    found, told = trials(swift), json.loads((tuned(swift) / "tuned.json").read_text())
    assert [(one["state"], one["epochs"]) for one in found] == [("done", 2)] * 3 + [("done", 4)] * 3
    assert all(one["parent"] in (0, 1, 2) for one in found[3:])
    made = [path.read_bytes() for path in (swift.root / ".mlforge/artifacts").glob("*/weights.safetensors")]
    assert len(made) == 1
    (swift.root / ".mlforge").rename(swift.root / "before")
    swept(swift, *lightning, *told["overrides"])
    assert [path.read_bytes() for path in (swift.root / ".mlforge/artifacts").glob("*/weights.safetensors")] == made
