"""What a sweep must do.

class TestHalton(SweepContract):
    component = Halton(space=SPACE, trials=8)
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from mlforge.components import Component, Sweep
from mlforge.components.space import Dimension
from mlforge.components.sweep import Proposer, Seen
from mlforge.testing.component import ComponentContract

__all__ = ["SPACE", "SweepContract"]

SPACE: Mapping[str, Dimension] = {
    "lr": Dimension(key="trainer.lr", loguniform=(1e-4, 1e-1)),
    "width": Dimension(key="model.width", randint=(4, 64)),
    "model": Dimension(key="model", choice=("mlp", "linear")),
}
"""A number, an integer and a choice; a grid takes `LISTED`."""

LISTED: Mapping[str, Dimension] = {
    "width": Dimension(key="model.width", choice=(4, 8, 16)),
    "model": Dimension(key="model", choice=("mlp", "linear")),
}
"""Choices only."""


class SweepContract(ComponentContract[Sweep]):
    """Clauses for a search over overrides."""

    kind: ClassVar[type[Component]] = Sweep
    count: ClassVar[int] = 6
    """How many trials each test asks for."""

    def exercise(self, component: Sweep, folder: Path) -> None:
        """Propose, and learn."""
        _taught(component.proposer(3), self.count)

    def disturb(self, component: Sweep, folder: Path) -> None:
        """Give up after one proposal."""
        component.proposer(3).propose(0)
        raise KeyError("the caller gives up")

    def test_it_proposes_values_of_its_space(self, subject: Sweep) -> None:
        """Else a trial's overrides are refused, after the sweep has begun."""
        for values in _taught(subject.proposer(3), self.count):
            assert set(values) == set(subject.space), f"values for {', '.join(sorted(values))}; the space has {', '.join(subject.space)}"
            for name, value in values.items():
                assert _allowed(subject.space[name], value), f"{name}: {value!r} is outside {subject.space[name].law}"

    def test_the_same_seed_proposes_the_same(self, subject: Sweep) -> None:
        """Else a sweep cannot be repeated."""
        assert _taught(subject.proposer(3), self.count) == _taught(subject.proposer(3), self.count)

    def test_a_sweep_that_was_killed_goes_on_alike(self, subject: Sweep) -> None:
        """Else what is chosen depends on when a machine failed."""
        whole = _taught(subject.proposer(3), self.count)
        again = subject.proposer(3)
        half = self.count // 2
        for number, values in enumerate(whole[:half]):
            again.learn(Seen(number, values, (_score(values),)))
        rest = []
        for number in range(half, len(whole)):
            proposed = again.propose(number)
            assert proposed is not None, f"nothing is proposed for the trial {number}, and the whole sweep had it"
            again.learn(Seen(number, proposed, (_score(proposed),)))
            rest.append(dict(proposed))
        assert rest == whole[half:]

    def test_a_trial_that_failed_is_learned_of(self, subject: Sweep) -> None:
        """Else the first failure ends the sweep in a traceback."""
        proposer = subject.proposer(3)
        values = proposer.propose(0)
        assert values is not None, "nothing is proposed at all"
        proposer.learn(Seen(0, values, ()))
        proposer.propose(1)

    def test_it_tries_more_than_one_thing(self, subject: Sweep) -> None:
        """Else it is a run, and no search."""
        tried = _taught(subject.proposer(3), self.count)
        assert len({repr(sorted(values.items())) for values in tried}) > 1, "each trial has the same values"

    def test_its_judge_keeps_a_trial_that_is_alone(self, subject: Sweep) -> None:
        """Else the first trial is given up before there is anything to compare it with."""
        judge = subject.judge()
        if judge is not None:
            assert not judge.stops(0, 1, 0.5)

    def test_its_judge_says_the_same_each_time(self, subject: Sweep) -> None:
        """Else a sweep that is repeated gives up other trials."""
        told = []
        for _ in range(2):
            judge = subject.judge()
            told.append([] if judge is None else [judge.stops(number, epoch, number / epoch) for epoch in range(1, 5) for number in range(6)])
        assert told[0] == told[1]


def _taught(proposer: Proposer, count: int) -> list[dict[str, Any]]:
    """The first proposals, each learned of before the next."""
    tried: list[dict[str, Any]] = []
    for number in range(count):
        values = proposer.propose(number)
        if values is None:
            break
        proposer.learn(Seen(number, values, (_score(values),)))
        tried.append(dict(values))
    assert tried, "nothing is proposed at all"
    return tried


def _score(values: Mapping[str, Any]) -> float:
    """Made up, and the same for the same values."""
    return float(sum(len(repr(value)) for value in values.values()))


def _allowed(dimension: Dimension, value: Any) -> bool:
    if dimension.choice is not None:
        return value in dimension.choice
    low, high, *_ = next(ends for law in ("uniform", "loguniform", "quniform", "randint", "lograndint") if (ends := getattr(dimension, law)) is not None)
    return bool(low <= value <= high)
