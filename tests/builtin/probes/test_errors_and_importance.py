"""What predictions rest on, and where they are wrong."""

from __future__ import annotations

import json
from functools import reduce
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from tests.builtin.probes.windows import classes_window, values_window

from mlforge.artifact import ROW
from mlforge.builtin.probes.errors import Errors
from mlforge.builtin.probes.importance import Importance
from mlforge.components import Probe
from mlforge.contract import Column, Contract
from mlforge.finding import Finding
from mlforge.task import TASKS, Output
from mlforge.window import Profile, Window

CONTRACT = Contract(
    columns={
        "strong": Column(dtype="float"), "weak": Column(dtype="float"), "useless": Column(dtype="category"), "mail": Column(dtype="string", pii="email"),
        "label": Column(dtype="category", role="target"),
    }
)  # fmt: skip


def chance(rows: pl.DataFrame) -> pl.Series:
    return 1 / (1 + (-(4 * rows["strong"] + 0.7 * rows["weak"])).exp())


def model(rows: pl.DataFrame) -> pl.DataFrame:
    said = chance(rows)
    return pl.DataFrame(
        {"prediction": pl.select(pl.when(said > 0.5).then(pl.lit("yes")).otherwise(pl.lit("no"))).to_series(), "probability_0": 1 - said, "probability_1": said}
    )


def window(rows: int = 3000, wrong: int = 0) -> Window:
    draw = np.random.default_rng(0)
    frame = pl.DataFrame(
        {ROW: np.arange(rows), "strong": draw.normal(size=rows), "weak": draw.normal(size=rows), "useless": draw.choice(["a", "b"], rows), "mail": "x@y.org"}
    )
    label = (draw.random(rows) < chance(frame).to_numpy()).astype(int)
    label[:wrong] = (chance(frame).to_numpy()[:wrong] < 0.5).astype(int)  # planted: the label that the model does not believe
    frame = frame.with_columns(label=pl.Series(np.array(["no", "yes"])[label]))
    return Window("test", frame, CONTRACT, TASKS["classification"], Output("classes", "label", ("no", "yes")), model(frame), model)


def found(probe: Probe, seen: Window, cuts: list[int] | None = None) -> dict[str, Finding]:
    assert seen.predictions is not None
    edges = [0, *sorted(cuts or []), len(seen.rows)]
    parts = [Window(seen.name, seen.rows[a:b], seen.contract, seen.task, seen.output, seen.predictions[a:b], seen.predict) for a, b in pairwise(edges)]
    return {finding.name: finding for finding in probe.findings(reduce(probe.merge, map(probe.summarise, parts)), None)}


def test_columns_are_ranked_by_what_they_matter_and_a_useless_one_is_not_shown_to() -> None:
    told = found(Importance(), window())
    assert list(told)[:2] == ["importance/strong", "importance/weak"]
    assert told["importance/strong"].low > told["importance/weak"].high > 0
    assert told["importance/weak"].low > 0
    assert told["importance/useless"].value == 0
    assert "not shown to matter" in told["importance/useless"].text
    assert set(told) <= set(Importance().declares(CONTRACT, TASKS["classification"]))


def test_the_importance_is_that_of_scikit_learns_permutation() -> None:
    from sklearn.metrics import log_loss

    seen = window()
    draw = np.random.default_rng(1)
    base = log_loss(seen.rows["label"], chance(seen.rows).to_numpy())
    shuffled = [
        log_loss(seen.rows["label"], chance(seen.rows.with_columns(strong=pl.Series(draw.permutation(seen.rows["strong"].to_numpy())))).to_numpy())
        for _ in range(20)
    ]
    told = found(Importance(rows=3000), seen)["importance/strong"]
    assert told.value == pytest.approx(np.mean(shuffled) - base, abs=3 * float(np.std(shuffled)) + 1e-9)


def test_a_columns_effect_rises_where_the_model_does_and_holds_no_personal_data() -> None:
    told = found(Importance(), window())
    curve = told["importance/strong"].evidence["curve"]
    assert [value for _, value in curve] == sorted(value for _, value in curve)
    assert 2 <= len(curve) <= 9
    assert "x@y.org" not in json.dumps([one.model_dump(mode="json") for one in told.values()])


def test_planted_wrong_labels_are_among_the_suspects_and_the_worst_row_is_named() -> None:
    told = found(Errors(), window(wrong=40))
    suspects = told["errors/label_suspects"]
    clean = found(Errors(), window())["errors/label_suspects"]
    assert suspects.value > clean.value
    assert len(set(suspects.evidence["rows"]) & set(range(40))) >= 10
    cases = told["errors/worst"].evidence["cases"]
    assert [case["loss"] for case in cases] == sorted((case["loss"] for case in cases), reverse=True)
    assert "mail" not in cases[0]["row"]
    assert told["errors/confusions"].evidence["confusions"][0]["true"] in ("no", "yes")


@pytest.mark.parametrize("cuts", [[7], [100, 2000], [0, 3000]])
def test_however_rows_are_cut_errors_are_the_same(cuts: list[int]) -> None:
    assert found(Errors(), window(), cuts) == found(Errors(), window())


def test_values_and_many_classes_have_errors_too() -> None:
    draw = np.random.default_rng(2)
    target = draw.normal(size=500)
    said = target + draw.normal(size=500) * 0.1
    said[17] += 10
    told = found(Errors(), values_window(target, said))
    assert told["errors/worst"].evidence["cases"][0]["number"] == 17
    assert told["errors/label_suspects"].evidence["rows"] == [17]
    probability = draw.dirichlet(np.ones(4), 300)
    many = found(Errors(), classes_window(draw.integers(0, 4, 300), probability, classes=("a", "b", "c", "d")))
    assert 1 <= len(many["errors/confusions"].evidence["confusions"]) <= 10


@pytest.mark.parametrize("probe", [Errors(), Importance()])
def test_one_row_no_row_and_a_model_that_cannot_be_asked_break_nothing(probe: Probe) -> None:
    seen = window(5)
    assert seen.predictions is not None
    one = Window("test", seen.rows[:1], CONTRACT, seen.task, seen.output, seen.predictions[:1], seen.predict)
    for finding in probe.findings(probe.summarise(one), None):
        assert finding.value is None or finding.value == finding.value
    nothing = probe.summarise(Window("test", seen.rows[:0], CONTRACT, seen.task, seen.output, seen.predictions[:0], seen.predict))
    profile = probe.summarise(seen)
    assert probe.merge(profile, nothing) is profile
    assert probe.merge(nothing, profile) is profile
    assert list(probe.findings(Profile(), None)) == []
