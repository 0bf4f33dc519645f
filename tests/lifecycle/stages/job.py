"""A small real Job: see `mlforge.testing.job`."""

from mlforge.testing.job import StageJob, digest

__all__ = ["StageJob", "digest"]
