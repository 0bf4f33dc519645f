"""A sweep on the page of a run: drawn inline, escaped, and without anything from the network."""

from __future__ import annotations

import re
from dataclasses import replace

from mlforge.report.sweep import sweep_lines, sweep_sheet
from mlforge.report.view import SweepView, TrialView

SWEEP = SweepView(
    chosen=1,
    overrides=("trainer.lr=0.01", "model.activation='<b>'"),
    axes=("trainer.lr", "model.activation"),
    ends=(("0.001", "0.1"), ("relu", "<b>")),
    goals=(("loss", "validation/loss", "min"),),
    trials=(
        TrialView(0, "done", ("0.1", "relu"), (1.0, 0.0), (0.5,), epochs=3),
        TrialView(1, "done", ("0.01", "<b>"), (0.5, 1.0), (0.2,), epochs=3, pareto=True),
        TrialView(2, "stopped", ("0.001", "relu"), (0.0, 0.0), (), "given up after epoch 1", 1),
        TrialView(3, "failed", ("0.002", "<b>"), (0.1, 1.0), (), "the loss is NaN"),
    ),
    importance={"trainer.lr": 0.75, "model.activation": 0.1},
)


def test_trials_are_lines_and_importance_is_bars():
    page = sweep_sheet(SWEEP)
    assert len(re.findall("<polyline", page)) == 2, "trials that came to their end"
    assert len(re.findall('class="best"', page)) == 1
    assert "75%" in page
    assert "the loss is NaN" in page


def test_what_comes_from_a_recipe_cannot_make_markup_and_nothing_is_fetched():
    page = sweep_sheet(SWEEP)
    assert "<b>" not in page
    assert "&lt;b&gt;" in page
    assert not re.search(r"(?:src|href|url)\s*[=(]", page)


def test_the_table_has_the_best_first_and_the_failed_last():
    titles, *rows = sweep_lines(SWEEP)
    assert titles[:4] == ("trial", "validation/loss", "trainer.lr", "model.activation")
    assert [row[0] for row in rows] == ["1", "0", "2", "3"]
    assert rows[0][-1] == "chosen"


def test_one_trial_and_one_axis_can_be_drawn():
    one = replace(SWEEP, axes=("trainer.lr",), ends=(("0.1", "0.1"),), trials=(TrialView(1, "done", ("0.1",), (0.5,), (0.2,)),), importance={"trainer.lr": 0.0})
    assert "<polyline" in sweep_sheet(one)


def test_two_objectives_are_drawn_against_each_other_with_the_trials_that_nothing_beats_joined():
    goals = (("loss", "validation/loss", "min"), ("quick", "test/latency/p50", "min"))
    told = ((0.2, 0.004), (0.3, 0.002), (0.5, 0.005), (0.4, 0.001))
    trials = tuple(TrialView(number, "done", ("0.1", "relu"), (1.0, 0.0), pair, pareto=number != 2) for number, pair in enumerate(told))
    page = sweep_sheet(replace(SWEEP, chosen=0, goals=goals, trials=(*trials, SWEEP.trials[3])))
    (front,) = re.findall(r'<polyline points="([^"]*)"/>', page)
    across = [float(spot.split(",")[0]) for spot in front.split()]
    up = [float(spot.split(",")[1]) for spot in front.split()]
    assert across == sorted(across)
    assert up == sorted(up), "of less that is better, the slower trial lies lower on the page"
    assert len(across) == 3
    assert page.count("<circle") == 4
    assert page.count('<circle class="chosen"') == 1
    assert "test/latency/p50 (less is better) →" in page
    assert "<circle" not in sweep_sheet(SWEEP), "with one objective there is nothing to draw it against"
