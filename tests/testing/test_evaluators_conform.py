"""The built-in probes that look closer at a model keep their contracts: at parts of the rows, at groups, at behaviour, errors, importance and cost."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import polars as pl

from mlforge.builtin.exporters.onnx import Onnx
from mlforge.builtin.perturbations.noise import Noise
from mlforge.builtin.perturbations.permutation import Permutation
from mlforge.builtin.perturbations.shift import Shift
from mlforge.builtin.probes.behaviour import Behaviour, Direction, Invariance, Minimum
from mlforge.builtin.probes.errors import Errors
from mlforge.builtin.probes.fairness import Fairness
from mlforge.builtin.probes.importance import Importance
from mlforge.builtin.probes.latency import Latency
from mlforge.builtin.probes.slices import Slices
from mlforge.components import Component, Probe
from mlforge.testing import ComponentContract, ProbeContract
from mlforge.testing.exporters import shipment
from mlforge.window import Window


class TestSlices(ProbeContract):
    component = Slices(columns=("sex", "sex*city", "age"), edges={"age": (30, 60)}, where={"young_women": "age < 25 AND sex = 'f'"}, minimum=10)


class TestSlicesOfValues(ProbeContract):
    component = Slices(columns=("sex",))
    task = "regression"


class TestFairness(ProbeContract):
    component = Fairness(columns=("sex", "sex*city"))


class TestFairnessOfValues(ProbeContract):
    component = Fairness()
    task = "regression"


class TestErrors(ProbeContract):
    component = Errors()


class TestErrorsOfValues(ProbeContract):
    component = Errors()
    task = "regression"


class Asking(ProbeContract):
    """With a model that can be asked."""

    def window(self, rows: int) -> Window:
        seen = super().window(rows)
        return replace(seen, predictions=model(seen.rows), predict=model)


class TestBehaviour(Asking):
    component = Behaviour(
        rows=100,
        perturbations={"measured_again": Noise(deviation=3), "older": Shift(by=5), "other_sex": Permutation(values=("f", "m"))},
        minimum={"old_people_buy": Minimum(rows=({"age": 90}, {"age": 20}), answer="yes")},
        invariance={"steady": Invariance(columns=("age", "income"), by="measured_again"), "sexless": Invariance(columns=("sex",), by="other_sex")},
        direction={"age_sells": Direction(columns=("age",), by="older", expect="not_lower")},
    )


class TestImportance(Asking):
    component = Importance(rows=100)


class TestLatency(ComponentContract[Probe]):
    """Held to what holds for every component: all that it finds is volatile, and the clauses of a probe are about what lasts."""

    component = Latency(calls=20, batch=2)
    kind: ClassVar[type[Component]] = Probe

    def exercise(self, component: Probe, folder: Path) -> None:
        """Time a bundle."""
        given = shipment(folder)
        Onnx().export(given)
        seen = ProbeContract().window(30)
        profile = component.summarise(replace(seen, bundle=given.folder))
        nothing = component.summarise(replace(seen, rows=seen.rows.head(0), bundle=given.folder))
        found = list(component.findings(component.merge(nothing, profile), None))
        assert {one.name for one in found} == set(component.declares(seen.contract, seen.task))
        assert all(one.volatile for one in found)

    def disturb(self, component: Probe, folder: Path) -> None:
        """Time a bundle that is not there."""
        component.summarise(replace(ProbeContract().window(30), bundle=folder / "nothing"))


def model(rows: pl.DataFrame) -> pl.DataFrame:
    """Says yes the more, the older."""
    said = 1 / (1 + (-(rows["age"].fill_null(50) - 50) / 10).exp()) if "age" in rows.columns else pl.Series([0.5] * len(rows), dtype=pl.Float64)
    answers = pl.select(pl.when(said > 0.5).then(pl.lit("yes")).otherwise(pl.lit("no"))).to_series()
    return pl.DataFrame({"prediction": answers, "probability_0": 1 - said, "probability_1": said}, schema_overrides={"prediction": pl.String})
