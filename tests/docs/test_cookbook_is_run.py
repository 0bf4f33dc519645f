"""The plugins of the cookbook are written out, held to the contract suites, and used in the recipe beside them."""

# ruff: noqa: T201  (how many clauses were run is part of the answer)

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from transcript import blocks

from mlforge.components import Component
from mlforge.sections import SECTIONS
from mlforge.testing.project import TestProject

FITTED = "TestOneLayer or TestPlain or TestDecay or TestLines or TestNoted"
PAGE = Path(__file__).parents[2] / "docs" / "cookbook.md"


@pytest.fixture
def orchard(project: TestProject) -> TestProject:
    return project.write({block.file: block.text for block in blocks(PAGE.read_text(encoding="utf-8")) if block.file})


@pytest.mark.parametrize("which", [f"not ({FITTED})", pytest.param(FITTED, marks=pytest.mark.slow)], ids=["without fits", "with fits"])
def test_every_plugin_of_the_cookbook_keeps_its_contract(orchard: TestProject, which: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error", "-k", which, "tests"],
        cwd=orchard.root, env={**os.environ, "PYTHONPATH": str(orchard.root)}, capture_output=True, text=True, check=False, timeout=280,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    print(done.stdout.strip().splitlines()[-1])


def test_the_recipe_of_the_cookbook_runs(orchard: TestProject) -> None:
    outcome = orchard.run("run", "apples", "seed=3")
    assert outcome.code == 0, outcome.text
    (report,) = (orchard.root / ".mlforge" / "runs").rglob("report.html")
    told = report.read_text(encoding="utf-8")
    assert "zeros/weight" in told
    assert "hits" in told
    assert "codebook" in outcome.out
    assert "behaviour/keeps" in told


def test_each_kind_has_a_plugin_of_thirty_lines_at_most() -> None:
    page = [block for block in blocks(PAGE.read_text(encoding="utf-8")) if block.file.startswith("orchard/")]
    assert {block.file: count for block in page if (count := sum(bool(line.strip()) for line in block.text.splitlines())) > 30} == {}
    sections = set(re.findall(r'"(\w+)/\w+": "orchard', page[0].text))
    assert sections == set(SECTIONS) - {"references", "monitors", "alerts"}, "references take sources, a monitor is a check with a reference"
    assert all(issubclass(SECTIONS[name].kind, Component) for name in sections)
    print(f"{len(sections)} kinds have a plugin in the cookbook")
