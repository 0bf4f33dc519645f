"""The card that goes with a version: read by what others read cards with, the same for the same model, and without what is protected."""

from __future__ import annotations

import json
import os
import pwd
import random
import re
import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from tests.end_to_end.buyers import rows, store_of
from tests.report.browser import AXE, said, wider

from mlforge.artifact import Card
from mlforge.store import Store
from mlforge.testing.project import TestProject

ME = pwd.getpwuid(os.geteuid()).pw_name
SEXES = ("Feminavalue", "Masculovalue")
RECIPE = """
    mlforge: 1
    defaults:
      - lifecycle
      - source: csv
      - split: random
      - model: linear
      - trainer: lightning
      - exporters: [onnx]
      - evaluators: [classification, slices, fairness]
      - gates: [thresholds, approval]
      - _self_
    name: shoppers
    description: Who buys, and who *does not*.
    license: Apache-2.0
    card:
      owner: shop team
      users: [people who plan stock]
      intended_uses: ["how many buyers to expect, never who"]
      out_of_scope_uses: [prices for single people]
      limitations: ["<b>one</b> shop in one year"]
      ethical_considerations: [visitors were not asked]
    source: {path: shoppers.csv}
    contract:
      nulls: ["?"]
      columns:
        age:    {dtype: int, ge: 16, le: 100, unit: years, description: at the time of the visit}
        income: {dtype: float, nullable: true}
        city:   {dtype: category}
        sex:    {dtype: category, role: protected}
        bought: {dtype: category, role: target, positive: "yes"}
    trainer: {max_epochs: 2, batch_size: 64, lr: 0.05, accelerator: cpu}
    evaluators:
      slices: {columns: [sex], minimum: 5}
      fairness: {minimum: 5}
    gates:
      approval: {role: risk}
      thresholds:
        rules:
          auc:  {finding: test/roc_auc, min: 0.5}
          each: {finding: test/slices/sex/Feminavalue/accuracy, min: 0.1}
"""


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory, isolated_cache: Path) -> TestProject:
    """A project with a version that somebody has signed. Not to be changed."""
    project = TestProject(tmp_path_factory.mktemp("card") / "project")
    project.write({"mlforge.toml": f'[roles]\nrisk = ["{ME}"]\n'}, shoppers=RECIPE)
    chance = random.Random(3)
    lines = [",".join((*line.split(",")[:3], chance.choice(SEXES), line.split(",")[3])) for line in rows(500)]
    (project.root / "shoppers.csv").write_text("\n".join(["age,income,city,sex,bought", *lines]) + "\n")
    assert project.run("run", "shoppers").code == 4
    outcome = project.run("approve", "shoppers", "--reason", "seen on 3 May")
    assert outcome.code == 0, outcome.text
    return project


def card_of(store: Store, model: str = "shoppers") -> Card:
    digest = store.registry.resolve(model).card
    assert digest is not None
    return Card(store.artifacts.path(digest), digest)


def test_the_header_is_what_hugging_face_reads(signed: TestProject) -> None:
    from huggingface_hub import ModelCard

    text = signed.run("models", "shoppers@champion", "--card").out
    card = ModelCard(text)
    assert (card.data.license, card.data.library_name, card.data.pipeline_tag) == ("apache-2.0", "mlforge", "tabular-classification")
    assert card.data.tags == ["mlforge", "onnx", "classification", "linear"]
    assert card.data.model_name == "shoppers"
    assert card.data.eval_results is not None
    results = {one.metric_type: one.metric_value for one in card.data.eval_results}
    with store_of(signed) as store:
        run = store.records.runs("shoppers", limit=1)[0]
        found = {f.name: f.value for use in run.stages for f in store.records.findings(use.key) if f.subject == "candidate"}
    assert results["roc_auc"] == found["test/roc_auc"]
    assert results["log_loss"] == found["test/log_loss"]
    assert "Who buys, and who \\*does not\\*." in card.text


def test_the_card_says_what_it_takes_what_was_asked_and_who_signed(signed: TestProject) -> None:
    text = signed.run("models", "shoppers", "--card").out
    for line in ("| age | int | years |  | at the time of the visit |", "| income | float |  | yes |", "Not features, but looked at for fairness: sex."):
        assert line in text
    assert "| thresholds.auc | test/roc\\_auc ≥ 0.5 |" in text
    assert "| thresholds.each | a slice ≥ 0.1 |" in text
    assert f"| risk | {ME} | seen on 3 May |" in text
    assert "sex/equal\\_opportunity\\_difference" in text
    with store_of(signed) as store:
        version = store.registry.resolve("shoppers")
        assert f"bundle `{version.bundle}`" in text
        assert f"verdict `{version.verdict}`" in text


