"""A small recipe over a csv file that is trained in a moment: whoever is older, richer or lives in Rom buys."""

from __future__ import annotations

import json
import random
from pathlib import Path

from mlforge.store import Store
from mlforge.testing.project import TestProject

RECIPE = """
    # Predict who buys.
    #   mlforge run buyers
    mlforge: 1
    defaults:
      - lifecycle
      - source: csv
      - split: stratified
      - checks: [balance, duplicates]
      - model: linear
      - trainer: lightning
      - exporters: [onnx]
      - evaluators: [classification]
      - gates: [thresholds, baseline, no_regression]
      - _self_
    name: buyers
    source: {path: buyers.csv}
    contract:
      nulls: ["?"]
      columns:
        age:    {dtype: int, ge: 16, le: 100}
        income: {dtype: float, nullable: true}
        city:   {dtype: category, unseen: unknown}
        bought: {dtype: category, role: target, positive: "yes"}
    trainer: {max_epochs: 6, batch_size: 32, lr: 0.05, accelerator: cpu}
    gates:
      thresholds:
        rules:
          auc: {finding: test/roc_auc, min: 0.7}
"""
HEADER = "age,income,city,bought"
STAGES = ("ingest", "split", "inspect", "prepare", "train", "export", "evaluate", "gate", "register")


def rows(count: int = 400, seed: int = 1) -> list[str]:
    """Lines of the csv file, without its header."""
    chance = random.Random(seed)
    lines = []
    for _ in range(count):
        age, income, city = chance.randint(18, 80), chance.gauss(3e4, 1e4), chance.choice(["Bern", "Oslo", "Rom"])
        score = (age - 48) / 10 + (income - 3e4) / 1e4 + 2 * (city == "Rom") - 0.7 + chance.gauss(0, 0.5)
        lines.append(f"{age},{f'{income:.2f}' if chance.random() > 0.05 else '?'},{city},{'yes' if score > 0 else 'no'}")
    return lines


def buyers(project: TestProject, lines: list[str] | None = None, header: str = HEADER) -> TestProject:
    """The project with the recipe and its file."""
    project.write(buyers=RECIPE)
    (project.root / "buyers.csv").write_text("\n".join([header, *(rows() if lines is None else lines)]) + "\n", encoding="utf-8")
    return project


def store_of(project: TestProject) -> Store:
    """The project's store."""
    return Store.open(None, project.root / ".mlforge")


def digests(store: Store, recipe: str) -> dict[str, str]:
    """What the stages of the newest run have made: the digest of every output, by stage and port."""
    (run,) = store.records.runs(recipe, limit=1)
    return {f"{stage.name}.{port}": digest for stage in run.stages if stage.state in ("done", "reused") for port, digest in stage.outputs.items()}


def verdict_of(store: Store, recipe: str) -> dict[str, bool]:
    """What the newest verdict says, by rule."""
    folder = store.artifacts.path(digests(store, recipe)["gate.verdict"])
    return {ruling["rule"]: ruling["passed"] for ruling in json.loads((folder / "verdict.json").read_bytes())["rulings"]}


def leftovers(state: Path) -> list[str]:
    """What a killed run could have left lying about."""
    return sorted(str(path.relative_to(state)) for path in [*(state / "work").glob("*"), *(state / "artifacts").glob("tmp-*")])
