from __future__ import annotations

import pytest
import torch

from mlforge.artifact import Block
from mlforge.builtin.models.linear import Linear
from mlforge.builtin.models.mlp import Mlp
from mlforge.task import Output

NUMBERS, CATEGORIES = Block("numbers", "float32", 3), Block("categories", "int64", 2, (4, 5))
CLASSES = Output("classes", "y", ("a", "b", "c"))
IDS = torch.tensor([[0, 4], [3, 0]])


@pytest.mark.parametrize("model", [Linear(), Mlp(), Mlp(hidden=(), dropout=0.5), Mlp(hidden=(8, 4), dropout=0.5, activation="gelu", embedding=2)])
@pytest.mark.parametrize("blocks", [(NUMBERS,), (CATEGORIES,), (NUMBERS, CATEGORIES)])
def test_every_mix_of_blocks_gives_a_score_per_class(model, blocks):
    tensors = [torch.ones(2, 3) if block is NUMBERS else IDS for block in blocks]
    assert model.build(blocks, CLASSES)(*tensors).shape == (2, 3)
    assert model.build(blocks, Output("value", "y"))(*tensors).shape == (2, 1)


def test_linear_is_a_linear_layer_over_one_hot_columns():
    network = Linear().build((NUMBERS, CATEGORIES), CLASSES)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter)
    numbers = torch.randn(2, 3)
    one_hot = torch.cat([torch.nn.functional.one_hot(IDS[:, i], n) for i, n in enumerate(CATEGORIES.cardinalities)], 1).float()
    weights = network.state_dict()
    wanted = numbers @ weights["parts.numbers.weight"].T + one_hot @ weights["parts.categories.table"] + weights["bias"]
    assert torch.allclose(network(numbers, IDS), wanted, atol=1e-6)


def test_an_unseen_category_is_neutral_before_training_has_met_one():
    table = Mlp(hidden=(8,)).build((CATEGORIES,), CLASSES).tables["categories"]
    assert torch.equal(table(torch.zeros(1, 2, dtype=torch.int64)), torch.zeros(1, 2, 8))
    assert table(torch.ones(1, 2, dtype=torch.int64)).abs().min() > 0
