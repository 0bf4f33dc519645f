"""The command line in a project of the test's own."""

from mlforge.testing.project import isolated_cache, project

__all__ = ["isolated_cache", "project"]
