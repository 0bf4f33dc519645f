"""The census recipe: how good it is, and that raw rows get the same answer from the bundle as from the trained network."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from tests.end_to_end.buyers import digests, store_of

from mlforge.artifact import Encoding, Table, Trained
from mlforge.builtin.models.mlp import Mlp
from mlforge.components import Shipment
from mlforge.runtime.session import Graph
from mlforge.task import TASKS
from mlforge.testing.project import TestProject

DATA = Path(__file__).parents[3] / "shared" / "data"
pytestmark = pytest.mark.skipif(not (DATA / "adult_train.csv").exists(), reason="needs ../shared/data/adult_train.csv")

INJECTED = 500  # rows at the end of the test file whose categories training has never seen
HEAVY = ("torch", "pytorch_lightning", "onnx", "sklearn", "pandas", "safetensors", "ray")


@pytest.fixture(scope="module")
def adult(tmp_path_factory: pytest.TempPathFactory, isolated_cache: Path) -> TestProject:
    """The recipe as it is shipped, run once."""
    project = TestProject(tmp_path_factory.mktemp("adult"))
    outcome = project.run("run", "adult", f"source.path={DATA / 'adult_train.csv'}")
    assert outcome.code == 0, outcome.text
    return project


@pytest.fixture(scope="module")
def raw() -> pl.DataFrame:
    """The test file as text, `?` and all; the last rows with what training has never seen."""
    rows = pl.read_csv(DATA / "adult_test.csv", infer_schema=False)
    late = pl.int_range(pl.len()) >= pl.len() - INJECTED
    strange = {"native_country": "Atlantis", "occupation": "Mermaid", "workclass": "?"}
    return rows.with_columns(pl.when(late).then(pl.lit(value)).otherwise(pl.col(name)).alias(name) for name, value in strange.items())


@pytest.fixture(scope="module")
def predicted(adult: TestProject, raw: pl.DataFrame) -> tuple[pl.DataFrame, set[str]]:
    """What `mlforge predict` writes for these rows, and what its process had imported in the end."""
    raw.write_csv(adult.root / "raw.csv")
    code = (
        "import json, sys; from mlforge.cli.entry import run;"
        "code = run(['predict', 'adult', '--source', 'raw.csv', '--sink', 'out.parquet', '--keep', 'income']);"
        "print(json.dumps([code, sorted({name.partition('.')[0] for name in sys.modules})]))"
    )
    done = subprocess.run([sys.executable, "-P", "-c", code], cwd=adult.root, capture_output=True, text=True, check=True, timeout=120)
    ended, modules = json.loads(done.stdout.splitlines()[-1])
    assert ended == 0, done.stdout + done.stderr
    return pl.read_parquet(adult.root / "out.parquet"), set(modules)


def auc(positive: np.ndarray, score: np.ndarray) -> float:
    """Area under the ROC curve by ranks (Mann and Whitney), ties in the middle."""
    _, inverse, counts = np.unique(score, return_inverse=True, return_counts=True)
    rank = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    hits = positive.sum()
    return float((rank[positive].sum() - hits * (hits + 1) / 2) / (hits * (len(positive) - hits)))


def test_version_1_is_as_good_as_was_asked_and_its_bundle_equals_the_network_on_every_test_row(adult: TestProject) -> None:
    with store_of(adult) as store:
        assert [version.version for version in store.registry.versions("adult")] == [1]
        (run,) = store.records.runs("adult")
        found = {(f.name, f.subject): f for stage in run.stages for f in store.records.findings(stage.key)}
    area, parity = found["test/roc_auc", "candidate"], found["parity/max_difference", "candidate"]
    assert area.value >= 0.905
    assert parity.value <= 1e-5
    assert parity.rows == area.rows == found["data/rows/test", "data"].value


def test_raw_rows_that_nobody_has_seen_are_ranked_as_well(predicted: tuple[pl.DataFrame, set[str]], raw: pl.DataFrame) -> None:
    out, _ = predicted
    assert out["row"].to_list() == list(range(len(raw)))
    assert out["income"].to_list() == raw["income"].to_list()
    assert auc((out["income"] == ">50K").to_numpy(), out["probability_>50K"].to_numpy()) >= 0.905


def test_predicting_imports_nothing_that_training_needs(predicted: tuple[pl.DataFrame, set[str]]) -> None:
    _, modules = predicted
    assert "onnxruntime" in modules, "the list is of the process that predicted"
    assert modules.isdisjoint(HEAVY), modules & set(HEAVY)


def test_injected_rows_get_the_answer_of_the_trained_network(adult: TestProject, predicted: tuple[pl.DataFrame, set[str]], raw: pl.DataFrame) -> None:
    import torch

    with store_of(adult) as store:
        made = {port: store.artifacts.path(digest) for port, digest in digests(store, "adult").items()}
    encoding, trained = Encoding(made["prepare.encoding"]), Trained(made["train.trained"])
    contract = Table(made["ingest.table"]).contract
    injected = raw.tail(INJECTED)
    numbers = [name for name, column in contract.columns.items() if column.dtype == "int"]
    missing = [pl.col(name).replace("?", None) for name, column in contract.columns.items() if column.dtype == "category"]
    blocks = Graph(encoding.folder / "front.onnx").run(injected.with_columns(pl.col(numbers).cast(pl.Int64), *missing))
    network = Shipment(Mlp(dropout=0.2), trained, encoding, contract, TASKS["classification"], adult.root, False).network()
    with torch.inference_mode():
        wanted = network(*(torch.from_numpy(block) for block in blocks)).softmax(1)[:, encoding.output.classes.index(">50K")].numpy()
    said = predicted[0].tail(INJECTED)["probability_>50K"].to_numpy()
    assert said.std() > 0.05, "the rows are not all alike"
    assert np.abs(said - wanted).max() <= 1e-5


def test_an_unchanged_second_run_runs_nothing_and_imports_no_torch(adult: TestProject) -> None:
    code = (
        "import json, sys; from mlforge.cli.entry import run;"
        f"code = run(['run', 'adult', 'source.path={DATA / 'adult_train.csv'}']); print(json.dumps([code, 'torch' in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-P", "-c", code], cwd=adult.root, capture_output=True, text=True, check=True, timeout=120)
    assert json.loads(done.stdout.splitlines()[-1]) == [0, False], done.stdout + done.stderr
    assert "nothing to do" in done.stdout.lower()
    with store_of(adult) as store:
        assert len(store.registry.versions("adult")) == 1
