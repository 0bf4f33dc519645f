"""Whole batches, indexed at once: collating row by row costs more than a small network's step. Imports torch."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from mlforge.components import Tensors

__all__ = ["Batches", "shuffled"]

Batch = tuple[tuple[torch.Tensor, ...], torch.Tensor, torch.Tensor | None]


class Batches:
    """A loader over one part: blocks, target and weight of so many rows at a time.

    With a seed, rows come in an order that depends on the seed and the epoch alone, so that a run that is continued sees what an undisturbed one sees.
    """

    def __init__(self, tensors: Tensors, size: int, *, seed: int | None = None, weight: np.ndarray | None = None, limit: int | None = None) -> None:
        self.blocks = tuple(torch.from_numpy(np.asarray(block)) for block in tensors.blocks)
        self.target = torch.from_numpy(np.asarray(tensors.target))
        self.weight = None if weight is None else torch.from_numpy(np.asarray(weight))
        self.size, self.seed, self.limit = size, seed, limit
        self.epoch = 0

    def __len__(self) -> int:
        whole = -(-len(self.target) // self.size)
        return whole if self.limit is None else min(whole, self.limit)

    def __iter__(self) -> Iterator[Batch]:
        rows = len(self.target)
        order = None if self.seed is None else torch.from_numpy(shuffled(rows, self.seed, self.epoch))
        for i in range(len(self)):
            some = slice(i * self.size, (i + 1) * self.size)
            index = some if order is None else order[some]
            yield tuple(block[index] for block in self.blocks), self.target[index], None if self.weight is None else self.weight[index]


def shuffled(rows: int, seed: int, epoch: int) -> np.ndarray:
    """The order of the rows in an epoch (from 0)."""
    return np.random.default_rng((seed, epoch)).permutation(rows)
