"""Workers are killed under load: missed at once, replaced soon, and nobody waits for an answer that cannot come."""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path

import pytest
from tests.serving.rollout.load import asking, patience
from tests.serving.running import Running, serving, until

from mlforge.store import Store


def killed(server: Running) -> tuple[bool, float]:
    """End one worker. Was it missed at once, or replaced already; and after how many seconds was the server whole again."""
    before = set(server.workers())
    victim = random.choice(sorted(before))
    begun = time.monotonic()
    os.kill(victim, signal.SIGKILL)
    until(lambda: victim not in server.workers() or server.ask("/health/ready")[0] == 503, patience(1.0), every=0.001)
    missed = time.monotonic() - begun < patience(1.0)
    until(lambda: len(set(server.workers()) - {victim}) == len(before) and server.ask("/health/ready")[0] == 200, patience(6.0), every=0.005)
    return missed, time.monotonic() - begun


def kill(store: Store, register, tmp_path: Path, times: int) -> None:
    register(bias=1.0)
    with serving("people", cwd=tmp_path) as server:
        with asking(server, biases={1: 1.0}) as seen:
            until(lambda: seen.count > 20)
            took = []
            for _ in range(times):
                count = seen.count
                missed, seconds = killed(server)
                assert missed
                took.append(seconds)
                until(lambda count=count: seen.count > count + 20, patience(3.0))
            assert max(took) < patience(3.0)
        assert seen.wrong == [], "answers were right, and no connection broke"
        assert seen.statuses() <= {200, 503}
        assert seen.slowest < patience(3.0)
        assert server.stop() == 0


def test_workers_that_are_killed_are_missed_at_once_and_replaced_within_three_seconds(store: Store, register, tmp_path: Path) -> None:
    kill(store, register, tmp_path, 5)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_fifty_workers_that_are_killed_are_missed_at_once_and_replaced_within_three_seconds(store: Store, register, tmp_path: Path) -> None:
    kill(store, register, tmp_path, 50)
