"""How torch's operators are said in ONNX. torch.onnx gathers that anew for each export, from the source of some 500 functions: half of what an export takes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from typing import Any

__all__ = ["kept"]

_GATHER = "from_torchlib"
_GATHERED: dict[tuple[Any, ...], Any] = {}


@contextmanager
def kept() -> Iterator[None]:
    """Within the block torch is handed what it has gathered before. Where a torch does it otherwise than those that we know, it does as it does."""
    try:
        from torch.onnx._internal.exporter._registration import ONNXRegistry as Registry
    except ImportError:  # another torch
        yield
        return
    gather = vars(Registry).get(_GATHER)
    if not isinstance(gather, classmethod):
        yield
        return

    def from_torchlib(cls: type[Any], *given: Any, **named: Any) -> Any:
        asked = (given, tuple(sorted(named.items())))
        if asked not in _GATHERED:
            _GATHERED[asked] = gather.__get__(None, cls)(*given, **named)
        registry = copy(_GATHERED[asked])
        registry.functions = {target: list(found) for target, found in registry.functions.items()}  # an export may add to its own
        return registry

    setattr(Registry, _GATHER, classmethod(from_torchlib))
    try:
        yield
    finally:
        setattr(Registry, _GATHER, gather)
