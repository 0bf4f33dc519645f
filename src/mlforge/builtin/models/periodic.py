"""Numbers as waves. Imports torch: only a model's `build` imports it."""

from __future__ import annotations

import math

import torch
from torch import nn

__all__ = ["Periodic"]

_FARTHEST = 100.0  # standard deviations: further out a float32 has no digits left for a sine


class Periodic(nn.Module):
    """[rows, columns] of standardised numbers → [rows, columns × (1 + width)]: each as it is, and through waves of learned length (Gorishniy et al., 2022).

    A network over plain numbers is too smooth for a number of which single values tell much, such as an amount that is mostly zero.
    """

    def __init__(self, columns: int, waves: int, width: int, spread: float) -> None:
        super().__init__()
        self.frequencies = nn.Parameter(torch.randn(columns, waves) * spread)
        self.mix = nn.Parameter((torch.rand(columns, 2 * waves, width) * 2 - 1) / math.sqrt(2 * waves))
        self.bias = nn.Parameter(torch.zeros(columns, width))

    def forward(self, numbers: torch.Tensor) -> torch.Tensor:
        """The numbers, then what each has become."""
        angles = numbers.clamp(-_FARTHEST, _FARTHEST).unsqueeze(2) * self.frequencies * (2 * math.pi)
        waves = torch.cat([angles.sin(), angles.cos()], 2)  # [rows, columns, 2 × waves]
        mixed = torch.matmul(waves.transpose(0, 1), self.mix).transpose(0, 1) + self.bias
        return torch.cat([numbers, mixed.relu().flatten(1)], 1)
