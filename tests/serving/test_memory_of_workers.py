"""However many requests a worker has answered, it needs as much memory as after the first ones."""

from __future__ import annotations

import json
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO

import pytest
from tests.serving.bundles import ROW, make_bundle
from tests.serving.running import Running, serving

_TOGETHER = 64  # requests that are sent at once over one connection
_OVER = 512  # requests over one connection; then another
_CLIENTS = 2


def _request(number: int) -> bytes:
    """No two alike; every fourth breaks the contract."""
    row = {**ROW, "age": 16 + number % 80, "income": number / 7 % 900, "the plan": f"plan {number}"}
    if number % 4 == 3:
        row["city"] = f"nowhere {number}"
    body = json.dumps({"rows": [row]}).encode()
    return b"POST /predict HTTP/1.1\r\nhost: test\r\ncontent-type: application/json\r\nx-request-id: r%d\r\ncontent-length: %d\r\n\r\n%b" % (
        number, len(body), body,
    )  # fmt: skip


def _ask(port: int, numbers: range) -> int:
    """Send them all; how many were answered."""
    answered = 0
    for first in range(0, len(numbers), _OVER):
        mine = numbers[first : first + _OVER]
        with socket.create_connection(("127.0.0.1", port), timeout=60) as connection, connection.makefile("rb") as said:
            for begin in range(0, len(mine), _TOGETHER):
                sent = mine[begin : begin + _TOGETHER]
                connection.sendall(b"".join(map(_request, sent)))
                answered += sum(_answered(said) for _ in sent)
    return answered


def _answered(said: BinaryIO) -> bool:
    """Was the next request answered as one that was looked at."""
    status, length = said.readline(), 0
    while (line := said.readline()) not in (b"\r\n", b""):
        if line.startswith(b"content-length: "):
            length = int(line[16:])
    said.read(length)
    return status.startswith((b"HTTP/1.1 200", b"HTTP/1.1 400"))


def _asked(server: Running, first: int, count: int) -> None:
    share = count // _CLIENTS
    parts = [range(first + share * client, first + share * (client + 1)) for client in range(_CLIENTS)]
    with ThreadPoolExecutor(_CLIENTS) as clients:
        assert sum(clients.map(_ask, [server.port] * _CLIENTS, parts)) == count


def _memory(server: Running) -> float:
    """Mebibytes of the worker and of its heir that are no other's."""
    total = 0
    for process in filter(None, (*server.workers(), server.sidecar("mlforge-heir"))):
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Private_"))
    return total / 1024


def _flat(folder: Path, part: int, parts: int, bound: float) -> None:
    """The second half of the requests takes no more memory than this, in mebibytes. What allocators keep comes and goes: the least counts."""
    settings = ("serve.slo.p99_ms=60000", "serve.log.flush_seconds=0.1")  # so that the log is at work from the beginning
    with serving(make_bundle(folder / "people"), "--workers", "1", "--log", folder / "log", *settings, cwd=folder) as server:
        seen: list[float] = []
        for number in range(parts):
            _asked(server, part * number, part)
            seen.append(_memory(server))
        half = parts // 2
        assert min(seen[half:]) - min(seen[:half]) < bound, f"MiB after each part: {seen}"


def test_thousands_of_requests_that_differ_take_no_memory(tmp_path: Path) -> None:
    _flat(tmp_path, 2_000, 4, 6.0)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_a_million_requests_that_differ_take_no_memory(tmp_path: Path) -> None:
    _flat(tmp_path, 100_000, 10, 8.0)
