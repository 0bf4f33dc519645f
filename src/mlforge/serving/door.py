"""The contract at the door: from what a request brings to rows that a graph can take, or the reason why not.

Most rows go the quick way (`compiled`). What it does not accept is judged by the contract itself (`judged`), which decides and words the reason.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from mlforge.runtime.casts import array_size
from mlforge.serving.columns import Columns
from mlforge.serving.compiled import Compiled, Unsettled
from mlforge.serving.http import Refused
from mlforge.serving.judged import judge_frame, judge_rows
from mlforge.serving.load import Load

if TYPE_CHECKING:
    import polars as pl

    from mlforge.serving.engine import Engine

__all__ = ["Asked", "Door"]


class _Told(msgspec.Struct, gc=False):
    partial: bool | None = None
    deadline_ms: float | None = None
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """What a body asks for: its rows, and how they are to be answered where it says so."""

    load: Load
    partial: bool | None = None
    deadline_ms: float | None = None
    id: str | None = None


class Door:
    """The door of one engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        arrays = {key: size for key, column in engine.contract.columns.items() if (size := array_size(column.dtype)) is not None}
        self.columns = Columns(engine.graph.inputs, engine.graph.widths, arrays)
        self.compiled = _compiled(engine)
        self._decoders = [msgspec.json.Decoder(_envelope(row)) for row in self.compiled.named] if self.compiled else []

    def json(self, body: bytes) -> Asked:
        """A JSON body: {"rows": […]}, a list of rows, one row, or {"columns": {…}}. Raises Refused when it is none."""
        for decoder in self._decoders:
            try:
                read = decoder.decode(body)
                assert self.compiled is not None
                return Asked(Load(len(read.rows), self.compiled.rows(read.rows)), read.partial, read.deadline_ms, read.id)
            except (msgspec.DecodeError, Unsettled, RecursionError):
                continue
        return self._generic(body)

    def frame(self, frame: pl.DataFrame) -> Load:
        """Raw rows as a table."""
        return judge_frame(frame, self._engine)

    def sequences(self, columns: Mapping[str, Sequence[Any]]) -> Load:
        """Raw rows as one sequence of values for each column, by key or real name. Raises Refused when their lengths differ."""
        sizes = {len(values) for values in columns.values()}
        if len(sizes) > 1:
            raise Refused(400, f"columns are of {' and '.join(str(size) for size in sorted(sizes)[:4])} values; as many in each were expected")
        count = next(iter(sizes), 0)
        if self.compiled is not None:
            names = self.compiled.names
            try:
                ordered = [columns[names[key]] if names[key] in columns else columns[key] for key in self.compiled.order]
                return Load(count, self.compiled.sequences(ordered))
            except (KeyError, Unsettled):
                pass
        return judge_rows([dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)], self._engine)

    def _generic(self, body: bytes) -> Asked:
        try:
            read = msgspec.json.decode(body)
        except RecursionError:
            raise Refused(400, "the body is nested too deeply; rows are flat") from None
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Refused(400, f"the body is no JSON: {str(error)[:200]}") from None
        rows, told = _shaped(read)
        if isinstance(rows, dict):
            return _asked(self.sequences(rows), told)
        for place, row in enumerate(rows):
            if not isinstance(row, dict):
                raise Refused(400, f"row {place}: a JSON {_noun(row)}; an object with a value for each column was expected")
        return _asked(self._rows(rows), told)

    def _rows(self, rows: Sequence[Mapping[str, Any]]) -> Load:
        """Decoded rows; the quick way once more, for those that came in another envelope."""
        for kind in self.compiled.named if self.compiled is not None else ():
            try:
                assert self.compiled is not None
                return Load(len(rows), self.compiled.rows(msgspec.convert(rows, list[kind])))  # type: ignore[valid-type]
            except (msgspec.ValidationError, Unsettled, OverflowError):
                continue
        return judge_rows(rows, self._engine)


def _compiled(engine: Engine) -> Compiled | None:
    if engine.bundle.protections:
        return None
    try:
        return Compiled(engine.contract, engine.inputs)
    except Unsettled:
        return None


def _envelope(row: type) -> Any:
    return msgspec.defstruct(
        "Rows", [("rows", list[row]), ("partial", bool | None, None), ("deadline_ms", float | None, None), ("id", str | None, None)], gc=False  # type: ignore[valid-type]
    )  # fmt: skip


def _shaped(read: Any) -> tuple[Any, Mapping[str, Any]]:
    """The rows, or the columns, of a decoded body; and what else it says."""
    if isinstance(read, list):
        return read, {}
    if not isinstance(read, dict):
        raise Refused(400, f'the body is a JSON {_noun(read)}; {{"rows": […]}} was expected')
    if isinstance(read.get("rows"), list):
        return read["rows"], read
    if isinstance(read.get("columns"), dict):
        columns = read["columns"]
        if not all(isinstance(values, list) for values in columns.values()):
            raise Refused(400, "columns: a list of values was expected for each")
        return columns, read
    return [read], {}


def _asked(load: Load, told: Mapping[str, Any]) -> Asked:
    try:
        said = msgspec.convert(told, _Told)
    except msgspec.ValidationError as error:
        raise Refused(400, f"the body is not what was expected: {str(error)[:200]}") from None
    return Asked(load, said.partial, said.deadline_ms, said.id)


def _noun(value: Any) -> str:
    return {type(None): "null", bool: "boolean", str: "string", list: "list", dict: "object"}.get(type(value), "number")
