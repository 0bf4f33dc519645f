"""One Ray session for the tests of a module: a sweep that finds one uses it."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import pytest
from tests.lifecycle.sweep.toys import toys

from mlforge.ray_here import start
from mlforge.testing.project import TestProject


@pytest.fixture(scope="module")
def ray_session() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import ray

        start(2)
        yield
        ray.shutdown()


@pytest.fixture
def toy(project: TestProject) -> TestProject:
    return toys(project)


@pytest.fixture
def swift(toy: TestProject, ray_session: None) -> TestProject:
    """The toy's project, with Ray at hand."""
    return toy
