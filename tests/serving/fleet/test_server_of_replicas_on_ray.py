"""One server of two replicas on a Ray of this machine's own."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
from tests.serving.bundles import ROW, probability
from tests.serving.fleet.replicas import on_ray, replicas
from tests.serving.rollout.conftest import registered
from tests.serving.rollout.load import asking, patience
from tests.serving.running import Running, until

from mlforge.service.reading import Log
from mlforge.store import Store

pytest.importorskip("ray.serve", exc_type=ImportError)
pytestmark = pytest.mark.timeout(600)  # Ray comes up slowly on a machine under load


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fleet")
    (folder / "mlforge.toml").touch()
    return folder


@pytest.fixture(scope="module")
def store(project: Path) -> Iterator[Store]:
    with Store.open(None, project / ".mlforge") as opened:
        registered(opened, project / "drafts", bias=1.0)
        registered(opened, project / "drafts", bias=-1.0, rollout={"canary": {"steps": [0.05, 1.0]}})
        yield opened


@pytest.fixture(scope="module")
def server(project: Path, store: Store) -> Iterator[Running]:
    patient = "serve.slo.p99_ms=20000"  # two requests may wait for each other
    with on_ray("people", "cluster.workers=2", "cluster.cpus=0.5", patient, "--log", str(project / "log"), cwd=project) as running:
        yield running


def version_of(server: Running) -> object:
    return server.ask("/predict", {"rows": [ROW]})[1]["version"]


def test_it_says_what_it_serves_where_and_what_there_is_not(server: Running) -> None:
    first, log, lacking, last = server.said
    assert first.startswith("people 1  onnx")
    assert log.startswith("log ")
    assert "gRPC" in lacking
    assert "canaries" in lacking
    assert "2 replicas on Ray on this machine" in last


def test_rows_are_answered_as_by_any_server(server: Running) -> None:
    status, told, headers = server.ask("/predict?partial=true", {"rows": [ROW, {**ROW, "age": 300}]}, headers={"x-request-id": "mine"})
    assert (status, headers.get_all("x-request-id")) == (200, ["mine"])
    assert told["predictions"][0]["probabilities"]["yes"] == pytest.approx(probability(ROW, 1.0), abs=1e-5)
    assert "age 300 is above 100" in told["rejected"][0]["reason"]
    assert server.ask("/predict", [{**ROW, "age": 300}])[0] == 400
    assert server.ask("/v2/models/people/ready")[0] == 200


def test_figures_are_of_all_replicas_whichever_is_asked(server: Running) -> None:
    def counted() -> int:
        lines = server.ask("/metrics")[1].decode().splitlines()
        return int(next(line.split()[1] for line in lines if line.startswith('mlforge_requests_total{endpoint="other",code="404"}')))

    for _ in range(40):
        assert server.ask("/nowhere")[0] == 404
    until(lambda: {counted() for _ in range(6)} == {40}, patience(5.0))
    assert server.ask("/health/ready")[1] == {"ready": True, "workers": {"ready": 2, "wanted": 2}}


def test_every_replica_follows_the_alias_at_once_and_no_request_fails(server: Running, store: Store) -> None:
    with asking(server, clients=2, biases={1: 1.0, 2: -1.0}) as seen:
        until(lambda: seen.count > 5, patience(5.0))
        begun = time.monotonic()
        store.registry.set_alias("people", "champion", 2)
        until(lambda: {version_of(server) for _ in range(8)} == {2}, patience(5.0))
        assert time.monotonic() - begun < patience(3.0)
    assert seen.wrong == []
    assert seen.statuses() == {200}
    assert seen.versions() == {1, 2}


@pytest.mark.slow
def test_a_replica_that_is_killed_is_replaced_and_the_other_answers_meanwhile(server: Running) -> None:
    old = replicas(server)
    assert len(old) == 2
    old[0].kill()
    until(lambda: server.ask("/predict", ROW)[0] == 200, patience(5.0))
    until(lambda: len(replicas(server)) == 2 and server.ask("/health/ready")[0] == 200, patience(30.0))
    assert {version_of(server) for _ in range(8)} == {2}, "the new one begins with the version that serves now"


def test_what_is_under_way_is_answered_when_it_is_stopped_and_nothing_stays_behind(server: Running, store: Store, project: Path) -> None:
    registered(store, project / "drafts", bias=0.0, seconds=3.0)
    store.registry.set_alias("people", "champion", 3)
    until(lambda: version_of(server) == 3, patience(10.0))
    family = psutil.Process(server.process.pid).children(recursive=True)
    with ThreadPoolExecutor() as threads:
        asked = [threads.submit(server.ask, "/predict", ROW) for _ in range(2)]
        until(lambda: re.search(rb"mlforge_requests_under_way [23]", server.ask("/metrics")[1]), patience(5.0))  # that of /metrics is one of them
        assert server.stop(90.0) == 0
        assert [one.result()[0] for one in asked] == [200, 200]
    logged = Log(str(project / "log"), "people")
    assert logged.versions() == (1, 2, 3)
    assert logged.requests(version=3).collect().height >= 2, "what was put aside is written at the end"
    _, left = psutil.wait_procs(family, timeout=patience(10.0))
    assert left == []
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", server.port), 2).close()
    assert "Traceback" not in server.log.read_text()
