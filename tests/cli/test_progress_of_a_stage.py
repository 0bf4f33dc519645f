"""How far a stage is, where nobody watches: a plain line now and then."""

from __future__ import annotations

import pytest

from mlforge.cli.progress import _amount


@pytest.mark.parametrize(
    ("done", "total", "note", "told"),
    [
        (400_000, 2_000_000, "rows", "400,000 of 2,000,000 rows"),
        (11.2222, 30, "epoch 12/30", "37 %  epoch 12/30"),
        (1_200_000, 1_200_000, "rows", "1,200,000 rows"),  # a source that does not know how many there are
        (0.0, 3, "epoch 1/3", "0 %  epoch 1/3"),
        (2, 8, "", "25 %"),
    ],
)
def test_an_amount_is_told_in_whole_things_or_as_a_share(done: float, total: float, note: str, told: str) -> None:
    assert _amount(done, total, note) == told
