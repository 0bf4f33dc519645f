"""How a command ends: the exit codes, and errors in one shape."""

from __future__ import annotations

import errno
import os
import subprocess
import sys

import click
import pytest

from mlforge import errors
from mlforge.cli.verdict import describe, judge
from mlforge.errors import MlforgeError, Origin, Problem, RecipeError
from mlforge.secrets import forget, remember


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.RecipeError("x"), 2),
        (errors.DataError("x"), 3),
        (errors.GateRefused("x"), 4),
        (errors.MissingRequirement("x"), 5),
        (errors.RunFailed("x"), 6),
        (errors.Interrupted("x"), 130),
        (KeyboardInterrupt(), 130),
        (click.Abort(), 130),
        (MemoryError(), 6),
        (OSError(errno.ENOSPC, "No space left on device", "/x"), 6),
        (PermissionError(errno.EACCES, "Permission denied", "/x"), 6),
        (FileNotFoundError(errno.ENOENT, "No such file", "/x"), 1),
        (ValueError("x"), 1),
        (SystemExit(7), 7),
        (SystemExit(None), 0),
    ],
)
def test_every_error_has_its_exit_code(error, code):
    assert judge(error) == code


def test_a_bug_is_told_with_its_traceback_and_where_to_report_it(capsys):
    with pytest.raises(KeyError) as caught:
        {}["gone"]
    assert judge(caught.value) == 1
    said = capsys.readouterr().err
    assert "Traceback" in said
    assert "KeyError: 'gone'" in said
    assert "This is a bug in mlforge" in said


def test_a_users_mistake_is_told_without_a_traceback(capsys):
    judge(errors.DataError("row 3 is odd", hint="Mend it.", evidence="/tmp/rows.parquet"))
    assert capsys.readouterr().err == "row 3 is odd\nMend it.\nAll of it: /tmp/rows.parquet\n"


def problem(number: int, where: str | None = None) -> Problem:
    return Problem(where or f"trainer.key_{number}", "unknown key", Origin("a.yaml", number, 3), "trainer has lr", "Did you mean lr?")


def test_problems_are_told_by_place_with_origin_and_hint():
    lines = describe(
        RecipeError("1 problem in recipe churn", problems=[Problem("model", "no such option", Origin("command line"), "model has mlp", "Did you mean mlp?")])
    )
    assert lines[:2] == ["1 problem in recipe churn", ""]
    assert lines[2].split() == ["model", "command", "line"]
    assert lines[3] == "    no such option; model has mlp. Did you mean mlp?"


@pytest.mark.parametrize("count", [1, 5, 6, 7, 8, 40])
def test_no_answer_is_longer_than_fifteen_lines_and_what_is_left_out_is_counted(count):
    lines = describe(RecipeError(f"{count} problems", problems=[problem(number) for number in range(count)]))
    shown = sum("unknown key" in line for line in lines)
    assert len(lines) <= 15
    assert shown >= min(count, 6)
    assert (lines[-1] == f"  … and {count - shown} more: mlforge check --json tells them all") == (shown < count)


def test_twenty_problems_of_one_place_are_still_told_within_the_bound():
    same = [Problem("contract.columns", f"wrong {number}", Origin("a.yaml", 1)) for number in range(20)]
    lines = describe(RecipeError("20 problems", problems=same))
    assert len(lines) <= 15
    assert lines[2].split() == ["contract.columns", "a.yaml:1"]
    assert "    wrong 0" in lines
    assert lines[-1] == "  … and 9 more: mlforge check --json tells them all"


def test_a_long_message_is_bounded():
    assert len(describe(MlforgeError("\n".join(f"line {number}" for number in range(100)), hint="Do it."))) <= 15


def test_secrets_are_masked_in_errors_and_in_bugs(capsys):
    remember("hunter2-secret")
    try:
        judge(errors.DataError("cannot reach postgres://me:hunter2-secret@host"))
        judge(ValueError("hunter2-secret"))
        judge(click.UsageError("no such thing: hunter2-secret"))
        judge(RecipeError("1 problem", problems=[Problem("a", "hunter2-secret")]))
    finally:
        forget()
    said = capsys.readouterr().err
    assert "hunter2" not in said
    assert said.count("•••") >= 4


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["rnu"], "no such command: rnu. Did you mean run?"),
        (["xyzzy"], "no such command: xyzzy. Try: mlforge --help"),
        (["check", "adult", "--jsn"], "Did you mean"),
        (["check"], "Missing argument 'RECIPE'"),
        (["run", "adult", "--trainer.max_epochs=3"], "Values of the recipe are written without dashes: trainer.max_epochs=VALUE"),
        (["ls", "modell"], "Did you mean model?"),
        (["check", "nowhere_at_all"], "nowhere_at_all"),
    ],
)
def test_a_wrong_command_line_ends_with_exit_code_2_and_a_hint(project, arguments, said):
    result = project.run(*arguments)
    assert result.code == 2
    assert said in result.err
    assert result.out == ""
    assert len(result.err.splitlines()) <= 15


def test_a_reader_that_goes_away_is_no_error(project):
    program = "from mlforge.cli import main\nmain()"
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run([sys.executable, "-P", "-c", program, "ls"], stdout=writing, stderr=subprocess.PIPE, cwd=project.root, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, b"")


def test_both_runners_of_the_fixture_give_the_same(project):
    for arguments in (["ls", "split"], ["rnu"], ["--version"]):
        assert project.run(*arguments) == project.command(*arguments)


def test_wrong_settings_of_the_project_do_not_take_the_help_away(project):
    project.write({"mlforge.toml": "plugin = ['x']\n"})
    assert project.run("--help").code == 0
    result = project.run("plugins")
    assert result.code == 2
    assert "mlforge.toml:1" in result.err
    assert "Did you mean plugins?" in result.err
