"""A run of mlforge, seen from a real MLflow server."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from importlib.metadata import entry_points

import pytest

pytest.importorskip("mlflow", reason="needs mlflow")
if not any(point.value == "mlforge_mlflow" for point in entry_points(group="mlforge")):
    pytest.skip("needs mlforge-mlflow: pip install -e plugins/mlforge-mlflow", allow_module_level=True)

from mlflow import MlflowClient
from mlflow.entities import Run

from mlforge.testing.project import TestProject


def runs(project: TestProject, server: str) -> list[Run]:
    """All runs of the project's experiment, the newest first."""
    client = MlflowClient(server)
    experiment = client.get_experiment_by_name(project.env["FLOWERS"])
    return list(client.search_runs([experiment.experiment_id])) if experiment else []


def ran(project: TestProject, *arguments: str) -> str:
    outcome = project.run("run", "flowers", *arguments)
    assert outcome.code == 0, outcome.text
    assert "failed, and the run went on" not in outcome.err, outcome.err
    return outcome.out


def files(client: MlflowClient, run: str, folder: str = "") -> set[str]:
    found = client.list_artifacts(run, folder)
    return {one.path for one in found if not one.is_dir} | {path for one in found if one.is_dir for path in files(client, run, one.path)}


def test_a_run_its_version_and_its_aliases_are_there_once_and_can_be_loaded(flowers: TestProject, server: str) -> None:
    client, name = MlflowClient(server), flowers.env["FLOWERS"]
    ran(flowers, "trainer.max_epochs=3")
    (run,) = runs(flowers, server)
    data = run.data
    assert run.info.status == "FINISHED"
    assert data.params["trainer.max_epochs"] == "3"
    assert not any(key.startswith("contract") for key in data.params)
    assert data.tags["mlforge.overrides"] == "trainer.max_epochs=3"
    assert (data.tags["mlforge.recipe"], data.tags["mlforge.state"]) == (name, "done")
    assert data.metrics["test/accuracy"] == 1.0
    assert data.metrics["test/accuracy.low"] <= data.metrics["test/accuracy"] <= data.metrics["test/accuracy.high"]
    assert [(one.step, one.value > 0) for one in client.get_metric_history(run.info.run_id, "validation/loss")] == [(1, True), (2, True), (3, True)]
    there = files(client, run.info.run_id)
    assert {"recipe.yaml", "contract.yaml", "report/report.html", "report/report.md", "report/summary.json"} < there
    assert {"model/MLmodel", "model/bundle/bundle.json", "model/bundle/model.onnx"} < there

    (version,) = client.search_model_versions(f"name = '{name}'")
    assert version.run_id == run.info.run_id
    assert version.tags["mlforge.version"] == "1"
    assert client.get_model_version_by_alias(name, "champion").version == version.version
    assert flowers.run("promote", name, "1", "--alias", "steady").code == 0
    assert client.get_model_version_by_alias(name, "steady").version == version.version

    assert loaded(f"models:/{name}@steady", server) == {"predictions": ["short", "long"], "probabilities": 2, "inputs": ["length"]}

    assert "Nothing to do" in ran(flowers, "trainer.max_epochs=3")
    (again,) = runs(flowers, server)
    assert again.data.metrics == data.metrics
    assert len(client.get_metric_history(run.info.run_id, "validation/loss")) == 3
    assert len(client.search_model_versions(f"name = '{name}'")) == 1

    ran(flowers, "trainer.max_epochs=4")
    assert len(runs(flowers, server)) == 2
    assert client.get_model_version_by_alias(name, "challenger").tags["mlforge.version"] == "2"
    assert client.get_model_version_by_alias(name, "champion").tags["mlforge.version"] == "1"


LOADS = """
import json, sys, warnings
warnings.simplefilter("ignore")
import mlflow, pandas
answer = mlflow.pyfunc.load_model(sys.argv[1]).predict(pandas.DataFrame({"length": ["1.0", "15"]}))
graph = mlflow.onnx.load_model(sys.argv[1]).graph
told = {"predictions": list(answer["prediction"]), "probabilities": sum(name.startswith("probability_") for name in answer.columns)}
print(json.dumps(told | {"inputs": [one.name for one in graph.input]}))
"""


def loaded(uri: str, server: str) -> dict[str, object]:
    """What somebody with MLflow gets from the model."""
    done = subprocess.run([sys.executable, "-c", LOADS, uri], env=os.environ | {"MLFLOW_TRACKING_URI": server}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout.splitlines()[-1]))


def test_a_refused_run_is_there_with_its_verdict_and_makes_no_version(flowers: TestProject, server: str) -> None:
    assert flowers.run("run", "flowers", "gates.thresholds.rules.right.min=1.1").code == 4
    (run,) = runs(flowers, server)
    assert (run.info.status, run.data.tags["mlforge.state"]) == ("FINISHED", "refused")
    assert not MlflowClient(server).search_model_versions(f"name = '{flowers.env['FLOWERS']}'")


