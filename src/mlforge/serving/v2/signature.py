"""Which tensors a model takes: one for each column of its contract, or one matrix where all its columns are numbers."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from mlforge.contract import Column, Contract
from mlforge.errors import nearest
from mlforge.serving.v2.datatypes import BYTES
from mlforge.serving.v2.malformed import Malformed
from mlforge.serving.v2.tensor import Tensor

__all__ = ["MATRIX", "Signature", "Slot"]

MATRIX = "input"  # the name of the one tensor that has all columns of numbers
_LISTED = 8  # columns named in a message
_COMPARED = 300  # unknown tensors among which a misspelt one is looked for


@dataclass(frozen=True)
class Slot:
    """The tensor of one column."""

    key: str  # the contract's
    name: str  # the column's real name
    datatype: str  # the one that the metadata tells; others that can hold the values are taken, too
    cell: tuple[int, ...]  # shape of one row's value; () for all but arrays

    @cached_property
    def width(self) -> int:
        """How many values a row has."""
        return math.prod(self.cell)

    @property
    def shape(self) -> list[int]:
        """As the metadata tells it; -1 stands for the rows."""
        return [-1, *self.cell]

    @cached_property
    def cells(self) -> frozenset[tuple[int, ...]]:
        """The shapes that a row may have in a tensor: [] or [1]; of arrays, flat or as declared."""
        return frozenset({self.cell, (self.width,)})


class Signature:
    """The tensors of one model."""

    def __init__(self, contract: Contract) -> None:
        self.slots = tuple(_slot(key, column) for key, column in contract.columns.items() if column.role != "ignore")
        self._numbers = all(column.dtype in ("int", "float") for column in contract.columns.values() if column.role != "ignore")
        self._by_name = {**{slot.key: slot for slot in self.slots}, **{slot.name: slot for slot in self.slots}}

    @cached_property
    def matrix(self) -> bool:
        """May all columns come as one tensor named "input"."""
        return self._numbers and MATRIX not in self._by_name

    def is_matrix(self, tensors: Sequence[Tensor]) -> bool:
        """Have they come so. Raises Malformed when they have, in another shape."""
        if len(tensors) != 1 or tensors[0].name != MATRIX or not self.matrix:
            return False
        shape, width = tensors[0].shape, len(self.slots)
        if len(shape) != 2 or shape[1] != width or tensors[0].datatype.stored.kind not in "iuf":
            told = f"{tensors[0].datatype.name} of shape {list(shape)}"
            raise Malformed(f"input {MATRIX!r} is {told}, expected numbers of shape [rows, {width}], the columns in the order of the model's metadata")
        return True

    def columns(self, tensors: Sequence[Tensor]) -> Mapping[str, Tensor]:
        """The tensor of each column, by its key. Raises Malformed when one is missing or of another shape."""
        columns: dict[str, Tensor] = {}
        for tensor in tensors:
            if tensor.rows != tensors[0].rows:
                raise Malformed(
                    f"input {tensor.name!r:.60} has {tensor.rows} rows, and {tensors[0].name!r:.60} has {tensors[0].rows}; expected as many in each"
                )
            slot = self._by_name.get(tensor.name)
            if slot is None:
                continue  # columns that the contract does not know are left out, as everywhere; a misspelt one is told as missing
            if slot.key in columns:
                raise Malformed(f"inputs: column {slot.name!r:.60} is given twice, by its key and its name")
            if not tensor.shape or tensor.shape[1:] not in slot.cells or (slot.cell and tensor.datatype is BYTES):
                raise _unfit(tensor, slot)
            columns[slot.key] = tensor
        if len(columns) != len(self.slots):
            raise self._missing([slot.name for slot in self.slots if slot.key not in columns], [tensor.name for tensor in tensors])
        return columns

    def _missing(self, missing: list[str], given: list[str]) -> Malformed:
        unknown = [name for name in given if name not in self._by_name][:_COMPARED]
        told = "; ".join(f"{name!r} {nearest(name, unknown)}".rstrip() for name in missing[:_LISTED])
        more = f" and {len(missing) - _LISTED} more" if len(missing) > _LISTED else ""
        width = len(self.slots)
        each = f"a tensor for each of the {width} columns" if width > 1 else f"a tensor {self.slots[0].name!r}"
        either = f"{each}, or one named {MATRIX!r} of shape [rows, {width}]" if self.matrix else each
        return Malformed(f"inputs: {told}{more} {'is' if len(missing) == 1 else 'are'} missing; expected {either}")


def _slot(key: str, column: Column) -> Slot:
    name = column.name or key
    if column.dtype.startswith("array["):
        return Slot(key, name, "FP64", tuple(int(size) for size in re.findall(r"\d+", column.dtype)))
    kinds = {"int": "INT64", "bool": "BOOL"} if not column.nullable else {"int": "FP64", "bool": "FP64"}  # NaN, where a value is missing
    return Slot(key, name, "FP64" if column.dtype == "float" else kinds.get(column.dtype, "BYTES"), ())


def _unfit(tensor: Tensor, slot: Slot) -> Malformed:
    flat = f"[-1, {slot.width}]" + (f" or {slot.shape}" if len(slot.cell) > 1 else "")
    expected = f"numbers of shape {flat}" if slot.cell else "[-1] or [-1, 1]"
    return Malformed(f"input {tensor.name!r:.60} is {tensor.datatype.name} of shape {list(tensor.shape)}, expected {expected}, with a row for each -1")
