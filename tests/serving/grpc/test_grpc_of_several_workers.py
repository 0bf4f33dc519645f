"""gRPC as it is run: several workers at one port, keys, TLS, limits; a worker that dies, a server that stops."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.serving.running import workers_of
from tests.serving.v2.server import Server, running

from mlforge.errors import RunFailed
from mlforge.serving.access.keys import KeyFile
from mlforge.serving.grpc.listening import reserved
from mlforge.serving.grpc.messages import HEALTH, INFERENCE, methods

grpc = pytest.importorskip("grpc", reason="needs grpcio")

OWN = [("grpc.use_local_subchannel_pool", 1)]  # a connection of its own for each channel
ROW = {"name": "input", "datatype": "FP64", "shape": [1, 4], "contents": {"fp64_contents": [0.5, 3, 1.5, -2]}}


def infer(channel, *, metadata: tuple[tuple[str, str], ...] = (), **options: object):
    """The answer, and what came behind it."""
    request, response, _ = methods(INFERENCE)["ModelInfer"]
    method = channel.unary_unary(f"/{INFERENCE}/ModelInfer", request.SerializeToString, response.FromString)
    answer, call = method.with_call(request(model_name="matrix", inputs=[ROW]), timeout=60, metadata=metadata, **options)
    return answer, dict(call.trailing_metadata())


def code(asked: Callable[[], object]):
    with pytest.raises(grpc.RpcError) as caught:
        asked()
    return caught.value.code()


@contextmanager
def channel(server: Server, **options: object) -> Iterator[object]:
    with grpc.insecure_channel(server.grpc, options=OWN) as made:
        yield made


def until(condition: Callable[[], object], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_connections_are_shared_among_the_workers(server: Server) -> None:
    answered: set[str] = set()
    for _ in range(64):
        with channel(server) as one:
            answered.add(infer(one)[1]["x-request-id"].partition("-")[0])
        if len(answered) == 2:
            return
    raise AssertionError(f"64 connections went to the same worker: {answered}")


def test_what_goes_through_grpc_is_counted(server: Server) -> None:
    with channel(server) as one:
        infer(one)
    figures = server.ask("GET", "/metrics").body.decode()
    assert 'mlforge_requests_total{endpoint="infer",code="200"}' in figures


def test_a_message_beyond_the_limits_is_refused(server: Server) -> None:
    with channel(server) as one:
        send = one.unary_unary(f"/{INFERENCE}/ModelInfer")
        assert code(lambda: send(b"\0" * 9_000_000, timeout=20)) is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert code(lambda: infer(one, compression=grpc.Compression.Gzip)) is grpc.StatusCode.UNIMPLEMENTED
        assert infer(one)[0].model_name == "matrix"


@pytest.mark.parametrize("count", [500, pytest.param(20_000, marks=pytest.mark.slow)])
def test_mutated_messages_are_answered(server: Server, count: int) -> None:
    request, _, _ = methods(INFERENCE)["ModelInfer"]
    raw = {"name": "input", "datatype": "FP64", "shape": [1, 4]}
    seeds = [
        request(model_name="matrix", id="1", inputs=[ROW], outputs=[{"name": "prediction"}], parameters={"a": {"int64_param": 5}}).SerializeToString(),
        request(model_name="matrix", inputs=[raw], raw_input_contents=[b"\0" * 32]).SerializeToString(),
    ]
    allowed = {"INVALID_ARGUMENT", "NOT_FOUND", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION"}
    rng, before = random.Random(3), workers_of(server.process)
    said: dict[str, bytes] = {}
    with channel(server) as one:
        send = one.unary_unary(f"/{INFERENCE}/ModelInfer")
        for _ in range(count):
            body = bytearray(rng.choice(seeds))
            for _ in range(rng.randint(1, 4)):
                place = rng.randrange(len(body))
                body[place : place + rng.randint(0, 2)] = rng.randbytes(rng.randint(0, 3))
            try:
                send(bytes(body), timeout=60)
            except grpc.RpcError as error:
                said[error.code().name] = bytes(body)
    assert set(said) <= allowed, said
    assert "INVALID_ARGUMENT" in said
    assert workers_of(server.process) == before


def test_a_port_that_is_taken_is_told(server: Server) -> None:
    with pytest.raises(RunFailed, match=r"cannot listen at 127\.0\.0\.1 port \d+ for gRPC: Address already in use"):
        reserved("127.0.0.1", server.grpc_port)
    kept = reserved("127.0.0.1", 0)
    with kept, pytest.raises(RunFailed, match="Name another --grpc-port"):
        reserved("127.0.0.1", kept.getsockname()[1])


def test_a_killed_worker_is_replaced_and_clients_go_on() -> None:
    with running() as server, channel(server) as one:
        infer(one)
        before = workers_of(server.process)
        for pid in before:
            os.kill(pid, signal.SIGKILL)
        until(lambda: len(workers_of(server.process)) == 2 and not set(workers_of(server.process)) & set(before))
        assert infer(one, wait_for_ready=True)[0].model_name == "matrix"


def test_a_server_that_stops_lets_those_who_watch_go() -> None:
    with running(drain=200) as server, channel(server) as one:
        request, response, _ = methods(HEALTH)["Watch"]
        watched = one.unary_stream(f"/{HEALTH}/Watch", request.SerializeToString, response.FromString)(request(), timeout=60)
        assert next(watched).status == 1
        server.process.send_signal(signal.SIGTERM)
        assert next(watched).status == 2
        assert list(watched) == []
        assert server.process.wait(20) == 0  # rather than as long as a drain may take


def test_keys_are_asked_for(tmp_path: Path) -> None:
    keys = KeyFile(tmp_path / "keys.json")
    token, other = keys.add("one", ("predict",))[1], keys.add("other", ("feedback",))[1]
    with running(access={"keys": str(tmp_path / "keys.json")}) as server, channel(server) as one:
        assert code(lambda: infer(one)) is grpc.StatusCode.UNAUTHENTICATED
        assert code(lambda: infer(one, metadata=(("x-api-key", "mlforge_x"),))) is grpc.StatusCode.UNAUTHENTICATED
        assert code(lambda: infer(one, metadata=(("x-api-key", other),))) is grpc.StatusCode.PERMISSION_DENIED
        for name, value in (("x-api-key", token), ("authorization", f"Bearer {token}")):
            assert infer(one, metadata=((name, value),))[0].model_name == "matrix"
        live, answer, _ = methods(INFERENCE)["ServerLive"]
        assert one.unary_unary(f"/{INFERENCE}/ServerLive", live.SerializeToString, answer.FromString)(live(), timeout=20).live


def test_tls(tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1"
    subprocess.run([*command.split(), "-keyout", key, "-out", certificate], check=True, capture_output=True)
    with running(access={"tls": {"certificate": str(certificate), "key": str(key)}}) as server:
        trusted = grpc.ssl_channel_credentials(certificate.read_bytes())
        with grpc.secure_channel(server.grpc, trusted, options=OWN) as one:
            assert infer(one)[0].model_name == "matrix"
        with channel(server) as plain:
            assert code(lambda: infer(plain)) is grpc.StatusCode.UNAVAILABLE
