"""A version on trial: the declared false alarm holds, and what is bad is found within the declared traffic. `benchmarks/canary.py` prints the whole table."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from mlforge.service.rollout import Canary
from mlforge.serving.rollout.figures import WIDTH, Figures, Recorder, bin_of, size_of, upper
from mlforge.serving.rollout.trial import Decisions, Trial

SMALL = Canary(steps=(0.25, 1.0), requests=600, false_alarm=0.01)


@pytest.fixture(scope="module")
def table() -> ModuleType:
    """The benchmark, which simulates rollouts."""
    path = Path(__file__).parents[3] / "benchmarks" / "canary.py"
    spec = importlib.util.spec_from_file_location("canary_benchmark", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    import sys

    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def test_healthy_versions_get_through_and_bad_ones_do_not(table: ModuleType) -> None:
    rng = np.random.default_rng(7)
    table.SETTINGS = SMALL
    assert sum(table.rollout(table.Version(), rng) is not None for _ in range(40)) <= 3, "0.4 are expected; 4 have a probability of 1 in 1,000"
    for name, about in {"errors 0.5 % to 5 %": "errors: ", "times 2": "time: ", "decides 24 % to 0 %": "decisions: yes "}.items():
        found = [table.rollout(table.BAD[name], rng) for _ in range(5)]
        assert all(one is not None and one[1].startswith(about) for one in found), (name, found)


@pytest.mark.slow
def test_of_a_thousand_healthy_rollouts_one_in_a_hundred_is_rolled_back_at_most_and_of_a_thousand_bad_ones_nearly_all_are(table: ModuleType) -> None:
    table.SETTINGS = Canary()
    assert table.share(table.HEALTHY["the same"], 1000, 1)[0] <= 0.01
    for position, name in enumerate(("errors 0.5 % to 5 %", "times 2", "decides 24 % to 40 %")):
        assert table.share(table.BAD[name], 334, 2 + position)[0] >= 0.95, name


def test_a_reason_has_the_figures_of_both() -> None:
    cells = np.zeros(WIDTH, np.int64)
    trial = Trial(Canary(), Decisions(("no", "yes")), incumbent="adult 3")
    assert trial.look(Figures(cells), Figures(cells)) is None
    old, new = cells.copy(), cells.copy()
    old[:2], new[:2] = (4000, 2), (200, 60)
    assert trial.look(Figures(old), Figures(new)) == "errors: 60 of 200 answers failed (30 %), and 0.05 % of adult 3's (found after 200 requests)"


def test_counts_from_before_are_no_part_of_it() -> None:
    """The figures only grow; a trial begins with what they are at its first look."""
    cells = np.zeros(WIDTH, np.int64)
    cells[:2] = 1000, 900
    trial = Trial(Canary(), Decisions())
    assert trial.look(Figures.none(), Figures(cells)) is None
    more = cells.copy()
    more[0] += 500
    assert trial.look(Figures(cells), Figures(more)) is None
    assert trial.answered == 500


@pytest.mark.parametrize("ordered", [False, True])
def test_events_of_decisions_are_counted_with_their_opposites(ordered: bool) -> None:
    recorded = memoryview(bytearray(8 * WIDTH)).cast("d")
    Recorder(recorded).decided(np.array([0, 1, 2, 2, 2]))
    figures = Figures(np.asarray(recorded).astype(np.int64))
    found = Decisions(("a", "b", "c"), ordered=ordered).counts(figures)[:, 0].tolist()
    assert found == ([[4, 5], [3, 5], [1, 5], [2, 5]] if ordered else [[1, 5], [1, 5], [3, 5], [4, 5], [4, 5], [2, 5]])


def test_runs_are_counted_by_size_and_time_once_a_version_has_settled() -> None:
    recorded = memoryview(bytearray(8 * WIDTH)).cast("d")
    recorder = Recorder(recorded)
    for _ in range(40):
        recorder.run(0.001, 3)
    recorder.answered(12, 2)
    figures = Figures(np.asarray(recorded).astype(np.int64))
    assert (figures.requests, figures.failures, figures.runs.sum(), figures.runs[1].sum()) == (12, 2, 10, 10)
    assert upper(bin_of(0.001) - 1) < 0.001 <= upper(bin_of(0.001))
    assert [size_of(rows) for rows in (0, 1, 2, 3, 4, 63, 64, 10_000)] == [0, 0, 1, 1, 2, 5, 6, 6]
    assert (bin_of(0.0), bin_of(1e9)) == (0, 159)
