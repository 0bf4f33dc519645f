"""The tutorials, the how-tos and the README are run as they stand: every command, and what it prints."""

# ruff: noqa: T201  (how many things a test saw is part of its answer)

import re
import shlex
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from transcript import Block, Shell, blocks, matches

from mlforge.testing.project import TestProject

ROOT = Path(__file__).parents[2]
LONG = {
    "README.md",
    "docs/tutorial.md",
    "docs/howto/compress.md",
    "docs/howto/keep_to_a_budget.md",
    "docs/howto/tune_a_model.md",
}  # that train more than one model
PLAIN = re.compile(r"(?P<variables>([A-Z_]+=[\w-]+ )*)mlforge (?!serve\b)(?P<words>[^|&;<>$`*?~!#\\\n]+)")
"""A command that needs nothing of a shell but that it takes quotes away."""

PROGRESS = re.compile(r"  \w+ +\d+ %  ")
"""A line that a stage writes into a file or pipe when it takes long."""


class Here(Shell):
    """Runs plain commands of mlforge within this process, which spares each a start of Python with all that it imports; the others by bash."""

    def run(self, command: str) -> str:
        """What a command prints, stdout and stderr as they come."""
        if not (plain := PLAIN.fullmatch(command.strip())):
            return super().run(command)
        printed = StringIO()
        variables = dict(one.split("=") for one in plain["variables"].split())
        self.code = TestProject(self.folder).into(printed, printed, *shlex.split(plain["words"]), COLUMNS="120", **variables)
        return self.shown(printed.getvalue())


def _pages() -> Iterator[object]:
    for path in [ROOT / "README.md", *sorted(ROOT.glob("docs/*.md")), *sorted(ROOT.glob("docs/howto/*.md"))]:
        name = path.relative_to(ROOT).as_posix()
        if any(block.language == "console" for block in blocks(path.read_text(encoding="utf-8"))):
            yield pytest.param(path, id=name, marks=[pytest.mark.slow] if name in LONG else [])


@pytest.mark.parametrize("page", list(_pages()))
def test_every_command_prints_what_the_page_says(page: Path, tmp_path: Path, isolated_cache: Path) -> None:
    shell, seen = (Shell if page.relative_to(ROOT).as_posix() in LONG else Here)(tmp_path), 0
    for block in blocks(page.read_text(encoding="utf-8")):
        if block.file:
            shell.put(block)
        if block.language == "console":
            seen += _follow(shell, block, page.name)
    print(f"{page.relative_to(ROOT)}: {seen} commands run")
    assert seen


def _follow(shell: Shell, block: Block, page: str) -> int:
    commands = list(block.commands())
    for command, expected in commands:
        actual = _alone(shell.run(command))
        assert matches(expected, actual), f"{page}, the block from line {block.line}:\n$ {command}\n{actual}\nThe page says:\n{expected}"
    return len(commands)


def _alone(output: str) -> str:
    """Without the plugins of this checkout, which tests block where they are installed; a reader has none. And without what a slow machine says meanwhile."""
    return "".join(line for line in output.splitlines(keepends=True) if "blocked by MLFORGE_BLOCK_PLUGINS" not in line and not PROGRESS.match(line))


def test_an_output_that_differs_in_a_word_or_a_line_does_not_match() -> None:
    page = "split 3.1 s  train 124 · test 27\nreport …/summary.html\n"
    assert matches(page, "split   12 ms  train 124 · test 27\nreport  here/summary.html\n")
    assert not matches(page, "split   12 ms  train 124 · test 28\nreport  here/summary.html\n")
    assert not matches(page, "split   12 ms  train 124 · test 27\n")
    assert not matches("", "Traceback\n")
    assert matches("one\n…\nlast\n", "one\n2\n3\nlast\n")
    assert not matches("one\n…\nlast\n", "one\n2\n3\n")


def test_the_plugin_of_the_tutorial_has_less_than_thirty_lines() -> None:
    page = (ROOT / "docs" / "plugin_tutorial.md").read_text(encoding="utf-8")
    lines = _lines(page)
    print(f"the plugin has {lines} lines")
    assert 0 < lines < 30


def test_the_readme_shows_the_recipe_adult_as_it_is_shipped() -> None:
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    assert (ROOT / "recipes" / "adult.yaml").read_text(encoding="utf-8") in [block.text for block in blocks(page)]


def test_the_plugin_of_the_readme_has_less_than_thirty_lines() -> None:
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    lines = _lines(page)
    print(f"the plugin has {lines} lines")
    assert 0 < lines < 30


def _lines(page: str) -> int:
    """Lines of Python on a page, blank ones left out."""
    return sum(bool(line.strip()) for block in blocks(page) if block.file.endswith(".py") for line in block.text.splitlines())
