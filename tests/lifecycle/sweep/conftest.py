"""One Ray session for the tests of a module: a sweep that finds one uses it."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator

import pytest
from tests.lifecycle.sweep.toys import toys

from mlforge.testing.project import TestProject


@pytest.fixture(scope="module")
def ray_session() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import ray

        ray.init("local", num_cpus=2, include_dashboard=False, logging_level=logging.ERROR, log_to_driver=False, object_store_memory=200 * 1000**2)
        yield
        ray.shutdown()


@pytest.fixture
def toy(project: TestProject) -> TestProject:
    return toys(project)


@pytest.fixture
def swift(toy: TestProject, ray_session: None) -> TestProject:
    """The toy's project, with Ray at hand."""
    return toy
