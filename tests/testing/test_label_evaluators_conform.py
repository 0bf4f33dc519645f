"""The built-in probes keep their contracts for labels that do not exclude each other."""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from mlforge.builtin.perturbations.noise import Noise
from mlforge.builtin.probes.behaviour import Behaviour, Invariance, Minimum
from mlforge.builtin.probes.errors import Errors
from mlforge.builtin.probes.fairness import Fairness
from mlforge.builtin.probes.importance import Importance
from mlforge.builtin.probes.multilabel import Multilabel
from mlforge.builtin.probes.segments import Segments
from mlforge.builtin.probes.slices import Slices
from mlforge.testing import ProbeContract
from mlforge.window import Window


class OfLabels(ProbeContract):
    """With rows that have several labels."""

    task = "multilabel"


class TestMultilabel(OfLabels):
    component = Multilabel(resamples=200, beta=2)


class TestSlices(OfLabels):
    component = Slices(columns=("sex",), minimum=10)


class TestFairness(OfLabels):
    component = Fairness()


class TestErrors(OfLabels):
    component = Errors()


class TestSegments(OfLabels):
    component = Segments(minimum=10)


class Asked(OfLabels):
    """And a model that can be asked."""

    def window(self, rows: int) -> Window:
        seen = super().window(rows)
        return replace(seen, predictions=model(seen.rows), predict=model)


class TestBehaviour(Asked):
    component = Behaviour(
        rows=100,
        perturbations={"measured_again": Noise(deviation=3)},
        minimum={"old_people_read": Minimum(rows=({"age": 90},), answer="books")},
        invariance={"steady": Invariance(columns=("age",), by="measured_again")},
    )


class TestImportance(Asked):
    component = Importance(rows=100)


def model(rows: pl.DataFrame) -> pl.DataFrame:
    """Says books the more, the older, and music to the young."""
    age = rows["age"].fill_null(50).cast(pl.Float64) if "age" in rows.columns else pl.repeat(50.0, len(rows), eager=True)
    books, music = 1 / (1 + (-(age - 50) / 10).exp()), 1 / (1 + ((age - 40) / 10).exp())
    named = [" ".join(key for key, p in (("books", one), ("music", other)) if p >= 0.5) for one, other in zip(books, music, strict=True)]
    return pl.DataFrame({"prediction": pl.Series(named, dtype=pl.String), "probability_0": books, "probability_1": music})
