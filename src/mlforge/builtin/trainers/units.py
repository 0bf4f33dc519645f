"""The layers of a network that are handled one by one: computed again in the backward pass, or sharded. Imports torch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch.utils.checkpoint import checkpoint

from mlforge.errors import RecipeError, nearest

__all__ = ["computed_again", "units"]


def units(network: torch.nn.Module, classes: Sequence[str], where: str) -> list[torch.nn.Module]:
    """The layers of these classes; without classes, those that a network holds in lists. Raises RecipeError when there are none."""
    layers = [module for module in network.modules() if module is not network]
    if not classes:
        return [layer for module in network.modules() if isinstance(module, torch.nn.ModuleList) for layer in module]
    there = sorted({type(layer).__name__ for layer in layers})
    for name in classes:
        if name not in there:
            raise RecipeError(f"{where}: the network has no {name}; it is made of {', '.join(there[:20])}", hint=nearest(name, there))
    return [layer for layer in layers if type(layer).__name__ in classes]


def computed_again(network: torch.nn.Module, classes: Sequence[str]) -> None:
    """Have layers computed again in the backward pass, drawing the same at random: what they said need not be kept until then."""
    found = units(network, classes, "trainer.checkpoint_activations")
    if not found:
        raise RecipeError("trainer.checkpoint_activations: the network has no list of layers", hint="Name classes of layers: [Linear].")
    for layer in found:
        layer.forward = partial(_training_only, layer, layer.forward)  # weights keep their names, unlike with a wrapper


def _training_only(layer: torch.nn.Module, forward: Callable[..., Any], *inputs: Any) -> Any:
    return checkpoint(forward, *inputs, use_reentrant=False) if layer.training else forward(*inputs)
