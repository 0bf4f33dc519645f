from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import polars as pl
import pytest
from tests.lifecycle.stages.chain import people, trained
from tests.lifecycle.stages.job import StageJob

from mlforge.artifact import Bundles, Trained
from mlforge.builtin.exporters.onnx import Onnx
from mlforge.builtin.models.linear import Linear
from mlforge.builtin.models.mlp import Mlp
from mlforge.components import Exporter, Shipment
from mlforge.contract import Contract
from mlforge.errors import RunFailed
from mlforge.lifecycle.stages.export import Export
from mlforge.runtime.predictor import Predictor

REPOSITORY = Path(__file__).parents[3]


class Wrong(Exporter):
    """An exporter that ships other weights than those that were trained."""

    def export(self, shipment: Shipment) -> None:
        from safetensors.torch import load_file, save_file

        changed = shipment.folder.parent.parent / "changed"
        shutil.copytree(shipment.trained.folder, changed)
        weights = load_file(changed / "weights.safetensors")
        save_file({name: tensor * 1.5 for name, tensor in weights.items()}, changed / "weights.safetensors")
        Onnx().export(Shipment(**{**vars(shipment), "trained": Trained(changed)}))


def regression() -> tuple[pl.DataFrame, Contract]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=400)
    rows = pl.DataFrame({"x": x, "y": 2_000_000 + 3 * x + rng.normal(0, 0.1, 400)})
    return rows, Contract.model_validate({"columns": {"x": {"dtype": "float"}, "y": {"dtype": "float", "role": "target"}}})


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> StageJob:
    rows, contract = people()
    return trained(tmp_path_factory.mktemp("exported"), rows, contract).run(Export())


@pytest.mark.parametrize("model", [Linear(), Mlp(hidden=(8,), dropout=0.3, activation="gelu")])
def test_every_variant_says_what_the_network_says_row_by_row(tmp_path, model):
    rows, contract = people()
    job = trained(tmp_path, rows, contract, model=model, exporters={"first": Onnx(), "second": Onnx()}).run(Export())
    bundles = job.output("bundles", Bundles)
    assert (bundles.variants, bundles.ships) == (("first", "second"), "first")
    for variant in bundles.variants:
        difference = job.finding("parity/max_difference", variant=variant)
        assert difference.value is not None
        assert 0 <= difference.value <= 1e-5
        assert difference.rows == 90
        assert job.finding("parity/agreement", variant=variant).value == 1
        size = sum(path.stat().st_size for path in bundles.bundle(variant).iterdir())
        assert job.finding("bundle/size", variant=variant).value == size


def test_a_value_far_from_zero_keeps_its_digits(tmp_path):
    rows, contract = regression()
    job = trained(tmp_path, rows, contract, task="regression").run(Export())
    assert job.finding("parity/max_difference").value <= 1e-5
    predictor = Predictor.open(job.output("bundles", Bundles).bundle())
    said = predictor.predict(pl.DataFrame({"x": [0.0, 0.001]}))
    assert said.columns == ["prediction"]
    assert 0 < said["prediction"][1] - said["prediction"][0] < 0.1  # float32 has steps of 0.125 there


def test_a_bundle_that_is_not_the_model_is_refused(tmp_path):
    rows, contract = people()
    job = trained(tmp_path, rows, contract, exporters={"wrong": Wrong()})
    with pytest.raises(RunFailed, match=r"exporters\.wrong: the bundle differs from the trained model by 0\.\d+ on a test row"):
        job.run(Export())


@pytest.mark.parametrize(
    ("values", "dtype", "classes"),
    [([3, 7, 20], "int", [3, 7, 20]), ([True, False, True], "bool", [False, True]), (["ä", "b b", "c"], "string", ["b b", "c", "ä"])],
)
def test_a_prediction_is_a_class_as_the_source_writes_it(tmp_path, values, dtype, classes):
    rows = pl.DataFrame({"x": [float(i % 3) for i in range(300)], "y": [values[i % 3] for i in range(300)]})
    contract = Contract.model_validate({"columns": {"x": {"dtype": "float"}, "y": {"dtype": dtype, "role": "target"}}})
    # equal rows would land in one part, and each part needs every class
    rows = rows.with_columns(pl.col("x") + pl.Series(np.random.default_rng(0).normal(0, 0.01, 300)))
    job = trained(tmp_path, rows, contract, model=Linear()).run(Export())
    predictor = Predictor.open(job.output("bundles", Bundles).bundle())
    assert list(predictor.probabilities.values()) == classes
    said = predictor.predict(rows.select("x"))
    assert said.schema["prediction"] == pl.DataFrame({"y": values}).schema["y"]
    best = said.select(predictor.probabilities.keys()).to_numpy().argmax(1)
    assert said["prediction"].to_list() == [classes[i] for i in best]


def test_the_graph_is_of_a_pinned_version_and_says_nothing_of_where_it_was_made(exported):
    path = exported.output("bundles", Bundles).bundle() / "model.onnx"
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    assert {entry.domain: entry.version for entry in model.opset_import} == {"": 18, "ai.onnx.ml": 4}
    assert [value.name for value in model.graph.output] == ["prediction", "probability"]
    assert not model.metadata_props
    assert not any(node.metadata_props or node.doc_string for node in model.graph.node)
    content = path.read_bytes()
    assert b".py" not in content
    assert b"/work" not in content
    assert b"torch" not in content


def test_two_processes_in_two_folders_make_the_same_bytes(exported, tmp_path):
    """The second in a process of its own, with another hash seed, from another folder."""
    stages = exported.folder
    code = (
        "import sys; from pathlib import Path; from mlforge.artifact import *; from mlforge.components import Shipment;"
        "from mlforge.builtin.exporters.onnx import Onnx; from mlforge.task import TASKS; from tests.lifecycle.stages.chain import people;"
        "from mlforge.builtin.models.mlp import Mlp; s = Path(sys.argv[1]);"
        "Onnx().export(Shipment(Mlp(hidden=(16,)), Trained(s / 'train/trained'), Encoding(s / 'prepare/encoding'), people()[1],"
        "TASKS['classification'], Path(sys.argv[2]), False))"
    )
    (tmp_path / "elsewhere").mkdir()
    environment = {**os.environ, "PYTHONHASHSEED": "7", "PYTHONPATH": str(REPOSITORY)}
    subprocess.run([sys.executable, "-c", code, str(stages), str(tmp_path / "elsewhere")], check=True, cwd=tmp_path, env=environment)
    bundle = exported.output("bundles", Bundles).bundle()
    assert (tmp_path / "elsewhere" / "model.onnx").read_bytes() == (bundle / "model.onnx").read_bytes(), "the stage adds its background to the folder"


def test_the_bundles_contract_asks_for_features_only(exported):
    said = json.loads((exported.output("bundles", Bundles).bundle() / "bundle.json").read_text())
    assert list(said["contract"]["columns"]) == ["age", "income", "member", "owner", "city"] == said["columns"]
    assert said["contract"]["columns"]["city"]["values"] == ["Bern", "Oslo", "Rom"]
    assert said["output"]["classes"] == ["no", "yes"]
    assert (said["format"], said["runtime"], said["task"]) == (1, "onnx", "classification")
