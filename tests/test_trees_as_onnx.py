"""A tree's every turn, through onnxruntime: thresholds, sets of categories, several outputs, links."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest

from mlforge.artifact import Block
from mlforge.trees import LEAF, Tree, graph_of, matrix

NUMBERS, CATEGORIES = Block("numbers", "float32", 1), Block("categories", "int64", 1, (50,))


def run(trees, blocks, base, link, *values):
    graph = graph_of(trees, blocks, base, link, 18)
    graph.ir_version = 10
    return onnxruntime.InferenceSession(graph.SerializeToString()).run(None, {b.name: v for b, v in zip(blocks, values, strict=True)})[0]


def stump(threshold=0.0, values=((1.0,), (2.0,)), first=0, feature=0, categories=None):
    nodes = np.array([[0.0] * len(values[0]), *values])
    return Tree(np.array([feature, LEAF, LEAF]), np.array([threshold, 0, 0]), np.array([1, 0, 0]), np.array([2, 0, 0]), nodes, first, categories or {})


@pytest.mark.parametrize("threshold", [0.1, -0.1, 1e-40, 0.0, 1 / 3, 16_777_217.0, 1e300, -1e300, np.nextafter(1.0, 2)])
def test_a_float32_goes_the_way_that_it_goes_in_double(threshold):
    near = np.float32(np.clip(threshold, -3e38, 3e38))
    rows = np.array([[np.nextafter(near, np.float32(-np.inf))], [near], [np.nextafter(near, np.float32(np.inf))], [0.0]], np.float32)
    said = run([stump(threshold)], (NUMBERS,), [0.0], "scores", rows)
    assert said[:, 0].tolist() == np.where(rows[:, 0].astype(np.float64) <= threshold, 1.0, 2.0).tolist()


@pytest.mark.parametrize("ids", [(), (3,), (0,), (1, 2, 3), (0, 7, 31, 32, 33, 49), tuple(range(0, 50, 2))])
def test_a_set_of_categories_goes_left_whole_and_alone(ids):
    rows = np.arange(50).reshape(-1, 1)
    said = run([stump(categories={0: ids}), stump(values=((0.0,), (0.0,)))], (CATEGORIES,), [10.0], "scores", rows)
    assert said[:, 0].tolist() == [11.0 if one in ids else 12.0 for one in range(50)]


def test_a_deep_tree_with_sets_on_the_way_ends_where_it_should():
    """(category in A ? (number ≤ 0 ? 1 : category in B ? 2 : 3) : category in C ? 4 : 5), against plain Python."""
    first, second, third = (1, 2, 3, 40), (2, 40), (0, 9, 48)
    tree = Tree(
        np.array([1, 0, 1, LEAF, 1, LEAF, LEAF, LEAF, LEAF]), np.zeros(9), np.array([1, 3, 7, 0, 5, 0, 0, 0, 0]), np.array([2, 4, 8, 0, 6, 0, 0, 0, 0]),
        np.array([0, 0, 0, 1, 0, 2, 3, 4, 5.0])[:, None], 0, {0: first, 2: third, 4: second},
    )  # fmt: skip
    ids = np.tile(np.arange(50), 2).reshape(-1, 1)
    numbers = np.repeat(np.array([-1, 1], np.float32), 50).reshape(-1, 1)

    def walk(number, one):
        if one in first:
            return 1.0 if number <= 0 else 2.0 if one in second else 3.0
        return 4.0 if one in third else 5.0

    wanted = [walk(number, one) for number, one in zip(numbers[:, 0].tolist(), ids[:, 0].tolist(), strict=True)]
    assert set(wanted) == {1.0, 2.0, 3.0, 4.0, 5.0}
    assert run([tree], (NUMBERS, CATEGORIES), [0.0], "scores", numbers, ids)[:, 0].tolist() == wanted


def test_trees_add_to_their_outputs_and_a_leaf_may_add_to_all():
    rows = np.array([[-1.0], [1.0]], np.float32)
    said = run([stump(first=1), stump(values=((10.0, 20.0, 30.0), (40.0, 50.0, 60.0)))], (NUMBERS,), [0.5, 0.0, 0.0], "scores", rows)
    assert said.tolist() == [[10.5, 21.0, 30.0], [40.5, 52.0, 60.0]]


def test_links_make_scores_of_one_score_and_of_shares():
    rows = np.array([[-1.0], [1.0]], np.float32)
    assert run([stump()], (NUMBERS,), [0.0], "binary", rows).tolist() == [[0.0, 1.0], [0.0, 2.0]]
    shares = run([stump(values=((0.25, 0.75), (0.0, 1.0)))], (NUMBERS,), [0.0, 0.0], "shares", rows)
    assert np.exp(shares) == pytest.approx(np.array([[0.25, 0.75], [0.0, 1.0]]), abs=1e-6)
    assert np.isfinite(shares).all()


def test_a_tree_of_one_leaf_says_one_thing():
    lone = Tree(np.array([LEAF]), np.zeros(1), np.zeros(1, int), np.zeros(1, int), np.array([[7.0]]))
    assert run([lone], (NUMBERS,), [0.0], "scores", np.zeros((2, 1), np.float32)).tolist() == [[7.0], [7.0]]


def test_the_matrix_is_the_blocks_side_by_side():
    assert matrix((np.array([[0.5]], np.float32), np.array([[3]]))).tolist() == [[0.5, 3.0]]
