"""One server on a Ray cluster of two nodes, both on this machine: each of them a node like one of another machine, sharing nothing but the network."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.ray_nodes import below, raylet, two_nodes_of
from tests.serving.bundles import ROW
from tests.serving.fleet.replicas import on_ray
from tests.serving.rollout.conftest import registered
from tests.serving.rollout.load import asking, patience
from tests.serving.running import Running, until

from mlforge.serving.access.keys import KeyFile
from mlforge.store import Store

pytest.importorskip("ray.serve", exc_type=ImportError)
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]  # nodes come up slowly on a machine under load
_NODE = {"num_cpus": 1, "object_store_memory": 100_000_000, "include_dashboard": False}


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    with two_nodes_of(_NODE) as made:
        yield made


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    (tmp_path / "mlforge.toml").touch()
    with Store.open(None, tmp_path / ".mlforge") as opened:
        registered(opened, tmp_path / "drafts", bias=1.0)
        registered(opened, tmp_path / "drafts", bias=-1.0)
        yield opened


def spread(cluster: Any) -> dict[int, int]:
    """How many replicas each node has, by the process id of its raylet."""
    return {raylet(node): len(below(node, "ServeReplica")) for node in cluster.list_all_nodes()}


def version_of(server: Running) -> object:
    """The version that answers, or why none does: a node that is lost takes the connections of its own proxy with it."""
    try:
        status, told, _ = server.ask("/predict", {"rows": [ROW]})
    except OSError as error:
        return str(error)
    return told["version"] if status == 200 else status


def readiness(server: Running) -> object:
    """Status of /health/ready."""
    try:
        return server.ask("/health/ready")[0]
    except OSError as error:
        return str(error)


def test_replicas_are_on_both_nodes_and_one_that_is_lost_is_made_up_for(tmp_path: Path, cluster: Any, store: Store) -> None:
    where = (f"cluster.address={cluster.address}", "cluster.workers=2", "cluster.placement=STRICT_SPREAD")
    with on_ray("people", *where, cwd=tmp_path) as server:
        assert sorted(spread(cluster).values()) == [1, 1]
        store.registry.set_alias("people", "champion", 2)
        until(lambda: {version_of(server) for _ in range(8)} == {2}, patience(5.0))
        cluster.remove_node(next(iter(cluster.worker_nodes)), allow_graceful=False)
        until(lambda: [version_of(server) for _ in range(8)] == [2] * 8, patience(20.0))
        until(lambda: readiness(server) == 503, patience(10.0))
        cluster.add_node(**_NODE)
        until(lambda: sorted(spread(cluster).values()) == [1, 1] and readiness(server) == 200, patience(60.0))
        assert [version_of(server) for _ in range(8)] == [2] * 8
        assert server.stop(90.0) == 0
    until(lambda: sorted(spread(cluster).values()) == [0, 0], patience(20.0))


def test_a_command_that_is_killed_leaves_answers_and_the_next_one_takes_over(tmp_path: Path, cluster: Any, store: Store) -> None:
    where = (f"cluster.address={cluster.address}", "cluster.workers=1")
    with on_ray("people", *where, cwd=tmp_path) as first:
        with pytest.raises(AssertionError, match="another `mlforge serve` leads on that Ray cluster"), on_ray("people", *where, cwd=tmp_path):
            pass
        first.process.kill()
        first.process.wait(10)
        assert version_of(first) == 1
        store.registry.set_alias("people", "champion", 2)
        with on_ray("people", *where, cwd=tmp_path) as second:
            assert second.url == first.url, "Ray Serve keeps its address"
            until(lambda: version_of(second) == 2, patience(5.0))
            assert second.stop(90.0) == 0


def test_more_requests_lead_to_more_replicas_and_fewer_to_fewer(tmp_path: Path, cluster: Any, store: Store) -> None:
    where = (f"cluster.address={cluster.address}", "cluster.workers=1", "cluster.most=2")
    quick = ("serve.scaling.target=1", "serve.scaling.window=1s", "serve.scaling.up=100ms", "serve.scaling.down=1s")
    with on_ray("people", *where, *quick, cwd=tmp_path) as server:
        assert sum(spread(cluster).values()) == 1
        with asking(server, clients=8) as seen:
            until(lambda: sum(spread(cluster).values()) == 2, patience(60.0))
        assert seen.wrong == []
        assert seen.statuses() == {200}
        until(lambda: sum(spread(cluster).values()) == 1, patience(60.0))
        assert version_of(server) == 1


def test_keys_hold_on_every_node_and_one_that_is_revoked_no_longer_opens(tmp_path: Path, cluster: Any, store: Store) -> None:
    keys = KeyFile(tmp_path / "keys.json")
    _, token = keys.add("client", ("predict",))
    where = (f"cluster.address={cluster.address}", "cluster.workers=2", "cluster.placement=STRICT_SPREAD", "--keys", str(keys.path))

    def statuses() -> set[int]:
        return {server.ask("/predict", ROW, headers={"x-api-key": token})[0] for _ in range(8)}

    with on_ray("people", *where, cwd=tmp_path) as server:
        assert server.ask("/predict", ROW)[0] == 401
        assert statuses() == {200}
        keys.revoke("client")
        until(lambda: statuses() == {401}, patience(5.0))


def test_more_replicas_than_there_is_room_for_are_refused_at_once(tmp_path: Path, cluster: Any, store: Store) -> None:
    where = (f"cluster.address={cluster.address}", "cluster.workers=3")
    with pytest.raises(AssertionError, match=r"3 replicas with 1 CPU each, and there are 2\nTry cluster.workers=2"), on_ray("people", *where, cwd=tmp_path):
        pass
