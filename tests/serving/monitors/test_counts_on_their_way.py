"""How much workers look at, and how counts come to the collector."""

from __future__ import annotations

import os
from contextlib import closing

import pytest

from mlforge.serving.datagrams import Inbox, Line, Outbox
from mlforge.serving.monitors.allowance import Allowance


def taken(allowance: Allowance, batches: int = 20_000) -> float:
    return sum(allowance.takes() for _ in range(batches)) / batches


def test_monitors_keep_within_their_share_of_the_time() -> None:
    allowance = Allowance(0.02)
    assert taken(allowance) == 1
    for _ in range(20):
        allowance.took(1000, 1000 * 10e-6)  # a row takes 10 µs
    allowance.came(2500, 0.25)  # 10,000 a second: a tenth of a second of every second, and a fiftieth is theirs
    assert taken(allowance) == pytest.approx(0.2, abs=0.02)
    allowance.came(200, 0.25)
    assert taken(allowance) == 1


def test_a_few_rows_are_looked_at_however_busy_a_machine_is_and_all_where_that_is_asked() -> None:
    busy = Allowance(0.02)
    busy.came(20, -0.1)
    assert taken(busy) == 1
    busy.came(10_000, 0.0)
    assert 0 < taken(busy) < 0.02
    everything = Allowance(1.0)
    everything.came(1_000_000, 0.01)
    assert taken(everything) == 1


def test_a_message_comes_whole_or_not_at_all() -> None:
    line = Line.open()
    with closing(line):
        outbox, inbox = Outbox(line), Inbox(line)
        long = os.urandom(120_000)
        outbox.send(b"one")
        outbox.send(long)
        assert list(inbox.messages()) == [b"one", long]
        outbox.send(long)
        line.inlet.recv(1 << 18)  # read by a collector that died with it
        assert list(Inbox(line).messages()) == []
        outbox.send(b"two")
        assert list(inbox.messages()) == [b"two"]
        assert list(inbox.messages()) == []


def test_what_a_reader_has_no_time_for_waits_in_its_order_and_holds_nobody_up() -> None:
    line = Line.open()
    with closing(line):
        outbox, inbox = Outbox(line), Inbox(line)
        sent: list[bytes] = []
        while outbox.flush():
            sent += [bytes([len(sent) % 256]) * 90_000]
            outbox.put(sent[-1])
        assert outbox.waiting
        seen: list[bytes] = []
        while not outbox.flush():
            seen += inbox.messages()
        assert [*seen, *inbox.messages()] == sent
        line.inlet.close()
        outbox.put(b"more")
        with pytest.raises(OSError, match=r"."):
            outbox.flush()
