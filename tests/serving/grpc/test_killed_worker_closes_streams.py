"""What clients see of a worker that is killed where nobody can answer in its place: over gRPC and TLS, the connection is closed at once, and another serves.

Over gRPC that is UNAVAILABLE, the code that 503 stands for, and what retry policies go by.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import signal
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from tests.serving.bundles import make_bundle
from tests.serving.running import Running, serving, until

from mlforge.contract import Column, Contract

triton = pytest.importorskip("tritonclient.grpc", reason="needs tritonclient[grpc]")

SLOW = 1.0  # seconds of an answer, in which the worker is killed
RETRIES = {"methodConfig": [{"name": [{}], "retryPolicy": {
    "maxAttempts": 5, "initialBackoff": "0.1s", "maxBackoff": "1s", "backoffMultiplier": 2, "retryableStatusCodes": ["UNAVAILABLE"]}}]}  # fmt: skip
"""As gRPC's clients take it (A6): what nobody has answered is asked again."""


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_bundle(tmp_path_factory.mktemp("slow") / "slow", Contract(columns={"x": Column(dtype="float")}), seconds=SLOW)


@pytest.fixture(scope="module")
def server(bundle: Path) -> Iterator[Running]:
    with serving(bundle, "--workers", "2", "--grpc-port", "0", "serve.deadline=30s") as running:
        yield running


def port_of(server: Running) -> str:
    found = re.search(r"grpc://(\S+)", " ".join(server.said))
    assert found is not None
    return found[1]


def asked(client: object) -> float:
    (tensor,) = [triton.InferInput("x", [1, 1], "FP64")]
    tensor.set_data_from_numpy(np.array([[0.5]]))
    answer = client.infer("slow", [tensor], client_timeout=30)  # type: ignore[attr-defined]
    return float(answer.as_numpy("probability")[0][1])


def who_is_busy(server: Running) -> int:
    """The worker that works, by the time of the processor that it has used, and the others have not."""
    before = {pid: _ticks(pid) for pid in server.workers()}

    def found() -> int:
        used = {pid: _ticks(pid) - ticks for pid, ticks in before.items()}
        busiest = max(used, key=used.__getitem__)
        return busiest if used[busiest] > 15 + 3 * max(used[pid] for pid in used if pid != busiest) else 0

    return int(until(found, 20))


def _ticks(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11])


def killed_while(server: Running, ask: Callable[[], object]) -> tuple[object, float]:
    """What came of a request whose worker was killed, and how long after the kill."""
    came: list[tuple[object, float]] = []

    def asking() -> None:
        try:
            came.append((ask(), time.monotonic()))
        except Exception as error:
            came.append((error, time.monotonic()))

    thread = threading.Thread(target=asking)
    thread.start()
    busy = who_is_busy(server)
    killed = time.monotonic()
    os.kill(busy, signal.SIGKILL)
    thread.join(60)
    until(lambda: len(server.workers()) == 2 and busy not in server.workers(), 30)
    return came[0][0], came[0][1] - killed


def test_a_stream_of_grpc_ends_as_unavailable_at_once(server: Running) -> None:
    with triton.InferenceServerClient(port_of(server)) as client:
        expected = asked(client)
        error, seconds = killed_while(server, lambda: asked(client))
        assert isinstance(error, triton.InferenceServerException)
        assert error.status() == "StatusCode.UNAVAILABLE"
        assert seconds < 2.0
        until(lambda: client.is_server_ready(), 30)
        assert asked(client) == expected, "the same client goes on"


def test_a_client_with_a_retry_policy_notices_nothing(server: Running) -> None:
    channel = [("grpc.enable_retries", 1), ("grpc.service_config", json.dumps(RETRIES)), ("grpc.use_local_subchannel_pool", 1)]
    with triton.InferenceServerClient(port_of(server), channel_args=channel) as client:
        expected = asked(client)
        answer, _ = killed_while(server, lambda: asked(client))
        assert answer == expected


def test_a_connection_under_tls_is_closed_at_once_and_another_is_answered(bundle: Path, tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1"
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run([*command.split(), "-keyout", key, "-out", certificate], check=True, capture_output=True)
    trusting = ssl.create_default_context(cafile=str(certificate))
    with serving(bundle, "--workers", "2", "--tls-certificate", certificate, "--tls-key", key, "serve.deadline=30s") as server:

        def ask() -> int:
            with closing(http.client.HTTPSConnection("127.0.0.1", server.port, timeout=30, context=trusting)) as connection:
                connection.request("POST", "/predict", json.dumps({"rows": [{"x": 0.5}]}), {"content-type": "application/json"})
                return connection.getresponse().status

        assert ask() == 200
        error, seconds = killed_while(server, ask)
        assert isinstance(error, ConnectionError | ssl.SSLError | http.client.HTTPException)
        assert seconds < 2.0
        assert ask() == 200
