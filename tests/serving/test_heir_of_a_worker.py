"""A worker that is killed leaves nobody without an answer: who waits is told 503 by its heir, everybody else sees a connection that is closed."""

from __future__ import annotations

import json
import os
import platform
import select
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from tests.serving.bundles import ROW, make_bundle
from tests.serving.rollout.load import patience
from tests.serving.running import Running, serving, until

from mlforge.serving.connection import Connection
from mlforge.serving.heir import NAME, appointed
from mlforge.serving.in_flight import InFlight
from mlforge.serving.ledger import Ledger

BODY = json.dumps({"rows": [ROW]}).encode()
HEAD = b"POST /predict HTTP/1.1\r\nhost: test\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
ASKED = HEAD % len(BODY) + BODY
HEALTH = b"GET /health/live HTTP/1.1\r\nhost: test\r\n\r\n"

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/fd").is_dir() or platform.machine() not in ("x86_64", "aarch64"), reason="only Linux shares a table of files between processes"
)


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One worker, whose model takes a while, and which turns nobody away for that."""
    bundle = make_bundle(tmp_path_factory.mktemp("heir") / "slow", seconds=0.5)
    with serving(bundle, "--workers", "1", "serve.deadline=60s", "serve.slo.p99_ms=60000") as server:
        yield server


@contextmanager
def connected(server: Running, *sent: bytes) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as one:
        for part in sent:
            one.sendall(part)
        yield one


def said(one: socket.socket) -> bytes:
    """Everything until it is closed."""
    parts = []
    while part := one.recv(1 << 16):
        parts.append(part)
    return b"".join(parts)


def answered(one: socket.socket) -> None:
    """One answer has come, whole."""
    answer = b""
    while b"\r\n\r\n" not in answer or not answer.partition(b"\r\n\r\n")[2]:
        answer += one.recv(1 << 16)
    assert answer.startswith(b"HTTP/1.1 200")


def came(one: socket.socket) -> bool:
    """Is there something to read."""
    return bool(select.select([one], [], [], 0)[0])


def under_way(server: Running, count: int) -> bool:
    line = next(line for line in server.ask("/metrics")[1].decode().splitlines() if line.startswith("mlforge_requests_under_way"))
    return float(line.rpartition(" ")[2]) >= count + 1  # and the one that asks


def kill(server: Running) -> float:
    """End the only worker. When that was."""
    os.kill(server.workers()[0], signal.SIGKILL)
    return time.monotonic()


def lost(server: Running) -> float:
    line = next(line for line in server.ask("/metrics")[1].decode().splitlines() if line.startswith("mlforge_lost_requests_total"))
    return float(line.rpartition(" ")[2])


def test_who_waits_is_answered_503_and_who_does_not_is_closed(slow: Running) -> None:
    before = lost(slow)
    with ExitStack() as stack:
        used = [stack.enter_context(connected(slow, HEALTH)) for _ in range(8)]
        for one in used:
            answered(one)
        idle, waiting = used[:4], used[4:]
        quick_before = stack.enter_context(connected(slow, HEALTH))
        half = stack.enter_context(connected(slow, ASKED[:-10]))
        head = stack.enter_context(connected(slow, ASKED[:30]))
        silent = stack.enter_context(connected(slow))
        until(lambda: under_way(slow, 1), 10)
        time.sleep(0.6)  # after which a connection counts as idle, whatever came when
        for one in waiting:
            one.sendall(ASKED)
        answered(quick_before)
        quick_before.sendall(ASKED)  # in the same instant as the answer before
        waiting.append(quick_before)
        os.kill(slow.workers()[0], signal.SIGSTOP)
        waiting = [one for one in waiting if not came(one)]
        assert len(waiting) > 1, "the model is not slow enough for this test"
        idle[0].sendall(ASKED)  # and nobody reads it
        waiting.append(idle.pop(0))
        later = stack.enter_context(connected(slow, ASKED))  # not accepted by the worker, and so not its own
        killed = kill(slow)
        for one in (*waiting, half, head):
            told, _, body = said(one).partition(b"\r\n\r\n")
            assert told.startswith(b"HTTP/1.1 503 ")
            assert b"retry-after: 1" in told
            assert b"connection: close" in told
            assert "has ended" in json.loads(body)["error"]
        assert time.monotonic() - killed < patience(2.0)
        assert [said(one) for one in idle] == [b""] * 3
        silent.sendall(HEALTH)
        assert said(silent).startswith(b"HTTP/1.1 503 "), "who had not asked yet when the worker died"
        answered(later)
    until(lambda: _status(slow) == 200, patience(5.0))
    assert lost(slow) == before + len(waiting) + 3


def _status(server: Running) -> int:
    try:
        return server.ask("/health/ready", timeout=5)[0]
    except OSError:
        return 0


def test_who_is_still_sending_can_read_the_answer(slow: Running) -> None:
    until(lambda: _status(slow) == 200)
    with connected(slow, HEAD % 4_000_000, b" " * 1_000_000) as one:
        until(lambda: under_way(slow, 1), 10)
        kill(slow)
        told = one.recv(1 << 16)
        one.sendall(b" " * 1_000_000)
        one.sendall(b" " * 1_000_000)
        assert told.startswith(b"HTTP/1.1 503 ")
    until(lambda: _status(slow) == 200, patience(5.0))


def test_an_answer_that_was_being_sent_is_cut_off_and_nothing_else_is_said(tmp_path: Path) -> None:
    rows = json.dumps({"rows": [ROW] * 10_000}).encode()
    with serving(make_bundle(tmp_path / "people"), "--workers", "1", "serve.limits.body=64MiB") as server, socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        one.settimeout(20)
        one.connect(("127.0.0.1", server.port))
        for _ in range(4):  # more than the kernel takes
            one.sendall(HEAD % len(rows) + rows)
        begun = one.recv(4096)
        assert begun.startswith(b"HTTP/1.1 200")
        until(lambda: not under_way(server, 1), 30)
        kill(server)
        rest = b""
        try:
            while part := one.recv(1 << 16):
                rest += part
        except ConnectionResetError:
            pass
        assert b"503" not in begun.partition(b"\r\n")[0]
        assert b"has ended" not in rest


def test_a_worker_and_its_heir_leave_nothing_behind(slow: Running) -> None:
    until(lambda: _status(slow) == 200)
    heir = slow.sidecar(NAME)
    assert heir is not None
    kill(slow)
    until(lambda: not Path(f"/proc/{heir}").exists(), 10)
    until(lambda: _status(slow) == 200, patience(5.0))
    assert slow.sidecar(NAME) not in (None, heir)


def test_who_is_not_answered_before_the_server_stops_is_answered_503(tmp_path: Path) -> None:
    with serving(make_bundle(tmp_path / "people"), "--workers", "1", "serve.drain=0.1s") as server, connected(server, ASKED[:-10]) as one:
        until(lambda: under_way(server, 1), 10)
        assert server.stop() == 0
        assert said(one).startswith(b"HTTP/1.1 503 ")


def test_a_signal_to_the_whole_group_ends_workers_in_order_and_heirs_with_them(tmp_path: Path) -> None:
    with serving(make_bundle(tmp_path / "people"), "--workers", "2") as server:
        children = [int(child) for child in Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()]
        assert len(children) == 4
        for child in children:
            os.kill(child, signal.SIGINT)
        server.process.send_signal(signal.SIGINT)
        assert server.process.wait(20) == 0
        assert not [child for child in children if Path(f"/proc/{child}").exists()]
        assert "ended with" not in server.log.read_text()


def test_heirs_end_when_the_supervisor_is_killed(tmp_path: Path) -> None:
    with serving(make_bundle(tmp_path / "people"), "--workers", "2") as server:
        children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()
        server.process.kill()
        server.process.wait(10)
        until(lambda: not [child for child in children if _runs(child)], 15)


def _runs(child: str) -> bool:
    try:
        return Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_where_the_system_has_no_such_thing_there_is_no_heir(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlforge.serving.heir.platform.machine", lambda: "an unknown one")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        assert appointed(listener.fileno(), InFlight(1), Ledger(1).cell("lost")) == 0


@contextmanager
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """A client and its connection, as a server has it."""
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname()) as client:
        accepted, _ = listener.accept()
        with accepted:
            yield client, accepted


def test_a_connection_that_nobody_has_used_waits_for_nothing() -> None:
    with pair() as (_, accepted):
        seen = Connection.of(accepted)
        assert seen.new
        assert not seen.waits(begun=False, large=False)
        assert seen.client == f"127.0.0.1:{accepted.getpeername()[1]}"


def test_a_request_that_was_not_read_or_never_answered_waits() -> None:
    with pair() as (client, accepted):
        client.sendall(b"hello")
        until(lambda: Connection.of(accepted).unread == 5)
        assert Connection.of(accepted).waits(begun=False, large=False)
        accepted.recv(5)
        assert Connection.of(accepted).waits(begun=False, large=False)


def test_a_request_that_was_answered_waits_no_more_and_the_next_one_does() -> None:
    with pair() as (client, accepted):
        client.sendall(b"one")
        accepted.recv(3)
        time.sleep(0.03)  # more than a tick of the kernel
        accepted.sendall(b"answer")
        client.recv(6)
        until(lambda: Connection.of(accepted).unsent == 0)
        assert not Connection.of(accepted).waits(begun=False, large=False)
        time.sleep(0.03)
        client.sendall(b"two")
        accepted.recv(3)
        assert Connection.of(accepted).waits(begun=False, large=False)


def test_an_answer_that_the_client_has_not_taken_is_not_followed_by_another() -> None:
    with pair() as (client, accepted):
        client.sendall(b"one")
        accepted.recv(3)
        accepted.setblocking(False)
        accepted.send(b" " * 50_000_000)
        assert Connection.of(accepted).unsent > 0
        assert not Connection.of(accepted).waits(begun=True, large=False)


def seen(since_came: int, since_went: int) -> Connection:
    return Connection("127.0.0.1:1", 3, 3, 0, 0, since_came, since_went)


def test_what_came_and_went_in_one_instant_waits_if_that_was_just_now_or_its_request_had_begun() -> None:
    assert seen(8, 8).waits(begun=False, large=False)
    assert not seen(8, 8).waits(begun=False, large=True), "the rest of a large answer may be missing"
    assert not seen(2000, 2000).waits(begun=False, large=False)
    assert seen(2000, 2000).waits(begun=True, large=True)
    assert seen(2000, 2004).waits(begun=False, large=True)
    assert seen(2000, 2000).waits(begun=False, large=False, silence=1.8), "its worker had no time for it"
    assert not seen(2004, 2000).waits(begun=False, large=False)


def test_begun_requests_are_noted_until_they_are_answered() -> None:
    in_flight = InFlight(2)
    places = [in_flight.enter(client) for client in ("a:1", "b:2", "c:3")]
    assert places[2] == 0, "there is room for two"
    assert in_flight.waiting() == {hash("a:1"), hash("b:2")}
    for place in places:
        in_flight.leave(place)
    assert in_flight.waiting() == frozenset()
    assert [in_flight.enter("d:4"), in_flight.enter("e:5"), in_flight.enter("f:6")].count(0) == 1
    in_flight.answering("a:1", 100)
    in_flight.answering("b:2", 100_000)
    assert in_flight.large() == {hash("b:2")}
