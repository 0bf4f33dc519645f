"""Whatever is sent, the server answers, in time, and not with a 5xx; and its workers live on."""

from __future__ import annotations

import http.client
import random
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest
from tests.serving.running import workers_of
from tests.serving.v2.mutation import Asked, mutated, seeds
from tests.serving.v2.server import Server

_SECONDS = 30  # in which each request must be answered


class _Client:
    """Asks over one connection after the other."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_SECONDS)
        self.said: Counter[int] = Counter()

    def ask(self, asked: Asked) -> None:
        try:
            self._connection.request(asked.method, asked.path, asked.body, {name: value.encode() for name, value in asked.headers.items()})
            answer = self._connection.getresponse()
            body = answer.read()
        except (http.client.HTTPException, ConnectionError):  # refused before it was a request, as by a header that cannot be
            self.said[0] += 1
            self._connection.close()
            return
        self.said[answer.status] += 1
        assert answer.status < 500, (asked, answer.status, body[:500])
        assert answer.status == 200 or asked.method == "HEAD" or body.startswith(b'{"error":') or not answer.headers.get("x-request-id"), (asked, body[:500])

    def close(self) -> None:
        self._connection.close()


def _bombard(server: Server, count: int, seed: int) -> Counter[int]:
    known: Sequence[Asked] = seeds()

    def some(part: int) -> Counter[int]:
        rng, client = random.Random(seed + part), _Client(server.port)
        try:
            for _ in range(count // 4):
                client.ask(mutated(rng.choice(known), rng))
        finally:
            client.close()
        return client.said

    with ThreadPoolExecutor(4) as threads:
        return sum(threads.map(some, range(4)), Counter[int]())


def test_what_the_mutations_start_from_is_answered(server: Server) -> None:
    for asked in seeds():
        answer = server.ask(asked.method, asked.path, asked.body, **{name.replace("-", "_"): value for name, value in asked.headers.items()})
        assert answer.status == 200, (asked, answer.body)


@pytest.mark.parametrize("count", [2_000, pytest.param(100_000, marks=(pytest.mark.slow, pytest.mark.timeout(3600)))])
def test_mutated_requests_are_answered(server: Server, count: int) -> None:
    before = workers_of(server.process)
    said = _bombard(server, count, seed=7)
    assert server.alive
    assert workers_of(server.process) == before, "a worker has ended"
    assert said.total() == count // 4 * 4
    assert said[200] > count / 100, said  # some must have got in
    assert said[400] > count / 4, said
    assert said[0] < count / 10, said
    assert server.ask("GET", "/v2/health/ready").status == 200


@pytest.mark.parametrize("count", [6, pytest.param(200, marks=(pytest.mark.slow, pytest.mark.timeout(3600)))])
def test_what_the_interface_describes_is_what_is_answered(server: Server, count: int) -> None:
    """schemathesis makes requests from /openapi.json, right ones and wrong ones, and holds the answers against it."""
    schemathesis = pytest.importorskip("schemathesis", reason="needs schemathesis")
    from schemathesis.specs.openapi import checks

    schema = schemathesis.openapi.from_url(f"http://{server.address}/openapi.json")
    held = [checks.status_code_conformance, checks.content_type_conformance, checks.response_schema_conformance]
    said: Counter[str] = Counter()
    for found in schema.get_all_operations():
        operation = found.ok()
        for case in _cases(operation, count if operation.method == "post" else 1):
            answer = case.call(timeout=_SECONDS)
            assert answer.status_code not in (500, 501, 502)  # 504 it is for a deadline of 5e-324 ms
            case.validate_response(answer, checks=held)
            said[f"{operation.method} {operation.path} {answer.status_code}"] += 1
    assert {f"get /v2/models/{name}/ready 200" for name in ("mixed", "matrix", "cells")} <= set(said)
    assert said["post /v2/models/mixed/versions/3/infer 400"] > count


def _cases(operation: Any, count: int) -> Sequence[Any]:
    """Requests for an operation, the same ones every time."""
    from hypothesis import HealthCheck, Phase, given, seed, settings
    from hypothesis.errors import Unsatisfiable
    from schemathesis import GenerationMode

    made: list[Any] = []
    for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):

        @seed(1)
        @settings(max_examples=count, deadline=None, database=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
        @given(case=operation.as_strategy(generation_mode=mode))
        def collect(case: Any) -> None:
            made.append(case)

        with suppress(Unsatisfiable):  # what has no parameters cannot be asked wrongly
            collect()
    return made
