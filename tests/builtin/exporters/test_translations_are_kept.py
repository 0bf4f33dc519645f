"""Exports after the first find torch's translations where the first has put them, and come to the same bytes."""

from __future__ import annotations

import pytest

from mlforge.artifact import Block
from mlforge.builtin.exporters import translations
from mlforge.builtin.exporters.torch_graph import network_graph
from mlforge.builtin.models.linear import Linear
from mlforge.task import Output

BLOCKS = (Block("numbers", "float32", 3),)


@pytest.fixture
def gathered(monkeypatch):
    """How often torch has gathered them itself; nothing is kept from other tests."""
    from torch.onnx._internal.exporter import _registration

    times = []
    own = _registration.onnxscript_apis.get_torchlib_ops
    monkeypatch.setattr(_registration.onnxscript_apis, "get_torchlib_ops", lambda: times.append(1) or own())
    monkeypatch.setattr(translations, "_GATHERED", {})
    return times


def test_a_second_export_gathers_nothing_and_has_the_same_bytes(gathered):
    network = Linear().build(BLOCKS, Output("classes", "label", (0, 1)))
    first, second = (network_graph(network, BLOCKS, 18).SerializeToString() for _ in range(2))
    assert first == second
    assert len(gathered) == 1


def test_what_one_export_adds_is_its_own_and_torch_is_left_as_it_was(gathered):
    from torch.onnx._internal.exporter._registration import ONNXRegistry

    own = vars(ONNXRegistry)["from_torchlib"]
    with translations.kept():
        one, other = ONNXRegistry.from_torchlib(), ONNXRegistry.from_torchlib()
        name = next(iter(one.functions))
        one.functions[name].append(None)
        one.functions["mine"] = []
        assert None not in other.functions[name]
        assert "mine" not in ONNXRegistry.from_torchlib().functions
    assert vars(ONNXRegistry)["from_torchlib"] is own
    assert len(gathered) == 1


def test_another_torch_does_as_it_does(monkeypatch):
    from torch.onnx._internal.exporter import _registration

    monkeypatch.delattr(_registration, "ONNXRegistry")
    with translations.kept():
        assert not hasattr(_registration, "ONNXRegistry")
