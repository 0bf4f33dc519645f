"""What every test may use."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")  # several tests run at once: PyTorch's threads would spin against each other

from mlforge.testing.project import isolated_cache, project

__all__ = ["alone", "isolated_cache", "project"]


@pytest.fixture(scope="module", autouse=True)
def alone() -> Iterator[None]:
    """These tests are of mlforge alone, also where the plugins of this checkout are installed: those have tests of their own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFORGE_BLOCK_PLUGINS", ",".join(sorted(path.name for path in (Path(__file__).parents[1] / "plugins").glob("*/"))))
        yield
