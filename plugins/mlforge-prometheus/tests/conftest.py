"""The command line in a project of the test's own."""

from pathlib import Path

import pytest

from mlforge.testing.project import TestProject, isolated_cache, project

__all__ = ["isolated_cache", "measured", "project"]


@pytest.fixture
def measured(project: TestProject) -> TestProject:
    """A project with a recipe that takes a second: it splits and inspects, and trains nothing."""
    others = ",".join(sorted(path.name for path in Path(__file__).parents[2].glob("*/") if path.name != "mlforge-prometheus"))
    project.env["MLFORGE_BLOCK_PLUGINS"] = others
    recipe = """
        # Rows to look at, for tests.
        mlforge: 1
        defaults: [lifecycle, {source: csv}, {split: random}, {checks: [balance]}, _self_]
        name: rows
        task: classification
        source: {path: rows.csv}
        contract:
          columns:
            length: {dtype: float}
            kind: {dtype: category, role: target}
    """
    rows = "length,kind\n" + "".join(f"{i % 7 + 10 * (i % 2)},{'long' if i % 2 else 'short'}\n" for i in range(200))
    return project.write({"rows.csv": rows}, rows=recipe)
