"""A fit over its budget leaves a checkpoint, and goes on to the same bytes when the budget is raised."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlforge.testing.project import TestProject

LONG = ["run", "breast_cancer", "trainer.max_epochs=600", "trainer.patience=null", "trainer.threads=1", "trainer.checkpoint_every=1h", "--json"]


@pytest.mark.slow
@pytest.mark.timeout(900)  # three whole runs, counted in CPU time: a busy machine needs long for them
def test_a_fit_that_is_over_its_budget_goes_on_to_the_same_bytes(project: TestProject, tmp_path: Path) -> None:
    def trained(outcome):
        return next(stage["outputs"]["trained"] for stage in outcome.json["stages"] if stage["name"] == "train")

    undisturbed = TestProject(tmp_path / "other", {"OMP_NUM_THREADS": "1"})
    undisturbed.root.mkdir()
    whole = undisturbed.command(*LONG)
    assert whole.code == 0, whole.text
    project.env["OMP_NUM_THREADS"] = "1"
    stopped = project.command(*LONG, "budget={rate_per_cpu_hour: 3600, cost: 7}")  # a unit is a second of CPU time
    assert stopped.code == 6, stopped.text
    assert "budget.cost: 7." in stopped.err
    assert "Traceback" not in stopped.text
    (work,) = (project.root / ".mlforge" / "work").glob("breast_cancer.train.*")
    assert list(work.rglob("*.safetensors"))  # it was told to write one in an hour, so this is from when it was stopped
    raised = project.command(*LONG, "budget={rate_per_cpu_hour: 3600, cost: 1e6}")
    assert raised.code == 0, raised.text
    assert trained(raised) == trained(whole)
