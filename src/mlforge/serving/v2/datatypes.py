"""The datatypes of the protocol ("Tensor Data Types"): how an element is stored in binary, and what it may be in JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any

import numpy as np
from msgspec import Meta

from mlforge.serving.v2.malformed import Malformed

__all__ = ["BYTES", "DATATYPES", "Datatype", "datatype", "of_dtype"]


@dataclass(frozen=True, eq=False)
class Datatype:
    """One datatype."""

    name: str
    stored: np.dtype[Any]  # little-endian, as the binary extension says; objects for BYTES
    element: Any  # what msgspec lets an element of JSON be
    told: str  # the same in words

    @property
    def size(self) -> int:
        """Bytes of an element; 0 where they vary."""
        return 0 if self is BYTES else self.stored.itemsize


def _whole(name: str, lowest: int, highest: int) -> Datatype:
    # msgspec knows bounds of 64 bits with a sign; what is beyond them is found when the array is made
    element = Annotated[int, Meta(ge=lowest, le=highest)] if highest < 2**63 else Annotated[int, Meta(ge=lowest)]
    return Datatype(name, np.dtype(name.lower()).newbyteorder("<"), element, f"a whole number from {lowest} to {highest}")


def _float(bits: int) -> Datatype:
    most = float(np.finfo(f"float{bits}").max)
    return Datatype(f"FP{bits}", np.dtype(f"<f{bits // 8}"), Annotated[float, Meta(ge=-most, le=most)], f"a number that {bits} bits can hold")


BYTES = Datatype("BYTES", np.dtype(object), str, "a string")
DATATYPES: Mapping[str, Datatype] = {
    one.name: one
    for one in (
        Datatype("BOOL", np.dtype(bool), bool, "true or false"),
        *(_whole(f"UINT{bits}", 0, 2**bits - 1) for bits in (8, 16, 32, 64)),
        *(_whole(f"INT{bits}", -(2 ** (bits - 1)), 2 ** (bits - 1) - 1) for bits in (8, 16, 32, 64)),
        *(_float(bits) for bits in (16, 32, 64)),
        BYTES,
    )
}


def datatype(name: str) -> Datatype:
    """The datatype of this name. Raises Malformed for a name that is none."""
    found = DATATYPES.get(name)
    if found is None:
        raise Malformed(f"datatype {name!r:.40} is not known; there are {', '.join(DATATYPES)}")
    return found


@cache
def of_dtype(dtype: np.dtype[Any]) -> Datatype:
    """The datatype in which an array of this dtype travels: strings and objects as BYTES."""
    name = {"b": "BOOL", "u": "UINT", "i": "INT", "f": "FP"}.get(dtype.kind)
    return BYTES if name is None else DATATYPES[name if name == "BOOL" else f"{name}{dtype.itemsize * 8}"]
