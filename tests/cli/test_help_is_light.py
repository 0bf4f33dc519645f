"""Help names every verb and imports next to nothing."""

from __future__ import annotations

import ast
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import click
import pytest

import mlforge.cli
from mlforge.cli.verbs import PARTS, VERBS

HEAVY = ("torch", "ray", "polars", "pandas", "pandera", "hydra", "omegaconf", "sklearn", "onnx", "onnxruntime", "numpy", "sqlalchemy", "pydantic", "rich")
FOLDER = Path(mlforge.cli.__file__).parent


def imported_by(*arguments: str) -> set[str]:
    """The top-level modules that are there after a command."""
    program = (
        "import sys\nfrom mlforge.cli.entry import run\n"
        f"code = run({list(arguments)!r})\n"
        "print(code, *sorted({name.partition('.')[0] for name in sys.modules}), *sorted(n for n in sys.modules if n.startswith('mlforge.')), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-P", "-c", program], capture_output=True, text=True, check=True)
    code, *names = done.stderr.split()
    assert code == "0", done.stderr
    return set(names)


@pytest.mark.parametrize("arguments", [("--help",), ("--version",), (), ("plugins",), ("doctor",), ("run", "--help")])
def test_light_commands_import_nothing_heavy(arguments):
    assert imported_by("plugins")  # the index is built now, which may import pydantic
    assert not imported_by(*arguments) & set(HEAVY)


def test_help_imports_no_verb_and_no_plugin():
    modules = imported_by("--help")
    assert "mlforge.cli.verbs" in modules
    assert not {f"mlforge.cli.{verb}" for verb in VERBS} & modules
    assert not [name for name in modules if name.startswith("mlforge.builtin")]


def test_help_names_every_verb_in_the_order_of_the_story(project):
    result = project.run("--help")
    lines = [line.split()[0] for line in result.out.splitlines() if line.startswith("  ") and line.split()[0] in VERBS]
    assert result.code == 0
    assert lines == list(VERBS)
    assert "mlforge run breast_cancer" in result.out


def test_no_arguments_are_answered_with_the_help(project):
    assert project.run().out == project.run("--help").out


def test_the_table_of_verbs_says_what_each_verb_says():
    for verb, line in VERBS.items():
        command = import_module(f"mlforge.cli.{verb}").command
        assert isinstance(command, click.Command)
        assert (verb, command.name, (command.help or "").partition("\n")[0]) == (verb, verb, f"{line}.")
    assert len(VERBS) >= 11


def test_the_table_of_parts_says_what_each_part_says(project):
    for verb, parts in PARTS.items():
        for part, line in parts.items():
            command = getattr(import_module(f"mlforge.cli.{verb}_{part}"), part)
            assert isinstance(command, click.Command)
            assert (command.name, (command.help or "").partition("\n")[0]) == (part, f"{line}.")
            assert f"  {part} " in project.run(verb, "--help").out
            assert project.run(verb, part, "--help").out.startswith(f"Usage: mlforge {verb} {part} ")


def test_every_module_with_a_command_is_a_verb():
    files = {path.stem: ast.parse(path.read_text(encoding="utf-8")) for path in FOLDER.glob("*.py")}
    verbs = {name for name, tree in files.items() if any(isinstance(node, ast.FunctionDef) and node.name == "command" for node in tree.body)}
    assert verbs == set(VERBS)


def test_every_verb_explains_itself(project):
    for verb in VERBS:
        result = project.run(verb, "--help")
        assert result.code == 0, result.text
        assert result.out.startswith(f"Usage: mlforge {verb}")
