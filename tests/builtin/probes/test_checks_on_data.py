"""What the checks see in data: each with something planted, and the same data without it."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.builtin.probes.data_windows import cut, data_window, found_in, profile_of

from mlforge.builtin.probes.balance import Balance
from mlforge.builtin.probes.constant import Constant
from mlforge.builtin.probes.duplicates import Duplicates
from mlforge.builtin.probes.freshness import Freshness
from mlforge.builtin.probes.leakage import Leakage
from mlforge.builtin.probes.missing import Missing
from mlforge.builtin.probes.outliers import Outliers
from mlforge.builtin.probes.shift import Shift
from mlforge.components import Probe
from mlforge.window import Profile, Window

ROWS = 4000
COLUMNS = {
    "amount": {"dtype": "float", "nullable": True},
    "count": {"dtype": "int"},
    "city": {"dtype": "category", "nullable": True},
    "when": {"dtype": "datetime", "role": "time"},
    "flag": {"dtype": "bool"},
    "y": {"dtype": "category", "role": "target"},
}
PROBES = (
    Balance(), Constant(rows=500), Constant(), Duplicates(), Freshness(now="2026-01-01"), Leakage(rows=500), Leakage(), Missing(), Outliers(rows=500),
    Outliers(), Shift(rows=500), Shift(),
)  # fmt: skip


def rows(seed: int = 1, count: int = ROWS) -> pl.DataFrame:
    draw = np.random.default_rng(seed)
    start = datetime(2025, 1, 1)
    frame = pl.DataFrame(
        {
            "amount": draw.normal(100, 10, count),
            "count": draw.integers(0, 50, count),
            "city": draw.choice(["Oslo", "Lund", "Bern", "Graz"], count),
            "when": [start + timedelta(minutes=int(m)) for m in draw.integers(0, 100_000, count)],
            "flag": draw.random(count) < 0.5,
            "y": draw.choice(["no", "yes"], count, p=[0.8, 0.2]),
            "part": draw.choice(["train", "validation", "test"], count, p=[0.7, 0.15, 0.15]),
        }
    )
    return frame.with_columns(amount=pl.when(pl.int_range(pl.len()) % 11 != 0).then("amount"))


@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: type(probe).__name__)
def test_ordinary_rows_raise_nothing(probe: Probe) -> None:
    found = found_in(probe, data_window(rows(), COLUMNS))
    assert found
    assert {finding.severity for finding in found.values()} == {"info"}


@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: type(probe).__name__)
@given(at=st.lists(st.integers(0, 600), max_size=6), shuffled=st.randoms())
@settings(max_examples=8, deadline=None)
def test_however_rows_are_cut_and_merged_the_findings_are_the_same(probe: Probe, at: list[int], shuffled) -> None:
    window = data_window(rows(count=600), COLUMNS)
    whole = list(probe.findings(probe.summarise(window), None))
    profiles = [probe.summarise(piece) for piece in cut(window, at)]
    while len(profiles) > 1:  # neighbours in any grouping: merging is associative
        place = shuffled.randrange(len(profiles) - 1)
        profiles[place : place + 2] = [probe.merge(*profiles[place : place + 2])]
    assert list(probe.findings(profiles[0], None)) == whole


@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: type(probe).__name__)
def test_the_empty_window_changes_nothing_and_says_nothing(probe: Probe) -> None:
    window = data_window(rows(count=300), COLUMNS)
    none = probe.summarise(Window(window.name, window.rows[:0], window.contract, window.task))
    profile = probe.summarise(window)
    for merged in (probe.merge(profile, none), probe.merge(none, profile), probe.merge(profile, Profile()), probe.merge(Profile(), profile)):
        assert list(probe.findings(merged, None)) == list(probe.findings(profile, None))
    assert list(probe.findings(none, None)) == []
    assert probe.merge(Profile(), Profile()).tables == {}


@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: type(probe).__name__)
def test_evidence_is_small_whatever_the_width(probe: Probe) -> None:
    draw = np.random.default_rng(2)
    wide = {f"x{k}": draw.integers(0, 2, 200) for k in range(150)}
    window = data_window({**wide, "y": draw.choice(["a", "b"], 200), "part": ["train", "test"] * 100}, {
        **{key: {"dtype": "int"} for key in wide}, "y": {"dtype": "category", "role": "target"}
    })  # fmt: skip
    for finding in found_in(probe, window).values():
        assert len(json.dumps(finding.model_dump(mode="json"))) < 4000


@pytest.mark.parametrize("size", [1, 37, 4000])
def test_a_leaking_number_is_named(size: int) -> None:
    draw = np.random.default_rng(3)
    planted = rows().with_columns(refund=pl.when(pl.col("y") == "yes").then(pl.lit(draw.gamma(2, 40, ROWS)) + 1).otherwise(0.0))
    window = data_window(planted, COLUMNS | {"refund": {"dtype": "float"}})
    found = found_in(Leakage(), window, range(size, ROWS, max(size, ROWS // 20)))["leakage/suspects"]
    assert (found.value, found.severity) == (1, "warning")
    assert found.evidence == {"columns": {"refund": 1.0}}
    assert "refund" in found.text


def test_a_leaking_category_is_named_and_a_mere_identifier_is_not() -> None:
    planted = rows().with_columns(
        reason=pl.when(pl.col("y") == "yes").then(pl.concat_str(pl.lit("why "), pl.col("count") % 7)),
        name=pl.concat_str(pl.lit("person "), pl.int_range(pl.len())),
    )
    window = data_window(planted, COLUMNS | {"reason": {"dtype": "category", "nullable": True}, "name": {"dtype": "string"}})
    found = found_in(Leakage(), window)
    assert list(found["leakage/suspects"].evidence["columns"]) == ["reason"]
    assert found["leakage/strongest"].evidence["associations"]["name"] < 0.2


def test_a_leak_that_is_no_threshold_is_seen_too() -> None:
    draw = np.random.default_rng(4)
    inside = rows().with_columns(distance=pl.when(pl.col("y") == "yes").then(pl.lit(draw.uniform(4, 6, ROWS))).otherwise(pl.lit(draw.choice([1.0, 9.0], ROWS))))
    assert found_in(Leakage(), data_window(inside, COLUMNS | {"distance": {"dtype": "float"}}))["leakage/suspects"].value == 1


def test_a_leak_of_several_classes_and_of_values() -> None:
    draw = np.random.default_rng(5)
    kinds = draw.integers(0, 5, ROWS)
    frame = {"code": kinds * 10 + draw.integers(0, 3, ROWS), "noise": draw.normal(size=ROWS), "y": [f"k{kind}" for kind in kinds]}
    columns = {"code": {"dtype": "int"}, "noise": {"dtype": "float"}, "y": {"dtype": "category", "role": "target"}}
    assert list(found_in(Leakage(), data_window(frame, columns))["leakage/suspects"].evidence["columns"]) == ["code"]
    price = draw.lognormal(3, 1, ROWS)
    frame = {"gross": price * 1.25 + 1, "noise": draw.normal(size=ROWS), "y": price}
    columns = {"gross": {"dtype": "float"}, "noise": {"dtype": "float"}, "y": {"dtype": "float", "role": "target"}}
    found = found_in(Leakage(), data_window(frame, columns, "regression"))
    assert list(found["leakage/suspects"].evidence["columns"]) == ["gross"]
    assert found["leakage/strongest"].evidence["associations"]["noise"] < 0.05


def test_a_strong_but_honest_feature_is_no_suspect() -> None:
    draw = np.random.default_rng(6)
    y = draw.random(ROWS) < 0.3
    frame = {"score": draw.normal(2.2 * y), "y": np.where(y, "yes", "no")}
    columns = {"score": {"dtype": "float"}, "y": {"dtype": "category", "role": "target"}}
    found = found_in(Leakage(), data_window(frame, columns))
    assert found["leakage/suspects"].value == 0
    assert found["leakage/strongest"].value == pytest.approx(2 * 0.94 - 1, abs=0.02)  # AUC of two normals 2.2 apart: Φ(2.2 / √2)


def test_constant_and_nearly_constant_columns_are_named() -> None:
    planted = rows().with_columns(fixed=pl.lit(7), nothing=pl.lit(None, dtype=pl.String), rare=(pl.int_range(pl.len()) % 1000 == 0))
    window = data_window(planted, COLUMNS | {"fixed": {"dtype": "int"}, "nothing": {"dtype": "category", "nullable": True}, "rare": {"dtype": "bool"}})
    found = found_in(Constant(), window, [10, 2000])
    assert found["constant/columns"].evidence == {"columns": ["fixed", "nothing"]}
    assert found["constant/nearly"].evidence == {"shares": {"rare": 0.999}}
    assert {finding.severity for finding in found.values()} == {"warning"}


def test_one_other_value_in_the_last_row_makes_a_column_nearly_constant() -> None:
    window = data_window({"x": [1.0] * 999 + [2.0], "y": ["a", "b"] * 500}, {"x": {"dtype": "float"}, "y": {"dtype": "category", "role": "target"}})
    found = found_in(Constant(rows=100), window, [500])
    assert (found["constant/columns"].value, found["constant/nearly"].value) == (0, 1)


def test_a_wrong_unit_is_an_outlier_named_with_its_row() -> None:
    planted = rows().with_columns(amount=pl.when(pl.int_range(pl.len()) == 1234).then(99_999.0).otherwise("amount"))
    found = found_in(Outliers(rows=500), data_window(planted, COLUMNS), [1000, 2000])["outliers/farthest"]
    assert found.severity == "warning"
    assert found.evidence["farthest"]["amount"]["row"] == 1234
    assert "row 1,234" in found.text


def test_the_share_of_outliers_is_that_of_the_column_with_most() -> None:
    planted = rows().with_columns(count=pl.when(pl.int_range(pl.len()) % 50 == 0).then(5000).otherwise("count"))
    found = found_in(Outliers(), data_window(planted, COLUMNS))["outliers/largest_share"]
    assert found.value == pytest.approx(0.02)
    assert list(found.evidence["shares"]) == ["count"]


def test_missing_values_that_tell_the_class_are_named() -> None:
    planted = rows().with_columns(city=pl.when((pl.col("y") == "no") | (pl.int_range(pl.len()) % 2 == 0)).then("city"), count=pl.lit(None, dtype=pl.Int64))
    found = found_in(Missing(), data_window(planted, COLUMNS), [700])
    assert found["missing/largest_share"].text.startswith("count lacks 100.0%")
    assert found["missing/class_difference"].value == pytest.approx(0.5, abs=0.05)
    assert "city is missing for yes more often than for no" in found["missing/class_difference"].text
    assert {finding.severity for finding in found.values()} == {"warning"}


def test_missing_values_of_a_regression_have_no_classes() -> None:
    window = data_window(
        {"x": [1.0, None, 3.0, 4.0], "y": [1.0, 2.0, 3.0, 4.0]},
        {"x": {"dtype": "float", "nullable": True}, "y": {"dtype": "float", "role": "target"}},
        "regression",
    )
    assert {name: finding.value for name, finding in found_in(Missing(), window).items()} == {"missing/largest_share": 0.25}


def test_freshness_counts_from_the_clock_that_it_is_given() -> None:
    window = data_window({"when": [datetime(2026, 1, 1), datetime(2026, 1, 8), None], "y": ["a", "b", "a"]}, COLUMNS | {"y": COLUMNS["y"]})
    found = found_in(Freshness(now="2026-01-10T12:00", max_age="2 d"), window, [1])["freshness/age"]
    assert (found.value, found.unit, found.volatile, found.severity) == (2.5 * 86_400, "s", True, "warning")
    assert found_in(Freshness(now="2026-01-10T14:00+02:00", max_age="3 d"), window)["freshness/age"].severity == "info"
    assert found_in(Freshness(now="2026-01-01"), window)["freshness/age"].severity == "warning"  # rows from the future
    assert found_in(Freshness(), window)["freshness/age"].value > 0


def test_freshness_is_measured_where_there_is_a_time() -> None:
    assert list(Freshness().declares(data_window(rows(), COLUMNS).contract, data_window(rows(), COLUMNS).task)) == ["freshness/age"]
    assert found_in(Freshness(), data_window({"y": ["a", "b"]}, {"y": COLUMNS["y"]})) == {}
    with pytest.raises(ValueError, match="no time in ISO 8601"):
        Freshness(now="yesterday")


def test_a_shifted_number_and_a_shifted_category_are_named() -> None:
    test = pl.col("part") == "test"
    planted = rows().with_columns(
        amount=pl.when(test).then(pl.col("amount") + 5).otherwise("amount"), city=pl.when(test & (pl.col("count") < 10)).then(pl.lit("Rome")).otherwise("city")
    )
    found = found_in(Shift(), data_window(planted, COLUMNS), [100, 3000])
    assert set(found["shift/columns"].evidence["columns"]) == {"city", "amount"}
    assert (found["shift/columns"].value, found["shift/columns"].severity) == (2, "warning")


def test_shift_seldom_cries_wolf() -> None:
    alarms = sum(found_in(Shift(effect=0.001, significance=0.05), data_window(rows(seed, 800), COLUMNS))["shift/columns"].value > 0 for seed in range(60))
    assert alarms <= 8  # 3 are to be expected


def test_rows_that_are_not_split_cannot_shift() -> None:
    found = found_in(Shift(), data_window(rows().drop("part"), COLUMNS))
    assert {finding.value for finding in found.values()} == {None}
    assert {finding.text for finding in found.values()} == {"the rows are not split"}


def test_two_hundred_duplicates_across_the_split_are_counted_and_located() -> None:
    frame = rows().with_columns(serial=pl.int_range(pl.len()))
    copies = frame.filter(pl.col("part") == "train")[:200].with_columns(part=pl.lit("test"), serial=pl.int_range(pl.len()) + 10_000)
    window = data_window(pl.concat([frame, copies]), COLUMNS | {"serial": {"dtype": "int", "role": "id"}})
    found = found_in(Duplicates(), window, [999, 1000, 4100])
    assert (found["duplicates/leaks"].value, found["duplicates/leaks"].severity) == (200, "warning")
    assert found["duplicates/share"].value == 200 / 4200
    unused = data_window(
        window.rows.with_columns(part=pl.when(pl.col("part") == "test").then(pl.lit("unused")).otherwise("part")),
        COLUMNS | {"serial": {"dtype": "int", "role": "id"}},
    )
    assert found_in(Duplicates(), unused)["duplicates/leaks"].value == 0
    pair = found["duplicates/leaks"].evidence["pairs"][0]
    assert pair["part"] == "test"
    assert window.rows.row(pair["row"])[1:6] == window.rows.row(pair["train"])[1:6]


def test_the_profile_of_duplicates_has_sixteen_bytes_a_row() -> None:
    window = data_window(pl.concat([rows()] * 25), COLUMNS)
    profile = profile_of(Duplicates(), cut(window, range(10_000, 100_000, 10_000)))
    assert profile.tables["rows"].estimated_size() == 16 * window.rows.height


def test_a_sample_holds_no_text() -> None:
    secret = rows(count=200).with_columns(city=pl.lit("ada@example.org"))
    for probe in (Leakage(), Shift(), Constant()):
        profile = probe.summarise(data_window(secret, COLUMNS))
        assert "ada@example.org" not in str([table.to_dicts() for table in profile.tables.values()])
