"""Retries, time limits, locks, interruptions: each ends as the exit codes say, and loses nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest


def run_in_background(project, *arguments, **env):
    command = [sys.executable, "-P", "-c", "from mlforge.cli import main; main()", "run", "waves", *arguments]
    return subprocess.Popen(command, cwd=project.root, env={**os.environ, **env}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def wait_for(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "did not happen in time"
        time.sleep(0.02)


def test_a_stage_is_tried_again_as_often_as_the_recipe_says(waves):
    log = waves.root / "log"
    outcome = waves.run("run", "waves", "stages.echo.retries=2", ECHO_LOG=str(log), ECHO_FAILURES="2")
    assert outcome.code == 0, outcome.text
    assert log.read_text().split() == ["try"] * 3


def test_a_stage_that_keeps_failing_ends_the_run_and_leaves_what_was_done(waves):
    outcome = waves.run("run", "waves", ECHO_LOG=str(waves.root / "log"), ECHO_FAILURES="9")
    assert outcome.code == 6
    assert "echo failed at try 1" in outcome.text
    assert "Traceback" not in outcome.text
    (record,) = waves.run("runs", "--json").json
    assert (record["state"], record["exit_code"]) == ("failed", 6)
    again = waves.run("run", "waves", "--json").json
    states = {stage["name"]: stage["state"] for stage in again["stages"]}
    assert (states["ingest"], states["echo"]) == ("reuse", "run")


def test_a_stage_over_its_time_limit_is_stopped(waves):
    outcome = waves.run("run", "waves", "stages.echo.timeout=300ms", ECHO_HANGS="1")
    assert outcome.code == 6
    assert "echo took longer than its limit of 0.3 s" in outcome.text
    assert "stages.echo.timeout" in outcome.text


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGUSR1])
def test_a_stopped_run_exits_130_and_the_same_command_continues(waves, number):
    log = waves.root / "log"
    process = run_in_background(waves, ECHO_HANGS="1", ECHO_LOG=str(log))
    wait_for(log.exists)
    process.send_signal(number)
    output, _ = process.communicate(timeout=30)
    assert process.returncode == 130, output
    assert "same command continues" in output
    assert "Traceback" not in output
    again = waves.run("run", "waves", "--json").json
    assert "echo" in [stage["name"] for stage in again["stages"] if stage["state"] == "run"]
    assert "ingest" in [stage["name"] for stage in again["stages"] if stage["state"] == "reuse"]


def test_a_killed_stage_is_not_done_and_the_same_command_continues(waves):
    log = waves.root / "log"
    process = run_in_background(waves, ECHO_HANGS="1", ECHO_LOG=str(log))
    wait_for(log.exists)
    process.kill()
    process.communicate(timeout=30)
    plan = {row["stage"]: row for row in waves.run("plan", "waves", "--json").json}
    assert plan["echo"]["reason"] == "was begun and not finished"
    assert waves.run("run", "waves").code == 0
    states = [record["state"] for record in waves.run("runs", "--json").json]
    assert states == ["done", "interrupted"]


def test_two_runs_of_one_recipe_do_not_trample_each_other(waves):
    log = waves.root / "log"
    process = run_in_background(waves, ECHO_HANGS="1", ECHO_LOG=str(log))
    try:
        wait_for(log.exists)
        outcome = waves.run("run", "waves")
        assert outcome.code == 6
        assert str(process.pid) in outcome.text
    finally:
        process.kill()
        process.communicate(timeout=30)


def test_a_store_that_cannot_be_written_is_said_so(waves):
    (waves.root / ".mlforge").write_text("a file where the folder should be")
    outcome = waves.run("run", "waves")
    assert outcome.code == 6
    assert ".mlforge" in outcome.text
    assert "Traceback" not in outcome.text


def test_a_bug_shows_its_traceback_and_exits_1(waves):
    stage = waves.root / "waves" / "stage.py"
    stage.write_text(stage.read_text().replace("tries = 0\n", "tries = 1 / 0\n", 1))
    outcome = waves.run("run", "waves")
    assert outcome.code == 1
    assert "ZeroDivisionError" in outcome.text
