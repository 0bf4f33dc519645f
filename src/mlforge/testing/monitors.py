"""What a monitor must do, beyond what every probe must: hold live windows against a reference, and never fail over a bad one.

    class TestSkew(MonitorContract):
        component = Skew()

Its reference is made of a sample's rows, as the stage `calibrate` makes it; override `rows` for rows of its own.
"""

from __future__ import annotations

from dataclasses import replace
from functools import reduce
from pathlib import Path
from typing import ClassVar

import pytest

from mlforge.alarm import Windowing
from mlforge.components import Component, Monitor, Probe
from mlforge.finding import Finding
from mlforge.testing.probes import ProbeContract
from mlforge.testing.samples import cut, window
from mlforge.window import Profile, Window

__all__ = ["MonitorContract"]

_COLUMN = 64 * 1024  # bytes of a profile, for each column
_REFERENCE = 300  # rows


class MonitorContract(ProbeContract):
    """Clauses for a monitor."""

    kind: ClassVar[type[Component]] = Monitor

    def rows(self, rows: int) -> Window:
        """The rows that it looks at, without a reference; the first of many are the few."""
        return window(self.task, rows=rows, predicted=self.predictions)

    def window(self, rows: int) -> Window:
        """Rows that are held against the reference."""
        return replace(self.rows(rows), reference=self.reference())

    def reference(self) -> Profile:
        """What the stage `calibrate` would make of the sample's rows."""
        monitor = self.make(Path())
        assert isinstance(monitor, Monitor)
        whole = self.rows(_REFERENCE)
        parts = cut(whole, [_REFERENCE // 2])
        told = reduce(monitor.merge, map(monitor.summarise, parts))
        return reduce(monitor.merge, (monitor.summarise(replace(part, reference=told)) for part in parts)) if monitor.fitted else told

    def _told(self, component: Probe, profile: Profile) -> list[Finding]:
        return list(component.findings(profile, self.reference()))

    def test_it_says_over_which_windows_it_looks(self, subject: Monitor) -> None:
        """Else nobody knows how many looks a promise is about."""
        assert isinstance(subject.windowing, Windowing)
        assert subject.wanted >= 0
        assert subject.over("1000 rows").windowing.by == "rows"

    def test_its_reference_is_calibrated_alike_every_time(self, subject: Monitor) -> None:
        """Else a version's artifacts differ from run to run."""
        sample, reference = self.rows(_REFERENCE), self.reference()
        one, found = subject.calibrate(reference, sample, 3)
        other, again = subject.calibrate(reference, sample, 3)
        assert list(found) == list(again)
        assert one.tables.keys() == other.tables.keys()
        assert all(one.tables[name].equals(other.tables[name]) for name in one.tables)

    def test_calibration_changes_no_windows_profile(self, subject: Monitor) -> None:
        """Else what is kept of windows cannot be held against the reference that goes with the model."""
        reference, _ = subject.calibrate(self.reference(), self.rows(_REFERENCE), 3)
        profile = subject.summarise(replace(self.rows(100), reference=reference))
        assert list(subject.findings(profile, reference))

    def test_a_profile_is_at_most_64_kib_a_column(self, subject: Monitor) -> None:
        """Else a store grows with the traffic."""
        whole = self.window(3000)
        profile = reduce(subject.merge, map(subject.summarise, cut(whole, range(500, 3000, 500))))
        size = sum(table.estimated_size() for table in profile.tables.values())
        assert profile.exact == type(subject).exact, "a monitor's profiles are sketches, or it says that they are rows, which no store keeps"
        assert size <= _COLUMN * max(1, len(whole.contract.columns))

    @pytest.mark.parametrize("spoiled", ["missing", "without predictions", "without labels", "broken"])
    def test_a_bad_window_is_judged_or_said_to_be_insufficient(self, subject: Monitor, spoiled: str) -> None:
        """Else one bad hour ends the watch."""
        import polars as pl

        whole = self.window(200)
        if spoiled == "missing":
            whole = replace(whole, rows=whole.rows.with_columns(pl.lit(None, dtype=dtype).alias(name) for name, dtype in whole.rows.schema.items()))
        elif spoiled == "without predictions":
            whole = replace(whole, predictions=None)
        elif spoiled == "without labels":
            whole = replace(whole, rows=whole.rows.drop(key for key in whole.contract.having("target") if key in whole.rows.columns))
        else:
            empty = (
                None
                if whole.predictions is None
                else whole.predictions.with_columns(pl.lit(None, dtype=d).alias(n) for n, d in whole.predictions.schema.items())
            )
            whole = replace(whole, predictions=empty, rejected={"age 4000 is above 120": 200})
        for finding in self._told(subject, subject.summarise(whole)):
            assert finding.value is not None or finding.text, f"{finding.name} has no value, and no word on why"