def test_what_people_say_of_it_stands_first_and_makes_no_markup(signed: TestProject) -> None:
    text = signed.run("models", "shoppers", "--card").out
    assert text.index("## Intended uses") < text.index("## Out of scope") < text.index("## What it takes")
    assert "\\<b\\>one\\</b\\> shop in one year" in text
    with store_of(signed) as store:
        page = (card_of(store).folder / "card.html").read_text()
    assert "&lt;b&gt;one&lt;/b&gt; shop in one year" in page
    assert "<b>one" not in page


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_of_the_card_passes_axe_and_fits_a_phone(signed: TestProject, scheme: str, tmp_path: Path) -> None:
    found = find_spec("axe_core_python")
    if found is None or found.origin is None:
        pytest.skip("axe-core-python is not installed")
    with store_of(signed) as store:
        page = (card_of(store).folder / "card.html").read_text()
    shown = page.replace("(prefers-color-scheme: dark)", "all" if scheme == "dark" else "not all")
    assert said(shown, AXE, tmp_path, library=Path(found.origin).with_name("axe.min.js").read_text(encoding="utf-8")) == []
    assert wider(page, 390, tmp_path) == []
    assert not {"http://", "https://"} & set(re.findall("https?://", page)), "it asks for nothing over the network"


def test_the_bill_of_materials_keeps_its_schema(signed: TestProject) -> None:
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    text = signed.run("models", "shoppers", "--card", "--json").out
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    bom: dict[str, Any] = json.loads(text)
    model = bom["components"][0]
    assert (model["type"], model["name"], model["licenses"]) == ("machine-learning-model", "shoppers", [{"license": {"name": "Apache-2.0"}}])
    card = model["modelCard"]
    metrics = {metric["type"]: metric for metric in card["quantitativeAnalysis"]["performanceMetrics"]}
    assert 0.5 < float(metrics["roc_auc"]["value"]) <= 1
    assert float(metrics["roc_auc"]["confidenceInterval"]["lowerBound"]) <= float(metrics["roc_auc"]["value"])
    assert card["modelParameters"]["inputs"] == [{"format": "age: int"}, {"format": "income: float"}, {"format": "city: category"}]
    told = card["considerations"]
    assert (told["users"], told["useCases"]) == (["people who plan stock"], ["how many buyers to expect, never who"])
    assert told["technicalLimitations"] == ["<b>one</b> shop in one year", "Out of scope: prices for single people"]
    assert told["ethicalConsiderations"] == [{"name": "visitors were not asked"}]
    assert model["supplier"] == {"name": "shop team"}
    assert {one["groupAtRisk"] for one in card["considerations"]["fairnessAssessments"]} == {"groups by sex"}
    assert {one["name"] for one in bom["components"] if one["type"] == "library"} >= {"torch", "polars"}
    assert all("+" not in one["purl"] for one in bom["components"] if "purl" in one), "a purl escapes it"
    refs = {one["bom-ref"] for one in bom["components"]}
    assert set(bom["dependencies"][0]["dependsOn"]) == refs - {"model"}


def test_no_value_of_a_protected_column_or_of_a_row_is_in_it(signed: TestProject) -> None:
    """Not even where a rule of the gates names a slice by one."""
    with store_of(signed) as store:
        card = card_of(store)
        whole = "".join((card.folder / name).read_text() for name in ("card.md", "card.html", "bom.json"))
    for value in (*SEXES, "Bern", "Oslo", "Rom"):
        assert value not in whole
    assert str(signed.root) not in whole


def test_the_same_model_has_the_same_card(signed: TestProject, tmp_path: Path) -> None:
    """Made again elsewhere, in another run: no time, no path, no id of a run."""
    other = TestProject(tmp_path / "elsewhere")
    shutil.copytree(signed.root, other.root, ignore=shutil.ignore_patterns(".mlforge"))
    assert other.run("run", "shoppers").code == 4
    assert other.run("approve", "shoppers", "--reason", "seen on 3 May").code == 0
    with store_of(signed) as one, store_of(other) as two:
        assert card_of(one).digest == card_of(two).digest
        assert one.registry.resolve("shoppers").run != two.registry.resolve("shoppers").run


def test_a_version_without_a_card_says_why(tmp_path: Path, isolated_cache: Path) -> None:
    project = TestProject(tmp_path)
    with store_of(project) as store:
        store.registry.register("old", bundle="b" * 64, verdict="v" * 64, run="r")
    outcome = project.run("models", "old", "--card")
    assert outcome.code == 2
    assert "old 1 has no card: an older mlforge registered it" in outcome.err
    assert project.run("models", "--card").code == 2
