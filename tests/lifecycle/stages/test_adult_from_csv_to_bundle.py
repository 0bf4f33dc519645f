"""The whole way on real census rows; skipped where the data is not at hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from tests.lifecycle.stages.chain import trained
from tests.lifecycle.stages.job import StageJob

from mlforge.artifact import Bundles, Encoding, Trained
from mlforge.builtin.models.mlp import Mlp
from mlforge.builtin.sources.csv import Csv
from mlforge.builtin.trainers.lightning import Lightning
from mlforge.components import Shipment
from mlforge.contract import Contract
from mlforge.lifecycle.stages.export import Export
from mlforge.runtime.predictor import Predictor
from mlforge.runtime.session import Graph

DATA = Path(__file__).parents[4] / "shared" / "data"
pytestmark = pytest.mark.skipif(not (DATA / "adult_train.csv").exists(), reason="needs ../shared/data/adult_train.csv")

NUMBERS = ("age", "education_num", "capital_gain", "capital_loss", "hours_per_week")
CATEGORIES = ("workclass", "education", "marital_status", "occupation", "relationship", "native_country")
LEFT_OUT = {"fnlwgt": {"dtype": "int", "role": "ignore"}, "race": {"dtype": "category", "role": "protected"}, "sex": {"dtype": "category", "role": "protected"}}


@pytest.fixture(scope="module")
def adult(tmp_path_factory: pytest.TempPathFactory) -> StageJob:
    columns = {key: {"dtype": "int"} for key in NUMBERS} | {key: {"dtype": "category", "nullable": True, "unseen": "unknown"} for key in CATEGORIES}
    target = {"income": {"dtype": "category", "role": "target", "positive": ">50K"}}
    contract = Contract.model_validate({"nulls": ["?"], "columns": {**columns, **LEFT_OUT, **target}})
    folder = tmp_path_factory.mktemp("adult")
    trainer = Lightning(max_epochs=10, batch_size=1024, accelerator="cpu", threads=1)
    return trained(folder, Csv(path=str(DATA / "adult_train.csv")), contract, model=Mlp(), trainer=trainer).run(Export())


def auc(positive: np.ndarray, score: np.ndarray) -> float:
    """Area under the ROC curve by ranks (Mann and Whitney)."""
    _, inverse, counts = np.unique(score, return_inverse=True, return_counts=True)
    rank = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    hits = positive.sum()
    return float((rank[positive].sum() - hits * (hits + 1) / 2) / (hits * (len(positive) - hits)))


def test_the_bundle_ranks_people_it_has_not_seen(adult):
    rows = pl.read_csv(DATA / "adult_test.csv", infer_schema=False)
    answer = Predictor.open(adult.output("bundles", Bundles).bundle()).answer(rows)
    assert answer.rejected.is_empty()
    assert auc((rows["income"] == ">50K").to_numpy(), answer.predictions["probability_1"].to_numpy()) >= 0.905


def test_the_bundle_says_what_the_network_says(adult):
    assert adult.finding("parity/max_difference").value <= 1e-5
    assert adult.finding("parity/agreement").value == 1


def test_raw_rows_with_unseen_categories_are_predicted_as_the_network_would(adult):
    rows = pl.read_csv(DATA / "adult_test.csv", infer_schema=False).head(200)
    injected = rows.with_columns(native_country=pl.lit("Atlantis"), workclass=pl.lit("?"))
    predictor = Predictor.open(adult.output("bundles", Bundles).bundle())
    said = predictor.answer(injected).predictions["probability_1"].to_numpy()
    encoding = adult.output("encoding", Encoding)
    shipment = Shipment(Mlp(), adult.output("trained", Trained), encoding, adult.contract, adult.task, adult.folder, False)
    typed = injected.with_columns(pl.col(NUMBERS).cast(pl.Int64), workclass=pl.lit(None, dtype=pl.String))
    blocks = Graph(encoding.folder / "front.onnx").run(typed)
    assert set(blocks[1][:, CATEGORIES.index("native_country")]) == {0}
    with torch.inference_mode():
        wanted = shipment.network()(*(torch.from_numpy(block) for block in blocks)).softmax(1)[:, 1].numpy()
    assert np.abs(said - wanted).max() <= 1e-5
