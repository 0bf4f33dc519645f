"""The built-in mitigations keep their contract."""

from __future__ import annotations

from mlforge.builtin.mitigations.balanced_sampling import BalancedSampling
from mlforge.builtin.mitigations.reweighing import Reweighing
from mlforge.builtin.mitigations.thresholds import Thresholds
from mlforge.testing import MitigationContract


class TestReweighing(MitigationContract):
    component = Reweighing(column="sex")


class TestBalancedSampling(MitigationContract):
    component = BalancedSampling(column="sex")


class TestThresholds(MitigationContract):
    component = Thresholds(column="sex", per_group=True)


class TestOneThreshold(MitigationContract):
    component = Thresholds(column="sex", per_group=False)
