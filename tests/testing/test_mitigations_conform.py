"""The built-in mitigations are components as all others are."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mlforge.builtin.mitigations.balanced_sampling import BalancedSampling
from mlforge.builtin.mitigations.reweighing import Reweighing
from mlforge.builtin.mitigations.thresholds import Thresholds
from mlforge.components import Mitigation, Scored
from mlforge.testing import ComponentContract


class OfGroups(ComponentContract[Mitigation]):
    kind = Mitigation

    def exercise(self, component: Mitigation, folder: Path) -> None:
        """Ask it for everything."""
        groups, target = np.arange(400) % 2, (np.arange(400) // 2) % 2
        component.weigh(np.array([[100.0, 100.0], [100.0, 100.0]]))
        component.take(groups, target, 0)
        component.decide(Scored((np.arange(400) / 400).astype(np.float32), target == 1, np.array(["f", "m"])[groups], np.ones(400)))

    def disturb(self, component: Mitigation, folder: Path) -> None:
        """Ask it about no rows."""
        nothing = np.zeros(0)
        component.weigh(np.zeros((0, 2)))
        component.take(nothing.astype(int), nothing.astype(int), 0)
        component.decide(Scored(nothing, nothing.astype(bool), nothing.astype(str), nothing))


class TestReweighing(OfGroups):
    component = Reweighing(column="sex")


class TestBalancedSampling(OfGroups):
    component = BalancedSampling(column="sex")


class TestThresholds(OfGroups):
    component = Thresholds(column="sex", per_group=True)
