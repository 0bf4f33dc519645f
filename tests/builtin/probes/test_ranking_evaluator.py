from __future__ import annotations

from itertools import permutations
from math import log2

import numpy as np
import polars as pl
import pytest
from tests.builtin.probes.windows import findings_of

from mlforge.builtin.probes.order import Ranking
from mlforge.builtin.probes.ranked import average_precision, ndcg, ranked, recall, reciprocal_rank
from mlforge.contract import Column, Contract
from mlforge.task import TASKS, Output
from mlforge.window import Window

QUICK = Ranking(at=(3, 10), resamples=200)


def window(group: np.ndarray, relevance: np.ndarray, score: np.ndarray, task: str = "regression") -> Window:
    binary = task == "classification"
    columns = {"customer": Column(dtype="int", role="group"), "y": Column(dtype="category" if binary else "float", role="target")}
    target = pl.Series(np.where(relevance > 0, "yes", "no")) if binary else pl.Series(relevance, dtype=pl.Float64)
    rows = pl.DataFrame({"customer": group, "y": target})
    said = {"prediction": score}
    if binary:
        said = {"prediction": np.where(score > 0.5, "yes", "no"), "probability_0": 1 - score, "probability_1": score}
    output = Output("classes", "y", ("no", "yes")) if binary else Output("value", "y", (), 1.0, 1.0)
    return Window("test", rows, Contract(columns=columns), TASKS[task], output, pl.DataFrame(said))


