"""A supervisor keeps its workers: who dies is replaced, who is told to stop finishes first, and readiness is what is true."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import threading
import time
import urllib.error
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.serving.bundles import ROW, make_bundle
from tests.serving.running import Running, serving, until

from mlforge.serving.ledger import Ledger
from mlforge.serving.machine import cores
from mlforge.serving.roster import Roster, State


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_bundle(tmp_path_factory.mktemp("supervisor") / "people")


@pytest.fixture(scope="module")
def server(bundle: Path) -> Iterator[Running]:
    with serving(bundle, "--workers", "2") as running:
        yield running


def _ready(server: Running) -> int:
    try:
        return server.ask("/health/ready", timeout=5)[0]
    except (urllib.error.URLError, ConnectionError):
        return 0  # the connection was that of the worker that died


def _worker_pids(server: Running) -> set[int]:
    """The processes that hold the socket, and are not the supervisor."""
    return set(server.workers())


def _predicts(server: Running) -> bool:
    try:
        return server.ask("/predict", ROW, timeout=5)[0] == 200
    except (urllib.error.URLError, ConnectionError):
        return False


def test_no_thread_of_a_worker_stops_another_by_waking_up_and_its_heir_is_as_any_process(server: Running) -> None:
    for worker in server.workers():
        policies = {os.sched_getscheduler(int(task.name)) for task in Path(f"/proc/{worker}/task").iterdir()}
        assert policies == {os.SCHED_BATCH}
    heir = server.sidecar("mlforge-heir")
    assert heir is not None
    assert os.sched_getscheduler(heir) == os.SCHED_OTHER


def test_a_worker_that_is_killed_is_missed_at_once_and_replaced(server: Running) -> None:
    before = server.workers()
    seen: list[int] = []
    watching = threading.Event()

    def watch() -> None:
        while not watching.is_set():
            seen.append(_ready(server))

    watcher = threading.Thread(target=watch)
    watcher.start()
    os.kill(before[-1], signal.SIGKILL)
    until(lambda: set(server.workers()) != set(before) and len(server.workers()) == len(before), 30)
    until(lambda: _ready(server) == 200, 30)
    watching.set()
    watcher.join()
    assert 503 in seen, "readiness never said that a worker was missing"
    assert seen[-1] == 200 or _ready(server) == 200
    assert until(lambda: _predicts(server), 30)
    until(lambda: b"mlforge_worker_restarts_total 1\n" in server.ask("/metrics")[1], 5)


def test_a_worker_that_is_stuck_is_not_counted_as_ready_and_is_replaced(bundle: Path) -> None:
    with serving(bundle, "--workers", "2", "serve.stuck=2s") as server:
        before = server.workers()
        os.kill(before[0], signal.SIGSTOP)
        until(lambda: before[0] not in server.workers() and len(server.workers()) == 2, 30)
        until(lambda: _ready(server) == 200, 20)
        assert "has done nothing for" in server.log.read_text()


def test_figures_are_those_of_all_workers_whoever_is_asked(server: Running) -> None:
    def answered() -> float:
        text = server.ask("/metrics")[1].decode()
        return float(next(line for line in text.splitlines() if line.startswith('mlforge_requests_total{endpoint="predict",code="200"}')).rpartition(" ")[2])

    before = answered()
    for _ in range(20):
        assert server.ask("/predict", ROW)[0] == 200
    assert answered() == before + 20
    assert {answered() for _ in range(10)} == {before + 20}


def test_metrics_are_what_prometheus_reads(server: Running) -> None:
    from prometheus_client.parser import text_string_to_metric_families

    families = {family.name: family for family in text_string_to_metric_families(server.ask("/metrics")[1].decode())}
    assert families["mlforge_request_seconds"].type == "histogram"
    assert families["mlforge_workers_ready"].samples[0].value == 2
    buckets = [one.value for one in families["mlforge_request_seconds"].samples if one.name.endswith("_bucket") and one.labels["endpoint"] == "predict"]
    assert buckets == sorted(buckets)
    assert buckets[-1] > 0


def test_told_to_stop_it_answers_who_is_in_and_lets_nobody_else_in(tmp_path: Path) -> None:
    slow = make_bundle(tmp_path / "slow", seconds=1.0)
    with serving(slow, "--workers", "1") as server:
        answers: list[Any] = []
        asking = threading.Thread(target=lambda: answers.append(server.ask("/predict", ROW, timeout=20)[0]))
        asking.start()
        until(lambda: server.ask("/metrics")[1].decode().count("mlforge_requests_total") and _under_way(server), 10)
        begun = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        until(lambda: not _connects(server.port), 5)
        assert server.process.wait(20) == 0
        asking.join(20)
        assert answers == [200]
        assert time.monotonic() - begun < 15


def _under_way(server: Running) -> bool:
    """Has a request reached the worker that is not answered yet."""
    line = next(line for line in server.ask("/metrics")[1].decode().splitlines() if line.startswith("mlforge_requests_under_way"))
    return float(line.rpartition(" ")[2]) >= 2  # that one, and the one that asks for the figures


def _connects(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def test_workers_end_when_their_supervisor_is_gone(bundle: Path) -> None:
    with serving(bundle, "--workers", "2") as server:
        workers = server.workers()
        server.process.kill()
        server.process.wait(10)
        until(lambda: not any(Path(f"/proc/{pid}").exists() and "Z" not in Path(f"/proc/{pid}/stat").read_text().split()[2] for pid in workers), 10)
        assert not _connects(server.port)


def test_a_damaged_bundle_is_told_before_anything_starts(bundle: Path, tmp_path: Path) -> None:
    folder = make_bundle(tmp_path / "damaged")
    (folder / "model.onnx").write_bytes(b"no model")
    done = _serve(folder)
    assert done.returncode == 3
    assert "model.onnx: has the digest" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_port_that_is_taken_is_told(bundle: Path, server: Running) -> None:
    done = _serve(bundle, "--port", str(server.port))
    assert done.returncode == 6
    assert f"cannot listen at 127.0.0.1:{server.port}: Address already in use" in done.stderr


def test_two_models_under_one_name_are_refused(bundle: Path) -> None:
    done = _serve(bundle, bundle)
    assert done.returncode == 2
    assert "people is named twice" in done.stderr


def test_a_model_that_is_not_there_is_told(tmp_path: Path) -> None:
    done = _serve("nothing", cwd=tmp_path)
    assert done.returncode == 2
    assert "There is no model 'nothing'" in done.stderr


def _serve(*arguments: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    import sys

    command = [sys.executable, "-P", "-c", "from mlforge.cli import main; main()", "serve", *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=60, check=False)


def test_several_models_are_each_asked_by_name(bundle: Path, tmp_path: Path) -> None:
    other = make_bundle(tmp_path / "others", bias=-20.0)
    with serving(bundle, other, "--workers", "1") as server:
        assert server.ask("/models/people/predict", ROW)[1]["predictions"][0]["prediction"] == "yes"
        assert server.ask("/models/others/predict", ROW)[1]["predictions"][0]["prediction"] == "no"
        assert [one["name"] for one in server.ask("/models")[1]["models"]] == ["people", "others"]
        status, told, _ = server.ask("/predict", ROW)
        assert status == 404
        assert "/models/people/predict, /models/others/predict" in told["error"]
        status, told, _ = server.ask("/models/other/predict", ROW)
        assert status == 404
        assert "Did you mean others?" in told["error"]


def test_a_roster_is_ready_when_every_worker_is() -> None:
    roster = Roster(2)
    roster.set(0, State.READY, 7)
    assert (roster.ready, roster.live, roster.pid(0)) == (False, 1, 7)
    roster.set(1, State.READY)
    assert roster.ready
    roster.set(0, State.GONE, 0)
    assert not roster.ready


def test_a_worker_without_a_sign_of_life_is_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    roster = Roster(1)
    roster.set(0, State.READY, 7)
    later = time.monotonic() + 6
    monkeypatch.setattr("mlforge.serving.roster.time.monotonic", lambda: later)
    assert not roster.ready
    assert roster.silence(0) == pytest.approx(6, abs=0.5)
    roster.beat(0)
    assert roster.ready


@pytest.mark.parametrize(("text", "least", "most"), [("max 100000", 1, 4096), ("50000 100000", 1, 1), ("150000 100000", 1, 2), ("nonsense", 1, 4096)])
def test_workers_are_as_many_as_the_container_gives_cores(tmp_path: Path, text: str, least: int, most: int) -> None:
    (tmp_path / "cpu.max").write_text(text)
    assert least <= cores(tmp_path / "cpu.max") <= min(most, len(os.sched_getaffinity(0)))


def test_a_ledger_adds_up_over_workers_and_outlives_one() -> None:
    ledger = Ledger(2)
    asked = ledger.cell("asked_total", {"of": 'a"b'}, about="Asked.")
    open_now = ledger.cell("open_now", kind="gauge")
    took = ledger.timer("took_seconds", bounds=(0.1, 1.0))
    for worker, count in ((0, 3), (1, 4)):
        ledger.take(worker)
        for _ in range(count):
            asked.add()
        open_now.set(1)
    took.note(0.5)
    took.note(5.0)
    ledger.take(0)  # a new worker in the place of the first
    asked.add()
    assert asked.total() == 8
    assert open_now.total() == 1  # what the first one had open went with it
    lines = ledger.text().splitlines()
    assert 'asked_total{of="a\\"b"} 8' in lines
    assert lines[-5:] == [
        'took_seconds_bucket{le="0.1"} 0',
        'took_seconds_bucket{le="1"} 1',
        'took_seconds_bucket{le="+Inf"} 2',
        "took_seconds_sum 5.5",
        "took_seconds_count 2",
    ]
    with pytest.raises(AssertionError, match="before the fork"):
        ledger.cell("late_total")
