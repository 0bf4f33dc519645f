"""The rehearsals. Each does harm to a server of the drill's own and says, as a finding, how it bore it."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from mlforge.finding import Finding
from mlforge.serving.drill.scene import SERVING, Scene
from mlforge.serving.drill.server import Server, until

__all__ = ["ACTS", "Act"]

_SWAP = 2.0  # seconds in which a server follows its alias
_WHOLE = 3.0  # seconds in which a worker that was killed is replaced
_LONG = 20.0  # seconds after which a rehearsal is given up
_OPENED = 30.0  # seconds in which a slow version is opened

Row = Mapping[str, Any]
Act = Callable[[Scene, Server, Row], Finding]


def worker_death(scene: Scene, server: Server, row: Row) -> Finding:
    """A worker is killed while clients ask."""
    before = server.workers()
    with _client(server, row) as seen:
        os.kill(min(before), signal.SIGKILL)
        took = until(lambda: len(server.workers() - {min(before)}) == len(before) and server.ready(), _LONG)
    wrong = set(seen) - {200, 503}  # a connection that breaks tells a client nothing: whoever waits is told to come again
    other = f", {seen[0]:,} connections broke" * bool(seen[0]) + f", {sum(seen[one] for one in wrong - {0}):,} failed otherwise" * bool(wrong - {0})
    text = f"{_within(took, _WHOLE)}; meanwhile {seen[200]:,} requests were answered, {seen[503]:,} were told to come again{other}"
    return _found("worker_death", took, took is not None and took < _WHOLE and not wrong, f"A killed worker was replaced {text}.")


def corrupt_model(scene: Scene, server: Server, row: Row) -> Finding:
    """A damaged version is promoted."""
    with _client(server, row) as seen:
        scene.promote("corrupt")
        took = until(lambda: scene.champion == scene.numbers[SERVING], _LONG)
    text = f"A damaged version that was promoted was rolled back {_within(took, _SWAP)}; {_told(seen)}."
    return _found("corrupt_model", took, took is not None and set(seen) == {200}, text)


def missing_feature(scene: Scene, server: Server, row: Row) -> Finding:
    """Each column is left out of a row, in turn."""
    answers = {column: server.predict({name: value for name, value in row.items() if name != column}) for column in row}
    vague = [column for column, (status, told) in answers.items() if status != 200 and (status != 400 or column not in str(told.get("error")))]
    refused = sum(status == 400 for status, _ in answers.values())
    text = f"Of {len(answers)} columns, {refused} are needed, and a row without one is refused with 400 and its name" + (
        f", except {', '.join(vague[:5])}" if vague else ""
    )
    return _found("missing_feature", float(refused), not vague, f"{text}.", unit="")


def slow_model(scene: Scene, server: Server, row: Row) -> Finding:
    """A version that takes seconds is promoted."""
    if "slow" not in scene.numbers:
        return _found("slow_model", None, True, "Not rehearsed: it needs onnx (pip install 'mlforge[train]') and a column of numbers.")
    scene.promote("slow")
    begun, slowest, answers = time.monotonic(), 0.0, Counter[str]()
    while time.monotonic() - begun < _OPENED and sum(answers.values()) < 5:
        asked = time.monotonic()
        status, told = server.predict(row)
        seconds = time.monotonic() - asked
        if status == 200 and "fallback" not in told:
            continue  # the version before still answers
        answers["fallback" if status == 200 else str(status)] += 1
        slowest = max(slowest, seconds)
    scene.store.registry.roll_back(scene.model, reason="drill")
    back = until(lambda: (answer := server.predict(row))[0] == 200 and "fallback" not in answer[1], _LONG)
    whole = bool(answers) and not set(answers) - {"504", "503", "fallback"} and slowest < 1.5 and back is not None
    told_how = ", ".join(f"{count} × {name}" for name, count in sorted(answers.items())) or "never"
    return _found("slow_model", slowest, whole, f"Clients of a model that takes seconds were answered within {slowest:.2f} s ({told_how}).")


def rollback(scene: Scene, server: Server, row: Row) -> Finding:
    """A version is promoted and rolled back while clients ask."""
    with _client(server, row) as seen:
        promoted = scene.promote("again")
        there = until(lambda: server.predict(row)[1].get("version") == promoted, _LONG)
        scene.store.registry.roll_back(scene.model, reason="drill")
        took = until(lambda: server.predict(row)[1].get("version") == scene.numbers[SERVING], _LONG)
    text = f"The version before answered {_within(took, _SWAP)} after a rollback; {_told(seen)}."
    return _found("rollback", took, there is not None and took is not None and set(seen) == {200}, text)


ACTS: Mapping[str, Act] = {act.__name__: act for act in (rollback, corrupt_model, missing_feature, worker_death, slow_model)}


@dataclass
class _Client:
    over: threading.Event
    seen: Counter[int]


@contextmanager
def _client(server: Server, row: Row) -> Iterator[Counter[int]]:
    """Somebody who asks all the while; the answers by status, with 0 for connections that broke."""
    client = _Client(threading.Event(), Counter())

    def ask() -> None:
        while not client.over.is_set():
            try:
                client.seen[server.predict(row)[0]] += 1
            except OSError:
                client.seen[0] += 1

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        until(lambda: client.seen.total() > 5, _LONG)
        yield client.seen
    finally:
        client.over.set()
        thread.join()


def _within(took: float | None, expected: float) -> str:
    return f"within {took:.2f} s ({expected:g} s is expected)" if took is not None else f"not within {_LONG:g} s"


def _told(seen: Counter[int]) -> str:
    failed = sum(count for status, count in seen.items() if status != 200)
    return f"of {seen.total():,} requests meanwhile, {failed or 'none'} failed"


def _found(name: str, value: float | None, whole: bool, text: str, unit: str = "s") -> Finding:
    return Finding(
        name=f"drill/{name}", value=value, text=text, unit=unit, severity="info" if whole else "critical", subject="champion", volatile=unit == "s",
        evidence={"passed": whole},
    )  # fmt: skip
