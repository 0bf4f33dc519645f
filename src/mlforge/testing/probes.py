"""What a probe must do: one that looks at data (`checks`), or at predictions (`evaluators`).

    class TestSkew(ProbeContract):
        component = Skew()

It sees a sample's rows with predictions for a classification; say `task = "regression"`, or `predictions = False` for a check, and override `window` for
rows of its own.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from functools import reduce
from io import BytesIO
from pathlib import Path
from random import Random
from typing import ClassVar

import pytest

from mlforge.components import Component, Probe
from mlforge.finding import Finding
from mlforge.testing.component import ComponentContract
from mlforge.testing.samples import cut, window
from mlforge.window import Profile, Window

__all__ = ["ProbeContract"]

_SKETCH = 512 * 1024  # bytes of a sketch of the sample: "kilobytes"
_EVIDENCE = 64 * 1024  # bytes of a finding as JSON


class ProbeContract(ComponentContract[Probe]):
    """Clauses for a probe."""

    kind: ClassVar[type[Component]] = Probe
    task: ClassVar[str] = "classification"
    predictions: ClassVar[bool] = True

    def window(self, rows: int) -> Window:
        """The rows that it looks at; the first of many are the few."""
        return window(self.task, rows=rows, predicted=self.predictions)

    def exercise(self, component: Probe, folder: Path) -> None:
        """Measure the sample, in two parts."""
        self._found(component, [150])

    def disturb(self, component: Probe, folder: Path) -> None:
        """Measure rows that lack the contract's columns."""
        whole = self.window(20)
        self._told(component, component.summarise(replace(whole, rows=whole.rows.select("__row__"))))

    def test_it_finds_something(self, subject: Probe) -> None:
        """Else the suite has looked at nothing; give it a window for which there is something to find."""
        assert self._found(subject), f"nothing is found for {self.task}; set `task` or `predictions`, or override `window`"

    def test_every_finding_is_declared(self, subject: Probe) -> None:
        """Else `mlforge check` calls a gate's rule over it a mistake."""
        whole = self.window(300)
        declared = {_pattern(name) for name in subject.declares(whole.contract, whole.task)}
        found = {finding.name for finding in self._found(subject)}
        stray = sorted(name for name in found if not any(_fits(name, pattern) for pattern in declared))
        assert not stray, f"found and not declared: {', '.join(stray[:5])}"

    def test_the_same_rows_give_the_same_findings(self, subject: Probe) -> None:
        """Else a reused stage and a fresh one disagree."""
        assert _lasting(self._found(subject)) == _lasting(self._found(subject))

    @pytest.mark.parametrize("seed", range(6))
    def test_it_makes_no_difference_where_the_rows_are_cut(self, subject: Probe, seed: int) -> None:
        """Else a figure depends on the size of partitions, or on how many machines share the work; a probe of which that is true says why, in `cut`."""
        if subject.cut:
            pytest.skip(f"{type(subject).__name__}: {subject.cut}")
        random = Random(seed)  # noqa: S311 - cuts, not keys
        at = [random.randrange(301) for _ in range(random.randint(1, 6))]  # also empty pieces
        whole, parted = _lasting(self._found(subject)), _lasting(self._found(subject, at))
        assert _close(whole, parted), f"cut at {sorted(at)}: {_difference(whole, parted)}"

    @pytest.mark.parametrize("seed", range(4))
    def test_merging_is_associative(self, subject: Probe, seed: int) -> None:
        """Else profiles that are merged in another order, as a cluster does, give other findings."""
        random = Random(100 + seed)  # noqa: S311
        one, two, three = (subject.summarise(part) for part in cut(self.window(300), [random.randrange(301) for _ in range(2)]))
        left, right = subject.merge(subject.merge(one, two), three), subject.merge(one, subject.merge(two, three))
        told = [_lasting(self._told(subject, profile)) for profile in (left, right)]
        assert _close(*told), _difference(*told)

    def test_the_profile_of_no_rows_changes_nothing(self, subject: Probe) -> None:
        """Else an hour without traffic moves the figures of the day."""
        profile, nothing = subject.summarise(self.window(300)), subject.summarise(self.window(0))
        for merged in (subject.merge(profile, nothing), subject.merge(nothing, profile)):
            told = _lasting(self._told(subject, merged))
            assert _close(told, _lasting(self._found(subject))), _difference(told, _lasting(self._found(subject)))

    @pytest.mark.parametrize("count", [0, 1])
    def test_no_rows_and_one_row_are_measured_or_said_to_be_too_few(self, subject: Probe, count: int) -> None:
        """Else the first request to a server, or a slice with nobody in it, ends in a traceback."""
        for finding in self._told(subject, subject.summarise(self.window(count))):
            assert finding.value is not None or finding.text, f"{finding.name} has no value, and no word on why"

    def test_a_value_is_a_number_or_missing_with_a_reason(self, subject: Probe) -> None:
        """Else NaN passes through comparisons, and a gate says what it likes."""
        for count in (0, 1, 5, 300):
            for finding in self._told(subject, subject.summarise(self.window(count))):
                for end in (finding.value, finding.low, finding.high):
                    assert end is None or math.isfinite(end), f"{finding.name} is {end} for {count} rows"
                assert finding.value is not None or finding.text, f"{finding.name} has no value, and no word on why"

    def test_a_finding_is_small_plain_data(self, subject: Probe) -> None:
        """Else records grow with the rows, and personal data comes to lie in them."""
        for finding in self._found(subject):
            size = len(json.dumps(finding.model_dump(mode="json"), allow_nan=False))
            assert size <= _EVIDENCE, f"{finding.name} has {size} bytes of evidence"

    def test_names_are_without_the_windows(self, subject: Probe) -> None:
        """Else a gate over test/… looks for test/test/…."""
        name = self.window(1).name
        doubled = [finding.name for finding in self._found(subject) if finding.name.startswith(f"{name}/")]
        assert not doubled, f"begin with {name}/: {', '.join(doubled)}"

    def test_a_profile_survives_as_a_file(self, subject: Probe) -> None:
        """Else it cannot be kept with a model version, nor come from another machine."""
        import polars as pl

        profile = subject.summarise(self.window(300))
        tables = {name: pl.read_parquet(BytesIO(_parquet(table))) for name, table in profile.tables.items()}
        told = _lasting(self._told(subject, Profile(tables, profile.exact)))
        assert _close(told, _lasting(self._found(subject))), _difference(told, _lasting(self._found(subject)))

    def test_a_sketch_stays_small(self, subject: Probe) -> None:
        """Else a model version grows with its training rows; a profile that must have them says `exact=True`."""
        profile = reduce(subject.merge, map(subject.summarise, cut(self.window(3000), range(500, 3000, 500))))
        size = sum(table.estimated_size() for table in profile.tables.values())
        assert profile.exact or size <= _SKETCH, f"{size} bytes for 3000 rows, and it is not said to be exact"

    def test_it_can_be_compared_with_a_reference(self, subject: Probe) -> None:
        """Else it ends in a traceback as soon as there is a champion."""
        profile = subject.summarise(self.window(300))
        for finding in subject.findings(profile, subject.summarise(self.window(200))):
            assert isinstance(finding, Finding)

    def test_it_leaves_its_rows_as_they_are(self, subject: Probe) -> None:
        """Else the next probe sees other rows."""
        whole = self.window(100)
        before = whole.rows.clone()
        self._told(subject, subject.summarise(whole))
        assert whole.rows.equals(before), "the window's rows have changed"

    def _found(self, component: Probe, at: Sequence[int] = ()) -> list[Finding]:
        return self._told(component, reduce(component.merge, map(component.summarise, cut(self.window(300), at))))

    def _told(self, component: Probe, profile: Profile) -> list[Finding]:
        return list(component.findings(profile, None))


