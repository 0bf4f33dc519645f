"""Weights, draws and lines: those of their papers, and no worse than Fairlearn's."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from mlforge.builtin.mitigations.balanced_sampling import BalancedSampling
from mlforge.builtin.mitigations.reweighing import Reweighing
from mlforge.builtin.mitigations.thresholds import Thresholds
from mlforge.components import Scored
from mlforge.contract import Column, Contract


def scored(rows: int = 4000, seed: int = 0, gap: float = 0.25) -> Scored:
    draw = np.random.default_rng(seed)
    groups, target = draw.choice(["F", "M"], rows, p=[0.4, 0.6]), draw.random(rows) < 0.4
    said = np.clip(draw.normal(0.35 + 0.3 * target + gap * (groups == "M"), 0.2), 0, 1).astype(np.float32)
    return Scored(said, target, groups, np.ones(rows))


def called(decision, rows: Scored) -> np.ndarray:
    return rows.positive >= np.array([decision.groups.get(str(group), decision.otherwise) for group in rows.groups], dtype=np.float32)


def test_the_weights_are_those_of_kamiran_and_calders_example() -> None:
    """Their table of ten job applicants (2012, table 1): two of five women and four of five men are hired."""
    factors = Reweighing(column="sex").weigh(np.array([[3.0, 2.0], [1.0, 4.0]]))
    assert factors.tolist() == [pytest.approx([2 / 3, 1.5]), pytest.approx([2.0, 0.75])]
    assert (np.array([[3.0, 2.0], [1.0, 4.0]]) * factors).tolist() == [pytest.approx([2.0, 3.0]), pytest.approx([2.0, 3.0])], "group and class are independent"


def test_groups_and_classes_without_rows_break_nothing() -> None:
    assert np.isfinite(Reweighing(column="sex").weigh(np.array([[3.0, 0.0], [0.0, 0.0]]))).all()
    assert np.isfinite(Reweighing(column="sex").weigh(np.zeros((0, 2)))).all()


@pytest.mark.parametrize("by", ["repeating", "dropping"])
def test_every_class_of_every_group_is_drawn_equally_often(by: str) -> None:
    draw = np.random.default_rng(0)
    groups, target = (draw.random(1000) < 0.2).astype(int), (draw.random(1000) < 0.3).astype(int)
    taken = BalancedSampling(column="sex", by=by).take(groups, target, 0)
    counts = np.unique(groups[taken] * 2 + target[taken], return_counts=True)[1]
    assert len(set(counts.tolist())) == 1
    if by == "repeating":
        assert set(taken.tolist()) == set(range(1000)), "no row is lost"
    assert (taken == BalancedSampling(column="sex", by=by).take(groups, target, 0)).all()
    assert len(BalancedSampling(column="sex", most_repeated=2).take(np.r_[np.zeros(100, int), [1]], np.zeros(101, int), 0)) == 102
    assert len(BalancedSampling(column="sex").take(np.zeros(0, int), np.zeros(0, int), 0)) == 0


@pytest.mark.parametrize("constraint", ["demographic_parity", "equal_opportunity", "equalised_odds"])
@pytest.mark.parametrize("per_group", [True, False])
def test_lines_hold_the_groups_alike_and_cost_little(constraint: str, per_group: bool) -> None:
    rows = scored()
    mitigation = Thresholds(column="sex", constraint=constraint, per_group=per_group, max_difference=0.04)
    decision = mitigation.decide(rows)
    assert decision is not None
    assert set(decision.groups) == ({"F", "M"} if per_group else set())
    after = called(decision, rows)
    assert mitigation.apart(rows, rows.positive >= 0.5) > 0.2
    assert mitigation.apart(rows, after) <= 0.04 + 1e-6
    if per_group:
        assert (after == rows.target).mean() >= (rows.positive >= 0.5).astype(int).__eq__(rows.target).mean() - 0.03
        assert after.any()


def test_lines_by_group_are_no_worse_than_fairlearns_which_may_draw_lots() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        postprocessing = pytest.importorskip("fairlearn.postprocessing")
        rows, fresh = scored(), scored(seed=1)
        decision = Thresholds(column="sex", per_group=True, max_difference=0.01).decide(rows)

        class Said:
            def fit(self, x, y):
                return self

            def predict(self, x):
                return np.asarray(x)[:, 0]

        from sklearn.base import BaseEstimator, ClassifierMixin

        kind = type("Kind", (ClassifierMixin, BaseEstimator, Said), {})
        theirs = postprocessing.ThresholdOptimizer(estimator=kind(), constraints="demographic_parity", prefit=True, predict_method="predict", grid_size=200)
        theirs.fit(rows.positive.astype(float)[:, None], rows.target.astype(int), sensitive_features=rows.groups)
        said = theirs.predict(fresh.positive.astype(float)[:, None], sensitive_features=fresh.groups, random_state=0)
    ours = (called(decision, fresh) == fresh.target).mean()
    assert ours >= (said == fresh.target).mean() - 0.01


def test_one_group_few_rows_and_one_class_move_no_line() -> None:
    rows = scored()
    mitigation = Thresholds(column="sex", per_group=True)
    alone = Scored(rows.positive, rows.target, np.full(len(rows.target), "F"), rows.weight)
    assert mitigation.decide(alone) is None
    few = Scored(rows.positive[:40], rows.target[:40], rows.groups[:40], rows.weight[:40])
    assert mitigation.decide(few) is None
    hopeless = Scored(rows.positive, np.zeros(len(rows.target), dtype=bool), rows.groups, rows.weight)
    assert Thresholds(column="sex", per_group=True, constraint="equal_opportunity").decide(hopeless) is None
    assert mitigation.apart(alone, rows.positive >= 0.5) is None


def test_whether_people_are_treated_by_their_group_must_be_said() -> None:
    with pytest.raises(ValueError, match="per_group"):
        Thresholds(column="sex")


def test_a_column_without_groups_is_told_by_check() -> None:
    contract = Contract(columns={"age": Column(dtype="int"), "price": Column(dtype="float", role="target")})
    assert [one.found for one in Reweighing(column="age").objections(contract)] == ["age is int with the role feature", "the target price is a float"]
    assert "no column sex" in next(iter(Reweighing(column="sex").objections(contract))).found
