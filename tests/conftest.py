"""What every test may use."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # several tests run at once: PyTorch's threads would spin against each other

from mlforge.testing.project import isolated_cache, project

__all__ = ["isolated_cache", "project"]
