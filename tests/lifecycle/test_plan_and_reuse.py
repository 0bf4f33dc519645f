"""What is planned and run: no more than what has changed, and every reason by name."""

from __future__ import annotations

import pytest

STAGES = ["ingest", "split", "inspect", "echo"]


def planned(project, *overrides, **env):
    outcome = project.run("plan", "waves", *overrides, "--json", **env)
    assert outcome.code == 0, outcome.text
    return {row["stage"]: row for row in outcome.json}


def ran(project, *arguments, **env):
    """Names of the stages that a run carried out."""
    outcome = project.run("run", "waves", *arguments, "--json", **env)
    assert outcome.code == 0, outcome.text
    return [stage["name"] for stage in outcome.json["stages"] if stage["state"] == "run"]


def test_a_first_plan_runs_everything_and_a_second_reuses_everything(waves):
    plan = planned(waves)
    assert sorted(plan) == sorted(STAGES)
    assert plan["ingest"]["state"] == "run"
    assert plan["ingest"]["reason"] == "never run before"
    assert plan["split"]["reason"] == "after ingest"
    assert sorted(ran(waves)) == sorted(STAGES)
    assert {row["state"] for row in planned(waves).values()} == {"reuse"}
    assert ran(waves) == []


def test_planning_writes_nothing(waves):
    planned(waves)
    assert waves.run("runs", "--json").json == []


def test_a_reason_names_the_key_with_both_values(waves):
    ran(waves)
    plan = planned(waves, "split.test=0.3")
    assert plan["split"]["reason"] == "split.test 0.15 → 0.3"
    assert plan["ingest"]["state"] == "reuse"
    assert plan["echo"]["state"] == "reuse"
    assert ran(waves, "split.test=0.3") == ["split", "inspect"]


def test_going_back_reuses_what_was_made_then(waves):
    ran(waves)
    ran(waves, "split.test=0.3")
    assert ran(waves) == []


def test_an_edit_in_an_imported_helper_reruns_its_stage_and_those_that_get_something_else_and_no_other(waves):
    ran(waves)
    shape = waves.root / "waves" / "shape.py"
    shape.write_text(shape.read_text().replace("scale * math.sin(i)", "scale * math.sin(i) + 1"))
    assert planned(waves)["ingest"]["reason"] == "code of source changed"
    assert sorted(ran(waves)) == sorted(STAGES)
    probe = waves.root / "waves" / "probe.py"
    probe.write_text(probe.read_text().replace('["total"][0] /', '["total"][0] * 1.0 /'))
    assert planned(waves)["inspect"]["reason"] == "code of checks.mean changed"
    assert ran(waves) == ["inspect"]


def test_a_helper_edit_that_changes_no_byte_stops_there(waves):
    ran(waves)
    shape = waves.root / "waves" / "shape.py"
    shape.write_text(shape.read_text() + "\n# a remark\n")
    assert ran(waves) == ["ingest"]


def test_an_edit_in_an_unrelated_module_reruns_nothing(waves):
    ran(waves)
    (waves.root / "waves" / "unrelated.py").write_text("X = 2\n")
    assert ran(waves) == []


def test_another_seed_reruns_only_what_reads_it(waves):
    ran(waves)
    plan = planned(waves, "seed=7")
    assert plan["split"]["reason"] == "seed 0 → 7"
    assert plan["ingest"]["state"] == "reuse"


def test_a_lost_artifact_is_made_again(waves):
    ran(waves)
    digest = planned(waves)["echo"]["outputs"]["echo"]
    folder = waves.root / ".mlforge" / "artifacts" / digest
    folder.rename(waves.root / "lost")
    assert planned(waves)["echo"]["reason"] == "its echo is gone from the store"
    assert ran(waves) == ["echo"]
    assert folder.is_dir()


def test_two_stores_get_the_same_digests(waves):
    def outputs(*arguments):
        return {stage["name"]: stage["outputs"] for stage in waves.run("run", "waves", *arguments, "--json").json["stages"]}

    assert outputs() == outputs(f"store=sqlite:///{waves.root}/other.db")


def test_from_reruns_a_stage_and_those_after_it(waves):
    ran(waves)
    assert ran(waves, "--from", "split") == ["split", "inspect"]


def test_only_runs_one_stage_and_wants_the_ones_before_it(waves):
    outcome = waves.run("run", "waves", "--only", "split")
    assert outcome.code == 2
    assert "needs stage ingest" in outcome.text
    assert "--from ingest" in outcome.text
    assert ran(waves, "--only", "ingest") == ["ingest"]
    assert ran(waves, "--only", "split") == ["split"]
    assert planned(waves)["inspect"]["state"] == "run"


@pytest.mark.parametrize("option", ["--only", "--from"])
def test_an_unknown_stage_is_answered_with_the_near_one(waves, option):
    outcome = waves.run("run", "waves", option, "spit")
    assert outcome.code == 2
    assert "Did you mean split?" in outcome.text


def test_a_smoke_run_is_apart_from_the_others(waves):
    assert sorted(ran(waves, "--smoke")) == sorted(STAGES)
    assert planned(waves)["ingest"]["reason"] == "never run before"


def test_every_output_of_a_run_is_named_and_there(waves):
    outcome = waves.run("run", "waves", "--json").json
    shown = waves.run("runs", outcome["run"], "--json").json
    assert [stage["name"] for stage in shown["stages"]] == [stage["name"] for stage in outcome["stages"]]
    for stage in outcome["stages"]:
        assert "findings" in stage["outputs"]
        for digest in stage["outputs"].values():
            assert (waves.root / ".mlforge" / "artifacts" / digest / "manifest.json").is_file()