def drawn(groups: int, seed: int, *, ties: bool = False) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Groups of 2 to 20 rows, of which some are relevant, and scores that know a little."""
    draw = np.random.default_rng(seed)
    group = np.repeat(np.arange(groups), draw.integers(2, 21, groups))
    relevance = draw.choice([0, 0, 1, 2], len(group)).astype(float)
    relevance[np.unique(group, return_index=True)[1]] = 1  # each group has something to find
    score = 0.3 * relevance + draw.random(len(group))
    return group, relevance, score.round(1) if ties else score


@pytest.mark.parametrize("ties", [False, True])
def test_gains_are_those_of_scikit_learn(ties: bool) -> None:
    from sklearn.metrics import average_precision_score, ndcg_score

    group, relevance, score = drawn(60, 1, ties=ties)
    found = findings_of(QUICK, window(group, relevance, score))
    of = [group == one for one in np.unique(group)]
    for k in (3, 10):
        expected = np.mean([ndcg_score(relevance[one][None], score[one][None], k=k) for one in of])
        assert found[f"ranking/ndcg_at_{k}"].value == pytest.approx(expected, abs=1e-9)
    expected = np.mean([average_precision_score(relevance[one] > 0, score[one]) for one in of])
    assert found["ranking/map"].value == pytest.approx(expected, abs=1e-9)


def test_places_are_those_of_torchmetrics() -> None:
    import torch
    from torchmetrics.functional.retrieval import retrieval_average_precision, retrieval_normalized_dcg, retrieval_recall, retrieval_reciprocal_rank

    group, relevance, score = drawn(60, 2)
    found = findings_of(QUICK, window(group, relevance, score))
    expected: dict[str, list[float]] = {}
    for one in np.unique(group):
        said, wanted = torch.tensor(score[group == one]), torch.tensor(relevance[group == one])
        hits = wanted > 0
        expected.setdefault("ndcg_at_10", []).append(float(retrieval_normalized_dcg(said, wanted.long(), top_k=10)))
        expected.setdefault("map", []).append(float(retrieval_average_precision(said, hits)))
        expected.setdefault("mrr", []).append(float(retrieval_reciprocal_rank(said, hits)))
        expected.setdefault("recall_at_3", []).append(float(retrieval_recall(said, hits, top_k=3)))
    for name, values in expected.items():
        assert found[f"ranking/{name}"].value == pytest.approx(np.mean(values), abs=1e-6), name


def test_rows_of_one_score_count_as_the_mean_over_all_their_orders() -> None:
    relevance, score = np.array([0.0, 2.0, 0.0, 1.0, 0.0]), np.array([0.9, 0.5, 0.5, 0.5, 0.1])
    one = ranked(relevance, score, 0.0)
    orders = [ranked(relevance[[0, *middle, 4]], np.arange(5, 0, -1.0), 0.0) for middle in permutations([1, 2, 3])]
    for measure in (lambda r: ndcg(r, 3), reciprocal_rank, lambda r: recall(r, 2), lambda r: recall(r, 3)):
        assert measure(one) == pytest.approx(np.mean([measure(other) for other in orders]))
    assert average_precision(one) == pytest.approx(2 / 4)  # both are called with the fourth row
    assert ndcg(ranked(np.array([3.0, 2.0]), np.array([1.0, 2.0]), 0.0), 2) == pytest.approx((2 + 3 / log2(3)) / (3 + 2 / log2(3)))


def test_scores_that_are_all_alike_are_no_better_than_chance() -> None:
    found = findings_of(QUICK, window(np.repeat([1, 2], 10), np.tile([1.0, *[0.0] * 9], 2), np.zeros(20)))
    assert found["ranking/mrr"].value == pytest.approx(sum(1 / place for place in range(1, 11)) / 10)
    assert found["ranking/recall_at_3"].value == pytest.approx(0.3)


def test_intervals_are_over_groups_and_hold_the_truth() -> None:
    group, relevance, score = drawn(200, 3)
    whole = findings_of(QUICK, window(group, relevance, score))["ranking/map"]
    assert whole.interval == "95 % bootstrap over groups, 200 resamples"
    truth = findings_of(QUICK, window(*drawn(6000, 4)))["ranking/map"].value
    ends = [findings_of(Ranking(at=(3,)), window(*drawn(60, seed)))["ranking/map"] for seed in range(100)]
    covered = sum(one.low <= truth <= one.high for one in ends)  # type: ignore[operator]
    assert 90 <= covered <= 98


def test_every_finding_is_declared_and_the_champion_is_compared_group_by_group() -> None:
    group, relevance, score = drawn(50, 5)
    better = window(group, relevance, score + relevance)
    found = findings_of(QUICK, better, window(group, relevance, score))
    assert set(found) == set(QUICK.declares(better.contract, better.task))
    assert found["ranking/map/gain"].low > 0  # type: ignore[operator]


def test_groups_without_anything_relevant_are_left_out_and_counted() -> None:
    found = findings_of(QUICK, window(np.array([1, 1, 2, 2]), np.array([1.0, 0.0, 0.0, 0.0]), np.array([0.9, 0.1, 0.5, 0.6]), "classification"))
    assert found["ranking/map"].value == 1.0
    assert found["ranking/map"].text == "over 1 groups with 4 rows; 1 groups in which nothing is relevant are left out"
    nothing = findings_of(QUICK, window(np.array([1, 1]), np.zeros(2), np.array([0.1, 0.2])))
    assert nothing["ranking/mrr"].value is None
    assert nothing["ranking/mrr"].text == "in no group is anything relevant"


def test_what_cannot_be_a_relevance_is_told() -> None:
    below = findings_of(QUICK, window(np.array([1, 1]), np.array([-1.0, 2.0]), np.array([0.1, 0.2])))
    assert {one.text for one in below.values()} == {"1 of 2 targets are below 0, and a relevance cannot be"}
    broken = findings_of(QUICK, window(np.array([1, 1]), np.array([1.0, 2.0]), np.array([0.1, np.nan])))
    assert {one.value for one in broken.values()} == {None}


def test_a_contract_without_groups_is_an_objection() -> None:
    contract = Contract(columns={"y": Column(dtype="float", role="target"), "shop": Column(dtype="category")})
    assert [one.found for one in QUICK.objections(contract)] == ["the contract has no columns with the role group"]
    assert not list(Ranking(by="shop").objections(contract))
    assert [one.hint for one in Ranking(by="shopp").objections(contract)] == ["Did you mean shop?"]
