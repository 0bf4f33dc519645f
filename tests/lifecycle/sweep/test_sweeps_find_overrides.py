"""A sweep tries overrides, and the best of them join the recipe."""

from __future__ import annotations

import json

import pytest
from tests.lifecycle.sweep.toys import SPACE, fits, swept, trials, tuned

from mlforge.builtin.sweeps.proposing import Draws
from mlforge.components import Dimension

ONE = "sweep.concurrency=1"  # where it does not matter: each trial at a time is a process more to start


def test_the_best_overrides_are_what_is_trained(swift):
    swept(swift, "sweep=random", "sweep.trials=6", ONE, SPACE)
    found = json.loads((tuned(swift) / "tuned.json").read_text())
    best = min(trials(swift), key=lambda one: one["findings"]["validation/loss"])
    assert found["trial"] == best["number"]
    assert found["overrides"] == best["overrides"]
    assert len(trials(swift)) == 6
    assert [one["continued"] for one in fits(swift)] == [False] * 6 + [True], "train goes on from what the chosen trial has left"
    x, y = next((swift.root / ".mlforge/artifacts").glob("*/weights.safetensors")).read_text().split()
    assert {"x": float(x), "y": int(y)} == best["values"], "train has the sweep's overrides"


def test_an_unchanged_sweep_is_reused_and_a_plan_says_so(swift):
    words = ("sweep=random", "sweep.trials=3", ONE, SPACE)
    assert "train      run    after tune" in swift.run("plan", "toy", *words).text
    swept(swift, *words)
    seen = len(fits(swift))
    plan = swift.run("plan", "toy", *words, "--json").json
    assert {one["stage"]: one["state"] for one in plan} == dict.fromkeys(("ingest", "split", "prepare", "tune", "train"), "reuse")
    swept(swift, *words)
    assert len(fits(swift)) == seen
    overrides = json.loads((tuned(swift) / "tuned.json").read_text())["overrides"]
    by_hand = {one["stage"]: one["state"] for one in swift.run("plan", "toy", *overrides, "--json").json}
    assert by_hand["train"] == "reuse", "as if the overrides were typed by hand"
    two = swift.run("plan", "toy", "sweep=random", "sweep.trials=3", "sweep.concurrency=2", SPACE, "--json").json
    assert {one["state"] for one in two} == {"reuse"}, "how many trials run at a time does not make it another sweep"
    assert "sweep.trials 3 → 4" in swift.run("plan", "toy", "sweep=random", "sweep.trials=4", ONE, SPACE).text
    assert "trainer.pause 0.0 → 0.1" in swift.run("plan", "toy", *words, "trainer.pause=0.1").text, "what trials read decides a sweep too"


@pytest.mark.slow  # test_sweeps_survive_kills shows it too
def test_the_same_seed_finds_the_same_with_one_trial_at_a_time(swift):
    digests = []
    for _ in range(2):
        swept(swift, "sweep=tpe", "sweep.trials=8", "sweep.startup=4", ONE, SPACE)
        digests.append(tuned(swift).name)
        for path in (swift.root / ".mlforge").glob("records.db*"):
            path.unlink()
    assert digests[0] == digests[1]


@pytest.mark.slow  # tests/recipe shows which space is proposed
def test_trainers_and_models_bring_a_space_of_their_own(swift):
    swept(swift, "sweep=asha", "sweep.trials=3")
    assert [list(one["values"]) for one in trials(swift)] == [["x"]] * 3


def test_commas_are_a_grid(swift):
    swept(swift, "trainer.x=0.1,0.3", "trainer.y=1,2,3", "trainer.kind='one,two'")
    found = trials(swift)
    assert [tuple(one["values"].values()) for one in found] == [(x, y) for x in (0.1, 0.3) for y in (1, 2, 3)]
    assert json.loads((tuned(swift) / "tuned.json").read_text())["overrides"] == ["trainer.x=0.3", "trainer.y=2"]


def test_options_are_varied_and_what_an_option_does_not_have_is_dropped(swift):
    swept(swift, "model=linear,mlp", "trainer.x=0.2,0.3", ONE)
    assert [one["overrides"] for one in trials(swift)] == [[f"model={m}", f"trainer.x={x}"] for m in ("linear", "mlp") for x in (0.2, 0.3)]


