from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from tests.report.views import view

from mlforge import secrets
from mlforge.components import Ruling
from mlforge.finding import Finding
from mlforge.report.kept import kept, write_report
from mlforge.report.markdown import run_markdown
from mlforge.report.page import run_page
from mlforge.report.view import RunView, StageView

EVIL = "<script>alert(1)</script>&\"'|`*"


class Read(HTMLParser):
    """What a browser would make of the page: its tags, attributes and text; complains about tags that do not match."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(page)
        self.text = "\n".join(self.words)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


@pytest.fixture(scope="module")
def passed() -> RunView:
    return view()


def test_the_page_is_well_formed_and_needs_nothing_from_elsewhere(passed: RunView) -> None:
    page = Read(run_page(passed))
    assert page.open == []
    assert not {"script", "link", "img", "iframe", "form"} & set(page.tags)
    assert not [name for name, _ in page.attributes if name in {"src", "href", "onclick"}]
    assert "url(" not in run_page(passed)
    assert "@import" not in run_page(passed)


def test_the_verdict_comes_before_everything_else(passed: RunView) -> None:
    page = Read(run_page(passed)).text
    order = [page.index(words) for words in ("Passed", "what was found", "test/roc_auc\n", "in quarantine", "reuse", "mlforge models adult")]
    assert order == sorted(order)


def test_the_page_names_every_stage_output_finding_and_rule(passed: RunView) -> None:
    page = Read(run_page(passed)).text
    for stage in passed.stages:
        assert stage.name in page
        assert all(digest[:12] in page for digest in stage.outputs.values())
        assert all(finding.name.removesuffix("/gain") in page for finding in stage.findings)
    assert all(ruling.text in page for ruling in passed.rulings)
    for words in ("32,561", "412 KB", "3 min 11 s", "adult 4, challenger", "trainer.max_epochs=40", "age is above 100", "compared with\nadult 3"):
        assert words in page


def test_a_refusal_says_which_rule_and_that_nothing_was_registered() -> None:
    refused = view(0.995)
    page = Read(run_page(refused)).text
    assert page.index("Nothing was registered") < page.index("thresholds.auc: test/roc_auc") < page.index("Gates")
    assert "Refused: 1 of 3 rules of its gates said no. Nothing was registered." in run_markdown(refused)


def test_a_run_without_gates_is_not_called_passed() -> None:
    bare = RunView("adult", "1", "today", (StageView("ingest", "run"),))
    for text in (Read(run_page(bare)).text, run_markdown(bare)):
        assert "Not judged" in " ".join(text.split())
        assert "Passed" not in text


def hostile() -> RunView:
    finding = Finding(name="data/<script>", value=1.0, text=EVIL, unit=EVIL, interval=EVIL, low=0.0, high=2.0, variant=EVIL)
    ruling = Ruling(rule=EVIL, passed=False, finding=EVIL, text=EVIL, bound=EVIL, value=1.0)
    stage = StageView(EVIL, EVIL, 1.0, {EVIL: EVIL}, (finding,))
    groups = {EVIL: {"selection_rate": 0.5, "low": 0.4, "high": 0.6}}
    pictured = (
        Finding(name="test/sex/demographic_parity_difference", value=0.1, evidence={"groups": groups}),
        Finding(name="test/accuracy", value=0.5, evidence={"classes": [EVIL, "b"], "confusion": [[1, 2], [3, 4]]}),
        Finding(name="test/behaviour/a", value=0.1, text=EVIL, evidence={"cases": [{"row": {EVIL: EVIL}}]}),
    )
    stages = (stage, StageView("evaluate", "run", 1.0, {}, pictured))
    curves = ((1, f"{EVIL}/loss", 0.5), (2, f"{EVIL}/loss", 0.4))
    return RunView(
        EVIL, EVIL, EVIL, stages, EVIL, False, (ruling,), {EVIL: EVIL}, (EVIL,), EVIL, 1, {EVIL: 2}, EVIL, EVIL, (EVIL,), (EVIL,), None, curves, (EVIL,)
    )


def test_a_page_has_charts_that_need_nothing_from_anywhere(passed: RunView) -> None:
    page = run_page(passed)
    assert page.count('<svg aria-label="') == 4
    for words in ("<script", "<link", "@import", "url(http", 'src="', "NaN"):
        assert words not in page
    assert re.findall(r'(?:href|src)="(?!#)[^"]*"', page) == []
    assert len(page) < 500_000


def test_nothing_from_data_or_recipes_becomes_markup() -> None:
    page = Read(run_page(hostile()))
    assert "script" not in page.tags
    assert page.open == []
    assert EVIL in page.text
    markdown = run_markdown(hostile()).partition("## Next")[0]
    assert "<script>" not in markdown.replace("\\<script\\>", "")
    rows = [line for line in markdown.splitlines() if line.startswith("|")]
    assert all(line.replace("\\|", "").count("|") in {3, 5} for line in rows)


def test_secrets_are_masked_even_where_escaping_would_change_them(passed: RunView) -> None:
    secrets.remember("p<a>ss&word")
    try:
        leaking = replace(passed, overrides=("source.url=p<a>ss&word",), next=("curl p<a>ss&word",), description="p<a>ss&word")
        for text in (run_page(leaking), run_markdown(leaking)):
            assert "ss&" not in text
            assert "ss&amp;" not in text
            assert secrets.MASK in text
    finally:
        secrets.forget()


def test_the_same_run_makes_the_same_page(passed: RunView) -> None:
    assert run_page(passed) == run_page(view())


def test_markdown_has_the_gains_beside_their_metrics(passed: RunView) -> None:
    lines = run_markdown(passed).splitlines()
    assert "|  | candidate onnx | champion | gain onnx | baseline |" in lines
    (row,) = (line for line in lines if line.startswith("| test/log\\_loss: Log loss "))
    assert row.count("[") == 4


def test_markdown_goes_by_topics_and_folds_what_is_long(passed: RunView) -> None:
    many = tuple(Finding(name=f"test/slices/city/{number}/accuracy", value=0.9, text="a slice") for number in range(40))
    warning = Finding(name="test/behaviour/steady", value=0.2, severity="warning", text="20 of 100 rows fail")
    page = run_markdown(replace(passed, stages=(*passed.stages, StageView("evaluate", "run", 1.0, {}, (*many, warning)))))
    titles = [line for line in page.splitlines() if line.startswith("## ")]
    assert titles == ["## Gates", "## Performance", "## Parts of the data", "## Behaviour", "## Cost", "## Data", "## Quarantine", "## Stages", "## Next"]
    assert "<details><summary>all 40 measurements</summary>" in page
    assert "- test/behaviour/steady: 20 of 100 rows fail" in page
    assert page.count("<details>") == page.count("</details>") == 2


def test_a_report_is_kept_so_that_it_can_be_written_again(passed: RunView, tmp_path: Path) -> None:
    secrets.remember('p"a<ss&word')
    try:
        write_report(replace(passed, overrides=('source.url=p"a<ss&word',)), tmp_path)
        assert 'p\\"a<ss' not in (tmp_path / "report.json").read_text(encoding="utf-8")
    finally:
        secrets.forget()
    first = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    again = kept(tmp_path)
    assert again is not None
    assert again.overrides == (f"source.url={secrets.MASK}",)
    write_report(again, tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == first
    (tmp_path / "report.json").write_text("{}", encoding="utf-8")
    assert kept(tmp_path) is None
