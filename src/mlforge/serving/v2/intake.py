"""From the tensors of a request to the rows that a graph can take, held against the contract like any other rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from mlforge.service.limits import Limits
from mlforge.serving.access.frame_shape import rows_within
from mlforge.serving.compiled import Unsettled as NotCompiled
from mlforge.serving.http import Refused
from mlforge.serving.request_rows import RequestRows
from mlforge.serving.v2.datatypes import BYTES
from mlforge.serving.v2.signature import Signature, Slot
from mlforge.serving.v2.tensor import Tensor
from mlforge.serving.v2.vectors import Unsettled, Vector, bounds, vector

if TYPE_CHECKING:
    import polars as pl

    from mlforge.serving.decoder import Decoder
    from mlforge.serving.engine import Engine

__all__ = ["Intake"]

_FEW = 8  # rows up to which row by row is quicker than column by column


class Intake:
    """The tensors of one engine."""

    def __init__(self, engine: Engine, decoder: Decoder, limits: Limits) -> None:
        self.signature = Signature(engine.contract)
        self._limits = limits
        self._engine, self._decoder = engine, decoder
        self._vectors = _vectors(engine)
        self._matrix = _Matrix(engine, self.signature) if self._vectors is not None and self.signature.matrix else None
        self._few = _Few(decoder, self.signature) if decoder.compiled is not None else None
        slots = self.signature.slots
        self._cells = slots[0] if len(slots) == 1 and slots[0].cell and self._vectors is not None and engine.inputs == (slots[0].key,) else None

    def load(self, tensors: Sequence[Tensor]) -> RequestRows:
        """The rows. Raises Malformed when the tensors are not the model's, and Refused when they are beyond the limits."""
        for tensor in tensors:
            self._within(tensor)
        if self.signature.is_matrix(tensors):
            return self._of_matrix(tensors[0])
        columns = self.signature.columns(tensors)
        rows = tensors[0].rows
        if self._cells is not None and (load := self._of_cells(columns[self._cells.key], rows, self._cells.width)) is not None:
            return load
        if rows <= _FEW and self._few is not None:
            listed = [values for slot in self.signature.slots if (values := _listed(columns[slot.key], slot)) is not None]
            if len(listed) == len(columns) and (load := self._few.load(list(zip(*listed, strict=True)))) is not None:
                return load
        return self._of_columns({slot.key: _elements(columns[slot.key], slot) for slot in self.signature.slots}, rows)

    def _of_cells(self, tensor: Tensor, rows: int, width: int) -> RequestRows | None:
        """Of a model that takes one array: JSON has no numbers but finite ones."""
        values = tensor.values
        if isinstance(values, np.ndarray) or tensor.datatype.stored.kind != "f" or None in values:
            return None
        if rows <= _FEW:
            return RequestRows(rows, [(values[place : place + width],) for place in range(0, len(values), width)])
        return RequestRows(rows, None, (np.array(values, np.float64).reshape(rows, width),))

    def _within(self, tensor: Tensor) -> None:
        rows_within(tensor.rows, self._limits)
        if tensor.datatype is BYTES and (longest := max(map(len, filter(None, tensor.values)), default=0)) > self._limits.text:
            raise Refused(413, f"input {tensor.name!r:.60}: a text of {longest:,} characters; at most {self._limits.text:,} were expected")

    def _of_matrix(self, tensor: Tensor) -> RequestRows:
        rows, width = tensor.shape
        if rows <= _FEW and self._few is not None and (values := _finite(tensor)) is not None:
            load = self._few.load([values[place : place + width] for place in range(0, len(values), width)])
            if load is not None:
                return load
        cells = tensor.array().reshape(rows, width)
        if self._matrix is not None and (columns := self._matrix.columns(cells)) is not None:
            return RequestRows(rows, None, columns)
        return self._of_columns({slot.key: cells[:, place] for place, slot in enumerate(self.signature.slots)}, rows)

    def _of_columns(self, columns: Mapping[str, Any], rows: int) -> RequestRows:
        if self._vectors is not None and rows:
            try:
                made = {key: judge(columns[key]) for key, judge in self._vectors.items()}
                return RequestRows(rows, None, tuple(made[key] for key in self._engine.inputs))
            except Unsettled:
                pass
        import polars as pl

        return self._decoder.frame(pl.DataFrame([_series(slot.name, columns[slot.key]) for slot in self.signature.slots]))


