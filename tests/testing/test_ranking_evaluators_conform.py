"""The evaluator of order keeps the contract of probes."""

from __future__ import annotations

from mlforge.builtin.probes.order import Ranking
from mlforge.testing import ProbeContract


class TestRanking(ProbeContract):
    component = Ranking(resamples=200)


class TestRankingOfValues(ProbeContract):
    component = Ranking(resamples=200, relevant=20)
    task = "regression"
