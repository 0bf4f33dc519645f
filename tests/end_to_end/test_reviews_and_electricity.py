"""Text as it is written, and rows in the order of time: two real files."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from tests.end_to_end.buyers import digests, store_of

from mlforge.artifact import Assignment, Table
from mlforge.testing.project import TestProject

DATA = Path(__file__).parents[3] / "shared" / "data"
pytestmark = pytest.mark.skipif(not (DATA / "reviews.parquet").exists(), reason="needs ../shared/data/reviews.parquet and electricity.csv")

HEAD = "mlforge: 1\ndefaults: [lifecycle, {source: SOURCE}, {split: SPLIT}, {model: MODEL}, {trainer: lightning}, {exporters: [onnx]}, "
HEAD += "{evaluators: [classification]}, _self_]\n"
REVIEWS = """name: reviews
source: {path: ???}
contract:
  columns:
    id:        {dtype: string, role: id}
    review:    {dtype: text}
    sentiment: {dtype: category, role: target, positive: pos}
trainer: {max_epochs: 8, batch_size: 64, accelerator: cpu}
"""
ELECTRICITY = """name: electricity
source: {path: ???}
split: {by: rows, gap: 48}
contract:
  columns:
    period:    {dtype: float, ge: 0, le: 1}
    nswprice:  {dtype: float}
    nswdemand: {dtype: float}
    vicprice:  {dtype: float}
    vicdemand: {dtype: float}
    transfer:  {dtype: float}
    class:     {dtype: category, role: target, positive: "1"}
trainer: {max_epochs: 2, batch_size: 1024, accelerator: cpu}
"""


def run(folder: Path, name: str, text: str, file: str, **options: str) -> dict[str, float]:
    head = HEAD
    for word, option in options.items():
        head = head.replace(word.upper(), option)
    project = TestProject(folder)
    project.write({f"recipes/{name}.yaml": head + text})
    outcome = project.run("run", name, f"source.path={DATA / file}")
    assert outcome.code == 0, outcome.text
    with store_of(project) as store:
        (done,) = store.records.runs(name)
        return {
            f.name: f.value for stage in done.stages for f in store.records.findings(stage.key) if f.value is not None and f.subject in ("candidate", "data")
        }


def test_a_linear_model_tells_good_film_reviews_from_bad_ones_by_their_words(tmp_path: Path, isolated_cache: Path) -> None:
    found = run(tmp_path, "reviews", REVIEWS, "reviews.parquet", source="parquet", split="stratified", model="linear")
    assert found["features/width"] == 2000
    assert found["test/accuracy"] >= 0.80  # 0.84 ± 0.04 here; half of them are positive
    assert found["test/roc_auc"] >= 0.88
    assert found["parity/max_difference"] <= 1e-5


def test_electricity_is_judged_by_its_latest_rows(tmp_path: Path, isolated_cache: Path) -> None:
    found = run(tmp_path, "electricity", ELECTRICITY, "electricity.csv", source="csv", split="time", model="mlp")
    assert (found["data/rows/test"], found["data/rows/unused"]) == (6797, 96)
    assert found["test/roc_auc"] >= 0.85
    assert found["parity/max_difference"] <= 1e-5
    with store_of(TestProject(tmp_path)) as store:
        made = {port: store.artifacts.path(digest) for port, digest in digests(store, "electricity").items()}
    files = [Assignment(made["split.assignment"]).folder / path.name for path in Table(made["ingest.table"]).partitions()]
    parts = pl.concat([pl.read_parquet(path) for path in files])["part"]
    assert parts.rle().struct.field("value").to_list() == ["train", "unused", "validation", "unused", "test"]
