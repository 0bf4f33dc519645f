"""Of more rows than are kept one by one, measures come from a histogram of scores, or from rows drawn by their numbers."""

from __future__ import annotations

from functools import reduce
from itertools import pairwise
from typing import ClassVar

import numpy as np
import pytest
from tests.builtin.probes.windows import classes_window, findings_of, values_window

from mlforge.builtin.probes.classification import Classification
from mlforge.builtin.probes.regression import Regression
from mlforge.finding import Finding
from mlforge.window import Profile, Window

ROWS = 4000


class Short(Classification):
    """Keeps few rows."""

    kept: ClassVar[int] = 500


class ShortOfValues(Regression):
    """Keeps few rows."""

    kept: ClassVar[int] = 500


ASKED = {"resamples": 400, "beta": 2.0, "costs": {"false_alarm": 1, "miss": 3}}


def people(seed: int, weighted: bool = True) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    target = (draw.random(ROWS) < 0.3).astype(int)
    score = 1 / (1 + np.exp(-(draw.normal(size=ROWS) * 2 + 2 * target - 2)))
    score[:400] = score[:400].round(1)  # ties, zeros, and edges of the calibration's bins
    return target, score, draw.uniform(0.2, 3, ROWS) if weighted else np.ones(ROWS)


def parts(target: np.ndarray, score: np.ndarray, weight: np.ndarray, at: list[int]) -> list[Window]:
    edges = [0, *at, ROWS]
    cuts = [slice(*ends) for ends in pairwise(edges)]
    return [classes_window(target[c], score[c], weight=weight[c], rows=np.arange(ROWS)[c]) for c in cuts]


def found(probe: Classification, windows: list[Window], champion: list[Window] | None = None) -> dict[str, Finding]:
    def profile(of: list[Window]) -> Profile:
        return reduce(probe.merge, map(probe.summarise, of))

    return {one.name: one for one in probe.findings(profile(windows), profile(champion) if champion else None)}


@pytest.mark.parametrize("weighted", [False, True])
def test_a_histogram_of_scores_measures_as_the_rows_do(weighted: bool) -> None:
    target, score, weight = people(1, weighted)
    exact = findings_of(Classification(**ASKED), classes_window(target, score, weight=weight))
    told = found(Short(**ASKED), parts(target, score, weight, [400, 1000, 2500]))
    assert set(told) == set(exact)
    for name, finding in exact.items():
        close = {"roc_auc": 2e-6, "pr_auc": 1e-4, "cheapest_threshold": 1e-3, "cost": 1e-12}.get(name, 1e-6)
        assert told[name].value == pytest.approx(finding.value, abs=close), name
        assert told[name].rows == ROWS
        wide = finding.high - finding.low  # type: ignore[operator]
        assert told[name].low == pytest.approx(finding.low, abs=0.35 * wide), name
        assert told[name].high == pytest.approx(finding.high, abs=0.35 * wide), name
    assert "from a histogram of the scores of all 4,000 rows: at most" in told["roc_auc"].text
    off = float(told["roc_auc"].text.split("at most ")[1].split()[0])
    assert abs(told["roc_auc"].value - exact["roc_auc"].value) <= off  # type: ignore[operator]
    assert told["accuracy"].evidence["confusion"] == exact["accuracy"].evidence["confusion"]
    assert [b["rows"] for b in told["ece"].evidence["bins"]] == [b["rows"] for b in exact["ece"].evidence["bins"]]


def test_wherever_many_rows_are_cut_and_however_they_merge_the_findings_are_the_same() -> None:
    rows, probe = people(2), Short(**ASKED)
    whole = found(probe, parts(*rows, [600]))
    for at in ([10, 3000], [500, 501, 502, 2000, 3900]):
        other = found(probe, list(reversed(parts(*rows, at))))
        assert list(other) == list(whole)
        for name, finding in whole.items():
            assert other[name].value == pytest.approx(finding.value, abs=1e-9), name
            assert other[name].low == pytest.approx(finding.low, abs=1e-9), name


def test_two_models_are_compared_on_the_same_drawn_rows() -> None:
    target, score, weight = people(3)
    worse = np.clip(score + np.random.default_rng(4).normal(0, 0.2, ROWS), 0.001, 0.999)
    told = found(Short(**ASKED), parts(target, score, weight, [900]), parts(target, worse, weight, [100, 2000]))
    gain = told["log_loss/gain"]
    assert (gain.rows, gain.text) == (500, "measured on 500 of 4,000 rows, drawn by their numbers")
    assert gain.low > 0  # type: ignore[operator]
    assert told["log_loss"].rows == ROWS


def test_a_prediction_that_is_not_a_number_is_noticed_among_many() -> None:
    target, score, weight = people(5)
    score[17] = float("nan")
    windows = parts(target, score, weight, [2000])
    assert found(Short(**ASKED), windows)["roc_auc"].text == "1 of 4000 predictions are not finite numbers"


def test_values_and_several_classes_are_measured_on_drawn_rows_and_say_so() -> None:
    draw = np.random.default_rng(6)
    target = draw.normal(size=ROWS)
    probe = ShortOfValues(resamples=200)
    profiles = []
    for cut in (slice(0, 1500), slice(1500, ROWS)):
        window = values_window(target[cut], target[cut] + 1)
        window.rows.replace_column(0, window.rows["__row__"] + cut.start)
        profiles.append(probe.summarise(window))
    told = {one.name: one for one in probe.findings(reduce(probe.merge, profiles), None)}
    assert (told["mae"].value, told["mae"].rows) == (pytest.approx(1.0), 500)
    assert told["mae"].text == "measured on 500 of 4,000 rows, drawn by their numbers"


def test_the_interval_of_many_rows_holds_the_truth_as_often_as_it_says() -> None:
    """The AUC of two normal distributions one standard deviation apart is Φ(1/√2) = 0.760; 200 samples of 2,000 rows."""
    held, draw, probe = 0, np.random.default_rng(7), Short(resamples=200)
    for _ in range(200):
        target = draw.integers(0, 2, 2000)
        score = 1 / (1 + np.exp(-(draw.normal(size=2000) + target - 0.5)))
        windows = [classes_window(target[c], score[c], rows=np.arange(2000)[c]) for c in (slice(0, 1000), slice(1000, 2000))]
        finding = found(probe, windows)["roc_auc"]
        held += finding.low <= 0.76025 <= finding.high  # type: ignore[operator]
    assert 176 <= held <= 199
