"""Behaviour tests: what a model must do, whatever its score."""

from __future__ import annotations

import itertools
import json
from functools import reduce

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlforge.artifact import ROW
from mlforge.builtin.perturbations.missing import Missing
from mlforge.builtin.perturbations.noise import Noise
from mlforge.builtin.perturbations.paraphrases import Paraphrases
from mlforge.builtin.perturbations.permutation import Permutation
from mlforge.builtin.perturbations.scale import Scale
from mlforge.builtin.perturbations.shift import Shift
from mlforge.builtin.perturbations.typos import Typos
from mlforge.builtin.probes.behaviour import Behaviour, Direction, Invariance, Minimum
from mlforge.components import Perturbation
from mlforge.contract import Column, Contract
from mlforge.finding import Finding
from mlforge.task import TASKS, Output
from mlforge.window import Profile, Window

CONTRACT = Contract(
    columns={
        "age": Column(dtype="int"), "sex": Column(dtype="category", role="protected"), "job": Column(dtype="category", nullable=True),
        "email": Column(dtype="string", pii="email"), "label": Column(dtype="category", role="target"),
    }
)  # fmt: skip
KEYS = np.random.default_rng(0).integers(0, 2**63, 500).astype(np.uint64)


def model(rows: pl.DataFrame) -> pl.DataFrame:
    """Says yes to the old, and falls for one sex."""
    chance = (rows["age"].fill_null(0) / 100 + 0.3 * (rows["sex"] == "F").fill_null(False).cast(pl.Float64)).clip(0, 1)
    return pl.DataFrame(
        {
            "prediction": pl.select(pl.when(chance > 0.5).then(pl.lit("yes")).otherwise(pl.lit("no"))).to_series(),
            "probability_0": 1 - chance,
            "probability_1": chance,
        }
    )


def window(rows: int = 600) -> Window:
    draw = np.random.default_rng(1)
    frame = pl.DataFrame(
        {
            ROW: np.arange(rows), "age": draw.integers(18, 90, rows), "sex": draw.choice(["F", "M"], rows), "job": draw.choice(["cook", "clerk"], rows),
            "email": [f"p{n}@example.org" for n in range(rows)], "label": draw.choice(["no", "yes"], rows),
        }
    )  # fmt: skip
    return Window("test", frame, CONTRACT, TASKS["classification"], Output("classes", "label", ("no", "yes")), model(frame), model)


PROBE = Behaviour(
    perturbations={"other_sex": Permutation(values=("F", "M")), "older": Shift(by=5), "spelling": Typos()},
    minimum={"centenarian": Minimum(rows=({"age": 100, "sex": "M"},), answer="yes"), "child": Minimum(rows=({"age": 1, "sex": "F"}, {"age": 2}), answer="yes")},
    invariance={"sex_does_not_matter": Invariance(columns=("sex",), by="other_sex"), "job": Invariance(columns=("job",), by="spelling")},
    direction={
        "age_helps": Direction(columns=("age",), by="older", expect="not_lower"), "age_harms": Direction(columns=("age",), by="older", expect="not_higher")
    },
    rows=300,
)  # fmt: skip


def found(probe: Behaviour, seen: Window, cuts: list[int] | None = None) -> dict[str, Finding]:
    edges = [0, *sorted(cuts or []), len(seen.rows)]
    assert seen.predictions is not None
    parts = [
        Window(seen.name, seen.rows[a:b], seen.contract, seen.task, seen.output, seen.predictions[a:b], seen.predict) for a, b in itertools.pairwise(edges)
    ]
    return {finding.name: finding for finding in probe.findings(reduce(probe.merge, map(probe.summarise, parts)), None)}


def test_a_model_that_falls_for_a_column_that_must_not_matter_is_caught_and_one_that_does_not_passes() -> None:
    told = found(PROBE, window())
    assert told["behaviour/sex_does_not_matter"].value > 0.9
    assert told["behaviour/job"].value == 0
    assert told["behaviour/age_helps"].value == 0
    assert told["behaviour/age_harms"].value > 0.8
    assert (told["behaviour/centenarian"].value, told["behaviour/child"].value) == (0, 1)
    assert told["behaviour/sex_does_not_matter"].rows == 300
    assert set(told) == set(PROBE.declares(CONTRACT, TASKS["classification"]))


def test_a_failing_row_is_kept_so_that_the_model_can_be_asked_again_and_holds_no_personal_data() -> None:
    evidence = found(PROBE, window())["behaviour/sex_does_not_matter"].evidence
    assert 1 <= len(evidence["cases"]) <= 5
    for case in evidence["cases"]:
        again = model(pl.DataFrame([case["row"]]))["probability_1"][0]
        assert again == pytest.approx(case["after"], abs=1e-5)
        assert abs(case["after"] - case["before"]) > 0.05
    assert "example.org" not in json.dumps(evidence)


