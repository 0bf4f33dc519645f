"""Clients that mean harm, on bare sockets; and a good one, who asks all the while."""

from __future__ import annotations

import json
import socket
import statistics
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

__all__ = ["Good", "head", "raw"]


def head(path: str = "/predict", *lines: str, method: str = "POST") -> bytes:
    """The beginning of a request."""
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: test", "Content-Type: application/json", *lines, "", ""]).encode()


def raw(port: int, parts: bytes | Iterable[bytes], *, wait: float = 20.0, close: bool = False) -> tuple[int, bytes]:
    """Send bytes as they are; the status that came back (0: the connection was closed without one) and everything that was said. `close`: say no more."""
    with socket.create_connection(("127.0.0.1", port), timeout=wait) as connection:
        try:
            for part in [parts] if isinstance(parts, bytes) else parts:
                connection.sendall(part)
            if close:
                connection.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # it was closed on us; what was said before is still there
        said = b""
        try:
            while len(said) < 1_000_000 and (more := connection.recv(65536)):
                said += more
                if _whole(said):
                    break
        except OSError:
            pass
    return int(said.split(b" ", 2)[1]) if said.startswith(b"HTTP/1.") else 0, said


def _whole(said: bytes) -> bool:
    beginning, blank, body = said.partition(b"\r\n\r\n")
    if not blank:
        return False
    lengths = [int(line.partition(b":")[2]) for line in beginning.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    return bool(lengths) and len(body) >= lengths[0]


@dataclass
class Good:
    """A client that asks the same question over and over, on one connection: within the block, nothing may go wrong for it."""

    port: int
    body: bytes
    seconds: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Good:
        self._thread = threading.Thread(target=self._ask)
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._thread.join(60)

    def until(self, condition: Callable[[], bool], seconds: float) -> None:
        """Let it ask until then."""
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, "not in time"
            time.sleep(0.02)

    @property
    def worst(self) -> float:
        """Seconds of its slowest answer but the slowest hundredth."""
        return statistics.quantiles(self.seconds, n=100)[-1] if len(self.seconds) > 1 else 0.0

    def _ask(self) -> None:
        from http.client import HTTPConnection

        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        while not self._over.is_set():
            begun = time.perf_counter()
            try:
                connection.request("POST", "/predict", self.body, {"Content-Type": "application/json"})
                answer = connection.getresponse()
                said = answer.read()
            except OSError as error:
                self.wrong.append(repr(error))
                connection.close()
                continue
            self.seconds.append(time.perf_counter() - begun)
            if answer.status != 200 or "predictions" not in json.loads(said):
                self.wrong.append(f"{answer.status} {said[:200]!r}")
            time.sleep(0.002)
        connection.close()
