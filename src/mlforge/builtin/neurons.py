"""Hidden neurons of a network that can be taken out whole: what makes them, what normalises them, what reads them. Imports torch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from mlforge.artifact import Block

__all__ = ["Layer", "clear", "dead", "hidden_layers", "shrunk"]

_EACH_BY_ITSELF = frozenset({"relu", "relu_", "gelu", "silu", "silu_", "tanh", "sigmoid", "leaky_relu", "elu", "dropout", "hardtanh", "mish", "alias", "clone"})
"""Operations that treat every neuron by itself."""


@dataclass(frozen=True)
class Layer:
    """One layer of hidden neurons, by the names of modules: whatever lies between works on each neuron by itself."""

    maker: str  # nn.Linear: neuron j is row j of its weight
    norms: tuple[str, ...]  # nn.BatchNorm1d in between
    readers: tuple[str, ...]  # nn.Linear: neuron j is column j of their weights

    def importance(self, network: nn.Module) -> torch.Tensor:
        """Of each neuron: how much goes in times how much comes out."""
        into = _weight(network, self.maker).norm(dim=1)
        out = torch.stack([_weight(network, name).norm(dim=0) for name in self.readers]).norm(dim=0)
        product: torch.Tensor = (into * out).detach()
        return product

    def parts(self, network: nn.Module) -> Iterator[tuple[str, int]]:
        """Names of the tensors that a neuron has a place in, each with the dimension that counts neurons."""
        for name in (self.maker, *self.norms):
            yield f"{name}.weight", 0
            if getattr(network.get_submodule(name), "bias", None) is not None:
                yield f"{name}.bias", 0
        for name in self.readers:
            yield f"{name}.weight", 1


def hidden_layers(network: nn.Module, blocks: tuple[Block, ...]) -> tuple[Layer, ...]:
    """Those layers of a network, found in what it computes."""
    from torch.export import export

    example = tuple(torch.zeros((4, block.width), dtype=getattr(torch, block.dtype)) for block in blocks)
    training = network.training
    try:
        program = export(network.eval(), example, strict=False)
    finally:
        network.train(training)
    names = {**program.graph_signature.inputs_to_parameters, **program.graph_signature.inputs_to_buffers}
    made = {node: _module(network, node, names, nn.Linear) for node in program.graph.nodes if _called(node) == "linear"}
    used = list(made.values())
    found = (_layer(network, node, name, names) for node, name in made.items() if name is not None and used.count(name) == 1)
    return tuple(layer for layer in found if layer is not None)


def dead(network: nn.Module, layer: Layer) -> torch.Tensor:
    """Which neurons neither hear nor say anything: a mask."""
    quiet = (_weight(network, layer.maker) == 0).all(dim=1)
    for name in layer.readers:
        quiet = quiet & (_weight(network, name) == 0).all(dim=0)
    return quiet


@torch.no_grad()
def clear(tensors: Mapping[str, torch.Tensor] | MutableMapping[str, torch.Tensor], network: nn.Module, layer: Layer, gone: torch.Tensor) -> None:
    """Silence neurons in a network's weights, or in an average of them."""
    for name, dimension in layer.parts(network):
        if name in tensors:
            there = gone.to(tensors[name].device)
            tensors[name].masked_fill_(there if tensors[name].ndim == 1 else there.unsqueeze(1 - dimension), 0)


@torch.no_grad()
def shrunk(network: nn.Module, blocks: tuple[Block, ...]) -> nn.Module:
    """The network without its silent neurons, changed in place: it computes the same, with less."""
    if not any(bool((one.weight == 0).all(dim=1).any()) for one in network.modules() if isinstance(one, nn.Linear)):
        return network
    for layer in hidden_layers(network, blocks):
        kept = ~dead(network, layer)
        kept[0] = kept[0] | ~kept.any()  # a layer of none is no layer
        if bool(kept.all()):
            continue
        for name, dimension in layer.parts(network):
            module, _, field = name.rpartition(".")
            old = network.get_parameter(name)
            setattr(network.get_submodule(module), field, nn.Parameter(old[kept] if dimension == 0 else old[:, kept]))
        _told(network, layer, kept)
    return network


def _told(network: nn.Module, layer: Layer, kept: torch.Tensor) -> None:
    """Modules say of themselves how wide they are, and normalising ones remember what they have seen."""
    count, maker = int(kept.sum()), network.get_submodule(layer.maker)
    assert isinstance(maker, nn.Linear)
    maker.out_features = count
    for name in layer.norms:
        norm: Any = network.get_submodule(name)
        norm.num_features, norm.running_mean, norm.running_var = count, norm.running_mean[kept], norm.running_var[kept]
    for name in layer.readers:
        reader = network.get_submodule(name)
        assert isinstance(reader, nn.Linear)
        reader.in_features = count


def _layer(network: nn.Module, node: Any, maker: str, names: Mapping[str, str]) -> Layer | None:
    """The layer that a linear operation makes; None when something reads its neurons together."""
    norms: list[str] = []
    readers: list[str] = []
    waiting = [node]
    while waiting:
        one = waiting.pop()
        for user in one.users:
            called = _called(user)
            if called in _EACH_BY_ITSELF:
                waiting.append(user)
            elif called == "batch_norm" and user.meta["val"].ndim == 2 and (norm := _module(network, user, names, nn.BatchNorm1d)) is not None:
                norms.append(norm)
                waiting.append(user)
            elif called == "linear" and user.args[0] is one and (reader := _module(network, user, names, nn.Linear)) is not None:
                readers.append(reader)
            else:
                return None
    return Layer(maker, tuple(norms), tuple(readers)) if readers and maker not in readers else None


def _called(node: Any) -> str:
    """Name of the operation that a node calls."""
    return str(getattr(node.target, "_opname", "")) if node.op == "call_function" else ""


def _module(network: nn.Module, node: Any, names: Mapping[str, str], kind: type[nn.Module]) -> str | None:
    """The module whose weight a node works with; None when it is none of that kind."""
    weight = names.get(getattr(node.args[1], "name", ""), "")
    name, _, field = weight.rpartition(".")
    return name if field == "weight" and isinstance(network.get_submodule(name), kind) else None


def _weight(network: nn.Module, name: str) -> torch.Tensor:
    return network.get_parameter(f"{name}.weight")