def test_what_comes_before_the_varied_sections_is_shared_and_what_reads_them_waits(swift):
    order = [one["stage"] for one in swift.run("plan", "toy", "split.test=0.2,0.3", "--json").json]
    assert order.index("tune") == order.index("split") - 1
    swept(swift, "split.test=0.2,0.3", ONE)
    assert [one["state"] for one in trials(swift)] == ["done", "done"]


def test_halving_gives_up_the_worse_trials(swift):
    swept(swift, "sweep=asha", "sweep.trials=12", ONE, SPACE, "trainer.max_epochs=9")
    states = [one["state"] for one in trials(swift)]
    assert states.count("stopped") >= 4
    assert states.count("done") >= 1
    assert len(states) == 12
    assert all(one["epochs"] < 9 for one in trials(swift) if one["state"] == "stopped")


@pytest.mark.slow  # test_a_sweep_is_shown_with_its_best_first has a trial that fails, too
def test_a_failed_trial_is_told_with_its_reason_and_the_sweep_goes_on(swift):
    outcome = swept(swift, "sweep=grid", "sweep.space={x: {key: trainer.x, choice: [0.1, 0.9, 0.2]}}", "trainer.fails_above=0.5")
    assert [(one["state"], one["reason"]) for one in trials(swift)] == [("done", ""), ("failed", "trainer: 0.90 is more than it can bear"), ("done", "")]
    assert "1 failed" in outcome.text


def test_a_trial_whose_process_dies_twice_has_failed(swift):
    outcome = swept(swift, "sweep=grid", "sweep.space={x: {key: trainer.x, choice: [0.1, 0.9, 0.2]}}", "trainer.dies_above=0.5", ONE)
    assert outcome.text.count("tune: trial 1: its process died, or its machine has gone; it is tried once more") == 1
    assert [one["state"] for one in trials(swift)] == ["done", "failed", "done"]
    assert trials(swift)[1]["reason"] == "its process died"
    assert [one["x"] for one in fits(swift)].count(0.9) == 2, "it is tried once more: a machine may have gone, and not the trial be at fault"


def test_a_trial_that_came_to_its_end_before_its_process_died_is_not_run_again(swift):
    swept(swift, "sweep=grid", "sweep.space={x: {key: trainer.x, choice: [0.1, 0.9, 0.2]}}", "trainer.dies_done_above=0.5", ONE)
    assert [one["state"] for one in trials(swift)] == ["done", "done", "done"]
    assert [one["x"] for one in fits(swift)].count(0.9) == 1


def test_more_failures_than_allowed_end_the_run_with_the_reasons_and_are_tried_again(swift):
    words = ("sweep=grid", "sweep.max_failures=1", "sweep.space={x: {key: trainer.x, choice: [0.1, 0.7, 0.8, 0.9]}}", ONE)
    outcome = swift.run("run", "toy", *words, "trainer.fails_above=0.5")
    assert outcome.code == 6, outcome.text
    assert "sweep.max_failures is 1" in outcome.text
    assert "0.70 is more than it can bear" in outcome.text
    seen = len(fits(swift))
    assert swift.run("run", "toy", *words, "trainer.fails_above=0.5").code == 6
    assert len(fits(swift)) - seen == 2, "the one that was done is not run again; those that failed are"


def test_constraints_on_what_is_measured(swift):
    limit = "sweep.constraints={narrow: {finding: validation/accuracy, max: 0.2}}"
    swept(swift, "trainer.x=0.1,0.2,0.3", limit, "sweep=grid", ONE)
    found = trials(swift)
    assert json.loads((tuned(swift) / "tuned.json").read_text())["overrides"] == ["trainer.x=0.2"], "0.3 would be better, and breaks the constraint"
    assert found[2]["reason"] == "validation/accuracy 0.3 is above 0.2"


