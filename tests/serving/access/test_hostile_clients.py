"""Whatever a client sends: it is refused within the limits, and a good client beside it is answered all the while."""

from __future__ import annotations

import contextlib
import gzip
import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.serving.access.hostile import Good, head, raw
from tests.serving.bundles import ROW, make_bundle
from tests.serving.running import Running, serving, until

GOOD = json.dumps({"rows": [ROW | {"the plan": None}]}).encode()
LIMIT = 8 * 1024**2  # of a body, by default
SLOW = 2.0  # seconds that this server waits for heads and bodies


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One worker, so that whoever harms it harms everybody; impatient, so that the tests are quick."""
    root = tmp_path_factory.mktemp("served")
    make_bundle(root / "people")
    with serving(root / "people", "--workers", "1", f"serve.limits.header_seconds={SLOW}", f"serve.limits.body_seconds={SLOW}", cwd=root) as running:
        yield running


@pytest.fixture
def good(server: Running) -> Iterator[Good]:
    """Asks while the test runs; afterwards, nothing must have gone wrong for it, and the worker must be the same."""
    before = server.workers()
    with Good(server.port, GOOD) as client:
        yield client
        client.until(lambda: len(client.seconds) > 20, 30)
    assert client.wrong == []
    assert client.worst < 1.0
    assert server.workers() == before


def memory(server: Running) -> int:
    """Bytes of the worker."""
    (pid,) = server.workers()
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) * 1024


def test_connections_that_never_finish_their_head_are_closed_and_hold_nobody_up(server: Running, good: Good) -> None:
    crowd = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(1500)]
    for number, one in enumerate(crowd):
        one.sendall(b"POST /predict HTTP/1.1\r\nHost: t\r\n" if number % 2 else b"")
    assert server.ask("/predict", GOOD)[0] == 200  # a new connection gets in, too
    for one in crowd:
        one.settimeout(SLOW + 10)
        assert one.recv(1000).split(b"\r\n")[0] in (b"", b"HTTP/1.1 408 Request Timeout")
        one.close()


def test_a_head_that_comes_letter_by_letter_is_cut_off(server: Running, good: Good) -> None:
    with socket.create_connection(("127.0.0.1", server.port)) as slow:
        slow.settimeout(0.1)
        begun, closed = time.monotonic(), False
        slow.sendall(b"GET /health/live HTTP/1.1\r\nX: ")
        while not closed and time.monotonic() - begun < SLOW + 10:
            try:
                slow.sendall(b"a")
                closed = slow.recv(1000) == b""
            except TimeoutError:
                continue
            except OSError:
                closed = True
        assert closed


def test_a_body_that_does_not_come_is_told_so(server: Running, good: Good) -> None:
    for lines in (("Content-Length: 1000",), ("Transfer-Encoding: chunked",)):
        status, said = raw(server.port, head("/predict", *lines) + b"5\r\n{", wait=SLOW + 20)
        assert status == 408
        assert b"did not arrive within 2 s" in said


def test_a_body_of_a_gigabyte_is_not_read_when_it_says_so(server: Running, good: Good) -> None:
    before = memory(server)

    def sent() -> Iterator[bytes]:
        yield head("/predict", "Content-Length: 1000000000")
        for _ in range(1000):
            yield b"x" * 1_000_000

    status, said = raw(server.port, sent())
    assert status in (0, 413)  # whoever goes on writing after the answer may not see it
    status, said = raw(server.port, head("/predict", "Content-Length: 1000000000"))
    assert status == 413
    assert b"1,000,000,000 bytes; at most 8,388,608" in said
    assert memory(server) - before < 50e6


def test_a_body_without_a_length_is_read_to_the_limit_and_no_further(server: Running, good: Good) -> None:
    before = memory(server)
    sent = 0

    def chunks() -> Iterator[bytes]:
        nonlocal sent
        yield head("/predict", "Transfer-Encoding: chunked")
        for _ in range(10_000):
            sent += 100_000
            yield b"186a0\r\n" + b"x" * 100_000 + b"\r\n"

    status, _ = raw(server.port, chunks(), wait=60)
    assert status in (0, 413)
    assert sent < 4 * LIMIT  # the rest was in buffers of the system
    assert memory(server) - before < 100e6


def test_half_a_million_chunks_of_six_bytes_are_refused_after_a_few(server: Running, good: Good) -> None:
    begun = time.monotonic()
    status, said = raw(server.port, head("/predict", "Transfer-Encoding: chunked") + b"6\r\nabcdef\r\n" * 500_000 + b"0\r\n\r\n", wait=60)
    assert status in (0, 413)
    status, said = raw(server.port, head("/predict", "Transfer-Encoding: chunked") + b"6\r\nabcdef\r\n" * 100, wait=60)
    assert status == 413
    assert b"chunks of 6 bytes" in said
    assert time.monotonic() - begun < 20


def test_an_honest_body_in_chunks_is_answered(server: Running) -> None:
    whole = json.dumps({"rows": [ROW | {"the plan": "x" * 50}] * 2000}).encode()
    parts = [whole[start : start + 16_000] for start in range(0, len(whole), 16_000)]
    status, said = raw(server.port, [head("/predict", "Transfer-Encoding: chunked"), *(b"%x\r\n%b\r\n" % (len(part), part) for part in parts), b"0\r\n\r\n"])
    assert status == 200
    assert said.count(b'"prediction"') == 2000


def test_a_body_that_is_cut_short_is_not_taken_for_a_whole_one(server: Running, good: Good) -> None:
    table = b"age,income,member,city,the plan,since\r\n" + b"41,0.5,true,Bern,,2024-02-03\r\n" * 2
    kind = "Content-Type: text/csv"
    for lines, body in (
        (("Transfer-Encoding: chunked",), b"%x\r\n%b\r\n" % (len(table), table)),
        (("Transfer-Encoding: chunked",), b"%x\r\n%b\r\nzz\r\n" % (len(table), table)),
        ((f"Content-Length: {len(table) + 50}",), table),
    ):
        status, said = raw(server.port, head("/predict", *lines).replace(b"Content-Type: application/json", kind.encode()) + body, close=True)
        assert status in (0, 400), said
        assert b"prediction" not in said


def test_compressed_bodies_are_not_unpacked(server: Running, good: Good) -> None:
    before = memory(server)
    bomb = gzip.compress(b"0" * 200_000_000)
    assert len(bomb) < 250_000
    for encoding in ("gzip", "br", "deflate, gzip"):
        status, said = raw(server.port, head("/predict", f"Content-Encoding: {encoding}", f"Content-Length: {len(bomb)}") + bomb)
        assert status == 415
        assert b"not compressed" in said
    assert memory(server) - before < 50e6


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 200_000,
        b"[" * 200_000 + b"]" * 200_000,
        b'{"rows": ' + b"[" * 200_000 + b"]" * 200_000 + b"}",
        b'{"rows": [{"age": ' + b'{"a":' * 200_000 + b"1" + b"}" * 200_000 + b"}]}",
        b'{"rows": [{"age": 41, "more": ' + b"[" * 100 + b"]" * 100 + b"}]}",
        b'{"rows": [{"age": NaN}]}',
        b'{"rows": [{"age": Infinity}]}',
        b'{"rows": [{"age": -1e999}]}',
        b'{"rows": [{"age": 41, "income": 1e999}]}',
        b'{"rows": [{"age": ' + b"9" * 100_000 + b"}]}",
        b'{"rows": [{"age": 41, "age": 42, "city": "Bern", "member": true, "income": 1, "the plan": null, "since": "2024-01-01"}]}',
        b'{"rows": [], "rows": [{"age": 41}]}',
        b'{"rows": [{"age": 41, "city": "\xff\xfe"}]}',
        b'{"rows": [{"age": 41, "city": "\\ud800"}]}',
        b'{"rows": [{"age": 41',
        b"\x00" * 1000,
        b"\xef\xbb\xbf{}",
        b"",
        b'"' + b"\\" * 100_001,
        b'{"rows": [' + b"{}," * 300_000 + b"{}]}",
        b'{"rows": [' + b",".join([GOOD[10:-2]] * 10_001) + b"]}",
        b'{"rows": [{"the plan": "' + b"x" * 100_001 + b'", "age": 41, "city": "Bern", "member": true, "income": 1, "since": "2024-01-01"}]}',
    ],
    ids=lambda body: repr(body[:24] + b"..." + body[-8:]) if len(body) > 40 else repr(body),
)
def test_what_is_no_json_of_rows_is_answered_400(server: Running, good: Good, body: bytes) -> None:
    begun = time.monotonic()
    status, said = raw(server.port, head("/predict", f"Content-Length: {len(body)}") + body)
    assert status in (400, 413), said[:500]
    assert said.partition(b"\r\n\r\n")[2].startswith(b'{"error":')
    assert len(said) < 100_000
    for leak in (b"Traceback", b'File "', b"/work/", b"site-packages", b"mlforge/"):
        assert leak not in said
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize(
    ("request_", "statuses"),
    [
        (b"GET / HTTP/1.1\r\nHost: t\r\nX: " + b"a" * 1_000_000 + b"\r\n\r\n", {431}),
        (b"GET / HTTP/1.1\r\nHost: t\r\n" + b"".join(b"X%d: a\r\n" % number for number in range(5000)) + b"\r\n", {431}),
        (b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\nHost: t\r\n\r\n", {414, 431}),
        (head("/predict", "Content-Length: 5", "Content-Length: 6") + b"abcdef", {400}),
        (head("/predict", "Content-Length: +5") + b"abcde", {400}),
        (head("/predict", "Content-Length: 0x5") + b"abcde", {400}),
        (head("/predict", "Content-Length : 5") + b"abcde", {400}),
        (head("/predict", "Content-Length: -1"), {400}),
        (head("/predict", "Content-Length: 99999999999999999999999"), {400}),
        (head("/predict", "Transfer-Encoding: xchunked") + b"0\r\n\r\n", {400}),
        (head("/predict", "Transfer-Encoding: chunked, identity") + b"0\r\n\r\n", {400}),
        (head("/predict", "Transfer-Encoding: chunked") + b"-1\r\nab\r\n0\r\n\r\n", {400}),
        (head("/predict", "Transfer-Encoding: chunked") + b"ffffffffffffffffff\r\nab\r\n0\r\n\r\n", {400}),
        (b"GET / HTTP/1.1\r\nHost: t\r\nX: a\r\n b\r\n\r\n", {400}),
        (b"GET / HTTP/1.1\r\nHost: t\rX: a\r\n\r\n", {400}),
        (b"GET / HTTP/1.1\r\nHost: t\r\nX: a\0b\r\n\r\n", {400}),
        (bytes(range(256)) * 8, {400}),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 200, {0, 400}),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {0, 400}),
    ],
    ids=lambda value: repr(value[:60]) if isinstance(value, bytes) else "",
)
def test_what_is_no_http_is_refused_at_once(server: Running, good: Good, request_: bytes, statuses: set[int]) -> None:
    status, said = raw(server.port, request_)
    assert status in statuses, said[:500]


@pytest.mark.parametrize("order", ["length first", "chunks first"])
def test_nothing_is_smuggled_behind_two_lengths(server: Running, good: Good, order: str) -> None:
    lines = ["Content-Length: 5", "Transfer-Encoding: chunked"]
    hidden = b"GET /health/live HTTP/1.1\r\nHost: t\r\n\r\n"
    _, said = raw(server.port, head("/predict", *(lines if order == "length first" else lines[::-1])) + b"0\r\n\r\n" + hidden, close=True)
    assert said.count(b"HTTP/1.1 ") == 1
    assert b"connection: close" in said.lower()


def test_a_body_that_was_not_read_is_no_request(server: Running, good: Good) -> None:
    hidden = b"GET /health/live HTTP/1.1\r\nHost: t\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(head("/nowhere", f"Content-Length: {len(hidden)}") + hidden)
        said = connection.recv(65536)
        connection.settimeout(0.5)
        with contextlib.suppress(OSError):
            said += connection.recv(65536)
    assert said.startswith(b"HTTP/1.1 404")
    assert said.count(b"HTTP/1.1 ") == 1


def test_after_all_of_that_nothing_is_left_over(server: Running) -> None:
    assert server.ask("/predict", GOOD)[0] == 200
    (pid,) = server.workers()
    until(lambda: len(list(Path(f"/proc/{pid}/fd").iterdir())) < 200, SLOW + 20)
    assert "Traceback" not in server.log.read_text()
