"""What clients see of workers that are killed: `kill -9`, again and again, under load.

    python benchmarks/killing.py [--times 50] [--connections 16] [--workers 2]

Each client asks over one connection as soon as it has its answer, and connects anew after 200 or when it is told to. For every kill: after how long the
server was not ready, when the last request that was under way got its 503, when the server was whole again, and how many connections broke.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import statistics
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.serving.bundles import ROW, make_bundle
from tests.serving.running import Running, serving

BODY = json.dumps({"rows": [ROW]}).encode()
ASKED = b"POST /predict HTTP/1.1\r\nhost: test\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(BODY), BODY)
READY = b"GET /health/ready HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n"
EACH = 200  # requests of a connection; the next one may be another worker's
PATIENCE = 30.0  # seconds after which something hangs


@dataclass
class Seen:
    """What the clients have seen so far."""

    statuses: Counter[int] = field(default_factory=Counter)
    broken: int = 0
    told: float = 0.0  # when the last 503 came
    slowest: float = 0.0


async def answer(reader: asyncio.StreamReader) -> tuple[int, bool]:
    """Status of the next answer, and whether the connection ends with it."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = int(head.partition(b"content-length:")[2].split(b"\r\n")[0])
    await reader.readexactly(length)
    return int(head.split(b" ", 2)[1]), b"connection: close" in head


async def client(port: int, seen: Seen) -> None:
    """Ask for ever."""
    while True:
        writer = None
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            last, asked = False, 0
            while not last and asked < EACH:
                asked += 1
                begun = time.monotonic()
                writer.write(ASKED)
                async with asyncio.timeout(PATIENCE):  # wait_for may swallow that it is cancelled
                    status, last = await answer(reader)
                seen.statuses[status] += 1
                seen.slowest = max(seen.slowest, time.monotonic() - begun)
                if status == 503:
                    seen.told = time.monotonic()
        except (OSError, asyncio.IncompleteReadError):
            seen.broken += 1
        finally:
            if writer is not None:
                writer.close()


async def ready(port: int) -> bool:
    """What the server says of itself, over a connection of its own."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(READY)
        async with asyncio.timeout(PATIENCE):
            return (await answer(reader))[0] == 200
    except (OSError, asyncio.IncompleteReadError):
        return False
    finally:
        writer.close()


async def becomes(server: Running, wanted: bool, since: float, victim: int) -> float:
    """Seconds until the server says so. That somebody is missing, it cannot say when the place is taken before anybody has asked: 0 then."""
    while await ready(server.port) is not wanted:
        assert time.monotonic() - since < PATIENCE, "it never did"
        if not wanted and victim not in (there := server.workers()) and len(there) == 2 and await ready(server.port):
            return 0.0
        await asyncio.sleep(0.002)
    return time.monotonic() - since


async def measure(server: Running, times: int, connections: int) -> list[tuple[float, float, float]]:
    seen, rows = Seen(), []
    clients = [asyncio.create_task(client(server.port, seen)) for _ in range(connections)]
    print("kill   not ready   last 503   whole again   answered 200, 503   broken   slowest", flush=True)
    for number in range(times):
        await asyncio.sleep(2.5)  # a worker that dies young is replaced more slowly
        before = seen.statuses.copy()
        begun = time.monotonic()
        victim = server.workers()[number % 2]
        os.kill(victim, signal.SIGKILL)
        missed = await becomes(server, wanted=False, since=begun, victim=victim)
        whole = await becomes(server, wanted=True, since=begun, victim=victim)
        told = max(0.0, seen.told - begun)
        new = seen.statuses - before
        rows.append((missed, told, whole))
        print(
            f"{number + 1:4}   {missed:7.3f} s   {told:6.3f} s   {whole:9.3f} s   {new[200]:10}, {new[503]:4}   {seen.broken:8}   {seen.slowest:5.2f} s",
            flush=True,
        )
    for one in clients:
        one.cancel()
    await asyncio.wait(clients, timeout=5)  # Python 3.11 may lose a cancellation within wait_for
    return rows


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--times", type=int, default=50)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, serving(make_bundle(Path(folder) / "people"), "--workers", str(given.workers)) as server:
        rows = asyncio.run(measure(server, given.times, given.connections))
    for name, figures in zip(("not ready", "last 503", "whole again"), zip(*rows, strict=True), strict=True):
        print(f"{name:12} median {statistics.median(figures):.3f} s, worst {max(figures):.3f} s")


if __name__ == "__main__":
    main()
