from __future__ import annotations

import json

import numpy as np
import onnx
import polars as pl
import pytest
from tests.lifecycle.stages.chain import people, prepared

from mlforge.artifact import Assignment, Encoding, Table, frames
from mlforge.builtin.features.categorical import Categorical
from mlforge.builtin.features.hashing import Hashing
from mlforge.builtin.features.numeric import Numeric
from mlforge.contract import Contract
from mlforge.errors import DataError
from mlforge.lifecycle.stages.prepare import output_of
from mlforge.runtime.session import Graph
from mlforge.task import TASKS, Output

CLASSIFICATION, REGRESSION = TASKS["classification"], TASKS["regression"]


def target(dtype: str, **more: object) -> Contract:
    return Contract.model_validate({"columns": {"y": {"dtype": dtype, "role": "target", **more}}})


def test_raw_columns_become_blocks_and_only_training_rows_are_looked_at(tmp_path):
    rows, contract = people()
    job = prepared(tmp_path, rows, contract)
    encoding = job.output("encoding", Encoding)
    numbers, categories = encoding.blocks
    assert (numbers.name, numbers.width) == ("numbers", 6)  # age, income, member, owner, and whether income and owner were missing
    assert categories.cardinalities == (4,)
    assert encoding.columns == ("age", "income", "member", "owner", "city")
    assert encoding.vocabularies == {"city": ["Bern", "Oslo", "Rom"]}
    assert encoding.output == Output("classes", "bought", ("no", "yes"))
    graph = Graph(encoding.folder / "front.onnx")
    assert graph.inputs["member"] == "tensor(bool)"
    assert graph.inputs["owner"] == graph.inputs["age"] == "tensor(double)"
    train = pl.concat(frames(job.output("table", Table), job.output("assignment", Assignment), "train"))
    encoded, _ = graph.run(train)
    assert np.abs(encoded[:, 0].mean()) < 1e-6
    assert encoded[:, 0].std() == pytest.approx(1, abs=1e-4)
    assert not np.isnan(encoded).any()


def test_two_preparations_have_the_same_bytes_and_nothing_says_where_they_were_made(tmp_path):
    rows, contract = people()
    one, two = (prepared(tmp_path / name, rows, contract).output("encoding", Encoding).folder for name in ("one", "two"))
    for name in ("front.onnx", "encoding.json"):
        assert (one / name).read_bytes() == (two / name).read_bytes()
        assert str(tmp_path).encode() not in (one / name).read_bytes()


def test_the_first_entry_that_wants_a_column_gets_it(tmp_path):
    rows, contract = people()
    features = {"plain": Numeric(columns=("age",), scale="none"), "numeric": Numeric(), "categorical": Categorical()}
    encoding = prepared(tmp_path, rows, contract, features=features).output("encoding", Encoding)
    assert encoding.blocks[0].width == 6
    encoded, _ = Graph(encoding.folder / "front.onnx").run(rows.head(5))
    assert encoded[:, 0].tolist() == rows["age"].head(5).to_list()
    names = [node.name for node in onnx.load(encoding.folder / "front.onnx").graph.node]
    assert any(name.startswith("plain/") for name in names)


def test_an_entry_that_names_a_column_gets_it_before_those_that_do_not(tmp_path):
    rows, contract = people()
    features = {"numeric": Numeric(), "categorical": Categorical(), "hashed": Hashing(columns=("city",), buckets=7)}
    encoding = prepared(tmp_path, rows, contract, features=features).output("encoding", Encoding)
    assert encoding.blocks[1].cardinalities == (8,)
    assert encoding.vocabularies == {}


def test_a_feature_that_no_entry_takes_is_named_with_its_type(tmp_path):
    rows, contract = people()
    with pytest.raises(DataError, match=r"features: no entry takes city \(category\); there are numeric"):
        prepared(tmp_path, rows, contract, features={"numeric": Numeric()})


@pytest.mark.parametrize(
    ("dtype", "values", "classes"),
    [
        ("int", [10, 9, 9, 2], (2, 9, 10)),
        ("category", ["b", "a", "B"], ("B", "a", "b")),
        ("bool", [True, False, True], (False, True)),
    ],
)
def test_classes_are_sorted_as_what_they_are(dtype, values, classes):
    assert output_of(pl.LazyFrame({"y": values}), target(dtype), CLASSIFICATION).classes == classes


def test_the_positive_class_is_last():
    assert output_of(pl.LazyFrame({"y": ["a", "b"]}), target("category", positive="a"), CLASSIFICATION).classes == ("b", "a")
    assert output_of(pl.LazyFrame({"y": [0, 1]}), target("int", positive=0), CLASSIFICATION).classes == (1, 0)
    assert output_of(pl.LazyFrame({"y": [False, True]}), target("bool", positive=False), CLASSIFICATION).classes == (True, False)


def test_a_regression_knows_the_targets_mean_and_deviation():
    output = output_of(pl.LazyFrame({"y": [1.0, 2.0, 6.0]}), target("float"), REGRESSION)
    assert (output.kind, output.offset, output.scale, output.width) == ("value", 3.0, np.std([1, 2, 6]), 1)


@pytest.mark.parametrize(
    ("contract", "values", "task", "says"),
    [
        (target("category"), ["a", "a"], CLASSIFICATION, "only the class 'a'; a classification needs two or more"),
        (target("float"), [2.0, 2.0], REGRESSION, "the target has one value in all 2 training rows"),
        (target("category", positive="A"), ["a", "b"], CLASSIFICATION, "no training row has the class 'A'; there are 'a', 'b'"),
        (target("category", positive="a"), ["a", "b", "c"], CLASSIFICATION, "and this one has 3"),
    ],
)
def test_a_target_that_cannot_be_learned_is_an_error_of_the_data(contract, values, task, says):
    with pytest.raises(DataError, match=r"contract\.columns\.y") as caught:
        output_of(pl.LazyFrame({"y": values}), contract, task)
    assert says in str(caught.value)


def test_encoding_json_is_plain(tmp_path):
    rows, contract = people()
    folder = prepared(tmp_path, rows, contract).output("encoding", Encoding).folder
    assert set(json.loads((folder / "encoding.json").read_text())) == {"blocks", "columns", "output", "vocabularies"}