@given(cuts=st.lists(st.integers(0, 600), max_size=6))
@settings(max_examples=15, deadline=None)
def test_however_rows_are_cut_the_findings_are_the_same(cuts: list[int]) -> None:
    assert found(PROBE, window(), cuts) == found(PROBE, window())


def test_an_empty_window_and_a_model_that_cannot_be_asked_change_nothing() -> None:
    seen = window()
    mute = Window(seen.name, seen.rows, seen.contract, seen.task, seen.output, seen.predictions)
    profile = PROBE.summarise(seen)
    for nothing in (PROBE.summarise(mute), PROBE.summarise(Window("test", seen.rows[:0], CONTRACT, seen.task, seen.output, None, model)), Profile()):
        assert PROBE.merge(profile, nothing) is profile
        assert PROBE.merge(nothing, profile) is profile
    assert list(PROBE.findings(Profile(), None)) == []


def test_what_is_wrong_with_a_test_is_told_before_anything_runs() -> None:
    wrong = Behaviour(
        perturbations={"older": Shift(by=5)},
        invariance={
            "a": Invariance(columns=("agee",), by="older"),
            "b": Invariance(columns=("age",), by="oldr"),
            "c": Invariance(columns=("job",), by="older"),
        },
        minimum={"a": Minimum(rows=({"jobb": 1},), answer="yes")},
    )
    told = [f"{one.field}: {one.found}" for one in wrong.objections(CONTRACT)]
    assert told == [
        ": two tests are called a", "invariance.a.columns: there is no column agee", "invariance.b.by: there is no perturbation oldr",
        "invariance.c.columns: job is category, and older changes float, int", "minimum.a.rows: there is no column jobb",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("values", "column", "told"),
    [
        (("F", "M"), "age", "'F', 'M' cannot be in a column of int"),
        ((1, 2.5), "age", "2.5 cannot be in a column of int"),
        ((20, 30), "age", ""),
        (("F", "M"), "sex", ""),
    ],
)
def test_values_that_a_column_cannot_hold_are_told_before_anything_runs(values: tuple[int | float | str, ...], column: str, told: str) -> None:
    probe = Behaviour(perturbations={"other": Permutation(values=values)}, invariance={"a": Invariance(columns=(column,), by="other")})
    assert [one.found for one in probe.objections(CONTRACT)] == ([f"other cannot change {column}: {told}"] if told else [])


PERTURBATIONS: list[tuple[Perturbation, pl.Series]] = [
    (Typos(), pl.Series("text", ["hello", "ab", "x", "", None] * 100)),
    (Noise(deviation=2.0), pl.Series("number", [1.0, 2.0, None, 3.5, -1.0] * 100)),
    (Noise(deviation=2.0), pl.Series("number", [1, 2, None, 3, 4] * 100)),
    (Shift(by=5), pl.Series("number", [1, 2, None, 3, 4] * 100)),
    (Scale(by=2.54), pl.Series("number", [1.0, 2.0, None, 3.0, 4.0] * 100)),
    (Missing(), pl.Series("number", [1.0, 2.0, None, 3.0, 4.0] * 100)),
    (Permutation(values=("a", "b", "c")), pl.Series("word", ["a", "b", None, "c", "d"] * 100)),
    (Paraphrases(phrases={"very good": "excellent", "good": "fine"}), pl.Series("text", ["very good", "good", None, "bad", ""] * 100)),
]


@pytest.mark.parametrize(("change", "values"), PERTURBATIONS, ids=lambda one: type(one).__name__)
def test_a_change_follows_from_the_rows_key_and_leaves_what_is_missing_missing(change: Perturbation, values: pl.Series) -> None:
    whole = change.apply(values, KEYS)
    assert whole.len() == 500
    assert whole.name == values.name
    assert whole.is_null().to_list() == ([True] * 500 if isinstance(change, Missing) else values.is_null().to_list())
    cut = pl.concat([change.apply(values[:123], KEYS[:123]), change.apply(values[123:], KEYS[123:])])
    assert cut.to_list() == whole.to_list()
    assert change.apply(values.clear(), KEYS[:0]).len() == 0


def test_changes_do_what_they_say() -> None:
    assert sorted(Typos().apply(pl.Series(["hello"]), KEYS[:1])[0]) == sorted("hello")
    assert Typos().apply(pl.Series(["ab"]), KEYS[:1])[0] == "ba"
    noise = Noise(deviation=2.0).apply(pl.Series([0.0] * 500), KEYS)
    assert abs(noise.mean()) < 0.3
    assert 1.8 < noise.std() < 2.2
    other = Permutation(values=("a", "b", "c")).apply(pl.Series(["a"] * 500), KEYS)
    assert set(other) == {"b", "c"}
    assert 200 < (other == "b").sum() < 300
    assert Paraphrases(phrases={"very good": "excellent", "good": "fine"}).apply(pl.Series(["very good and good"]), KEYS[:1])[0] == "excellent and fine"
