"""State as libraries keep it, taken apart into named tensors and plain JSON, so that it is stored without pickle. Imports torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from mlforge.errors import RunFailed

__all__ = ["State", "joined", "parted"]

State = Any
"""Dictionaries, lists and tuples of tensors and of what JSON has."""


def parted(state: State) -> tuple[dict[str, torch.Tensor], Any]:
    """Tensors by name, and JSON that says where they belong. Raises RunFailed for a value that could only be pickled."""
    tensors: dict[str, torch.Tensor] = {}
    return tensors, _parted(state, "state", tensors)


def joined(tensors: Mapping[str, torch.Tensor], plain: Any) -> State:
    """What `parted` has taken apart."""
    if not isinstance(plain, dict):
        return plain
    ((kind, held),) = plain.items()
    if kind == "tensor":
        return tensors[held]
    if kind == "dict":
        return {key: joined(tensors, value) for key, value in held}
    values = [joined(tensors, value) for value in held]
    return tuple(values) if kind == "tuple" else values


def _parted(value: Any, place: str, tensors: dict[str, torch.Tensor]) -> Any:
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
