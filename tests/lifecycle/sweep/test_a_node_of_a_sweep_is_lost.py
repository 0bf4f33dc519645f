"""A sweep on a cluster of two nodes, both on this machine, of which one is removed in the middle."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from tests.lifecycle.sweep.test_sweeps_survive_kills import ended, started, until
from tests.lifecycle.sweep.toys import SPACE, fits, trials
from tests.ray_nodes import below, two_nodes_of

from mlforge.testing.project import TestProject

pytest.importorskip("ray")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
_NODE = {"num_cpus": 2, "object_store_memory": 100_000_000, "include_dashboard": False}
_ELSEWHERE = "127.0.0.2"  # the address of the second node: a driver joins the node that has its own
_PATIENCE = 280.0  # seconds; under load Ray takes long to notice that a node has gone


@pytest.fixture
def two_nodes() -> Iterator[Any]:
    """A cluster whose second node may be removed."""
    with two_nodes_of(_NODE, node_ip_address=_ELSEWHERE) as cluster:
        yield cluster


def on(node: Any, word: str = "") -> set[int]:
    """The processes of a node that have this word in their command."""
    return {one.pid for one in below(node, word)}


def lose(cluster: Any) -> None:
    """Take the second node away, as when its machine loses power."""
    (second,) = cluster.worker_nodes
    cluster.remove_node(second, allow_graceful=False)


def said(project: TestProject) -> str:
    return (project.root / "said.log").read_text()


@contextmanager
def run(project: TestProject, *words: str) -> Iterator[Any]:
    """The command, which is over when the block is."""
    process = started(project, *words)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def ends_well(project: TestProject, process: Any) -> None:
    assert process.wait(_PATIENCE) == 0, said(project)
    assert not [line for line in said(project).splitlines() if "core_worker" in line or "raylet" in line or "RAY_" in line], "Ray's own words are in its logs"


def test_trials_of_a_node_that_is_lost_run_again_on_the_one_that_is_left(toy: TestProject, two_nodes: Any) -> None:
    (second,) = two_nodes.worker_nodes
    words = ("sweep=random", "sweep.trials=16", "sweep.concurrency=4", f"sweep.address='{two_nodes.address}'", SPACE, "trainer.pause=2")
    seen = 0
    places: dict[int, str] = {}  # of the fits' processes

    def has_just_begun_there() -> bool:
        """Has a fit begun on the second node since the last look."""
        nonlocal seen
        new, seen = fits(toy)[seen:], len(fits(toy))
        if new:
            places.update(dict.fromkeys(on(two_nodes.head_node), "first") | dict.fromkeys(on(second), "second"))
        return len(ended(toy)) >= 4 and any(places.get(one["pid"]) == "second" for one in new)

    with run(toy, *words) as process:
        assert until(has_just_begun_there, process), said(toy)
        before, begun = set(ended(toy)), fits(toy)
        lose(two_nodes)
        ends_well(toy, process)
    assert "it is tried once more" in said(toy), "that a trial was lost is told"

    found = trials(toy)
    assert [one["number"] for one in found] == list(range(16))
    assert {one["state"] for one in found} == {"done"}
    assert {places[one["pid"]] for one in begun} == {"first", "second"}, "both nodes had trials"
    runs = Counter((one["x"], one["y"]) for one in fits(toy) if not one["continued"])  # the last goes on from the chosen trial's
    over = {(one["values"]["x"], one["values"]["y"]) for one in found if one["number"] in before}
    assert {runs[key] for key in over} == {1}, "a trial that was over has run again"
    lost = {(one["x"], one["y"]) for one in begun if places[one["pid"]] == "second"} - over
    assert lost
    assert {runs[key] for key in lost} == {2}, "what the node was doing is done again"
    assert sum(runs.values()) == 16 + len(lost), "and nothing else"
    assert not {places.get(one["pid"]) for one in fits(toy)[len(begun) + 4 :]} & {"second"}, "on the node that is left"


def test_trials_of_several_workers_each_go_on_when_a_node_is_lost(toy: TestProject, two_nodes: Any) -> None:
    (second,) = two_nodes.worker_nodes
    words = (
        "trainer=lightning", "trainer.accelerator=cpu", "trainer.threads=1", "trainer.max_epochs=8", "trainer.patience=null", "trainer.checkpoint_every=0.1",
        "cluster=ray", "cluster.workers=2", "cluster.placement=SPREAD", f"cluster.address='{two_nodes.address}'",
        "sweep=random", "sweep.trials=2", "sweep.concurrency=1", f"sweep.address='{two_nodes.address}'",
        "sweep.space={lr: {key: trainer.lr, loguniform: [0.001, 0.1]}}", "trainer.batch_size=8",
    )  # fmt: skip

    def is_at_work_on_both() -> bool:
        """Has a trial's fit left a checkpoint, and does it go on, with a worker on each node."""
        kept = list((toy.root / ".mlforge" / "work").glob("toy.tune.*/work/trials/*/train/work/fit/epoch-*[0-9]"))
        return bool(kept) and bool(on(two_nodes.head_node, "TrainWorker")) and bool(on(second, "TrainWorker"))

    with run(toy, *words) as process:
        assert until(is_at_work_on_both, process), said(toy)
        lose(two_nodes)
        ends_well(toy, process)
    assert [(one["number"], one["state"], one["epochs"]) for one in trials(toy)] == [(0, "done", 8), (1, "done", 8)]
