"""The page of a model's monitors, looked at in a browser: for eyes and hands of all kinds, and on narrow screens."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest
from tests.report.browser import AXE, said, wider
from tests.report.test_monitoring_page import MARKS, view

from mlforge.report.monitoring import monitoring_page


@pytest.fixture(scope="module")
def page() -> str:
    return monitoring_page("adult 3", [view(day, alarm=day in (2, 5)) for day in range(1, 6)], MARKS)


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
def test_the_page_of_monitors_passes_axe(page: str, scheme: str, tmp_path: Path) -> None:
    found = find_spec("axe_core_python")
    if found is None or found.origin is None:
        pytest.skip("axe-core-python is not installed")
    shown = page.replace("(prefers-color-scheme: dark)", "all" if scheme == "dark" else "not all")
    assert said(shown, AXE, tmp_path, library=Path(found.origin).with_name("axe.min.js").read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("width", [390, pytest.param(1280, marks=pytest.mark.slow)])
def test_nothing_of_the_monitors_reaches_beyond_the_edge(page: str, width: int, tmp_path: Path) -> None:
    assert wider(page, width, tmp_path) == []


def test_the_page_of_monitors_asks_nobody_for_anything(page: str, tmp_path: Path) -> None:
    """What the browser has loaded beside the page itself."""
    assert said(page, "tell(performance.getEntriesByType('resource').map(one => one.name));", tmp_path) == []