class _Few:
    """Some rows, value by value, by the structures that the decoder has compiled."""

    def __init__(self, decoder: Decoder, signature: Signature) -> None:
        assert decoder.compiled is not None
        self._compiled = decoder.compiled
        self._kind: Any = list[decoder.compiled.listed]  # type: ignore[name-defined]
        order = [[slot.key for slot in signature.slots].index(key) for key in decoder.compiled.order]
        self._ordered = None if order == sorted(order) else itemgetter(*order)

    def load(self, rows: Sequence[Sequence[Any]]) -> RequestRows | None:
        """The rows, whose values are in the order of the signature; nothing when one of them is for the contract to judge."""
        ordered = rows if self._ordered is None else list(map(self._ordered, rows))
        try:
            return RequestRows(len(rows), self._compiled.rows(msgspec.convert(ordered, self._kind)))
        except (msgspec.ValidationError, NotCompiled, ValueError, OverflowError):
            return None


class _Matrix:
    """The bounds of all columns at once, where they are numbers and have no other rules."""

    def __init__(self, engine: Engine, signature: Signature) -> None:
        columns = [engine.contract.columns[slot.key] for slot in signature.slots]
        self._low, self._high = np.array([bounds(column) for column in columns]).T
        self._whole = np.array([column.dtype == "int" for column in columns])
        self._places = [[slot.key for slot in signature.slots].index(key) for key in engine.inputs]

    def columns(self, cells: np.ndarray) -> tuple[np.ndarray, ...] | None:
        """A column for each of the graph's inputs; None when a cell is missing or breaks a rule."""
        numbers = cells.astype(np.float64)
        if not (len(numbers) and (numbers.min(axis=0) >= self._low).all() and (numbers.max(axis=0) <= self._high).all()):
            return None
        if cells.dtype.kind not in "iu" and self._whole.any() and not (np.trunc(numbers[:, self._whole]) == numbers[:, self._whole]).all():
            return None
        by_column = np.ascontiguousarray(numbers.T)
        return tuple(by_column[place].reshape(-1, 1) for place in self._places)


def _vectors(engine: Engine) -> Mapping[str, Vector] | None:
    if engine.bundle.protections or "tensor(uint8)" in engine.graph.inputs.values():
        return None
    tokens = frozenset(engine.contract.nulls)
    try:
        return {key: vector(column, tokens) for key, column in engine.contract.columns.items() if column.role != "ignore"}
    except Unsettled:
        return None


def _finite(tensor: Tensor) -> list[Any] | None:
    """The values as JSON has them; nothing where numbers are not finite, which only the contract can judge."""
    values = tensor.values
    if isinstance(values, list):
        return values
    finite: list[Any] | None = None if values.dtype.kind == "f" and not np.isfinite(values).all() else values.tolist()
    return finite


def _listed(tensor: Tensor, slot: Slot) -> list[Any] | None:
    """The same row by row."""
    values = _finite(tensor)
    return [values[place : place + slot.width] for place in range(0, len(values), slot.width)] if slot.cell and values is not None else values


def _elements(tensor: Tensor, slot: Slot) -> Any:
    """Numbers as an array, of a row's shape where a row has several; texts as a list."""
    if tensor.datatype is BYTES:
        return tensor.values
    return tensor.array().reshape(tensor.rows, slot.width) if slot.cell else tensor.array()


def _series(name: str, values: Any) -> pl.Series:
    import polars as pl

    if isinstance(values, list):
        return pl.Series(name, values, dtype=pl.String)
    return pl.Series(name, np.ascontiguousarray(values.astype(np.float32) if values.dtype == np.float16 else values))