@pytest.mark.parametrize(("how", "state", "code"), [pytest.param("interrupted", "KILLED", 130, marks=pytest.mark.slow), ("killed", "RUNNING", -signal.SIGKILL)])
def test_a_run_that_was_stopped_continues_as_the_same_run_and_sends_nothing_twice(flowers: TestProject, server: str, how: str, state: str, code: int) -> None:
    stops = """
        import os
        from mlforge.hookspecs import hookimpl

        @hookimpl(wrapper=True)
        def mlforge_run_stage(name):
            if name == "export" and os.environ.get("STOP") == "interrupted":
                raise KeyboardInterrupt
            if name == "export" and os.environ.get("STOP") == "killed":
                os.kill(os.getpid(), 9)
            return (yield)
    """
    flowers.write({"stops.py": stops, "mlforge.toml": 'plugins = ["stops"]\n'})
    assert flowers.command("run", "flowers", STOP=how).code == code
    (stopped,) = runs(flowers, server)
    assert stopped.info.status == state
    ran(flowers)
    (run,) = runs(flowers, server)
    assert (run.info.run_id, run.info.status) == (stopped.info.run_id, "FINISHED")
    assert run.data.tags["mlforge.run"] != stopped.data.tags["mlforge.run"]
    assert len(MlflowClient(server).get_metric_history(run.info.run_id, "validation/loss")) == 2


def test_what_happened_while_the_server_was_away_is_sent_by_the_same_command(flowers: TestProject, server: str) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        away = f"127.0.0.1:{probe.getsockname()[1]}"
    began = time.monotonic()
    outcome = flowers.run("run", "flowers", MLFLOW_TRACKING_URI=f"http://me:hunter22@{away}")
    assert outcome.code == 0, outcome.text
    assert outcome.err.count("plugin mlforge-mlflow failed, and the run went on") == 1, outcome.err
    assert f"http://me:•••@{away} did not answer" in outcome.err
    assert "once it is back, the same command sends what is missing" in outcome.err
    assert "hunter22" not in outcome.text
    assert time.monotonic() - began < 120
    assert runs(flowers, server) == []
    ran(flowers)
    (run,) = runs(flowers, server)
    assert (run.info.status, run.data.metrics["test/accuracy"]) == ("FINISHED", 1.0)
    client, name = MlflowClient(server), flowers.env["FLOWERS"]
    assert client.get_model_version_by_alias(name, "champion").run_id == run.info.run_id


def test_a_server_that_never_answers_is_given_up_after_the_time_that_the_project_allows(flowers: TestProject) -> None:
    flowers.write({"mlforge.toml": '[settings.mlforge-mlflow]\ntimeout = "1s"\n'})
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes the connection, and says nothing
        outcome = flowers.run("run", "flowers", MLFLOW_TRACKING_URI=f"http://127.0.0.1:{silent.getsockname()[1]}")
    assert outcome.code == 0, outcome.text
    assert outcome.err.count("did not answer") == 1, outcome.err


def test_where_tracking_is_required_a_run_without_it_fails_and_says_what_to_do(flowers: TestProject) -> None:
    flowers.write({"mlforge.toml": "[settings.mlforge-mlflow]\nrequired = true\n"})
    outcome = flowers.run("run", "flowers", MLFLOW_TRACKING_URI="http://127.0.0.1:9")
    assert outcome.code == 6
    assert "this run cannot be tracked" in outcome.err
    assert "required = false" in outcome.err


def test_trials_and_projects_without_a_server_are_not_tracked(flowers: TestProject, server: str) -> None:
    assert flowers.run("run", "flowers", "--smoke").code == 0
    assert runs(flowers, server) == []
    assert flowers.run("run", "flowers", MLFLOW_TRACKING_URI="").code == 0
    assert runs(flowers, server) == []
    assert not list(flowers.root.glob("mlruns*"))


def test_a_password_in_the_settings_is_refused(flowers: TestProject) -> None:
    flowers.write({"mlforge.toml": '[settings.mlforge-mlflow]\nuri = "http://me:secret@127.0.0.1:9"\n'})
    outcome = flowers.run("check", "flowers")
    assert outcome.code == 2
    assert "mlforge.toml:2" in outcome.err
    assert "MLFLOW_TRACKING_PASSWORD" in outcome.err


def test_that_tracking_is_required_and_nobody_named_a_server_is_told_before_anything_runs(flowers: TestProject) -> None:
    flowers.write({"mlforge.toml": "[settings.mlforge-mlflow]\nrequired = true\n"})
    outcome = flowers.run("check", "flowers", MLFLOW_TRACKING_URI="")
    assert outcome.code == 2
    assert "tracking is required, and no server is named" in outcome.err
    assert flowers.run("check", "flowers").code == 0
