"""The fairness gate, many times over models that are fair: how often it refuses one, and that it does refuse one that is not."""

# ruff: noqa: T201  (how often is part of the answer)

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import polars as pl
import pytest

from mlforge.builtin.gates.fairness import Fairness as Gate
from mlforge.builtin.probes.fairness import Fairness as Probe
from mlforge.contract import Contract
from mlforge.lifecycle.stages.gate import Recorded
from mlforge.task import TASKS, Output
from mlforge.window import Window

MEASURES = ("demographic_parity_difference", "equal_opportunity_difference", "equalised_odds_difference", "predictive_parity_difference")
GROUPS = {"large": 600, "middle": 150, "small": 60, "tiny": 35}
CONTRACT = Contract.model_validate({"columns": {"group": {"dtype": "category", "role": "protected"}, "label": {"dtype": "category", "role": "target"}}})
PROBE, GATE = Probe(), Gate(columns=("group",), measures=MEASURES, max=0.0)


def refused(seed: int, recall: dict[str, float]) -> list[str]:
    """The measures by which the gate refuses a model with these recalls, and the same share of false alarms, for every group."""
    draw = np.random.default_rng(seed)
    group = np.repeat(list(GROUPS), list(GROUPS.values()))
    true = draw.random(len(group)) < 0.3
    said = draw.random(len(group)) < np.where(true, [recall[name] for name in group], 0.1)
    named = np.array(["no", "yes"])
    rows = pl.DataFrame({"group": group, "label": named[true.astype(int)]})
    predictions = pl.DataFrame({"prediction": named[said.astype(int)], "probability_0": np.where(said, 0.2, 0.8), "probability_1": np.where(said, 0.8, 0.2)})
    window = Window("test", rows, CONTRACT, TASKS["classification"], Output("classes", "label", ("no", "yes")), predictions)
    found = [finding.model_copy(update={"name": f"test/{finding.name}"}) for finding in PROBE.findings(PROBE.summarise(window), None)]
    rulings = list(GATE.judge("fairness", Recorded(found, "", None), TASKS["classification"]))
    assert all(ruling.value is not None for ruling in rulings)
    return [ruling.rule.rpartition(".")[2] for ruling in rulings if not ruling.passed]


@pytest.mark.parametrize("runs", [100, pytest.param(1000, marks=pytest.mark.slow)])
def test_a_fair_model_with_small_groups_is_refused_no_more_often_than_is_said(runs: int) -> None:
    """At most 5 % for each measure: as many as the 99 % bound of a binomial distribution allows."""
    blocks = [name for seed in range(runs) for name in refused(seed, dict.fromkeys(GROUPS, 0.7))]
    allowed = 0.05 * runs + NormalDist().inv_cdf(0.99) * (runs * 0.05 * 0.95) ** 0.5
    print({name: blocks.count(name) for name in MEASURES}, f"refusals of a fair model in {runs} runs; {allowed:.0f} are allowed")
    assert all(blocks.count(name) <= allowed for name in MEASURES)


def test_a_model_that_finds_one_group_half_as_often_is_refused() -> None:
    unfair = dict.fromkeys(GROUPS, 0.8) | {"middle": 0.35}
    assert sum("equal_opportunity_difference" in refused(seed, unfair) for seed in range(20)) >= 18
