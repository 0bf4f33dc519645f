"""A model with a request log; tests get copies of its project."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tests.watching.traffic import watched

from mlforge.testing.project import TestProject


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory, isolated_cache: Path) -> TestProject:
    return watched(TestProject(tmp_path_factory.mktemp("watched") / "project"))


@pytest.fixture
def shop(made: TestProject, tmp_path: Path) -> TestProject:
    return TestProject(Path(shutil.copytree(made.root, tmp_path / "shop")))
