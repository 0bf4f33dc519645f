"""A real MLflow server on SQLite for the tests of a module, and a project that sends its runs there."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlforge.testing.project import TestProject, isolated_cache, project

__all__ = ["flowers", "isolated_cache", "project", "quiet", "server"]

RECIPE = """
    # Flowers that differ in length, for tests.
    mlforge: 1
    defaults:
      - lifecycle
      - source: csv
      - split: random
      - model: linear
      - trainer: lightning
      - exporters: [onnx]
      - evaluators: [classification]
      - gates: [thresholds]
      - _self_
    name: flowers
    task: classification
    source: {path: flowers.csv}
    trainer: {max_epochs: 2}
    contract:
      columns:
        length: {dtype: float}
        kind: {dtype: category, role: target}
    gates:
      thresholds: {rules: {right: {finding: test/accuracy, min: 0.0}}}
"""


@pytest.fixture(scope="session", autouse=True)
def quiet() -> Iterator[None]:
    """No telemetry from tests, nor from the server that they start; and nothing of the tester's own MLflow."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("MLFLOW_")]:
            patch.delenv(name)
        patch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
        yield


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URI of a server that is up; it goes with the module."""
    pytest.importorskip("mlflow.server", reason="needs mlflow, not mlflow-skinny alone")
    folder = tmp_path_factory.mktemp("mlflow")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", f"sqlite:///{folder}/mlflow.db", "--artifacts-destination", str(folder / "artifacts")]
    env = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}  # three more processes, for nothing that is tested here
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=folder, env=env, start_new_session=True)
    try:
        _wait(process, f"http://127.0.0.1:{port}/health", folder / "log")
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(process.pid, 15)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            process.wait(20)


def _wait(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    end = time.monotonic() + 120
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"no server came up at {url}: {log.read_text(errors='replace')[-2000:]}")


@pytest.fixture
def flowers(project: TestProject, server: str) -> TestProject:
    """A project with a recipe that takes seconds; its name is the experiment's, so each test has an experiment of its own."""
    rows = "length,kind\n" + "".join(f"{i % 7 + 10 * (i % 2)},{'long' if i % 2 else 'short'}\n" for i in range(200))
    name = f"flowers_{abs(hash(project.root)) % 10**8}"
    project.write({"flowers.csv": rows}, flowers=RECIPE.replace("name: flowers", f"name: {name}"))
    others = ",".join(sorted(path.name for path in Path(__file__).parents[2].glob("*/") if path.name != "mlforge-mlflow"))
    project.env |= {"MLFLOW_TRACKING_URI": server, "MLFORGE_BLOCK_PLUGINS": others, "FLOWERS": name}
    return project
