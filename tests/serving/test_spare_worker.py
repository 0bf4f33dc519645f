"""A process waits with all modules loaded, and is the next worker when one dies."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from tests.serving.bundles import ROW, make_bundle
from tests.serving.running import Running, serving, until

from mlforge.serving.spare import NAME


def spare(server: Running) -> int:
    return until(lambda: server.sidecar(NAME), 30)


def whole(server: Running) -> None:
    until(lambda: server.ask("/health/ready")[0] == 200, 30)


def kill(*processes: int) -> None:
    for process in processes:
        os.kill(process, signal.SIGKILL)


def runs(process: int) -> bool:
    state = Path(f"/proc/{process}/stat")
    return state.exists() and "Z" not in state.read_text().split()[2]


def test_the_spare_is_the_next_worker_and_is_replaced_itself(tmp_path: Path) -> None:
    with serving(make_bundle(tmp_path / "people"), "--workers", "2") as server:
        waits, before = spare(server), server.workers()
        assert waits not in before
        kill(before[0])
        until(lambda: set(server.workers()) == {before[1], waits}, 30)
        whole(server)
        assert all(server.ask("/predict", {"rows": [ROW]})[0] == 200 for _ in range(20))
        # it is a worker like any other: its clients have an heir, its death is missed, and another spare is there by then
        second = spare(server)
        kill(waits)
        until(lambda: set(server.workers()) == {before[1], second}, 30)
        whole(server)
        # without one, or with one that dies with the worker, a new process is forked as ever
        third = spare(server)
        kill(third, before[1])
        until(lambda: len(server.workers()) == 2 and before[1] not in server.workers(), 30)
        whole(server)
        assert server.ask("/predict", {"rows": [ROW]})[0] == 200
        assert server.stop() == 0
        until(lambda: not any(map(runs, (waits, second, third))), 10)


def test_the_spare_ends_with_a_supervisor_that_is_killed(tmp_path: Path) -> None:
    with serving(make_bundle(tmp_path / "people"), "--workers", "1") as server:
        waits = spare(server)
        server.process.kill()
        until(lambda: not runs(waits), 10)