def _parquet(table: object) -> bytes:
    import polars as pl

    assert isinstance(table, pl.DataFrame), f"a profile has tables, and this is a {type(table).__name__}"
    buffer = BytesIO()
    table.write_parquet(buffer)
    return buffer.getvalue()


def _pattern(name: str) -> tuple[str, ...]:
    return tuple(name.split("/"))


def _fits(name: str, pattern: tuple[str, ...]) -> bool:
    parts = name.split("/")
    return len(parts) == len(pattern) and all(asked in (part, "*") for part, asked in zip(parts, pattern, strict=True))


def _lasting(findings: Sequence[Finding]) -> dict[tuple[str, str], Finding]:
    return {(finding.name, finding.subject): finding for finding in findings if not finding.volatile}


def _close(one: dict[tuple[str, str], Finding], other: dict[tuple[str, str], Finding]) -> bool:
    """The same findings, but for the rounding of sums in another order."""
    return one.keys() == other.keys() and all(_near(one[key].value, other[key].value) for key in one)


def _near(one: float | None, other: float | None) -> bool:
    return one == other or (one is not None and other is not None and math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-12))


def _difference(one: dict[tuple[str, str], Finding], other: dict[tuple[str, str], Finding]) -> str:
    shown = [
        f"{key[0]} {one[key].value if key in one else 'missing'} → {other[key].value if key in other else 'missing'}"
        for key in sorted({*one, *other})
        if key not in one or key not in other or not _near(one[key].value, other[key].value)
    ]
    return "; ".join(shown[:5])
