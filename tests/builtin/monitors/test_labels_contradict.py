"""Labels that have arrived, few as they are, against the test rows: an exact test over several windows."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from tests.builtin.monitors.living import Watch, rows

from mlforge.builtin.monitors.contradiction import Urns, agreement
from mlforge.builtin.monitors.estimated_performance import EstimatedPerformance
from mlforge.builtin.monitors.label_power import LABELS, fewest_labels
from mlforge.builtin.monitors.scores import Scores
from mlforge.window import Profile

BINS = 256
LEVEL = 0.0164


def scores(random: np.random.Generator, labels: int, *, turned: float = 0.0, covariates: float = 0.0) -> Scores:
    """Rows whose chance is their score, where none is turned around."""
    said = 1 / (1 + np.exp(-random.normal(covariates - 1.0, 3.0, labels)))
    true = (random.random(labels) < said) ^ (random.random(labels) < turned)
    place = np.minimum((said * BINS).astype(int), BINS - 1)
    counts, yes, total = (np.bincount(place, weights=of, minlength=BINS) for of in (np.ones(labels), true, said))
    sure = counts * (np.arange(BINS) >= BINS // 2)
    return Scores(counts, sure, total, counts, yes, total, yes * (sure > 0), sure)


@pytest.mark.parametrize(("labels", "known", "covariates"), [(40, 400, 0.0), (25, 4000, 1.5), (800, 1000, 0.0)])
def test_labels_that_follow_as_before_contradict_no_more_often_than_the_level_says(labels: int, known: int, covariates: float) -> None:
    random, found = np.random.default_rng(labels), 0
    for _ in range(100):
        windows = [scores(random, labels, covariates=covariates) for _ in range(3)]
        found += agreement(windows, scores(random, known), 0.05).chance <= 0.05
    assert found <= 11  # the 99.5 % point of 100 at 5 %


def test_fifty_labels_of_a_window_tell_of_a_seventh_that_is_turned_around() -> None:
    random = np.random.default_rng(3)
    found = [agreement([scores(random, 50, turned=0.15)], scores(random, 8000), LEVEL).chance <= LEVEL for _ in range(60)]
    assert np.mean(found) >= 0.6


def test_what_one_window_cannot_tell_several_together_can() -> None:
    random, alone, together = np.random.default_rng(4), 0, 0
    for _ in range(30):
        windows, known = [scores(random, 25, turned=0.15) for _ in range(8)], scores(random, 4000)
        alone += agreement(windows[:1], known, LEVEL).chance <= LEVEL
        said = agreement(windows, known, LEVEL)
        together += said.chance <= LEVEL
        assert said.windows in (1, 2, 4, 8)
    assert together >= 27 > 1.5 * alone


def test_what_is_drawn_has_as_many_labels_and_as_many_that_came_true() -> None:
    random = np.random.default_rng(5)
    urns = Urns.of([scores(random, 60) for _ in range(5)], scores(random, 500))
    assert urns is not None
    drawn = urns.drawn(50, random)
    assert drawn.shape == (50, 4, urns.labels.shape[1])  # the newest, the one before, two, and one of four
    assert (drawn <= urns.labels).all()
    assert (drawn.sum(axis=1) <= urns.all_yes).all()
    expected = (urns.labels * urns.all_yes / urns.all_labels).sum()
    assert drawn.sum(axis=(1, 2)).mean() == pytest.approx(expected, rel=0.05)


def test_labels_of_windows_before_count_and_the_finding_says_how_many() -> None:
    watch = Watch.over(EstimatedPerformance())

    def window(seed: int, turned: float) -> Profile:
        frame, random = rows(1000, seed=seed), np.random.default_rng(seed)
        swapped = pl.when(pl.col("bought") == "yes").then(pl.lit("no")).otherwise(pl.lit("yes"))
        label = pl.when(pl.Series(random.random(1000) < turned)).then(swapped).otherwise("bought")
        return watch.summarise(frame.with_columns(pl.when(pl.Series(random.random(1000) < 0.03)).then(label).alias("bought")))

    drifted = [window(seed, 0.3) for seed in range(30, 36)]
    told = {one.name: one for one in watch.monitor.judged(drifted[0], drifted[1:], watch.reference)}["estimated/accuracy"]
    assert told.value is None
    assert told.severity == "warning"
    assert "labels have arrived in" in told.text
    assert int(str(told.evidence["windows"])) > 1
    quiet = [window(seed, 0.0) for seed in range(40, 46)]
    assert not [one for one in watch.monitor.judged(quiet[0], quiet[1:], watch.reference) if one.severity != "info"]


def test_without_any_label_the_finding_says_that_it_cannot_be_known() -> None:
    watch = Watch.over(EstimatedPerformance())
    told = watch.told(rows(1000, seed=50).drop("bought"))["estimated/accuracy"]
    assert told.value is not None
    assert "without labels it cannot be known" in told.text
    assert told.evidence["labels"] == 0


def test_how_many_labels_tell_is_worked_out_when_the_model_is_built_and_holds() -> None:
    random = np.random.default_rng(6)
    known = scores(random, 2000)
    told = fewest_labels(known, LEVEL)
    assert told.value in LABELS
    assert told.name == "estimated/detectable"
    assert "without any it cannot be known" in told.text
    powers = told.evidence["power"]
    assert isinstance(powers, dict)
    assert all(one <= other + 0.1 for one, other in pairwise(powers.values()))
    found = np.mean([agreement([scores(random, 50, turned=0.15)], known, LEVEL).chance <= LEVEL for _ in range(60)])
    assert found == pytest.approx(powers["50"], abs=0.2)
