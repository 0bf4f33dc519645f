"""Decoding and validation: from a request's body to rows that a graph can take, or the reason why not.

Most rows take the fast path (`compiled`). What it does not accept is judged by the contract itself (`judged`), which decides and words the reason.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

import msgspec

from mlforge.errors import nearest
from mlforge.runtime.casts import array_size
from mlforge.service.limits import Limits
from mlforge.serving.access.frame_shape import frame_within, rows_within
from mlforge.serving.access.json_shape import keys_in, none_repeated, repeated_key, too_deep
from mlforge.serving.columns import Columns
from mlforge.serving.compiled import Compiled
from mlforge.serving.http import Refused
from mlforge.serving.judged import judge_frame, judge_rows
from mlforge.serving.readers import Unsettled
from mlforge.serving.request_rows import RequestRows

if TYPE_CHECKING:
    import polars as pl

    from mlforge.serving.engine import Engine

__all__ = ["Asked", "Decoder"]

_COMPARED = 300  # names that are not the model's, among which a misspelt one is looked for


class _Told(msgspec.Struct, gc=False):
    partial: bool | None = None
    deadline_ms: float | None = None
    id: str | None = None


class Asked(msgspec.Struct, frozen=True, gc=False):
    """A decoded body: its rows, and its options for the answer."""

    load: RequestRows
    partial: bool | None = None
    deadline_ms: float | None = None
    id: str | None = None


class Decoder:
    """Decodes and validates requests for one engine."""

    def __init__(self, engine: Engine, limits: Limits | None = None) -> None:
        self._engine = engine
        self._limits = limits or Limits()
        arrays = {key: size for key, column in engine.contract.columns.items() if (size := array_size(column.dtype)) is not None}
        taken = {key: column for key, column in engine.contract.columns.items() if column.role != "ignore"}
        self._names = frozenset(taken) | {column.name or key for key, column in taken.items()}
        self._needed = len(taken)
        self.columns = Columns(engine.graph.inputs, engine.graph.widths, arrays)
        self.compiled = _compiled(engine)
        self._decoders = [msgspec.json.Decoder(_envelope(row)) for row in self.compiled.named] if self.compiled else []

    def json(self, body: bytes) -> Asked:
        """A JSON body: {"rows": […]}, a list of rows, one row, or {"columns": {…}}. Raises Refused when it is none."""
        for decoder in self._decoders:
            try:
                read = decoder.decode(body)
                assert self.compiled is not None
                rows_within(len(read.rows), self._limits)
                self._once(body, _keys(read), None)
                load = self._readable(RequestRows(len(read.rows), self.compiled.rows(read.rows)), body)
                return Asked(load, read.partial, read.deadline_ms, read.id)
            except (msgspec.DecodeError, UnicodeDecodeError, Unsettled, RecursionError):
                continue
        return self._generic(body)

    def frame(self, frame: pl.DataFrame) -> RequestRows:
        """Raw rows as a table. Raises Refused beyond the limits, or when a column is missing."""
        return judge_frame(frame_within(self._asked_for(frame), self._limits), self._engine)

    def _asked_for(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The table without what the model does not take: a stranger's columns cost nothing, however many they are."""
        names = frame.columns
        known = [name for name in names if name in self._names]
        if len(known) == len(names):
            return frame
        others = [name for name in names if name not in self._names] if len(known) < self._needed else []  # one of which may be a misspelt one
        return frame.select([*known, *others[:_COMPARED]])

    def sequences(self, columns: Mapping[str, Sequence[Any]]) -> RequestRows:
        """Raw rows as one sequence of values for each column, by key or real name. Raises Refused when their lengths differ."""
        sizes = {len(values) for values in columns.values()}
        if len(sizes) > 1:
            raise Refused(400, f"columns are of {' and '.join(str(size) for size in sorted(sizes)[:4])} values; as many in each were expected")
        count = next(iter(sizes), 0)
        rows_within(count, self._limits)
        if self.compiled is not None:
            names = self.compiled.names
            try:
                ordered = [columns[names[key]] if names[key] in columns else columns[key] for key in self.compiled.order]
                return RequestRows(count, self.compiled.sequences(ordered))
            except (KeyError, Unsettled):
                pass
        return judge_rows([dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)], self._engine)

    def raw(self, body: bytes) -> Sequence[Mapping[str, Any]]:
        """The rows of a JSON body as they are, each an object; nothing is judged yet. Raises Refused when it is none."""
        rows, _ = self._decoded(body)
        if isinstance(rows, dict):
            raise Refused(400, "columns: rows were expected here: a list of objects")
        return self._objects(rows)

    def _generic(self, body: bytes) -> Asked:
        rows, told = self._decoded(body)
        if isinstance(rows, dict):
            return _asked(self._readable(self.sequences(rows), body), told)
        return _asked(self._readable(self._rows(self._objects(rows)), body), told)

    def _objects(self, rows: Sequence[Any]) -> Sequence[Mapping[str, Any]]:
        for place, row in enumerate(rows):
            if not isinstance(row, dict):
                raise Refused(400, f"row {place}: a JSON {_noun(row)}; an object with a value for each column was expected")
        return rows

    def _decoded(self, body: bytes) -> tuple[Any, Mapping[str, Any]]:
        """The rows, or columns, of a body, decoded without types and within the limits; and what else it says."""
        if too_deep(body, self._limits.depth):
            raise Refused(400, f"the body is nested deeper than {self._limits.depth} levels; rows are flat")
        try:
            read = msgspec.json.decode(body)
        except RecursionError:
            raise Refused(400, "the body is nested too deeply; rows are flat") from None
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Refused(400, f"the body is no JSON: {str(error)[:200]}") from None
        rows, told = _shaped(read)
        rows_within(max(map(len, rows.values()), default=0) if isinstance(rows, dict) else len(rows), self._limits)
        self._once(body, keys_in(read), read)
        return rows, told

    def _once(self, body: bytes, keys: int, read: Any) -> None:
        """No object says something twice: a decoder takes the last, and somebody else may take the first. `keys` were found where `read` was decoded."""
        if none_repeated(body, keys):
            return
        read = msgspec.json.decode(body) if read is None else read
        if (key := repeated_key(body, keys_in(read))) is not None:
            raise Refused(400, f"the key {key!r} is there twice in one object")

    def _readable(self, load: RequestRows, body: bytes) -> RequestRows:
        """No text is longer than the limit; there is none in a body that is not longer itself."""
        most = self._limits.text
        if len(body) > most:
            values = chain.from_iterable(load.rows if load.rows is not None else (column.flat for column in load.columns or () if column.dtype == object))
            longest = max((len(value) for value in values if isinstance(value, str)), default=0)
            if longest > most:
                raise Refused(413, f"the rows have a text of {longest:,} characters; at most {most:,} were expected")
        return load

    def _rows(self, rows: Sequence[Mapping[str, Any]]) -> RequestRows:
        """Decoded rows; the fast path again, for rows in another envelope."""
        for kind in self.compiled.named if self.compiled is not None else ():
            try:
                assert self.compiled is not None
                return RequestRows(len(rows), self.compiled.rows(msgspec.convert(rows, list[kind])))  # type: ignore[valid-type]
            except (msgspec.ValidationError, Unsettled, OverflowError):
                continue
        return judge_rows(rows, self._engine)


