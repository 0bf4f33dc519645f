"""A worker that is behind refuses at once what it would answer too late."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import http.client
import json
import time
from pathlib import Path

import pytest
from tests.serving.bundles import ROW, make_bundle
from tests.serving.running import Running, serving

from mlforge.service.limits import Limits
from mlforge.serving.access.body import BodyReader
from mlforge.serving.http import Refused
from mlforge.serving.pressure import Pressure


@pytest.mark.parametrize(("under_way", "busy", "refused"), [(500, 0.2, True), (3, 0.2, False), (500, 0.0, False)], ids=["behind", "few", "quick"])
def test_who_comes_is_refused_when_the_loop_is_behind_with_many(under_way: int, busy: float, refused: bool) -> None:
    async def main() -> None:
        pressure = Pressure(0.05 if busy else 60.0, lambda: under_way, asyncio.get_running_loop())
        until = time.perf_counter() + 0.05 + busy
        while busy and time.perf_counter() < until:
            pass  # the loop has no turn
        await asyncio.sleep(0.06)
        with pytest.raises(Refused, match="too many requests") if refused else contextlib.nullcontext():
            pressure.admit()

    asyncio.run(main())


def test_whose_body_does_not_come_is_nobody_whom_others_wait_for() -> None:
    """Two hundred of them had a server refuse, and delay, whoever came with a whole request."""

    async def main() -> None:
        reader = BodyReader(Limits(body_seconds=1.3))
        never = asyncio.get_running_loop().create_future

        async def told() -> int:
            with pytest.raises(Refused) as refused:
                await reader.read(never, {"content-length": "9"})
            return refused.value.status

        slow = [asyncio.create_task(told()) for _ in range(3)]
        await asyncio.sleep(0.1)
        assert reader.slow == 0
        await asyncio.sleep(1.0)
        assert reader.slow == 3
        assert await asyncio.gather(*slow) == [408, 408, 408]
        assert reader.slow == 0

    asyncio.run(main())


def _ask(server: Running) -> tuple[int, str | None, float]:
    begun = time.perf_counter()
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    connection.request("POST", "/predict", json.dumps(ROW), {"content-type": "application/json"})
    response = connection.getresponse()
    response.read()
    connection.close()
    return response.status, response.headers["retry-after"], time.perf_counter() - begun


def test_a_slow_model_answers_whom_it_can_in_time_and_refuses_the_others_at_once(tmp_path: Path) -> None:
    with serving(make_bundle(tmp_path / "slow", seconds=0.8), "--workers", "1", "serve.slo.p99_ms=250", "serve.deadline=20s") as server:
        for _ in range(3):
            assert _ask(server)[0] == 200  # it learns what a row takes
        with concurrent.futures.ThreadPoolExecutor(48) as threads:
            told = list(threads.map(lambda _: _ask(server), range(96)))
        statuses = [status for status, _, _ in told]
        assert set(statuses) <= {200, 503}
        assert 200 in statuses
        assert 503 in statuses
        assert all(retry is not None and int(retry) >= 1 for status, retry, _ in told if status == 503)
        assert _ask(server)[0] == 200  # and it is there again
