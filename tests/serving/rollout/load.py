"""Clients that ask all the while, and hold every answer against what the version that it names would have said."""

from __future__ import annotations

import http.client
import json
import os
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.serving.bundles import ROW, probability
from tests.serving.running import Running

__all__ = ["Clients", "asking", "patience"]

_PATIENCE = 10.0  # seconds after which a request counts as hanging


def patience(seconds: float) -> float:
    """So many seconds on a machine that is quiet, and as many times more as it has work for: promises of time are made to quiet machines."""
    return seconds * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


@dataclass
class Clients:
    """What they have seen so far."""

    answers: Counter[tuple[int, Any, Any]] = field(default_factory=Counter)  # (status, version, fallback)
    wrong: list[str] = field(default_factory=list)  # answers that no version gives, and connections that broke
    slowest: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def count(self) -> int:
        return sum(self.answers.values())

    def statuses(self) -> set[int]:
        return {status for status, _, _ in self.answers}

    def versions(self) -> set[int]:
        return {version for status, version, _ in self.answers if status == 200}

    def note(self, status: int, told: Any, seconds: float, row: dict[str, Any], biases: dict[int, float]) -> None:
        version = told.get("version") if status == 200 else None
        with self._lock:
            self.answers[(status, version, told.get("fallback") if status == 200 else told.get("error"))] += 1
            self.slowest = max(self.slowest, seconds)
            if status == 200 and version in biases and told.get("fallback") != "declared":
                found, right = told["predictions"][0]["probabilities"]["yes"], probability(row, biases[version])
                if abs(found - right) > 1e-5:
                    self.wrong.append(f"version {version} would have said {right}, and {found} was said")


@contextmanager
def asking(
    server: Running, *, clients: int = 4, biases: dict[int, float] | None = None, row: dict[str, Any] | None = None, broken: bool = False
) -> Iterator[Clients]:
    """Ask until the end of the block. `broken`: connections may break, and are made anew."""
    seen, over = Clients(), threading.Event()
    threads = [threading.Thread(target=_ask, args=(server, seen, over, biases or {}, row or ROW, number, broken)) for number in range(clients)]
    for thread in threads:
        thread.start()
    try:
        yield seen
    finally:
        over.set()
        for thread in threads:
            thread.join(_PATIENCE * 2)
        assert not any(thread.is_alive() for thread in threads), "a request hangs"


def _ask(server: Running, seen: Clients, over: threading.Event, biases: dict[int, float], row: dict[str, Any], number: int, broken: bool) -> None:
    body = json.dumps({"rows": [row]}).encode()
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=_PATIENCE)
    asked = 0
    while not over.is_set():
        asked += 1
        begun = time.perf_counter()
        try:
            headers = {"content-type": "application/json", "x-customer": f"{number}-{asked % 50}"}
            connection.request("POST", "/predict", body, headers)
            response = connection.getresponse()
            seen.note(response.status, json.loads(response.read()), time.perf_counter() - begun, row, biases)
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            if not broken:
                seen.wrong.append(f"{type(error).__name__}: {error}")
                break
            if isinstance(error, TimeoutError):
                seen.wrong.append("a request hung")
            over.wait(0.01)
    connection.close()
