"""Tensors: what inputs and outputs are made of."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

from mlforge.serving.v2.datatypes import Datatype
from mlforge.serving.v2.malformed import Malformed

__all__ = ["Tensor", "counted"]

_DIMENSIONS = 8  # more than any input has; bounds the work of counting
_MOST = 2**31  # elements; far beyond what a body may hold


class Tensor(msgspec.Struct, frozen=True, gc=False):
    """A named array in row-major order. `values` is flat: a list where JSON gave it (None: missing), an array where it came in binary."""

    name: str
    datatype: Datatype
    shape: tuple[int, ...]
    values: list[Any] | np.ndarray

    @property
    def rows(self) -> int:
        """Its first dimension."""
        return self.shape[0] if self.shape else 1

    def array(self) -> np.ndarray:
        """The elements as one flat array. Numbers that JSON gave with a point are taken as they are written, in 64 bits; NaN where one is missing."""
        if isinstance(self.values, np.ndarray):
            return self.values
        stored = np.dtype(np.float64) if self.datatype.stored.kind == "f" else self.datatype.stored
        try:
            return np.array(self.values, stored)
        except (TypeError, OverflowError):
            pass
        if None not in self.values:
            raise Malformed(f"input {self.name!r:.60}: data has an element that is not {self.datatype.told}")
        return np.array([math.nan if value is None else value for value in self.values], np.float64)


def counted(shape: Sequence[int]) -> int:
    """How many elements a tensor of this shape has. Raises Malformed for a shape that is none."""
    if len(shape) > _DIMENSIONS:
        raise Malformed(f"shape has {len(shape)} dimensions; at most {_DIMENSIONS} are read")
    for size in shape:
        if size < 0 or size >= _MOST:
            raise Malformed(f"shape {list(shape)!s:.80}: {size!s:.30} is not a size; sizes are whole numbers from 0 to {_MOST - 1}")
    return math.prod(shape)