@pytest.mark.slow
def test_constraints_that_no_trial_keeps_are_told(swift):
    none = swift.run("run", "toy", "trainer.x=0.1,0.2", "sweep=grid", "sweep.constraints={narrow: {finding: validation/accuracy, max: 0.05}}")
    assert none.code == 6
    assert "none of 2 trials can be chosen" in none.text
    assert "validation/accuracy 0.1 is above 0.05" in none.text


def test_several_objectives_have_a_front(swift):
    goals = "sweep.objectives={loss: {finding: validation/loss}, wide: {finding: validation/accuracy, mode: max}}"
    swept(swift, "trainer.x=0.1,0.3,0.6,0.9", "sweep=grid", goals, ONE)
    assert [one["pareto"] for one in trials(swift)] == [False, True, True, True]
    assert json.loads((tuned(swift) / "tuned.json").read_text())["overrides"] == ["trainer.x=0.3"], "the first decides"


def test_a_limit_of_time_that_leaves_no_trial_is_an_error(swift):
    outcome = swift.run("run", "toy", "sweep=random", ONE, SPACE, "sweep.hours=1e-7")
    assert outcome.code == 6
    assert "the limit of 1e-07 hours came before any trial was done" in outcome.text


@pytest.mark.slow
def test_a_limit_of_time_ends_it_with_what_is_there(swift):
    swept(swift, "sweep=random", "sweep.trials=5000", ONE, SPACE, "trainer.pause=0.5", "sweep.hours=0.015")
    assert 1 <= len(trials(swift)) < 120


def test_a_smoke_run_tries_two(swift):
    swept(swift, "sweep=random", SPACE, ONE, "--smoke")
    assert len(trials(swift)) == 2


@pytest.mark.parametrize(("words", "code", "told"), [
    (("sweep.cpus=1000",), 5, "sweep.cpus: a trial asks for 1000, and there are 2"),
    (("sweep.gpus=4",), 5, "sweep.gpus: a trial asks for 4, and there are 0"),
    (("sweep.warm_start=nope",), 2, "There is no run 'nope'"),
])  # fmt: skip
def test_what_is_not_there_is_told_before_a_trial_starts(swift, words, code, told):
    outcome = swift.run("run", "toy", "sweep=random", SPACE, *words)
    assert outcome.code == code, outcome.text
    assert told in outcome.text
    assert not fits(swift)


def test_a_search_learns_from_an_earlier_run_of_the_same_space(swift):
    words = ("sweep=tpe", "sweep.trials=6", "sweep.startup=3", ONE, SPACE)
    swept(swift, *words)
    run = swift.run("sweep", "show", "toy", "--json").json["run"]
    swept(swift, *words, f"sweep.warm_start={run}")
    assert trials(swift)[0]["values"] != Draws({name: Dimension(**one) for name, one in space(swift).items()}, 0).propose(0), "the first is no draw any more"
    assert {one["state"] for one in swift.run("plan", "toy", *words, f"sweep.warm_start={run}", "--json").json} == {"reuse"}
    other = swift.run("run", "toy", "sweep=tpe", "sweep.space={x: {key: trainer.x, uniform: [0, 1]}}", f"sweep.warm_start={run}")
    assert other.code == 2
    assert "searched another space" in other.text


def space(project):
    return json.loads((tuned(project) / "tuned.json").read_text())["space"]


def test_a_sweep_is_shown_with_its_best_first(swift):
    swept(swift, "trainer.x=0.1,0.3,0.9", "trainer.fails_above=0.5", ONE)
    shown = swift.run("sweep", "show", "toy").out.splitlines()
    assert shown[0].endswith("3 trials")
    assert [line.split()[0] for line in shown[2:5]] == ["1", "0", "2"]
    assert "0.90 is more than it can bear" in shown[4]
    assert shown[-1] == "Best        trial 1: trainer.x=0.3"
    told = swift.run("sweep", "show", "toy", "--json").json
    assert [one["state"] for one in told["trials"]] == ["done", "done", "failed"]
    (page,) = (swift.root / ".mlforge/runs").glob("*/report.html")
    assert page.read_text().count("<polyline") == 2
    nothing = swift.run("sweep", "show", "toyy")
    assert nothing.code == 2
    assert "There is no run 'toyy'" in nothing.text
