"""What every test may use."""

from mlforge.testing.project import isolated_cache, project

__all__ = ["isolated_cache", "project"]
