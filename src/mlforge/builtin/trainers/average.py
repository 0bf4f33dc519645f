"""An exponential moving average of a network's weights. Imports torch."""

from __future__ import annotations

import torch
from torch.func import functional_call

__all__ = ["Average"]


class Average:
    """Follows the weights step by step, quickly at first: after so few steps the first weights would still weigh too much.

    Whatever is a number with a fraction is averaged, running means of normalisation layers included; the rest is the network's own.
    """

    def __init__(self, network: torch.nn.Module, decay: float) -> None:
        self.decay = decay
        self.tensors = {name: tensor.detach().clone() for name, tensor in _averaged(network).items()}

    def follow(self, network: torch.nn.Module, step: int) -> None:
        """Take in the weights after a step (from 0)."""
        current = _averaged(network)
        device = next(iter(current.values())).device
        self.tensors = {name: self.tensors[name].to(device) for name in current}
        decay = min(self.decay, (1 + step) / (10 + step))
        torch._foreach_lerp_(list(self.tensors.values()), [tensor.detach() for tensor in current.values()], 1 - decay)

    def scores(self, network: torch.nn.Module, blocks: tuple[torch.Tensor, ...]) -> torch.Tensor:
        """What the network says with the averaged weights."""
        said: torch.Tensor = functional_call(network, self.tensors, blocks)
        return said


def _averaged(network: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: tensor for name, tensor in network.state_dict().items() if tensor.is_floating_point()}
