"""Searches are functions of seed, number and what is over; rules of giving up see numbers only."""

from __future__ import annotations

import math
from statistics import fmean

import pytest

from mlforge.builtin.sweeps.breeding import Breeding
from mlforge.builtin.sweeps.judging import Brackets, Halving, Medians
from mlforge.builtin.sweeps.proposing import Draws, Grid, ParzenTrees
from mlforge.components import Dimension, Objective, Seen
from mlforge.lifecycle.sweep.importance import importance

SPACE = {
    "lr": Dimension(key="trainer.lr", loguniform=(1e-4, 1e-1)),
    "width": Dimension(key="model.hidden", choice=([8], [16, 16])),
    "depth": Dimension(key="model.blocks", randint=(1, 4)),
    "rows": Dimension(key="trainer.batch_size", lograndint=(1, 1000)),
    "share": Dimension(key="model.dropout", uniform=(0.0, 0.5)),
    "step": Dimension(key="trainer.clip", quniform=(0.5, 2.0, 0.5)),
}


def test_draws_lie_within_their_law_and_follow_it():
    draws = [Draws(SPACE, 0).propose(number) for number in range(2000)]
    lr = sorted(math.log10(one["lr"]) for one in draws)
    assert lr[0] >= -4 and lr[-1] <= -1 and abs(fmean(lr) + 2.5) < 0.06  # noqa: PT018
    assert {one["depth"] for one in draws} == {1, 2, 3, 4}
    assert {tuple(one["width"]) for one in draws} == {(8,), (16, 16)}
    assert {one["step"] for one in draws} == {0.5, 1.0, 1.5, 2.0}
    rows = [one["rows"] for one in draws]
    assert (min(rows), max(rows)) == (1, max(rows)) and 900 < max(rows) <= 1000  # noqa: PT018
    assert 0.28 < sum(one < 10 for one in rows) / len(rows) < 0.40, "each order of magnitude is as likely"


def test_a_draw_depends_on_seed_and_number_alone_and_another_entry_does_not_move_it():
    assert Draws(SPACE, 1).propose(7) == Draws(SPACE, 1).propose(7) != Draws(SPACE, 2).propose(7)
    fewer = {name: one for name, one in SPACE.items() if name != "width"}
    assert Draws(fewer, 1).propose(7)["lr"] == Draws(SPACE, 1).propose(7)["lr"]


def test_a_grid_has_every_combination_once():
    space = {name: SPACE[name] for name in ("width", "depth", "step")}
    grid = Grid(space)
    found = [grid.propose(number) for number in range(2 * 4 * 4)]
    assert len({str(one) for one in found}) == 32
    assert grid.propose(32) is None


def bowl(values):
    return (math.log10(values["lr"]) + 2) ** 2 + (values["depth"] - 3) ** 2 + (0 if values["width"] == [8] else 1)


def searched(search, trials=40):
    best = math.inf
    for number in range(trials):
        values = search.propose(number)
        score = bowl(values)
        best = min(best, score)
        search.learn(Seen(number, values, (score,)))
    return best


def test_a_search_that_learns_finds_more_than_draws():
    goals = (Objective(),)
    learned = fmean(searched(ParzenTrees(SPACE, goals, seed)) for seed in range(5))
    drawn = fmean(searched(Draws(SPACE, seed)) for seed in range(5))
    assert learned < drawn


def test_a_search_that_is_shown_what_is_over_goes_on_as_if_it_had_seen_it():
    goals = (Objective(),)
    one = ParzenTrees(SPACE, goals, 3)
    seen = []
    for number in range(20):
        values = one.propose(number)
        seen.append(Seen(number, values, (bowl(values),) if number % 5 else ()))
        one.learn(seen[-1])
    other = ParzenTrees(SPACE, goals, 3)
    for trial in seen:
        other.learn(trial)
    assert one.propose(20) == other.propose(20)


def test_halving_lets_one_in_three_go_on():
    rule = Halving(1, 3)
    went = [number for number in range(300) if not rule.stops(number, 1, (number * 7919) % 300)]
    assert 80 <= len(went) <= 130
    assert not any(rule.stops(number, 2, 999.0) for number in went), "between two rungs nothing is decided"
    assert sum(not rule.stops(number, 3, (number * 7919) % 300) for number in went) < len(went) / 2


