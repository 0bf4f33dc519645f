"""What is said of a window as a whole."""

from __future__ import annotations

import pytest

from mlforge.finding import Finding
from mlforge.monitoring.judging import Judged


@pytest.mark.parametrize(
    ("findings", "verdict"),
    [
        ([], "insufficient"),
        ([Finding(name="live/drift/columns", value=None, rows=3), Finding(name="live/quality/rejected", value=0.0, rows=3)], "insufficient"),
        ([Finding(name="live/drift/columns", value=0.0, rows=300), Finding(name="live/performance/accuracy", value=None, rows=0)], "ok"),
        ([Finding(name="live/drift/columns", value=1.0, rows=300, severity="warning")], "alarm"),
        ([Finding(name="live/traffic/rows", value=3.0, rows=3, severity="warning")], "alarm"),
    ],
)
def test_a_window_of_which_nothing_can_be_said_is_not_called_fine(findings: list[Finding], verdict: str) -> None:
    assert Judged("", range(1), None, 3, 0, 0, {"one": tuple(findings)}).verdict == verdict
