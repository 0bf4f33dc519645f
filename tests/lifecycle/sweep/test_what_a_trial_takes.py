"""What a trial takes follows from the workers of its fits, unless the sweep says otherwise."""

from __future__ import annotations

import pytest
from tests.lifecycle.sweep.toys import SPACE, toys

from mlforge.lifecycle.sweep.asked import Asked
from mlforge.plugins import catalog
from mlforge.project import Project
from mlforge.recipe import compose

THERE = {"CPU": 8.0, "GPU": 2.0}


@pytest.fixture
def asked(project):
    toys(project)
    found = Project.find(project.root)

    def of(*words: str) -> Asked:
        recipe = compose("toy", ["sweep=random", SPACE, *words], found, catalog(found))
        return Asked.of(recipe.sections["sweep"], recipe)

    return of


@pytest.mark.parametrize(("words", "most", "reserved"), [
    ((), 8, {"cpu": 1.0, "gpu": 0.0}),
    (("sweep.cpus=3",), 2, {"cpu": 3.0, "gpu": 0.0}),
    (("sweep.gpus=0.5",), 4, {"cpu": 1.0, "gpu": 0.5}),
    (("cluster=local", "cluster.workers=2"), 4, {"cpu": 2.0, "gpu": 0.0}),
    (("cluster=local", "cluster.workers=2", "cluster.threads=2"), 2, {"cpu": 4.0, "gpu": 0.0}),
    (("cluster=ray", "cluster.workers=3", "cluster.cpus=1"), 2, {"memory": 1.0}),
    (("cluster=ray", "cluster.workers=1", "cluster.gpus=1"), 2, {"memory": 1.0}),
    (("cluster=ray", "cluster.workers=3", "sweep.cpus=1"), 8, {"memory": 1.0}),
])  # fmt: skip
def test_so_many_trials_run_at_a_time_as_their_workers_fit(asked, words, most, reserved):
    found = asked(*words)
    assert found.lacking(THERE) is None
    assert found.most(THERE) == most
    assert found.reserved == reserved, "a fit that asks Ray for room itself is not kept from it by its own trial"


def test_workers_that_do_not_fit_are_told_with_where_they_are_asked_for(asked):
    told = asked("cluster=local", "cluster.workers=9").lacking(THERE)
    assert told == ("cluster: the workers of a trial take 9 cpus together, and there are 8", "Fewer workers, or sweep.cpus to say otherwise.")
    assert asked("sweep.gpus=3").lacking(THERE) == ("sweep.gpus: a trial asks for 3, and there are 2", "Lower sweep.gpus.")
