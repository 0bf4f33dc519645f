"""What a package needs is what it names: installed as its Dockerfile does, in an environment with nothing else, it starts and answers."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml
from tests.end_to_end.buyers import buyers

from mlforge.cli.verbs import VERBS
from mlforge.testing.project import TestProject

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]
ROW = {"age": 70, "income": 5e4, "city": "Rom"}


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory, isolated_cache: Path) -> Path:
    """The package of a registered model."""
    project = buyers(TestProject(tmp_path_factory.mktemp("packaged")))
    assert project.run("run", "buyers").code == 0
    assert project.run("package", "buyers", "--workers", "1").code == 0
    return project.root / "buyers-1"


@pytest.fixture(scope="module")
def installed(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new environment in which the Dockerfile's pip command was run."""
    folder = tmp_path_factory.mktemp("image")
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    (wheel,) = package.glob("*.whl")
    command = [str(folder / "bin" / "python"), "-m", "pip", "install", "-q", "--no-deps", "-r", str(package / "requirements.txt"), str(wheel)]
    subprocess.run(command, check=True, env=bare())
    return folder


def bare() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "MLFORGE"))}


def test_a_bundle_predicts_there_and_there_is_nothing_that_trains(package: Path, installed: Path, tmp_path: Path) -> None:
    code = (
        "import importlib.util as u, json, sys; from pathlib import Path; import polars as pl; from mlforge.runtime.predictor import Predictor;"
        f"rows = pl.DataFrame([json.loads('{json.dumps(ROW)}')]);"
        "print(Predictor.open(Path(sys.argv[1])).answer(rows).predictions['prediction'][0]);"
        "print([n for n in ('torch', 'ray', 'onnx', 'sklearn', 'pandas', 'sqlalchemy', 'pyarrow') if u.find_spec(n)])"
    )
    done = subprocess.run(
        [str(installed / "bin" / "python"), "-c", code, str(package / "model")], check=True, capture_output=True, text=True, cwd=tmp_path, env=bare()
    )
    assert done.stdout.split("\n")[:2] == ["yes", "[]"]


@pytest.mark.skipif("serve" not in VERBS, reason="this mlforge has no verb serve")
def test_its_command_starts_there_and_answers(package: Path, installed: Path, tmp_path: Path) -> None:
    with started(package, installed, tmp_path) as url:
        request = urllib.request.Request(f"{url}/predict", json.dumps({"rows": [ROW]}).encode(), {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert "yes" in answer.read().decode()


@contextmanager
def started(package: Path, installed: Path, cwd: Path) -> Iterator[str]:
    """The manifest's command, with the places of this machine for those of the image."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    deployment = yaml.safe_load((package / "kubernetes" / "deployment.yaml").read_text())
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    (cwd / "buyers").symlink_to(package / "model")
    here = {"/srv/models/buyers": str(cwd / "buyers"), "8080": str(port), "0.0.0.0": "127.0.0.1"}
    command = [str(installed / "bin" / container["command"][0]), *(here.get(word, word) for word in container["args"])]
    ready = container["readinessProbe"]["httpGet"]["path"]
    with (cwd / "told").open("wb") as told, subprocess.Popen(command, cwd=cwd, env=bare(), stdout=told, stderr=told) as process:
        try:
            _wait(f"http://127.0.0.1:{port}{ready}", process, cwd / "told")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(60)


def _wait(url: str, process: subprocess.Popen[bytes], told: Path) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise AssertionError(f"not ready: {told.read_text()[-2000:]}")
