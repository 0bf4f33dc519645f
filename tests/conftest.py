"""What every test may use."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")  # several tests run at once: PyTorch's threads would spin against each other

from mlforge.testing.project import isolated_cache, project

__all__ = ["LONG", "alone", "isolated_cache", "project"]

LONG = (
    "tests/docs/test_pages_are_run.py",
    "tests/lifecycle/sweep/test_sweeps_find_overrides.py",
    "tests/end_to_end/test_shipped_recipes.py",
    "plugins/mlforge-mlflow/tests/test_runs_on_an_mlflow_server.py",
    "tests/builtin/clusters/test_fits_on_ray.py",
    "tests/lifecycle/sweep/test_sweeps_survive_kills.py",
    "tests/lifecycle/sweep/test_a_node_of_a_sweep_is_lost.py",
    "tests/builtin/clusters/test_fits_in_local_processes.py",
    "tests/builtin/clusters/test_stopped_drivers.py",
    "tests/end_to_end/test_killed_runs_continue.py",
    "tests/builtin/clusters/test_runs_under_torchrun.py",
    "tests/builtin/clusters/test_jobs_for_slurm.py",
    "tests/builtin/trainers/test_killed_fits_continue.py",
    "tests/end_to_end/test_adult.py",
)
"""The files that take half a minute and more, the longest first."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes long comes first: workers are handed one file after another, and none is to be left alone with a long one at the end."""
    places = {Path(__file__).parents[1] / file: place for place, file in enumerate(LONG)}
    items.sort(key=lambda item: places.get(item.path, len(LONG)))


@pytest.fixture(scope="module", autouse=True)
def alone() -> Iterator[None]:
    """These tests are of mlforge alone, also where the plugins of this checkout are installed: those have tests of their own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFORGE_BLOCK_PLUGINS", ",".join(sorted(path.name for path in (Path(__file__).parents[1] / "plugins").glob("*/"))))
        yield
