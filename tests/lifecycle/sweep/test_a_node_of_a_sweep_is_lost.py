"""A sweep on a cluster of two nodes, both on this machine, of which one is removed in the middle."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psutil
import pytest
from tests.lifecycle.sweep.test_sweeps_survive_kills import ended, started, until
from tests.lifecycle.sweep.toys import SPACE, fits, trials

from mlforge.ray_here import few
from mlforge.testing.project import TestProject

pytest.importorskip("ray")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
_NODE = {"num_cpus": 2, "object_store_memory": 100_000_000, "include_dashboard": False}
_ELSEWHERE = "127.0.0.2"  # the address of the second node: a driver joins the node that has its own
_PATIENCE = 280.0  # seconds; under load Ray takes long to notice that a node has gone


@pytest.fixture
def two_nodes() -> Iterator[Any]:
    """A cluster whose second node may be removed."""
    from ray.cluster_utils import Cluster

    with pytest.MonkeyPatch.context() as patch, few():
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        cluster = Cluster(initialize_head=True, head_node_args=_NODE, connect=False)
        try:
            cluster.add_node(**_NODE, node_ip_address=_ELSEWHERE)
            yield cluster
        finally:
            cluster.shutdown()


def raylet(node: Any) -> int:
    """The process from which all others of a node descend."""
    return int(node.all_processes["raylet"][0].process.pid)


def on(node: Any) -> set[int]:
    """The processes of a node."""
    return {child.pid for child in psutil.Process(raylet(node)).children(recursive=True)}


def lose(cluster: Any) -> None:
    """Take the second node away, as when its machine loses power."""
    (second,) = cluster.worker_nodes
    cluster.remove_node(second, allow_graceful=False)


def said(project: TestProject) -> str:
    return (project.root / "said.log").read_text()


def test_trials_of_a_node_that_is_lost_run_again_on_the_one_that_is_left(toy: TestProject, two_nodes: Any) -> None:
    (second,) = two_nodes.worker_nodes
    words = ("sweep=random", "sweep.trials=12", "sweep.concurrency=4", f"sweep.address='{two_nodes.address}'", SPACE, "trainer.pause=2")
    seen = 0
    places: dict[int, str] = {}  # of the fits' processes

    def has_just_begun_there() -> bool:
        """Has a fit begun on the second node since the last look."""
        nonlocal seen
        new, seen = fits(toy)[seen:], len(fits(toy))
        if new:
            places.update(dict.fromkeys(on(two_nodes.head_node), "first") | dict.fromkeys(on(second), "second"))
        return len(ended(toy)) >= 4 and any(places.get(one["pid"]) == "second" for one in new)

    process = started(toy, *words)
    try:
        assert until(has_just_begun_there, process), said(toy)
        before, begun = set(ended(toy)), fits(toy)
        lose(two_nodes)
        assert process.wait(_PATIENCE) == 0, said(toy)
    finally:
        process.kill()
        process.wait()

    found = trials(toy)
    assert [one["number"] for one in found] == list(range(12))
    assert {one["state"] for one in found} == {"done"}
    assert {places[one["pid"]] for one in begun} == {"first", "second"}, "both nodes had trials"
    runs: dict[tuple[float, int], list[str]] = {}  # where each trial ran
    for one in fits(toy):
        if not one["continued"]:  # the last fit goes on from the chosen trial's
            runs.setdefault((one["x"], one["y"]), []).append(places.get(one["pid"], "first"))
    over = {(one["values"]["x"], one["values"]["y"]) for one in found if one["number"] in before}
    lost = {key for key, where in runs.items() if len(where) > 1}
    assert lost, "the node was at work"
    assert not lost & over, "a trial that was over has run again"
    assert {tuple(runs[key]) for key in lost} == {("second", "first")}, "what it was doing is done again, once, on the node that is left"
    assert len(runs) == 12
