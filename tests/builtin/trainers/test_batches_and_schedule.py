from __future__ import annotations

import numpy as np
import pytest
from tests.builtin.trainers.fittings import CLASSES, tensors

from mlforge.builtin.trainers.batches import Batches
from mlforge.builtin.trainers.order import shuffled
from mlforge.builtin.trainers.schedule import factor


def test_an_epoch_has_every_row_once_and_the_last_batch_is_what_is_left():
    part = tensors(100, 1, CLASSES)
    batches = list(Batches(part, 32, seed=7))
    assert [len(target) for _, target, *_ in batches] == [32, 32, 32, 4]
    seen = np.concatenate([blocks[0].numpy() for blocks, *_ in batches])
    assert np.array_equal(np.sort(seen[:, 0]), np.sort(part.blocks[0][:, 0]))


def test_blocks_target_and_weight_stay_together():
    part = tensors(50, 1, CLASSES)
    order = shuffled(50, 7, 2)
    loader = Batches(part, 50, seed=7, weight=np.arange(50, dtype=np.float32))
    loader.epoch = 2
    ((blocks, target, weight, *_),) = loader
    assert np.array_equal(blocks[1].numpy(), part.blocks[1][order])
    assert np.array_equal(target.numpy(), part.target[order])
    assert np.array_equal(weight.numpy(), order.astype(np.float32))


def test_the_order_depends_on_seed_and_epoch_alone():
    assert np.array_equal(shuffled(100, 1, 2), shuffled(100, 1, 2))
    assert not np.array_equal(shuffled(100, 1, 2), shuffled(100, 1, 3))
    assert not np.array_equal(shuffled(100, 1, 2), shuffled(100, 2, 2))


def test_without_a_seed_rows_come_as_they_are():
    part = tensors(10, 1, CLASSES)
    assert np.array_equal(np.concatenate([target.numpy() for _, target, *_ in Batches(part, 4)]), part.target)


@pytest.mark.parametrize(("schedule", "first", "highest", "last"), [("constant", 1, 1, 1), ("cosine", 1, 1, 0), ("one_cycle", 1 / 25, 1, 0)])
def test_schedules_start_rise_and_end_where_they_should(schedule, first, highest, last):
    factors = [factor(schedule, step, 1000) for step in range(1000)]
    assert factors[0] == pytest.approx(first)
    assert max(factors) == pytest.approx(highest, abs=1e-4)
    assert factors[-1] == pytest.approx(last, abs=1e-4)


def test_one_cycle_is_highest_after_three_tenths():
    factors = [factor("one_cycle", step, 1000) for step in range(1000)]
    assert factors.index(max(factors)) in (299, 300)


@pytest.mark.parametrize("schedule", ["constant", "cosine", "one_cycle"])
def test_a_warm_up_rises_in_even_steps_and_then_the_schedule_begins(schedule):
    factors = [factor(schedule, step, 1000, 0.1) for step in range(1000)]
    rising = np.diff(factors[:100])
    assert rising == pytest.approx(np.full(99, rising[0]))
    assert factors[0] > 0
    assert factors[100:] == [factor(schedule, step, 900) for step in range(900)]
    assert factors[99] < factors[100]
