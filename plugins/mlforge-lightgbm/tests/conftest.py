"""The command line in a project of the test's own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mlforge.testing.project import isolated_cache, project

__all__ = ["alone", "isolated_cache", "project"]


@pytest.fixture(scope="module", autouse=True)
def alone() -> Iterator[None]:
    """These tests are of this plugin alone, also where the others of this checkout are installed: those that look on want to be told of every run."""
    with pytest.MonkeyPatch.context() as patch:
        others = sorted(path.name for path in Path(__file__).parents[2].glob("*/") if path.name != "mlforge-lightgbm")
        patch.setenv("MLFORGE_BLOCK_PLUGINS", ",".join(others))
        yield
