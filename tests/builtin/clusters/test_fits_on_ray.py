"""Fits by the workers of a Ray cluster of two nodes, both on this machine."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from tests.builtin.clusters.fits import curves, fitting, trainer
from tests.ray_nodes import below, two_nodes_of

from mlforge.builtin.clusters.ray_train import Ray, shared
from mlforge.errors import MissingRequirement, RecipeError, RunFailed
from mlforge.finding import Finding
from mlforge.lifecycle.fitting.errand import carry_out
from mlforge.testing.project import TestProject

pytest.importorskip("ray")
ASK = """
import sys, time
from mlforge.builtin.clusters.ray_session import connect
import ray
began = time.monotonic()
try:
    connect(sys.argv[1])
except Exception as error:
    print(f"{type(error).__name__} {time.monotonic() - began:.1f} {error}")
"""
FIT = """
import sys
from pathlib import Path
from mlforge.builtin.clusters.ray_train import Ray
from mlforge.lifecycle.fitting.errand import carry_out
from tests.builtin.clusters.fits import fitting, trainer
carry_out(fitting(Path(sys.argv[2])), trainer(max_epochs=10_000), Ray(address=sys.argv[1], workers=2), Path(sys.argv[2]) / "errand")
"""
_NODE = {"num_cpus": 1, "object_store_memory": 100_000_000, "include_dashboard": False}


@pytest.fixture(scope="module")
def two_nodes() -> Iterator[Any]:
    import ray

    with two_nodes_of(_NODE) as cluster:
        yield cluster
        ray.shutdown()


def workers(cluster: Any) -> list[psutil.Process]:
    """The processes of this cluster that take part in a fit."""
    return [one for node in cluster.list_all_nodes() for one in below(node, "TrainWorker")]


def until(condition: Callable[[], object], seconds: float = 150.0) -> None:
    """Wait for something that happens."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.1)


@pytest.mark.slow
def test_workers_on_two_nodes_have_the_loss_curves_of_one_process(tmp_path: Path, two_nodes: Any) -> None:
    found: list[Finding] = []
    trainer().fit(fitting(tmp_path / "one"))
    spread = Ray(address=two_nodes.address, workers=2, placement="STRICT_SPREAD")
    spread.ready(trainer())
    with spread.led():
        carry_out(fitting(tmp_path / "two", found), trainer(), spread, tmp_path / "errand")
    one, two = curves(tmp_path / "one"), curves(tmp_path / "two")
    for name, values in one.items():
        assert two[name] == pytest.approx(values, abs=1e-5), name
    assert "train/seconds" in [finding.name for finding in found]


@pytest.mark.slow
def test_what_a_user_must_mend_is_told_with_its_rank_and_not_tried_again(tmp_path: Path, two_nodes: Any) -> None:
    with pytest.raises(RunFailed, match=r"^rank \d: trainer: the loss of epoch 1"):
        carry_out(fitting(tmp_path), trainer(lr=1e30, optimizer="sgd"), Ray(address=two_nodes.address, workers=2), tmp_path / "errand")


@pytest.mark.slow
def test_a_node_that_is_lost_is_made_up_for_by_another_from_the_last_checkpoint(tmp_path: Path, two_nodes: Any, caplog: pytest.LogCaptureFixture) -> None:
    lost: list[float] = []
    resumed: list[float] = []

    def lose(done: float, total: float, note: str) -> None:
        if not lost and any((tmp_path / "work").glob("[!.]*[0-9]")):  # there is a checkpoint
            lost.append(done)
            node = next(iter(two_nodes.worker_nodes))
            two_nodes.remove_node(node, allow_graceful=False)
            two_nodes.add_node(**_NODE)
        elif lost:
            resumed.append(done)

    long = trainer(max_epochs=40, checkpoint_every=0.5)
    carry_out(fitting(tmp_path, progress=lose), long, Ray(address=two_nodes.address, workers=2, placement="STRICT_SPREAD"), tmp_path / "errand")
    assert len(curves(tmp_path)["train/loss"]) == 40
    assert min(resumed) > 0.5, "it began anew"
    assert "going on from the last checkpoint (1 of 3)" in caplog.text


def test_more_than_the_cluster_has_is_told_before_anything_starts(two_nodes: Any) -> None:
    from mlforge.builtin.clusters.ray_session import disconnect

    try:
        with pytest.raises(MissingRequirement, match=r"cluster: 3 workers with 1 CPU each, and the Ray cluster at .* has 2\nTry cluster.workers=2\.") as error:
            Ray(address=two_nodes.address, workers=3).ready(trainer())
    finally:
        disconnect()
    assert error.value.exit_code == 5
    with pytest.raises(MissingRequirement, match=r"cluster: 500 workers with 1 GPU each, and this machine has \d+"):
        Ray(workers=500, gpus=1, cpus=0.001).ready(trainer(accelerator="gpu"))
    with pytest.raises(RecipeError, match="gives its workers none"):
        Ray(workers=2).ready(trainer(accelerator="gpu"))


def test_an_address_where_nobody_listens_is_told_at_once() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    began = time.monotonic()
    with pytest.raises(MissingRequirement, match=rf"no Ray cluster answers at 127\.0\.0\.1:{port}: Connection refused") as error:
        Ray(address=f"127.0.0.1:{port}", workers=2).ready(trainer())
    assert time.monotonic() - began < 15
    assert error.value.exit_code == 5


@pytest.mark.slow
def test_an_address_where_something_else_is_silent_is_told_within_15_seconds(project: TestProject) -> None:
    project.write({"ask.py": ASK})
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        done = subprocess.run([sys.executable, "ask.py", address], cwd=project.root, capture_output=True, text=True, timeout=60)
    kind, seconds, said = done.stdout.split(" ", 2)
    assert (kind, float(seconds) < 15) == ("MissingRequirement", True)
    assert f"no Ray cluster answers at {address}: no answer within 10 s" in said


@pytest.mark.slow
def test_nothing_on_ray_outlives_its_driver(project: TestProject, two_nodes: Any) -> None:
    project.write({"fit.py": FIT})
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([*sys.path, str(Path.cwd())])}
    driver = subprocess.Popen([sys.executable, "fit.py", two_nodes.address, str(project.root)], cwd=project.root, env=environment)
    until(lambda: (project.root / "errand" / "told.jsonl").exists() and b"progress" in (project.root / "errand" / "told.jsonl").read_bytes())
    assert len(workers(two_nodes)) == 2
    driver.kill()
    driver.wait()
    until(lambda: not workers(two_nodes))


def test_a_machine_that_does_not_see_the_store_says_so(tmp_path: Path) -> None:
    with pytest.raises(RunFailed, match=r"does not see .*/nowhere\nKeep the project and its store on a folder that every machine"):
        shared(str(tmp_path / "nowhere"))


def test_elastic_workers_are_no_fewer_than_the_least() -> None:
    with pytest.raises(ValueError, match="most is for the elastic"):
        Ray(workers=4, most=2)
