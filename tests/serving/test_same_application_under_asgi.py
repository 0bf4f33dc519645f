"""The application under an ASGI server of somebody else's: uvicorn."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from tests.serving.bundles import ROW, make_bundle, probability

from mlforge.service.serve import Serve
from mlforge.serving.asgi import Asgi
from mlforge.serving.offer import Offer
from mlforge.serving.plan import Plan

uvicorn = pytest.importorskip("uvicorn")


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    folder = make_bundle(tmp_path_factory.mktemp("served") / "people")
    limits: Any = {"body": 4096, "rows": 20}
    settings = Serve.model_validate({"workers": 1, "limits": limits})
    app = Asgi(Plan.made([Offer("people", 0, "", folder)], settings, 1))
    server = uvicorn.Server(uvicorn.Config(app, port=0, lifespan="on", log_level="error", ws="none"))
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    deadline = time.monotonic() + 30
    while not server.started:
        assert thread.is_alive(), "it did not start"
        assert time.monotonic() < deadline, "it did not start in time"
        time.sleep(0.01)
    yield listener.getsockname()[1]
    server.should_exit = True
    thread.join(20)
    assert not thread.is_alive()
    assert app.context is None, "it was not closed"


def ask(port: int, path: str, body: bytes | None = None, **headers: str) -> tuple[int, Any, Any]:
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", body, {name.replace("_", "-"): value for name, value in headers.items()})
    try:
        with urllib.request.urlopen(request, timeout=20) as response:
            return response.status, response.read(), response.headers
    except urllib.error.HTTPError as error:
        return error.code, error.read(), error.headers


def test_rows_are_answered_as_everywhere(port: int) -> None:
    status, told, headers = ask(port, "/models/people/predict?partial=true", json.dumps({"rows": [ROW, {**ROW, "age": 300}]}).encode(), x_request_id="mine")
    assert (status, headers["x-request-id"], headers["content-type"]) == (200, "mine", "application/json")
    good, bad = json.loads(told)["predictions"]
    assert good["probabilities"]["yes"] == pytest.approx(probability(ROW), abs=1e-6)
    assert bad is None


def test_v2_health_figures_and_description_are_there(port: int) -> None:
    assert ask(port, "/v2/models/people/ready")[0] == 200
    assert json.loads(ask(port, "/health/ready")[1]) == {"ready": True, "workers": {"ready": 1, "wanted": 1}}
    assert b'mlforge_requests_total{endpoint="predict",code="200"}' in ask(port, "/metrics")[1]
    assert "/predict" in json.loads(ask(port, "/openapi.json")[1])["paths"]


def test_what_breaks_the_contract_or_the_limits_is_refused_with_its_reason(port: int) -> None:
    assert "age 300" in ask(port, "/predict", json.dumps([{**ROW, "age": 300}]).encode())[1].decode()
    assert ask(port, "/nothing")[0] == 404
    assert ask(port, "/predict")[0] == 405
    assert ask(port, "/predict", b"x" * 5000)[0] == 413


def test_a_body_in_chunks_is_read_within_the_same_limits(port: int) -> None:
    def chunked(parts: list[bytes]) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        with suppress(BrokenPipeError, ConnectionResetError):  # whoever is refused may still be sending
            connection.request("POST", "/predict", iter(parts), {"content-type": "application/json"}, encode_chunked=True)
        status = connection.getresponse().status
        connection.close()
        return status

    body = json.dumps([ROW]).encode()
    assert chunked([body[:20], body[20:]]) == 200
    assert chunked([b" " * 1000] * 9) == 413


def test_a_body_that_breaks_off_harms_nobody(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), 10) as connection:
        connection.sendall(b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n[{")
    assert ask(port, "/predict", json.dumps(ROW).encode())[0] == 200


def test_a_model_may_be_named_in_any_letters(tmp_path: Path) -> None:
    """Of a bundle it is the folder's name; a header is of ASCII, and a quote ends a label of Prometheus unless it is escaped."""
    name = 'Käufer "neu"'
    app = Asgi(Plan.made([Offer(name, 0, "", make_bundle(tmp_path / "people"))], Serve(workers=1), 1))

    async def asked(method: str, path: str, body: bytes, *headers: tuple[bytes, bytes]) -> tuple[int, dict[bytes, bytes], str]:
        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body}

        named = [(b"content-length", str(len(body)).encode()), *headers]
        status, told, answer = await app.answer({"type": "http", "method": method, "path": path, "headers": named}, receive)
        return status, dict(told), answer.decode()

    async def main() -> None:
        status, headers, told = await asked("POST", "/predict", json.dumps(ROW).encode(), (b"accept", b"text/csv;q=0.5, application/json;q=0"))
        assert (status, headers[b"x-model"]) == (200, b"K%C3%A4ufer %22neu%22")
        assert told.startswith("row,prediction,")
        _, _, figures = await asked("GET", "/metrics", b"")
        assert 'mlforge_model_version{model="Käufer \\"neu\\""} 0\n' in figures
        await app.close()

    asyncio.run(main())
