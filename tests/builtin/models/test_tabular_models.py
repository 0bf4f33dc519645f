from __future__ import annotations

import numpy as np
import onnxruntime
import pytest
import torch
from pydantic import ValidationError

from mlforge.artifact import Block
from mlforge.builtin.exporters.torch_graph import network_graph
from mlforge.builtin.models.ft_transformer import FtTransformer
from mlforge.builtin.models.linear import Linear
from mlforge.builtin.models.mlp import Mlp
from mlforge.builtin.models.tabular_resnet import TabularResnet
from mlforge.task import Output

NUMBERS, CATEGORIES = Block("numbers", "float32", 3), Block("categories", "int64", 2, (4, 5))
CLASSES = Output("classes", "y", ("a", "b", "c"))
IDS = torch.tensor([[0, 4], [3, 0]])


SMALL = [
    Linear(),
    Mlp(),
    Mlp(hidden=(), dropout=0.5),
    Mlp(hidden=(8, 4), dropout=0.5, activation="gelu", embedding=2),
    TabularResnet(d=8, blocks=2),
    TabularResnet(d=8, blocks=1, waves=4),
    FtTransformer(d_token=8, heads=2),
]


@pytest.mark.parametrize("model", SMALL)
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


@pytest.mark.parametrize("model", [TabularResnet(d=8, blocks=2), TabularResnet(d=8, blocks=1, waves=4), FtTransformer(d_token=16, heads=4, layers=3)])
@pytest.mark.parametrize("blocks", [(NUMBERS,), (CATEGORIES,), (NUMBERS, CATEGORIES)])
def test_the_exported_graph_says_what_the_network_says_for_any_number_of_rows(model, blocks):
    torch.manual_seed(0)
    network = model.build(blocks, CLASSES)
    everything = {"numbers": torch.randn(70, 3) * 3, "categories": torch.stack([torch.randint(0, n, (70,)) for n in CATEGORIES.cardinalities], 1)}
    tensors = [everything[block.name] for block in blocks]
    for _ in range(20):
        network(*tensors)  # moves the running means of normalisation layers
    network.eval()
    session = onnxruntime.InferenceSession(network_graph(network, blocks, 18).SerializeToString())
    for rows in (1, 2, 70):
        some = [tensor[:rows] for tensor in tensors]
        (said,) = session.run(["scores"], {block.name: tensor.numpy() for block, tensor in zip(blocks, some, strict=True)})
        with torch.no_grad():
            wanted = network(*some).numpy()
        assert np.ptp(wanted) > 0.01
        assert np.abs(said - wanted).max() <= 1e-5


@pytest.mark.parametrize("model", [TabularResnet(d=8, blocks=2), FtTransformer(d_token=8, heads=2)])
def test_a_last_batch_of_one_row_is_trained_on_like_any_other(model):
    network = model.build((NUMBERS,), CLASSES).train()
    loss = network(torch.randn(1, 3)).square().sum()
    loss.backward()
    assert all(parameter.grad is not None for parameter in network.parameters())


def test_every_column_decides_in_the_transformer():
    torch.manual_seed(0)
    network = FtTransformer(d_token=8, heads=2).build((NUMBERS, CATEGORIES), CLASSES).eval()
    numbers, ids = torch.randn(1, 3), torch.tensor([[1, 2]])
    before = network(numbers, ids)
    for column in range(3):
        moved = numbers.clone()
        moved[0, column] += 1
        assert not torch.allclose(network(moved, ids), before, atol=1e-5)
    for column in range(2):
        moved = ids.clone()
        moved[0, column] += 1
        assert not torch.allclose(network(numbers, moved), before, atol=1e-5)


def test_heads_that_do_not_divide_a_token_are_refused():
    with pytest.raises(ValidationError, match="7 heads do not divide d_token=64"):
        FtTransformer(heads=7)
