from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mlforge.builtin.trainers import order as module
from mlforge.builtin.trainers.order import Order, shuffled


def whole(order: Order, rows: int) -> np.ndarray:
    return order[slice(0, rows)].numpy()


@given(rows=st.integers(1, 3000), row_bytes=st.integers(1, 400_000), within=st.integers(1, 1 << 28), epoch=st.integers(0, 3))
def test_every_row_comes_once_whatever_the_window_and_any_piece_is_a_piece_of_the_whole(rows: int, row_bytes: int, within: int, epoch: int) -> None:
    order = Order(rows, 7, epoch, row_bytes=row_bytes, within=within)
    all_rows = whole(order, rows)
    assert sorted(all_rows) == list(range(rows))
    places = np.random.default_rng(rows).integers(0, rows, 50)
    assert np.array_equal(order[torch.from_numpy(places)].numpy(), all_rows[places])
    assert np.array_equal(order[slice(rows // 3, rows // 2)].numpy(), all_rows[rows // 3 : rows // 2])


def test_rows_that_fit_are_shuffled_at_once() -> None:
    assert np.array_equal(whole(Order(100, 3, 1, row_bytes=10, within=1000), 100), shuffled(100, 3, 1))
    assert np.array_equal(whole(Order(100, 3, 1), 100), shuffled(100, 3, 1))


def test_a_window_touches_no_more_bytes_than_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_BLOCK", 40)
    rows, row_bytes, within = 1000, 4, 400  # blocks of 10 rows, windows of 10 blocks
    order = whole(Order(rows, 1, 0, row_bytes=row_bytes, within=within), rows)
    for start in range(0, rows, 100):
        assert len({row // 10 for row in order[start : start + 100]}) <= 10
    near = np.abs(np.diff(order)) == 1
    assert near.mean() < 0.05  # neighbours do not stay neighbours
    assert np.abs(np.corrcoef(order, np.arange(rows))[0, 1]) < 0.2


def test_epochs_and_seeds_differ_and_the_same_is_the_same() -> None:
    made = {(seed, epoch): tuple(whole(Order(500, seed, epoch, row_bytes=1 << 14, within=1 << 21), 500)) for seed in (1, 2) for epoch in (0, 1)}
    assert len(set(made.values())) == 4
    assert tuple(whole(Order(500, 1, 1, row_bytes=1 << 14, within=1 << 21), 500)) == made[1, 1]


def test_no_rows_are_no_order() -> None:
    assert len(whole(Order(0, 1, 0, within=10), 0)) == 0


def test_rows_are_announced_once_and_before_they_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_BLOCK", 40)
    told: list[int] = []
    order = Order(1003, 1, 0, row_bytes=4, within=400, soon=lambda first, last: told.extend(range(first, last)))
    for start in range(0, 1003, 50):
        asked = order[slice(start, min(start + 50, 1003))].tolist()
        assert set(asked) <= set(told)
    assert sorted(told) == list(range(1003))
    small: list[int] = []
    whole(Order(100, 1, 0, row_bytes=4, within=400, soon=lambda first, last: small.append(first)), 100)
    assert small == []
