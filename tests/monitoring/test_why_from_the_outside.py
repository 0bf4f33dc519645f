"""`mlforge why`: a model with a story, and the trails that lead through it."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path

import pytest
from tests.end_to_end.buyers import rows
from tests.monitoring.shop import MONITORS, days, file

from mlforge.testing.project import TestProject

RUN = ("run", "buyers", MONITORS, "trainer.max_epochs=4", "monitors.traffic.fewest=50")


def done(project: TestProject, *arguments: str, code: int = 0) -> str:
    outcome = project.run(*arguments)
    assert outcome.code == code, outcome.text
    return outcome.out


@pytest.fixture(scope="module")
def storied(once: TestProject, tmp_path_factory: pytest.TempPathFactory) -> TestProject:
    """A drift alarms; a gate refuses a candidate; a second version from more rows is promoted, and rolled back."""
    project = TestProject(Path(shutil.copytree(once.root, tmp_path_factory.mktemp("storied") / "shop")))
    file(project, days(8, older=15, since=6))
    done(project, "monitor", "buyers", "--source", "live.csv", "--time", "when")
    done(project, "alerts", "ack", "1", "--reason", "a new shop has opened")
    done(project, *RUN, "gates.thresholds.rules.auc.min=0.9999", code=4)
    with (project.root / "buyers.csv").open("a", encoding="utf-8") as more:
        more.write("".join(f"{row}\n" for row in rows(100, 9)))
    lighter = ("run", "buyers", "monitors=[data_quality]", "trainer.max_epochs=1", "trainer.lr=0.06")
    done(project, *lighter, "gates.no_regression=null", "gates.thresholds.rules.auc.min=0.6")
    done(project, "promote", "buyers", "2", "--reason", "newer rows")
    done(project, "rollback", "buyers", "--reason", "answers too slowly")
    return project


def why(project: TestProject, *words: str) -> str:
    return done(project, "why", *words)


def test_an_alert_leads_back_to_the_rows_and_the_declaration(storied: TestProject) -> None:
    told = why(storied, "alert", "1")
    first, *steps = told.splitlines()
    assert first.startswith("Alert 1, 2026-")
    assert "drift in age on buyers 1 (warning, acknowledged by" in first
    for said in (
        "In the window of 2026-11-07, age (", "age: its mean went from 48.6", "2 of the 2 daily windows up to 2026-11-09 alarm",
        "(alert 2, since 2026-11-07)", "Measured accuracy went from 0.9", "gate thresholds.auc asked for ≥ 0.7 on the test rows",
        "monitors.drift of recipe buyers watches it, with its defaults", "1/month with daily windows allows 3.29%", "acknowledged it on",
        "a new shop has opened", "made buyers 2 the champion", "from buyers.csv, 1,500 rows (fingerprint ",
    ):  # fmt: skip
        assert said in told, said
    assert "    → mlforge monitor buyers@1 --page buyers.html" in steps
    assert steps[-1] == "Next    mlforge run buyers"


def test_the_commands_that_a_trail_names_are_commands(storied: TestProject) -> None:
    told = why(storied, "alert", "1")
    commands = [line.strip().removeprefix("→ ") for line in told.splitlines() if line.startswith("    → mlforge ")]
    assert len(commands) >= 3
    for command in commands:
        done(storied, *shlex.split(command)[1:])
    pages = [line.strip().removeprefix("→ ") for line in told.splitlines() if line.endswith(".html") and "mlforge monitor" not in line]
    assert pages
    assert all((storied.root / page).is_file() for page in pages)


def test_a_gate_that_said_no_says_which_rule_and_what_was_measured(storied: TestProject) -> None:
    refused = next(run for run in storied.run("runs", "--json").json if run["state"] == "refused")
    told = why(storied, "gate", refused["id"][:12])
    lines = told.splitlines()
    assert "refused by 1 of 3 rules" in lines[0]
    assert lines[1].startswith("  thresholds.auc says no: test/roc_auc 0.9")
    assert "The stage evaluate measured it on 225 rows (95 % bootstrap" in lines[1]
    assert "gates.thresholds.rules.auc {finding: test/roc_auc, min: 0.9999}" in lines[1]
    assert "baseline says yes" in told


def test_a_run_says_why_each_stage_ran_and_what_came_of_it(storied: TestProject) -> None:
    told = why(storied, "run", "buyers")
    assert "with monitors=[data_quality], trainer.max_epochs=1" in told
    assert "since this is not as before: the content of the source." in told
    assert "trainer.lr 0.05 → 0.06" in told
    assert "ran, since what they read is new." in told
    assert "The gates: passed, 2 of 2 rules." in told
    assert "rolled 2 back to buyers 1" in told
    refused = next(run for run in storied.run("runs", "--json").json if run["state"] == "refused")
    told = why(storied, refused["id"])
    assert "Reused: ingest, split" in told
    assert "Its bundle was buyers 1 already" in told


def test_a_rollback_says_who_why_and_what_had_changed(storied: TestProject) -> None:
    told = why(storied, "rollback", "buyers")
    assert told == why(storied, "rollback", "buyers@2")
    assert "2 went, buyers 1 is champion again" in told.splitlines()[0]
    for said in ("rolled it back: answers too slowly.", "newer rows", "trainer.lr 0.05 → 0.06", "the rows of the source (1,500 → 1,600)"):
        assert said in told, said
    entry = storied.run("why", "rollback", "buyers", "--json").json["subject"].split()[1]
    assert why(storied, "rollback", entry) == told


def test_a_version_says_where_aliases_have_pointed(storied: TestProject) -> None:
    told = why(storied, "buyers@2")
    assert told == why(storied, "buyers", "2")
    assert "buyers 2, registered" in told.splitlines()[0]
    assert told.index("rolled 2 back") < told.index("made buyers 2 the champion")
    assert "alert 4" in why(storied, "buyers")


def test_as_json_every_step_says_what_it_is_about(storied: TestProject) -> None:
    told = storied.run("why", "1", "--json").json
    assert (told["kind"], told["subject"]) == ("alert", "alert 1")
    assert {"found", "began", "beside", "cost", "declared", "promised", "done", "made"} <= {step["about"] for step in told["steps"]}
    assert all(step.keys() == {"about", "text", "when", "links"} for step in told["steps"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("alert 99", "There is no alert 99."),
        ("alert x", "'x' is no number of an alert."),
        ("alart 3", "Did you mean alert?"),
        ("gate", "Which gate?"),
        ("buyrs", "Did you mean buyers?"),
        ("rollback buyrs", "Did you mean buyers?"),
        ("rollback buyers@1 2", "no alias"),
        ("rollback 1", "Entry 1 of the audit log is no rollback: it is registered of buyers 1."),
        ("rollback 999", "there is none of that number"),
        ("gate buyers@9", "no version 9"),
        ("run zzzz", "There is no run 'zzzz'"),
        ("retraining 1", "There is no retraining 1."),
        ("x y z", "is nothing that there is a trail of"),
    ],
)
def test_unknown_names_get_the_nearest_right_word(storied: TestProject, words: str, said: str) -> None:
    outcome = storied.run("why", *words.split())
    assert outcome.code == 2, outcome.text
    assert said in outcome.err
    assert len(outcome.err.splitlines()) <= 3
    assert not outcome.out
