"""The files with which others run mlforge on their schedule: `mlforge init --ci`."""

from __future__ import annotations

from mlforge.pipelines.plan import Plan
from mlforge.pipelines.write import SERVICES, after, put, written

__all__ = ["SERVICES", "Plan", "after", "put", "written"]
