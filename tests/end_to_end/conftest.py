"""A project that was run once; tests get copies of it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tests.end_to_end.buyers import buyers

from mlforge.testing.project import TestProject


@pytest.fixture(scope="session")
def master(tmp_path_factory: pytest.TempPathFactory, isolated_cache: Path) -> TestProject:
    """The small recipe, run from rows to version 1. Not to be changed."""
    project = buyers(TestProject(tmp_path_factory.mktemp("master") / "project"))
    outcome = project.run("run", "buyers")
    assert outcome.code == 0, outcome.text
    return project


@pytest.fixture
def trained(master: TestProject, tmp_path: Path) -> TestProject:
    """A project of the test's own, in which the small recipe was run."""
    return TestProject(Path(shutil.copytree(master.root, tmp_path / "trained")))
