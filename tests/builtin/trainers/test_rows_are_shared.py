"""Steps worked off in portions and by ranks: every row exactly once, and the same mean loss."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from tests.builtin.trainers.fittings import CLASSES, VALUE, tensors

from mlforge.builtin.trainers.batches import Batches
from mlforge.builtin.trainers.losses import mean, row_losses
from mlforge.components import Place


def numbered(rows: int):
    """Rows that can be told apart."""
    part = tensors(rows, 1, VALUE)
    return dataclasses.replace(part, target=np.arange(rows, dtype=np.float32).reshape(-1, 1))


def loaders(rows: int, size: int, world: int, portions: int, **more):
    return [Batches(numbered(rows), size, seed=7, place=Place(rank, world), portions=portions, **more) for rank in range(world)]


@pytest.mark.parametrize("rows", [101, 97, 65, 64, 33])
@pytest.mark.parametrize(("world", "portions"), [(2, 1), (3, 1), (1, 2), (2, 4), (3, 5)])
def test_ranks_and_portions_share_every_row_exactly_once(rows, world, portions):
    ranks = [list(loader) for loader in loaders(rows, 32, world, portions)]
    assert len({len(batches) for batches in ranks}) == 1, "a rank waits for another that has fewer batches"
    assert len(ranks[0]) == -(-rows // 32) * portions
    seen = np.concatenate([batch.target[: batch.real, 0].numpy() for batches in ranks for batch in batches])
    assert sorted(seen) == list(range(rows))
    assert all(len(batch.target) >= 2 for batches in ranks for batch in batches)


@pytest.mark.parametrize(("world", "portions"), [(2, 1), (1, 3), (2, 2)])
@pytest.mark.parametrize("weighted", [False, True])
def test_a_step_has_the_same_rows_and_mean_loss_however_it_is_shared(world, portions, weighted):
    part = tensors(75, 1, CLASSES)
    weight = np.random.default_rng(0).random(75).astype(np.float32) if weighted else None
    scores = torch.from_numpy(np.random.default_rng(1).normal(size=(75, 2)).astype(np.float32))

    def loss(batch) -> torch.Tensor:
        of = {tuple(row): i for i, row in enumerate(part.blocks[0].tolist())}
        rows = [of[tuple(row)] for row in batch.blocks[0].tolist()]
        return mean(row_losses(scores[rows], batch.target), batch)

    whole = [loss(batch) for batch in Batches(part, 32, seed=7, weight=weight)]
    shared = [[loss(batch) for batch in Batches(part, 32, seed=7, weight=weight, place=Place(rank, world), portions=portions)] for rank in range(world)]
    for step, wanted in enumerate(whole):
        mine = torch.stack([losses[step * portions + k] for losses in shared for k in range(portions)])
        assert mine.mean().item() == pytest.approx(wanted.item(), rel=1e-5)


def test_an_epoch_that_is_continued_begins_at_its_step():
    whole, rest = (Batches(numbered(200), 16, seed=7, portions=2) for _ in range(2))
    rest.start = 5
    assert len(rest) == len(whole) - 10
    for one, other in zip(list(whole)[10:], rest, strict=True):
        assert torch.equal(one.target, other.target)


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_workers_bring_the_same_batches_in_the_same_order(workers):
    (alone,), (helped,) = loaders(500, 16, 1, 2), loaders(500, 16, 1, 2, workers=workers)
    for one, other in zip(alone, helped, strict=True):
        assert torch.equal(one.target, other.target)
        assert all(torch.equal(a, b) for a, b in zip(one.blocks, other.blocks, strict=True))


def test_workers_end_when_an_epoch_is_left_early():
    import threading

    (loader,) = loaders(500, 16, 1, 1, workers=3)
    batches = iter(loader)
    next(batches)
    assert any("mlforge-loader" in thread.name for thread in threading.enumerate())
    batches.close()
    assert not any("mlforge-loader" in thread.name for thread in threading.enumerate())


def test_a_last_step_of_one_row_has_a_row_beside_it_that_does_not_count():
    last = list(loaders(33, 32, 1, 1)[0])[-1]
    assert (len(last.target), last.real) == (2, 1)
    assert mean(torch.tensor([3.0, 100.0]), last).item() == 3.0
