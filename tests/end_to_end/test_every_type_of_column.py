"""A recipe with every type of column but images, split by groups: odd raw rows get from the bundle what the trained network says of training's encoding."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from tests.end_to_end.buyers import digests, store_of

from mlforge.artifact import Assignment, Encoding, Table, Trained, frames
from mlforge.builtin.models.linear import Linear
from mlforge.components import Shipment
from mlforge.contract import Contract
from mlforge.runtime.conform import conform
from mlforge.runtime.session import Graph
from mlforge.task import TASKS
from mlforge.testing.project import TestProject

RECIPE = """
    mlforge: 1
    defaults: [lifecycle, {source: parquet}, {split: grouped}, {model: linear}, {trainer: lightning}, {exporters: [onnx]}, {evaluators: [classification]},
      {gates: [thresholds]}, _self_]
    name: tickets
    source: {path: tickets.parquet}
    contract:
      columns:
        customer: {dtype: string, role: group}
        opened:   {dtype: datetime, nullable: true}
        subject:  {dtype: text, nullable: true}
        agent:    {dtype: string, nullable: true}
        plan:     {dtype: category, nullable: true, unseen: unknown}
        effort:   {dtype: float, nullable: true}
        urgent:   {dtype: bool, nullable: true}
        sensor:   {dtype: "array[float, 3]", nullable: true}
        late:     {dtype: category, role: target, positive: "yes"}
    features:
      numeric: {scale: quantile}
      text: {min_count: 1, characters: 2}
      hashing: {use: hashing, columns: [agent], buckets: 64}
    trainer: {max_epochs: 8, batch_size: 64, lr: 0.02, accelerator: cpu}
    gates: {thresholds: {rules: {auc: {finding: test/roc_auc, min: 0.8}}}}
"""


def tickets(count: int = 900) -> pl.DataFrame:
    rng = np.random.default_rng(11)
    words = np.array(["printer", "smoke", "Straße", "password", "please", "again", "日本", "isn't"])
    weekday = rng.integers(0, 7, count)
    subject = [" ".join(rng.choice(words, 4)) for _ in range(count)]
    sensor = rng.normal(0, 1, (count, 3))
    score = (weekday >= 5) * 2.0 + np.array(["smoke" in text for text in subject]) * 2.0 + sensor[:, 1] * 2 - 1.5
    return pl.DataFrame(
        {
            "customer": [f"customer {number}" for number in rng.integers(0, 200, count)],
            "opened": [datetime(2024, 1, 1) + timedelta(weeks=int(week), days=int(day)) for week, day in zip(rng.integers(0, 99, count), weekday, strict=True)],
            "subject": subject,
            "agent": [f"agent {number}" for number in rng.integers(0, 500, count)],
            "plan": pl.Series(rng.choice(["basic", "plus"], count)).scatter(range(0, count, 9), None),
            "effort": pl.Series(rng.lognormal(0, 3, count)).scatter(range(0, count, 7), None),
            "urgent": rng.random(count) < 0.5,
            "sensor": [None if i % 11 == 0 else row for i, row in enumerate(sensor.tolist())],
            "late": np.where(score + rng.normal(0, 0.3, count) > 0, "yes", "no"),
        }
    )


def odd_rows() -> pl.DataFrame:
    """Raw rows with what training has not seen, for one column each, and all of it at once."""
    usual = tickets(1).drop("customer", "late").to_dicts()[0]
    odd: dict[str, list[Any]] = {
        "opened": [None, datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59), datetime(2024, 2, 29, 12)],
        "subject": [None, "", "   ", "😀", "SMOKE! smoke", "STRASSE straße STRAßE", "e\u0301", "smoke " * 100_000, "日本語のテキスト", "\x00"],
        "agent": [None, "", "nobody has seen me", "😀", "x" * 100_000],
        "plan": [None, "gold", "😀", "BASIC"],
        "effort": [None, 0.0, -1e308, 1e308, 5e-324],
        "urgent": [None, True, False],
        "sensor": [None, [1e30, -1e30, 0.0]],
    }
    single = [{**usual, key: value} for key, values in odd.items() for value in values]
    together = [{key: values[i % len(values)] for key, values in odd.items()} for i in range(20)]
    schema = {**tickets(1).drop("customer", "late").schema, "sensor": pl.List(pl.Float64)}
    return pl.DataFrame([*single, *together], schema=schema)


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory, isolated_cache: Path) -> TestProject:
    project = TestProject(tmp_path_factory.mktemp("tickets")).write(tickets=RECIPE)
    tickets().write_parquet(project.root / "tickets.parquet")
    outcome = project.run("run", "tickets")
    assert outcome.code == 0, outcome.text
    return project


def test_groups_are_whole_and_the_bundle_equals_the_network_on_every_test_row(ran: TestProject) -> None:
    with store_of(ran) as store:
        (run,) = store.records.runs("tickets")
        found = {f.name: f for stage in run.stages for f in store.records.findings(stage.key)}
        made = {port: store.artifacts.path(digest) for port, digest in digests(store, "tickets").items()}
    parity = found["parity/max_difference"].value
    assert parity is not None
    assert parity <= 1e-5
    table, assignment = Table(made["ingest.table"]), Assignment(made["split.assignment"])
    groups = [set(pl.concat(frames(table, assignment, part))["customer"]) for part in ("train", "validation", "test")]
    assert not groups[0] & groups[1]
    assert not groups[2] & (groups[0] | groups[1])


def test_odd_raw_rows_are_predicted_as_the_network_does_from_trainings_encoding(ran: TestProject) -> None:
    import torch

    raw = odd_rows()
    raw.write_parquet(ran.root / "raw.parquet")
    outcome = ran.run("predict", "tickets", "--source", "raw.parquet", "--sink", "out.parquet")
    assert outcome.code == 0, outcome.text
    said = pl.read_parquet(ran.root / "out.parquet")["probability_yes"].to_numpy()
    with store_of(ran) as store:
        made = {port: store.artifacts.path(digest) for port, digest in digests(store, "tickets").items()}
    encoding, trained, contract = Encoding(made["prepare.encoding"]), Trained(made["train.trained"]), Table(made["ingest.table"]).contract
    network = Shipment(Linear(), trained, encoding, contract, TASKS["classification"], ran.root, False).network()
    blocks = Graph(encoding.folder / "front.onnx").run(conform(raw, contract.projected("predict")))
    assert all(np.isfinite(block).all() for block in blocks)
    with torch.inference_mode():
        wanted = network(*(torch.from_numpy(block) for block in blocks)).softmax(1)[:, encoding.output.classes.index("yes")].numpy()
    assert len(said) == len(raw)
    assert said.std() > 0.05, "the rows are not all alike"
    assert np.abs(said - wanted).max() <= 1e-5


def test_a_row_is_encoded_alike_alone_and_among_others(ran: TestProject) -> None:
    with store_of(ran) as store:
        folder = store.artifacts.path(digests(store, "tickets")["prepare.encoding"])
        contract: Contract = Table(store.artifacts.path(digests(store, "tickets")["ingest.table"])).contract
    graph, rows = Graph(folder / "front.onnx"), conform(odd_rows(), contract.projected("predict"))
    together = graph.run(rows)
    for i in range(len(rows)):
        for alone, all_of_them in zip(graph.run(rows[i : i + 1]), together, strict=True):
            assert np.abs(alone[0] - all_of_them[i]).max() <= 1e-5, rows[i]
