"""When a version is given a rest, and when it is asked again."""

from __future__ import annotations

import pytest

from mlforge.service import rollout
from mlforge.serving.rollout.breaker import Breaker, State


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker(rollout.Breaker(failures=0.5, window=4, rest_s=5), clock)


def opened(breaker: Breaker) -> Breaker:
    for failed in (False, True, False, True):
        breaker.note(failed)
    return breaker


def test_it_opens_when_the_declared_share_of_the_latest_answers_failed(breaker: Breaker) -> None:
    for failed in (True, False, False, False, True, False, False, False):
        breaker.note(failed)
        assert breaker.allows()
    breaker.note(True)
    assert breaker.state is State.CLOSED, "one of the latest four"
    breaker.note(True)
    assert breaker.state is State.OPEN
    assert not breaker.allows()


def test_few_answers_do_not_open_it(breaker: Breaker) -> None:
    for _ in range(3):
        breaker.note(True)
    assert breaker.allows()


def test_after_its_rest_one_request_is_let_through_and_decides(breaker: Breaker, clock: Clock) -> None:
    opened(breaker)
    clock.now = 4.9
    assert not breaker.allows()
    clock.now = 5.0
    assert [breaker.allows() for _ in range(3)] == [True, False, False]
    breaker.note(True)
    assert (breaker.state, breaker.allows()) == (State.OPEN, False)
    clock.now = 10.0
    assert breaker.allows()
    breaker.note(False)
    assert breaker.state is State.CLOSED
    breaker.note(True)
    assert breaker.allows(), "what was before its rest counts no more"


def test_an_answer_from_before_its_rest_does_not_close_it(breaker: Breaker) -> None:
    opened(breaker).note(False)
    assert not breaker.allows()


def test_when_nothing_comes_of_the_one_that_was_let_through_another_is(breaker: Breaker, clock: Clock) -> None:
    opened(breaker)
    clock.now = 5.0
    assert breaker.allows()
    clock.now = 10.0
    assert breaker.allows()