def _keys(read: Any) -> int:
    """How many keys there are at least: each row's, `rows`, and what else is said. A key that may be left out counts where it has a value."""
    told = 1 + (read.partial is not None) + (read.deadline_ms is not None) + (read.id is not None)
    if not read.rows:
        return told
    keys = len(read.rows) * len(read.rows[0].__struct_fields__)
    if read.rows[0].__struct_defaults__:  # None is what may be left out
        keys -= sum(msgspec.structs.astuple(row).count(None) for row in read.rows)
    return told + keys


def _compiled(engine: Engine) -> Compiled | None:
    rules = engine.predictor.text_rules
    if rules is None:
        return None
    try:
        return Compiled(engine.contract, engine.inputs, rules, engine.bundle.protected)
    except Unsettled:
        return None


def _envelope(row: type) -> Any:
    return msgspec.defstruct(
        "Rows", [("rows", list[row]), ("partial", bool | None, None), ("deadline_ms", float | None, None), ("id", str | None, None)],  # type: ignore[valid-type]
        gc=False, forbid_unknown_fields=True,
    )  # fmt: skip


def _shaped(read: Any) -> tuple[Any, Mapping[str, Any]]:
    """The rows, or the columns, of a decoded body; and what else it says."""
    if isinstance(read, list):
        return read, {}
    if not isinstance(read, dict):
        raise Refused(400, f'the body is a JSON {_noun(read)}; {{"rows": […]}} was expected')
    if isinstance(read.get("rows"), list):
        return read["rows"], _beside("rows", read)
    if isinstance(read.get("columns"), dict):
        _beside("columns", read)
        columns = read["columns"]
        if not all(isinstance(values, list) for values in columns.values()):
            raise Refused(400, "columns: a list of values was expected for each")
        return columns, read
    if (what := next((one for one in ("rows", "columns") if one in read), None)) and not set(read) - {what, *_Told.__struct_fields__}:
        raise Refused(400, f"{what}: a JSON {_noun(read[what])}; {'a list of objects' if what == 'rows' else 'a list of values for each column'} was expected")
    return [read], {}


def _beside(what: str, read: Mapping[str, Any]) -> Mapping[str, Any]:
    """What else is said. Raises Refused for what is not known: a misspelt `deadline_ms` is not no deadline."""
    known = _Told.__struct_fields__
    if unknown := [key for key in read if key != what and key not in known]:
        hint = nearest(unknown[0][:60], known) or f"There may be {', '.join(known)}"
        raise Refused(400, f"{unknown[0][:60]!r} is not known beside {what}. {hint}")
    return read


def _asked(load: RequestRows, told: Mapping[str, Any]) -> Asked:
    try:
        said = msgspec.convert(told, _Told)
    except msgspec.ValidationError as error:
        raise Refused(400, f"the body is not what was expected: {str(error)[:200]}") from None
    return Asked(load, said.partial, said.deadline_ms, said.id)


def _noun(value: Any) -> str:
    return {type(None): "null", bool: "boolean", str: "string", list: "list", dict: "object"}.get(type(value), "number")
