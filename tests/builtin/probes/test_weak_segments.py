"""Weak parts of the rows: a planted one is found, chance is not, and nothing depends on how rows are cut."""

from __future__ import annotations

from functools import reduce
from itertools import pairwise

import numpy as np
import polars as pl
import pytest

from mlforge.artifact import ROW
from mlforge.builtin.probes.segments import Segments
from mlforge.builtin.probes.weakness import discovered, rejected, welch
from mlforge.contract import Column, Contract
from mlforge.finding import Finding
from mlforge.task import TASKS, Output
from mlforge.window import Window

CONTRACT = Contract(
    columns={
        "age": Column(dtype="int"), "town": Column(dtype="category", nullable=True), "size": Column(dtype="float"),
        "sex": Column(dtype="category", role="protected"),
        "mail": Column(dtype="category", pii="email"), "note": Column(dtype="text"), "label": Column(dtype="category", role="target"),
    }
)  # fmt: skip


def window(rows: int = 3000, seed: int = 0, planted: bool = False) -> Window:
    """A model that is right 85 times of 100, and, where it is planted, no better than chance for the old of town B."""
    draw = np.random.default_rng(seed)
    frame = pl.DataFrame(
        {
            ROW: np.arange(rows), "age": draw.integers(18, 90, rows), "town": draw.choice(["A", "B", "C"], rows), "size": draw.normal(size=rows),
            "sex": draw.choice(["F", "M"], rows), "mail": draw.choice(["a@x.org", "b@x.org"], rows), "note": ["text"] * rows,
        }
    )  # fmt: skip
    said = draw.integers(0, 2, rows)
    right = draw.random(rows) < np.where(planted & (frame["age"] > 72).to_numpy() & (frame["town"] == "B").to_numpy(), 0.4, 0.85)
    label = np.where(right, said, 1 - said)
    probability = np.where(said == 1, 0.85, 0.15)
    names = np.array(["no", "yes"])
    frame = frame.with_columns(label=pl.Series(names[label]), town=pl.when(pl.int_range(rows) % 20 == 0).then(None).otherwise("town"))
    predictions = pl.DataFrame({"prediction": names[said], "probability_0": 1 - probability, "probability_1": probability})
    return Window("test", frame, CONTRACT, TASKS["classification"], Output("classes", "label", ("no", "yes")), predictions)


def found(probe: Segments, seen: Window, cuts: list[int] | None = None) -> dict[str, Finding]:
    assert seen.predictions is not None
    edges = [0, *sorted(cuts or []), len(seen.rows)]
    parts = [Window(seen.name, seen.rows[a:b], seen.contract, seen.task, seen.output, seen.predictions[a:b]) for a, b in pairwise(edges)]
    return {finding.name: finding for finding in probe.findings(reduce(probe.merge, map(probe.summarise, parts)), None)}


def test_a_planted_part_is_found_and_named_with_its_accuracy() -> None:
    told = found(Segments(), window(6000, planted=True))
    assert told["segments/found"].value >= 1
    worst = list(told.values())[1]
    assert worst.evidence["where"]["town"] == "B"
    assert worst.evidence["where"]["age"].endswith("–89")
    assert worst.evidence["accuracy"] < 0.6
    assert worst.severity == "warning"
    assert worst.value > worst.evidence["elsewhere"]


def test_without_a_weak_part_false_discoveries_keep_their_share() -> None:
    """Whole simulations in which anything at all is told: each would be a false one. At most 5 % of them, by the binomial's 99 % bound of 200 (18)."""
    probe = Segments(effect=0.0, minimum=40)
    wrong = sum(found(probe, window(600, seed=seed))["segments/found"].value > 0 for seed in range(200))
    assert wrong <= 18


def test_no_person_and_no_text_is_looked_at() -> None:
    told = found(Segments(minimum=10, effect=0.0, false_discoveries=0.99, most=100), window(planted=True))
    assert len(told) > 5
    assert not any("mail" in name or "note" in name for name in told)
    assert any("sex" in name for name in told), "protected columns are audited"


@pytest.mark.parametrize("cuts", [[7], [100, 2000], [0, 3000]])
def test_however_rows_are_cut_the_same_parts_are_found(cuts: list[int]) -> None:
    assert found(Segments(rows=1000), window(planted=True), cuts) == found(Segments(rows=1000), window(planted=True))


def test_a_pair_is_not_told_when_one_column_says_it_all() -> None:
    draw = np.random.default_rng(1)
    columns = pl.DataFrame({"one": draw.choice(["a", "b"], 4000), "two": draw.choice(["x", "y"], 4000)})
    loss = draw.normal(size=4000) + 2 * (columns["one"] == "a").to_numpy()
    told, _ = discovered(columns, loss, 50, 0.2, 0.01)
    assert [one.name for one in told] == ["one a"]


def test_the_test_is_scipys_and_the_correction_too() -> None:
    stats = pytest.importorskip("scipy.stats")
    draw = np.random.default_rng(0)
    for shift in (-0.3, 0.0, 0.3, 1.0):
        one, other = draw.normal(shift, 1, 60), draw.normal(0, 2, 900)
        p = welch(one.mean(), one.var(ddof=1), 60, other.mean(), other.var(ddof=1), 900)
        assert p == pytest.approx(stats.ttest_ind(one, other, equal_var=False, alternative="greater").pvalue, rel=0.02)
    p = draw.random(40) ** 3
    assert rejected(p.tolist()) == pytest.approx(stats.false_discovery_control(p).tolist())


@pytest.mark.parametrize("rows", [0, 1, 60])
def test_too_few_rows_are_said_to_be_too_few(rows: int) -> None:
    told = found(Segments(), window(rows))
    assert all(finding.value is None and "too few" in finding.text for finding in told.values())
    assert bool(told) == bool(rows)


def test_values_and_constant_columns_are_searched_too() -> None:
    draw = np.random.default_rng(0)
    frame = pl.DataFrame(
        {ROW: np.arange(2000), "x": draw.normal(size=2000), "same": np.ones(2000), "nothing": np.full(2000, np.nan), "label": draw.normal(size=2000)}
    )
    said = pl.DataFrame({"prediction": frame["label"] + draw.normal(size=2000) * np.where(frame["x"] > 1, 5, 1)})
    columns = {key: Column(dtype="float") for key in ("x", "same", "nothing")} | {"label": Column(dtype="float", role="target")}
    told = found(Segments(), Window("test", frame, Contract(columns=columns), TASKS["regression"], Output("value", "label"), said))
    assert any(name.startswith("segments/x_") and name.endswith("/mae") for name in told)
    broken = said.with_columns(prediction=pl.lit(float("nan")))
    (only,) = found(Segments(), Window("test", frame, Contract(columns=columns), TASKS["regression"], Output("value", "label"), broken)).values()
    assert only.value is None
    assert "not finite" in only.text


def test_a_column_that_is_not_there_or_cannot_be_cut_is_told_by_check() -> None:
    assert [one.found for one in Segments(columns=("shoe", "note")).objections(CONTRACT)] == [
        "there is no column shoe",
        "note is text, which has no ranges and no few values",
    ]
