"""State as libraries keep it, taken apart into named tensors and plain JSON, so that it is stored without pickle. Imports torch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch.distributed.tensor import DTensor

from mlforge.errors import RunFailed

__all__ = ["Share", "State", "filled", "joined", "parted", "shares"]

State = Any
"""Dictionaries, lists and tuples of tensors and of what JSON has."""


@dataclass(frozen=True)
class Share:
    """In the place of a tensor of which each process has a share, until it is read."""

    name: str


def parted(state: State) -> tuple[dict[str, torch.Tensor], Any]:
    """Tensors by name, and JSON that says where they belong; those of which each process has a share are among them. Raises RunFailed for a value that could
    only be pickled."""
    tensors: dict[str, torch.Tensor] = {}
    return tensors, _parted(state, "state", tensors)


def joined(tensors: Mapping[str, torch.Tensor], plain: Any) -> State:
    """What `parted` has taken apart, with a `Share` for each tensor of which processes have shares."""
    if not isinstance(plain, dict):
        return plain
    ((kind, held),) = plain.items()
    if kind == "tensor":
        return tensors[held]
    if kind == "share":
        return Share(held)
    if kind == "dict":
        return {key: joined(tensors, value) for key, value in held}
    values = [joined(tensors, value) for value in held]
    return tuple(values) if kind == "tuple" else values


def shares(state: State) -> Iterator[str]:
    """The names of the shares in it."""
    if isinstance(state, Share):
        yield state.name
    below = state.values() if isinstance(state, Mapping) else state if isinstance(state, (list, tuple)) else ()
    for value in below:
        yield from shares(value)


def filled(state: State, tensors: Mapping[str, torch.Tensor]) -> State:
    """The same with tensors in the place of shares."""
    if isinstance(state, Share):
        return tensors[state.name]
    if isinstance(state, Mapping):
        return {key: filled(value, tensors) for key, value in state.items()}
    return type(state)(filled(value, tensors) for value in state) if isinstance(state, (list, tuple)) else state


def _parted(value: Any, place: str, tensors: dict[str, torch.Tensor]) -> Any:
    if isinstance(value, DTensor):
        tensors[place] = value.detach()
        return {"share": place}
    if isinstance(value, torch.Tensor):
        tensors[place] = value.detach().cpu().clone().contiguous()  # safetensors refuses tensors that share memory
        return {"tensor": place}
    if isinstance(value, Mapping):
        pairs = [[key, _parted(below, f"{place}/{key}", tensors)] for key, below in value.items()]
        if all(isinstance(key, (str, int)) for key, _ in pairs):
            return {"dict": pairs}
    elif isinstance(value, (list, tuple)):
        return {"tuple" if isinstance(value, tuple) else "list": [_parted(below, f"{place}/{i}", tensors) for i, below in enumerate(value)]}
    elif value is None or isinstance(value, (str, bool, int, float)):
        return value
    raise RunFailed(
        f"trainer: {place.removeprefix('state/')} is a {type(value).__name__}, and checkpoints keep tensors, numbers, text, lists and dictionaries only",
        hint="Keep it as one of these in state_dict().",
    )