def test_halving_says_the_same_of_a_trial_that_begins_again():
    one, other = Halving(1, 2), Halving(1, 2)
    for rule in (one, other):
        for number, score in enumerate((3.0, 2.0, 5.0)):
            rule.stops(number, 1, score)
    one.stops(3, 1, 4.0)
    assert one.stops(3, 1, 4.0) == other.stops(3, 1, 4.0)


def test_brackets_differ_in_patience():
    rule = Brackets((Halving(1, 3), Halving(3, 3)), seed=0)
    early = [rule.stops(number, 1, float(number)) for number in range(60)]
    late = [rule.stops(number, 3, float(number)) for number in range(60) if not early[number]]
    assert 10 < sum(early) < 45
    assert any(late)


def test_the_median_rule_spares_the_better_half():
    rule = Medians(grace=2, enough=3)
    for epoch in (1, 2):
        said = [rule.stops(number, epoch, float(number)) for number in range(8)]
    assert not any(said[:3])
    assert said[5:] == [True] * 3


def test_importance_tells_what_has_an_effect_from_what_has_none():
    draws = [Draws(SPACE, 5).propose(number) for number in range(200)]
    shares = {name: [float(one[name]) for one in draws] for name in ("depth", "share")}
    found = importance(shares, [(one["depth"] - 3) ** 2 + 0.1 * one["lr"] for one in draws])
    assert found["depth"] > 0.95
    assert found["share"] < 0.05
    assert importance({"x": [1.0, 2.0]}, [1.0, 1.0]) == {"x": 0.0}


@pytest.mark.parametrize("law", [{"uniform": (1.0, 1.0)}, {"loguniform": (0.0, 1.0)}, {"quniform": (0.0, 1.0, 2.0)}, {}, {"choice": ()}])
def test_a_law_that_makes_no_sense_is_refused(law):
    with pytest.raises(ValueError, match=r"below|logarithm|step|no law|at least 1"):
        Dimension(key="trainer.lr", **law)


def bred(seed):
    """Parents and values of a population of four over three generations, whose trial 5 fails."""
    space = {"lr": SPACE["lr"], "depth": SPACE["depth"], "step": SPACE["step"]}
    breeding = Breeding(space, seed, size=4, generations=3, resample=0.0)
    parents, values = [], []
    for number in range(12):
        assert breeding.ready(number) == (number % 4 == 0 or number // 4 * 4 <= len(values))
        parents.append(breeding.parent(number))
        values.append(breeding.propose(number))
        if number % 4 == 3:
            assert number == 11 or not breeding.ready(number + 1), "its generation is not over"
            for one in range(number - 3, number + 1):
                breeding.learn(Seen(one, values[one], () if one == 5 else (float(one % 4),), ((1, 0.0), (2, float(one % 4)))))
    assert breeding.propose(12) is None
    return parents, values


def test_the_worst_of_a_population_go_on_from_the_best_with_values_that_are_moved_a_little():
    parents, values = bred(3)
    assert parents == [None] * 4 + [0, 1, 2, 0] + [4, 4, 6, 7], "of four the last, or the one that has failed, goes on from the first"
    for number in range(4, 12):
        before, after = values[parents[number]], values[number]
        if parents[number] == number - 4:
            assert after == before
        else:
            assert after != before
            assert after["lr"] in (pytest.approx(before["lr"] * 1.2), pytest.approx(before["lr"] / 1.2), 1e-1, 1e-4)
            assert abs(after["depth"] - before["depth"]) <= 1
            assert abs(after["step"] - before["step"]) in (0.0, 0.5)
    assert bred(3) == (parents, values)
    assert bred(4) != (parents, values)


def test_a_generation_has_its_share_of_the_epochs_and_the_last_has_the_rest():
    ends = [Breeding(SPACE, 0, size=2, generations=3).end(number, 10) for number in range(6)]
    assert ends == [3, 3, 6, 6, 10, 10]
    assert [Breeding(SPACE, 0, size=2, generations=3, every=2).end(number, 10) for number in range(6)] == [2, 2, 4, 4, 10, 10]
