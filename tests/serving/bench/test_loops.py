"""What load sees of a server that does as a test tells it."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from mlforge.errors import RunFailed
from mlforge.serving.bench.job import Job, Measured, Round
from mlforge.serving.bench.load import loaded

PAUSE = 0.3
Answer = Callable[[float], bytes | None]  # from the time since the first request to what is sent; None hangs up
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"


@contextmanager
def answering(answer: Answer) -> Iterator[int]:
    """A server of one thread, so that all its clients wait while it pauses."""
    import selectors

    listener = socket.create_server(("127.0.0.1", 0))
    over, selector, first = threading.Event(), selectors.DefaultSelector(), [0.0]
    selector.register(listener, selectors.EVENT_READ)

    def serve() -> None:
        while not over.is_set():
            for key, _ in selector.select(0.05):
                if key.fileobj is listener:
                    selector.register(listener.accept()[0], selectors.EVENT_READ)
                    continue
                client = key.fileobj
                assert isinstance(client, socket.socket)
                told = client.recv(65536)
                first[0] = first[0] or time.perf_counter()
                said = answer(time.perf_counter() - first[0]) if told else None
                if said is None:
                    selector.unregister(client)
                    client.close()
                else:
                    client.sendall(said)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        over.set()
        thread.join(5)
        for key in list(selector.get_map().values()):
            key.fileobj.close()  # type: ignore[union-attr]


def load(port: int, loop: str = "closed", connections: int = 2, seconds: float = 1.0, rate: float | None = None) -> Measured:
    made = Round.model_validate({"loop": loop, "rows": 1, "connections": connections, "seconds": seconds, "rate": rate})
    return loaded(Job(host="127.0.0.1", port=port, path="/", bodies=("{}",), round=made))


def paused() -> Answer:
    """Answers at once, but pauses when it is asked after half a second for the first time."""
    pauses = iter([PAUSE])

    def answer(since: float) -> bytes:
        if since > 0.6:
            time.sleep(next(pauses, 0.0))
        return OK

    return answer


def test_a_pause_that_the_closed_loop_hides_is_seen_by_the_open_loop() -> None:
    with answering(paused()) as port:
        closed = load(port, connections=4)
    with answering(paused()) as port:
        opened = load(port, "open", connections=4, rate=300)
    assert closed.longest >= PAUSE
    assert closed.p90 < PAUSE / 3
    assert opened.longest >= PAUSE
    assert opened.p90 > PAUSE / 3  # a pause of 0.3 of a second's arrivals: the tenth that waited longest waited at least 0.2 s
    assert not closed.errors
    assert not opened.errors


def test_an_open_loop_asks_as_often_as_it_is_told_and_counts_what_it_could_not_ask() -> None:
    with answering(lambda since: OK) as port:
        easy = load(port, "open", connections=4, rate=400)
    assert 300 < easy.answered < 500  # Poisson: five standard deviations

    def slow(since: float) -> bytes:
        time.sleep(0.02)
        return OK

    with answering(slow) as port:
        hard = load(port, "open", connections=1, rate=100, seconds=0.6)
    assert hard.answered + hard.failed > 35
    assert hard.longest > 0.25  # the last ones waited for all that were before them
    assert hard.throughput < 55


def test_answers_that_are_no_200_are_counted_by_status_and_not_timed() -> None:
    turns = iter(range(10**9))
    refused = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"

    def answer(since: float) -> bytes | None:
        turn = next(turns)
        return None if turn % 100 == 99 else refused if turn % 10 == 9 else chunked

    with answering(answer) as port:
        measured = load(port, seconds=0.5)
    assert set(measured.errors) == {"503", "broken"}
    assert measured.answered > 5 * measured.errors["503"] > 20 * measured.errors["broken"] > 0


def test_nobody_who_listens_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(RunFailed, match="closed, 2 connections, 1 row"):
        load(port, seconds=0.2)
