"""Sketches: how near they are, and that they stay small."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from mlforge.lifecycle.rows.sketches import SAMPLE, Distinct, Frequent, Quantiles, places

FRAME = 50_000


def frames(values: np.ndarray) -> list[pl.Series]:
    return [pl.Series(values[at : at + FRAME]) for at in range(0, len(values), FRAME)]


def counts(values: pl.Series) -> pl.DataFrame:
    return values.alias("value").value_counts()


def quantiles(values: np.ndarray) -> Quantiles:
    sketch = Quantiles()
    for number, frame in enumerate(frames(values)):
        taken = places(len(frame), number)
        sketch.add(frame if taken is None else frame.gather(taken), len(frame))
    return sketch


@pytest.mark.parametrize("order", ["random", "sorted", "periodic"])
def test_quantiles_are_within_half_a_per_cent_of_the_rows_whatever_their_order(order: str) -> None:
    rng = np.random.default_rng(1)
    values = np.exp(rng.normal(0, 3, 2_000_000)) if order != "periodic" else np.tile(np.arange(32.0), 62_500)
    values = np.sort(values) if order == "sorted" else values
    shares = [0.001, 0.01, 0.25, 0.5, 0.9, 0.99, 0.999]
    for share, found in zip(shares, quantiles(values).at(shares), strict=True):
        low, high = (values < found).mean(), (values <= found).mean()
        assert low - 0.005 <= share <= high + 0.005, (share, found)


def test_quantiles_of_few_values_are_exact() -> None:
    sketch = quantiles(np.array([3.0, 1.0, 2.0]))
    assert sketch.at([0.01, 0.5, 0.99]) == [1.0, 2.0, 3.0]
    assert Quantiles().at([0.5]) == []


def test_quantiles_do_not_grow_with_the_rows() -> None:
    sketch = quantiles(np.random.default_rng(1).random(5_000_000))
    assert sum(len(part) for part in sketch._values) <= 5 * SAMPLE


@pytest.mark.parametrize("many", [0, 1, 2000, 30_000, 1_000_000])
@pytest.mark.parametrize("kind", ["numbers", "texts"])
def test_distinct_values_are_counted_or_estimated(many: int, kind: str) -> None:
    numbers = np.random.default_rng(1).integers(0, max(many, 1), 2_000_000)[: 2_000_000 if many else 0]
    sketch = Distinct()
    for frame in frames(numbers):
        values = pl.DataFrame({"x": frame if kind == "numbers" else frame.cast(pl.String)})
        sketch.add(values.select(sketch.wanted(pl.col("x"))).to_series())
    truth = len(np.unique(numbers))
    assert sketch.count == truth if truth < 2048 else abs(sketch.count / truth - 1) < 0.08
    assert len(sketch._least) <= 2048


def test_frequent_values_are_exact_when_there_are_few() -> None:
    sketch = Frequent()
    for frame in (pl.Series(["a", "b", "a"]), pl.Series(["a", "c"])):
        sketch.add(counts(frame))
    assert (sketch.listed(), sketch.missed) == ([["a", 3], ["b", 1], ["c", 1]], 0)


def test_frequent_values_among_many_are_found_and_undercounted_by_no_more_than_told() -> None:
    rng = np.random.default_rng(1)
    values = np.where(rng.random(500_000) < 0.2, rng.integers(0, 5, 500_000), rng.integers(10, 200_000, 500_000))
    sketch = Frequent()
    for frame in frames(values):
        sketch.add(counts(frame))
    truth = dict(zip(*np.unique(values, return_counts=True), strict=True))
    top = sketch.listed()[:5]
    assert {value for value, _ in top} == {"0", "1", "2", "3", "4"}
    for value, count in top:
        assert truth[int(value)] - sketch.missed <= count <= truth[int(value)]
    assert len(sketch._counts) <= 1024
