"""Exact Shapley values of trees, from the graph of a bundle: the same as by asking about every set of columns, and as by the library shap."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import polars as pl
import pytest
from onnx import TensorProto, compose, helper
from sklearn.ensemble import RandomForestRegressor

from mlforge.artifact import Block
from mlforge.explaining.attribution import attributed
from mlforge.explaining.forest import Forest
from mlforge.explaining.paths import paths_of
from mlforge.task import Output
from mlforge.trees import LEAF, Tree, graph_of

SIX = ("a", "b", "c", "d", "e", "k")


def model(folder: Path, trees: list[Tree], numbers: tuple[str, ...], categories: tuple[str, ...] = ()) -> Path:
    """A bundle's graph: raw columns, here as they are, in front of trees."""
    blocks = tuple(Block(name, dtype, len(keys)) for name, dtype, keys in (("numbers", "float32", numbers), ("categories", "int64", categories)) if keys)
    graph = graph_of(trees, blocks, [0.25], "scores", 18)
    graph.ir_version = 10
    nodes, inputs, outputs = [], [], []
    for block, keys in zip(blocks, [part for part in (numbers, categories) if part], strict=True):
        kind = TensorProto.FLOAT if block.dtype == "float32" else TensorProto.INT64
        for key in keys:
            inputs.append(helper.make_tensor_value_info(key, TensorProto.DOUBLE, ["rows", 1]))
            nodes.append(helper.make_node("Cast", [key], [f"{key}/typed"], to=kind))
        nodes.append(helper.make_node("Concat", [f"{key}/typed" for key in keys], [f"block/{block.name}"], axis=1))
        outputs.append(helper.make_tensor_value_info(f"block/{block.name}", kind, ["rows", block.width]))
    front = helper.make_model(
        helper.make_graph(nodes, "front", inputs, outputs), opset_imports=[helper.make_opsetid("", 18), helper.make_opsetid("ai.onnx.ml", 4)], ir_version=10
    )
    whole = compose.merge_models(front, compose.add_prefix(graph, "network/"), io_map=[(f"block/{b.name}", f"network/{b.name}") for b in blocks])
    path = folder / "model.onnx"
    onnx.save(whole, str(path))
    return path


def grown(rows: np.ndarray, target: np.ndarray, trees: int, depth: int) -> tuple[list[Tree], RandomForestRegressor]:
    forest = RandomForestRegressor(trees, max_depth=depth, random_state=1).fit(rows, target)
    made = []
    for one in forest.estimators_:
        tree = one.tree_
        feature = np.where(tree.children_left < 0, LEAF, tree.feature)
        made.append(Tree(feature, tree.threshold, tree.children_left, tree.children_right, tree.value[:, 0, :] / trees))
    return made, forest


def frames(columns: tuple[str, ...], rows: int, seed: int) -> pl.DataFrame:
    return pl.DataFrame(np.random.default_rng(seed).normal(size=(rows, len(columns))).astype(np.float32).astype(float), schema=list(columns))


def test_values_are_those_of_asking_about_every_set_of_columns(tmp_path: Path) -> None:
    background, row = frames(SIX, 32, 1), frames(SIX, 1, 2)
    background, row = (part.with_columns((pl.col("k") * 2).round().clip(-2, 2) + 2) for part in (background, row))  # ids from 0 to 4
    draw = frames(SIX, 500, 3).to_numpy().astype(np.float32)
    trees, _ = grown(draw[:, :5], draw[:, 0] * draw[:, 1] + np.sin(draw[:, 2]), 5, 5)
    chain = Tree(
        np.array([5, LEAF, 0, LEAF, LEAF]), np.zeros(5), np.array([1, 0, 3, 0, 0]), np.array([2, 0, 4, 0, 0]), np.array([[0.0], [1.5], [0.0], [-1.0], [0.5]]),
        categories={0: (1, 2, 3)},
    )  # fmt: skip
    output = Output("value", "y", (), 10.0, 2.0)
    forest = Forest.open(model(tmp_path, [*trees, chain], SIX[:5], SIX[5:]), output)
    assert forest is not None
    told = forest.attributed(row, background, None)

    def ask(rows: pl.DataFrame) -> np.ndarray:
        return forest.graph.run(rows)[1][:, 0].astype(np.float64) * 2 + 10

    wanted = attributed(ask, row, background, float(ask(row)[0]))
    assert told is not None
    assert told.exact
    assert told.base == pytest.approx(wanted.base, abs=1e-5)
    assert {key: share.value for key, share in told.shares.items()} == pytest.approx({key: share.value for key, share in wanted.shares.items()}, abs=2e-5)
    assert told.gap < 1e-4
    assert forest.about(None) == "y"


def test_values_are_those_of_the_library_shap_where_columns_are_many(tmp_path: Path) -> None:
    shap = pytest.importorskip("shap")
    columns = tuple(f"x{number}" for number in range(20))
    background, row = frames(columns, 40, 1), frames(columns, 1, 2)
    draw = frames(columns, 600, 3).to_numpy().astype(np.float32)
    trees, grew = grown(draw, draw[:, 0] * draw[:, 1] + draw[:, 2] ** 2, 20, 8)
    forest = Forest.open(model(tmp_path, trees, columns), Output("value", "y"))
    assert forest is not None
    told = forest.attributed(row, background, None)
    assert told is not None
    explainer = shap.TreeExplainer(grew, background.to_numpy().astype(np.float32), feature_perturbation="interventional")
    wanted = explainer.shap_values(row.to_numpy().astype(np.float32))[0]
    assert [share.value for share in told.shares.values()] == pytest.approx(wanted.tolist(), abs=1e-5)


def test_a_chain_of_comparisons_is_one_question() -> None:
    tree = Tree(np.array([0, LEAF, LEAF]), np.zeros(3), np.array([1, 0, 0]), np.array([2, 0, 0]), np.array([[0.0], [1.0], [2.0]]), categories={0: (1, 4, 7)})
    graph = graph_of([tree], (Block("categories", "int64", 1),), [0.0], "scores", 18)
    (node,) = (one for one in graph.graph.node if one.op_type == "TreeEnsembleRegressor")
    paths = paths_of(node)
    assert paths.questions == (((0, 0.0, frozenset({1.0, 4.0, 7.0}), True),), ((0, 0.0, frozenset({1.0, 4.0, 7.0}), False),))
    assert paths.leaves == ({0: 1.0}, {0: 2.0})


def test_a_graph_without_trees_is_no_forest(tmp_path: Path) -> None:
    given = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["rows"]) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Neg", ["x"], ["y"])], "negative", given[:1], given[1:])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10), str(tmp_path / "model.onnx"))
    assert Forest.open(tmp_path / "model.onnx", Output("value", "y")) is None
