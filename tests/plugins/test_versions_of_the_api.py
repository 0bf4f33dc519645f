"""Which versions of the hooks a plugin says it works with, and whether it fits."""

from __future__ import annotations

import pytest

from mlforge.plugins.api import declared, objection, shown


@pytest.mark.parametrize(("written", "meant"), [(1, (1, 1)), ((1, 3), (1, 3)), ([2, 2], (2, 2)), (0, (0, 0))])
def test_a_version_or_a_range_is_read(written, meant):
    assert declared(written) == meant


@pytest.mark.parametrize("written", ["1", 1.0, True, (2, 1), (1,), (1, 2, 3), (1, "2"), None, -1, {}])
def test_anything_else_is_none(written):
    assert declared(written) is None


@pytest.mark.parametrize(
    ("wanted", "upgrade"),
    [((1, 1), ""), ((2, 2), ""), ((3, 3), ""), ((1, 9), ""), ((3, 9), ""), ((4, 5), "mlforge"), ((0, 0), "acme"), ((0, 1), "")],
)
def test_a_plugin_fits_when_the_ranges_meet_and_else_it_is_said_which_to_upgrade(wanted, upgrade):
    said = objection(wanted, 1, 3, "acme")
    assert said.endswith(f"pip install --upgrade {upgrade}") if upgrade else said == ""


def test_a_range_reads_well():
    assert (shown((1, 1)), shown((1, 3))) == ("1", "1–3")
    assert objection((7, 8), 1, 1, "x") == "needs mlforge API 7–8, this is 1: pip install --upgrade mlforge"
