"""Personal data goes through a whole run, and is in no file of the store."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path

import polars as pl
import pytest
from tests.end_to_end.decoding import holders

from mlforge.artifact import ROW, Bundles
from mlforge.runtime.predictor import Predictor
from mlforge.testing.project import TestProject

KEY = "a-long-and-random-key-for-tests-0123456789"
RECIPE = """
    # Predict who buys, without knowing who it is.
    mlforge: 1
    defaults:
      - lifecycle
      - source: csv
      - privacy: [drop, generalise, pseudonymise]
      - split: random
      - checks: [balance, duplicates]
      - model: linear
      - trainer: lightning
      - exporters: [onnx]
      - evaluators: [classification]
      - gates: [thresholds]
      - _self_
    name: buyers
    source: {path: buyers.csv}
    contract:
      max_rejected: 10%
      extra: drop
      columns:
        email:   {dtype: string, role: id, pii: email, regex: "[^@]+@[^@]+", unique: true}
        agent:   {dtype: category, pii: email, unseen: unknown}
        contact: {dtype: string, pii: phone}
        note:    {dtype: string, role: ignore}
        age:     {dtype: int, ge: 16, le: 100}
        zip:     {dtype: category, regex: "[0-9]{5}"}
        born:    {dtype: datetime, role: time}
        income:  {dtype: float}
        city:    {dtype: category}
        bought:  {dtype: category, role: target, positive: "yes"}
    privacy:
      drop: {pii: [phone]}
      generalise: {columns: [age, zip, born], band: 10, keep: year, prefix: 2}
      pseudonymise: {pii: [email], key_env: PSEUDONYM_KEY}
    trainer: {max_epochs: 3, batch_size: 32, lr: 0.05, accelerator: cpu}
    gates:
      thresholds:
        rules:
          auc: {finding: test/roc_auc, min: 0.5}
"""
PLANTED = ("@person.example", "@agents.example", "@dropped.example", "@ignored.example", "@undeclared.example")
CONTROL = "control@found.example"
BROKEN = 12


def rows(count: int = 400) -> pl.DataFrame:
    """Planted addresses in columns that are pseudonymised, dropped, ignored and undeclared; a control in one that is kept as it is."""
    chance = random.Random(3)
    made = []
    for number in range(count):
        age, income = chance.randint(18, 80), chance.gauss(3e4, 1e4)
        made.append(
            {
                "email": f"p{number}@person.example", "agent": f"a{number % 7}@agents.example", "contact": f"c{number}@dropped.example",
                "note": f"n{number}@ignored.example", "age": str(age), "zip": f"{chance.choice([10, 20, 30])}{number:03}",
                "born": f"19{chance.randint(50, 99)}-0{chance.randint(1, 9)}-17", "income": f"{income:.2f}",
                "city": CONTROL if number % 3 == 0 else "Rom", "bought": "yes" if age > 50 or income > 4e4 else "no", "spare": f"s{number}@undeclared.example",
            }
        )  # fmt: skip
    for number in range(BROKEN // 3):  # rows that break the contract in a protected column, in another one, and by repeating
        made[10 + number]["email"] = f"broken{number}@person.example@person.example"
        made[30 + number]["age"] = f"x{number}@person.example"
        made[50 + number]["email"] = "p60@person.example"
    return pl.DataFrame(made)


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory, isolated_cache: Path) -> tuple[TestProject, str]:
    """The project after a run, and what that printed. Not to be changed."""
    root = tmp_path_factory.mktemp("people") / "project"
    root.mkdir()
    project = TestProject(root, {"PSEUDONYM_KEY": KEY})
    rows().write_csv(root / "buyers.csv")
    project.write({"mlforge.toml": 'env = ["PSEUDONYM_KEY"]\n'}, buyers=RECIPE)
    outcome = project.command("run", "buyers")
    assert outcome.code == 0, outcome.text
    return project, outcome.text


@pytest.fixture
def buyers(done: tuple[TestProject, str], tmp_path: Path) -> TestProject:
    """A project of the test's own, in which the recipe was run."""
    return TestProject(Path(shutil.copytree(done[0].root, tmp_path / "project")), dict(done[0].env))


