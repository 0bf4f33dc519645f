"""A released model; tests get copies of its project."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tests.monitoring.shop import released

from mlforge.testing.project import TestProject


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory, isolated_cache: Path) -> TestProject:
    return released(TestProject(tmp_path_factory.mktemp("released") / "project"))


@pytest.fixture
def shop(once: TestProject, tmp_path: Path) -> TestProject:
    return TestProject(Path(shutil.copytree(once.root, tmp_path / "shop")))
