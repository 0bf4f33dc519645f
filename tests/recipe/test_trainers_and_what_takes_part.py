"""What a trainer would leave unused, and what it cannot do by itself, is told before anything runs."""

from __future__ import annotations

import pytest

ESTIMATOR = '''
    from mlforge.components import Model
    from mlforge.hookspecs import hookimpl

    @hookimpl
    def mlforge_components():
        return {"model/shares": "mine:Shares"}

    class Shares(Model):
        """No network."""
        family = "estimator"
        def build(self, blocks, output): ...
'''


@pytest.mark.parametrize(
    ("overrides", "where", "found"),
    [
        (["trainer.devices=2"], "trainer.devices", "2 processes on each of 1 machines, and the recipe does not say where they run"),
        (["trainer.nodes=3"], "trainer.nodes", "1 processes on each of 3 machines"),
        (["trainer.strategy=deepspeed"], "trainer.strategy", "deepspeed is none of mlforge's own"),
        (["trainer.precision=transformer-engine"], "trainer.precision", "an NVIDIA GPU of compute capability 8.9 or newer"),
        (["trainer.sharding.wrapp=[Block]"], "trainer.sharding.wrapp", "wrap"),
        (["trainer.max_time=5parsecs"], "trainer.max_time", "a duration is a number with a unit"),
        (["observers=gradient_nrom"], "observers", "gradient_norm"),
        (["loggers=csv", "loggers.csv.folder=x"], "loggers.csv.folder", "folder"),
    ],
)
def test_what_does_not_fit_is_a_problem_with_its_place(project, overrides, where, found):
    checked = project.run("check", "diabetes", *overrides)
    assert checked.code == 2, checked.text
    assert where in checked.text
    assert found in " ".join(checked.text.split())


@pytest.mark.parametrize("section", ["observers=gradient_norm", "loggers=csv"])
def test_a_trainer_that_calls_no_observers_says_so(project, section):
    project.write({"mine.py": ESTIMATOR, "mlforge.toml": 'plugins = ["mine"]\n'})
    checked = project.run("check", "diabetes", "model=shares", "trainer=estimator", section)
    assert checked.code == 2, checked.text
    assert "trainer estimator calls none" in checked.text


@pytest.mark.parametrize("overrides", [["observers=[gradient_norm,learning_rate]", "loggers=[csv]"], ["trainer.devices=2", "cluster=local"]])
def test_what_fits_is_fine(project, overrides):
    checked = project.run("check", "diabetes", *overrides)
    assert checked.code == 0, checked.text