def test_planted_addresses_are_in_no_file_and_a_control_is_found(buyers: TestProject, done: tuple[TestProject, str]) -> None:
    (printed := buyers.root / "told").mkdir()
    (printed / "terminal.txt").write_text(done[1])
    state = buyers.root / ".mlforge"
    assert {path.suffix for path in holders(state, CONTROL)} >= {".parquet", ".onnx", ".json"}
    assert any(path.name == "rejected.parquet" for path in holders(state, CONTROL)), "the rejected rows of the control are to be seen"
    for needle in (*PLANTED, KEY):
        assert holders(state, needle) == [], needle
        assert holders(printed, needle) == [], needle
    quarantine = pl.read_parquet(list(state.glob("artifacts/**/rejected.parquet")))
    assert quarantine.height == BROKEN
    assert set(quarantine["reason"]) >= {"email does not match [^@]+@[^@]+", "age is not an int", "email appears more than once"}
    assert set(json.loads(quarantine["row"][0])) == {"income", "city", "bought"}


def test_what_stops_a_run_says_nothing_of_a_protected_cell(buyers: TestProject) -> None:
    done = buyers.run("run", "buyers", "contract.max_rejected=0")
    assert done.code == 3
    assert "email does not match" in done.text
    (buyers.root / "told").mkdir()
    (buyers.root / "told" / "terminal.txt").write_text(done.text)
    for folder in (buyers.root / "told", buyers.root / ".mlforge"):
        for needle in (*PLANTED, KEY):
            assert holders(folder, needle) == [], needle


def test_a_raw_row_is_protected_and_predicted_as_in_training(buyers: TestProject) -> None:
    asked = buyers.run("predict", "buyers", "--source", "buyers.csv", "--sink", "out.csv", "--max-rejected", "0.1")
    assert asked.code == 0, asked.text
    said = pl.read_csv(buyers.root / "out.csv")
    assert said.height == 400 - BROKEN // 3, "only an age that is none is missing: e-mail addresses are no feature"
    kept = [pl.read_parquet(path) for path in (buyers.root / ".mlforge" / "artifacts").glob("*/part-00000.parquet")]
    (tested,) = (frame for frame in kept if "probability_0" in frame.columns)
    both = tested.join(said, left_on=ROW, right_on="row")
    assert both.height == tested.height > 20
    assert (both["probability_1"] - both["probability_yes"]).abs().max() < 1e-6  # type: ignore[operator]
    refused = pl.read_csv(buyers.root / "out.rejected.csv")
    assert refused.columns == ["row", "reason", "income", "city"]
    assert set(refused["reason"]) == {"age is not an int"}


@pytest.mark.parametrize(("env", "told"), [({}, "PSEUDONYM_KEY is not set"), ({"PSEUDONYM_KEY": "another-key-of-good-length"}, "another than the one"),
                                           ({"PSEUDONYM_KEY": "short"}, "shorter than 16 bytes")])  # fmt: skip
def test_a_prediction_without_the_right_key_is_a_missing_requirement(buyers: TestProject, env: dict[str, str], told: str) -> None:
    del buyers.env["PSEUDONYM_KEY"]
    asked = buyers.run("predict", "buyers", "--source", "buyers.csv", "--sink", "out.csv", **env)
    assert asked.code == 5, asked.text
    assert told in asked.text
    assert not (buyers.root / "out.csv").exists()


def test_the_key_may_come_from_a_file_when_predicting(buyers: TestProject, monkeypatch: pytest.MonkeyPatch) -> None:
    state = buyers.root / ".mlforge"
    (path,) = state.glob("artifacts/*/bundles.json")
    (buyers.root / "key").write_text(KEY + "\n")
    monkeypatch.setenv("PSEUDONYM_KEY_FILE", str(buyers.root / "key"))
    predictor = Predictor.open(Bundles(path.parent).bundle())
    assert predictor.predict(rows()[:5]).height == 5


def test_another_key_is_another_table(buyers: TestProject) -> None:
    again = buyers.run("plan", "buyers", PSEUDONYM_KEY="another-key-of-good-length")
    assert again.code == 0, again.text
    assert "key of email" in again.text
    del buyers.env["PSEUDONYM_KEY"]
    assert buyers.run("run", "buyers").code == 5
