"""The state of everything that draws at random, so that a continued fit draws what an undisturbed one draws. Imports torch."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import torch
import torch.distributed as distributed

from mlforge.builtin.trainers.tree import State
from mlforge.components import Place

__all__ = ["draw_on", "drawn", "seeded"]


def seeded(seed: int, epoch: int, place: Place) -> None:
    """Draw what follows from the seed, the epoch (from 0) and the rank, whatever was drawn before."""
    mixed = (seed * 1_000_003 + epoch + 1 + place.rank * 0x9E3779B97F4A7C15) % 2**63
    torch.manual_seed(mixed)
    random.seed(mixed)
    np.random.seed(mixed % 2**32)


def drawn(place: Place, device: torch.device) -> State:
    """How far the drawing is, on every rank; collective."""
    states = [torch.get_rng_state()]
    if device.type == "cuda":
        states.append(torch.cuda.get_rng_state(device))
    _, words, *rest = np.random.get_state(legacy=True)
    version, numbers, gauss = random.getstate()
    state = {"torch": [_of_all(one, place, device) for one in states]}
    if place.world > 1:
        return state
    return state | {"numpy": [torch.from_numpy(np.asarray(words).astype(np.int64)), *rest], "python": [version, list(numbers), gauss]}


def draw_on(state: State, place: Place, device: torch.device) -> None:
    """Draw on from there."""
    torch.set_rng_state(state["torch"][0][place.rank])
    if device.type == "cuda" and len(state["torch"]) > 1:
        torch.cuda.set_rng_state(state["torch"][1][place.rank], device)
    if "numpy" in state:
        words, *rest = state["numpy"]
        legacy: Any = ("MT19937", words.numpy().astype(np.uint32), *rest)
        np.random.set_state(legacy)
        version, numbers, gauss = state["python"]
        random.setstate((version, tuple(numbers), gauss))


def _of_all(state: torch.Tensor, place: Place, device: torch.device) -> list[torch.Tensor]:
    if place.world == 1:
        return [state]
    here = state.to(device)
    everyone = [torch.empty_like(here) for _ in range(place.world)]
    distributed.all_gather(everyone, here)
    return [one.cpu() for one in everyone]
