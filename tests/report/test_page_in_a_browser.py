from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest
from tests.report.browser import AXE, said, wider
from tests.report.views import view

from mlforge.finding import Finding
from mlforge.report.page import run_page
from mlforge.report.view import StageView


@pytest.fixture(scope="module")
def page() -> str:
    """A page with every kind of table: long ones, those with sentences, cases, four columns, a rule that was broken."""
    told = view(0.995)
    cases = [{"number": 3, "row": {"education": "Bachelors" * 4, "age": 39}, "before": 0.2, "after": 0.9}]
    groups = {name: {"selection_rate": rate, "low": rate - 0.1, "high": rate + 0.1} for name, rate in (("Female", 0.3), ("Male", 0.6))}
    more = (
        *(Finding(name=f"test/slices/education/{number}/accuracy", value=0.8, low=0.7, high=0.9) for number in range(20)),
        Finding(name="test/sex/demographic_parity_difference", value=0.3, low=0.2, high=0.4, evidence={"groups": groups}),
        Finding(name="test/behaviour/steady", value=0.2, severity="warning", text="20 of 100 rows fail", evidence={"cases": cases}),
        Finding(name="test/importance/education_and_a_very_long_name_of_a_column", value=0.2, low=0.1, high=0.3, text="without it, the loss is 0.2 larger"),
    )
    return run_page(replace(told, stages=(*told.stages, StageView("evaluate", "run", 1.0, {}, more))))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_passes_axe(page: str, scheme: str, tmp_path: Path) -> None:
    """Contrast, headings, labels, landmarks: whatever axe-core knows to look for."""
    found = find_spec("axe_core_python")
    if found is None or found.origin is None:
        pytest.skip("axe-core-python is not installed")
    shown = page.replace("(prefers-color-scheme: dark)", "all" if scheme == "dark" else "not all")
    assert said(shown, AXE, tmp_path, library=Path(found.origin).with_name("axe.min.js").read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(("width", "medium"), [(390, "screen"), (1280, "screen"), (717, "print")])
def test_nothing_reaches_beyond_the_edge_of_a_phone_a_screen_or_a_sheet(page: str, width: int, medium: str, tmp_path: Path) -> None:
    """717 pixels are an A4 sheet between the usual margins."""
    shown = page.replace("@media print", "@media all") if medium == "print" else page
    assert wider(shown, width, tmp_path) == []
