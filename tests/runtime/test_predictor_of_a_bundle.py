from __future__ import annotations

import json
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from tests.lifecycle.stages.chain import people, trained

from mlforge.artifact import Bundles
from mlforge.contract import Contract
from mlforge.errors import DataError
from mlforge.lifecycle.stages.export import Export
from mlforge.runtime.bundle import read_bundle
from mlforge.runtime.predictor import Predictor

RAW = {
    "age": ["40", "x", "30"],
    "income": ["?", "1e4", "2e4"],
    "member": ["true", "false", "true"],
    "owner": ["?", "?", "false"],
    "city": ["Rom", "Bern", "Paris"],
}


def _bundle(folder: Path, **city: object) -> Path:
    rows, contract = people()
    columns = {**contract.columns, "city": contract.columns["city"].model_copy(update=city)}
    contract = Contract(columns=columns, nulls=("?",))
    return trained(folder, rows, contract).run(Export()).output("bundles", Bundles).bundle()


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _bundle(tmp_path_factory.mktemp("strict"))


@pytest.fixture(scope="module")
def lenient(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _bundle(tmp_path_factory.mktemp("lenient"), unseen="unknown")


@pytest.fixture
def copied(strict: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(strict, tmp_path / "copied"))


def test_raw_rows_are_parted_into_predictions_and_reasons(strict):
    answer = Predictor.open(strict).answer(pl.DataFrame(RAW))
    assert answer.accepted.to_list() == [0]
    assert len(answer.predictions) == 1
    assert dict(answer.rejected.iter_rows()).keys() == {1, 2}
    reasons = dict(answer.rejected.iter_rows())
    assert "age" in reasons[1]
    assert "Paris" in reasons[2]


def test_an_unseen_category_is_predicted_where_the_contract_says_unknown(lenient):
    answer = Predictor.open(lenient).answer(pl.DataFrame(RAW))
    assert answer.accepted.to_list() == [0, 2]
    missing = pl.DataFrame({**RAW, "city": ["?", "?", "?"]})
    assert answer.predictions["probability_1"][1] == Predictor.open(lenient).answer(missing).predictions["probability_1"][1]


def test_predict_refuses_raw_rows_that_break_the_contract(strict):
    with pytest.raises(DataError, match=r"2 of 3 rows break the model's contract: row 1: ") as caught:
        Predictor.open(strict).predict(pl.DataFrame(RAW))
    assert caught.value.exit_code == 3


def test_typed_rows_are_taken_as_they_are_and_raw_ones_say_the_same(strict):
    predictor = Predictor.open(strict)
    rows, _ = people(50)
    typed = rows.with_columns(city=pl.col("city").fill_null("Paris"))  # unseen, and no reason to refuse a typed row
    assert len(predictor.predict(typed)) == 50
    raw = rows.select(pl.all().cast(pl.String).fill_null("?"))
    said, wanted = predictor.answer(raw), predictor.predict(rows)
    assert said.rejected.is_empty()
    assert said.predictions.equals(wanted)


def test_probabilities_are_those_of_the_classes_and_sum_to_one(strict):
    predictor = Predictor.open(strict)
    said = predictor.predict(people(50)[0])
    assert said.columns == ["prediction", "probability_0", "probability_1"]
    assert predictor.probabilities == {"probability_0": "no", "probability_1": "yes"}
    assert said.select(pl.sum_horizontal("probability_0", "probability_1")).to_series().to_numpy() == pytest.approx(1, abs=1e-6)
    assert (said["prediction"] == "yes").to_list() == (said["probability_1"] > said["probability_0"]).to_list()


def test_many_rows_say_what_they_say_one_by_one(strict):
    predictor = Predictor.open(strict, threads=1)
    rows, _ = people(40)
    singles = pl.concat([predictor.predict(rows[i]) for i in range(40)])
    many = predictor.predict(pl.concat([rows] * 1000))
    assert len(many) == 40_000
    assert np.abs(many["probability_1"].to_numpy().reshape(1000, 40) - singles["probability_1"].to_numpy()).max() < 1e-6


def test_no_rows_have_no_predictions(strict):
    said = Predictor.open(strict).predict(people(5)[0].head(0))
    assert said.shape == (0, 3)
    assert said.schema["prediction"] == pl.String


def test_one_predictor_serves_several_threads(strict):
    predictor = Predictor.open(strict)
    rows, _ = people(200)
    wanted = predictor.predict(rows)
    with ThreadPoolExecutor(4) as pool:
        assert all(said.equals(wanted) for said in pool.map(lambda _: predictor.predict(rows), range(40)))


def test_a_missing_column_is_named(strict):
    with pytest.raises(DataError, match="age"):
        Predictor.open(strict).predict(people(5)[0].drop("age"))


def test_predicting_imports_neither_torch_nor_what_training_needs(strict):
    code = (
        "import sys; from pathlib import Path; import polars as pl; from mlforge.runtime.predictor import Predictor;"
        "frame = pl.DataFrame({'age': [40], 'income': ['?'], 'member': ['true'], 'owner': ['?'], 'city': ['Rom']});"
        "assert len(Predictor.open(Path(sys.argv[1])).predict(frame)) == 1;"
        "found = {'torch', 'onnx', 'pytorch_lightning', 'sklearn', 'pandas', 'pandera', 'safetensors'} & set(sys.modules);"
        "sys.exit(f'imported {found}' if found else 0)"
    )
    subprocess.run([sys.executable, "-c", code, str(strict)], check=True)


def test_a_changed_model_is_refused(copied):
    content = bytearray((copied / "model.onnx").read_bytes())
    content[len(content) // 2] ^= 1
    (copied / "model.onnx").write_bytes(content)
    with pytest.raises(DataError, match="has the digest"):
        Predictor.open(copied)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"format": 2}, "format"),
        ({"runtime": "pickle"}, "runtime"),
        ({"files": {}}, "model.onnx is missing"),
        ({"files": {"../model.onnx": "0"}}, "model.onnx is missing"),
        ({"unknown": 1}, "unknown"),
    ],
)
def test_a_bundle_of_another_kind_is_refused(copied, change, says):
    described = json.loads((copied / "bundle.json").read_text())
    (copied / "bundle.json").write_text(json.dumps({**described, **change}))
    with pytest.raises(DataError, match=says):
        read_bundle(copied)


def test_a_file_outside_the_bundle_is_not_touched(copied):
    described = json.loads((copied / "bundle.json").read_text())
    described["files"]["../secret"] = "0"
    (copied / "bundle.json").write_text(json.dumps(described))
    with pytest.raises(DataError, match="lies outside the bundle"):
        read_bundle(copied)


def test_a_graph_that_takes_other_columns_than_the_bundle_says_is_refused(copied):
    described = json.loads((copied / "bundle.json").read_text())
    (copied / "bundle.json").write_text(json.dumps({**described, "columns": ["age"]}))
    with pytest.raises(DataError, match=r"the graph takes .*, and bundle\.json says age"):
        Predictor.open(copied)


def test_a_folder_without_a_bundle_is_named(tmp_path):
    with pytest.raises(DataError, match="no bundle"):
        Predictor.open(tmp_path)
