"""What each column is, declared once and enforced everywhere.

This module is data only: it decides *what* must hold. `mlforge.runtime.conform` turns it into Polars expressions, and ingest runs those through Pandera.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from mlforge.units import Share

__all__ = ["DTYPES", "RESERVED", "Check", "Column", "Contract", "Expectation", "Length", "Role"]

DTYPES = ("int", "float", "bool", "category", "string", "text", "image", "datetime")
_ARRAY = re.compile(r"array\[(int|float|bool), *(\d+)((?: *x *\d+)*)\]")

Role = Literal["feature", "target", "id", "time", "group", "weight", "protected", "part", "ignore"]
Bound = int | float | str  # a number, or an ISO 8601 date or time for a datetime column
Value = bool | int | float | str


def _dtype(value: Any) -> Any:
    if isinstance(value, str) and (value in DTYPES or _ARRAY.fullmatch(value)):
        return value
    raise ValueError(f"unknown dtype {value!r}; there are {', '.join(DTYPES)} and array[float, 8x8]")


class Length(BaseModel):
    """How long a string may be, in characters."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    min: int = Field(default=0, ge=0)
    max: int | None = Field(default=None, ge=0)


def _runnable(regex: str | None) -> None:
    """Patterns are run by an engine that takes linear time, and so knows no look-around and no back-references."""
    if regex is None:
        return
    try:
        re.compile(regex)
    except re.error as error:
        raise ValueError(f"regex does not parse: {error}") from None
    if re.search(r"\(\?(=|!|<[=!]|P=|\()|(?<!\\)(?:\\\\)*\\[1-9]", regex):
        raise ValueError("regex: look-around and back-references are not supported")


def _reader(dtype: str, *, allowed: bool = False) -> Callable[[Any], Any]:
    """What makes sense of a bound or an allowed value of a column; raises ValueError for one that does not fit."""

    def number(value: Any) -> float:
        if isinstance(value, bool | str):
            raise ValueError(f"{value!r} is not a number, as a column of {dtype} needs")
        return float(value)

    def moment(value: Any) -> float:
        try:
            read = datetime.fromisoformat(str(value))
        except ValueError:
            raise ValueError(f"{value!r} is not a date or time as ISO 8601 writes it") from None
        return (read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp()

    def truth(value: Any) -> bool:
        if not isinstance(value, bool):
            raise ValueError(f"{value!r} is not true or false")
        return value

    def whole(value: Any) -> float:
        if number(value) != int(value):
            raise ValueError(f"{value!r} is not a whole number")
        return float(value)

    if dtype == "int" and allowed:
        return whole
    return {"int": number, "float": number, "datetime": moment, "bool": truth}.get(dtype, str)


class Column(BaseModel):
    """What one column is: its type, its bounds, its role."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    dtype: Annotated[str, BeforeValidator(_dtype)] = Field(description="int, float, bool, category, string, text, image, datetime or array[float, 8x8]")
    role: Role = Field(default="feature", description="what the column is for; protected columns are audited and are no features")
    nullable: bool = Field(default=False, description="may values be missing")
    ge: Bound | None = Field(default=None, description="smallest value allowed")
    gt: Bound | None = Field(default=None, description="values must be greater than this")
    le: Bound | None = Field(default=None, description="largest value allowed")
    lt: Bound | None = Field(default=None, description="values must be less than this")
    values: tuple[Value, ...] | None = Field(default=None, description="the only values allowed")
    unseen: Literal["error", "unknown"] = Field(default="error", description="a category that training has not seen: an error, or treated as unknown")
    regex: str | None = Field(default=None, description="every value must match this regular expression from start to end")
    unique: bool = Field(default=False, description="no value may appear twice")
    length: Length | None = Field(default=None, description="how long a string may be, in characters")
    positive: Value | None = Field(default=None, description="for a target with two classes: the one that probabilities speak of")
    pii: str | None = Field(default=None, description="class of personal data, such as email, name, phone")
    name: str | None = Field(default=None, description="the column's real name, where it is no identifier")
    unit: str | None = Field(default=None, description="what a value is measured in, such as years or EUR")
    description: str | None = Field(default=None, description="one sentence for the model card")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.dtype not in ("int", "float", "datetime") and any(bound is not None for bound in (self.ge, self.gt, self.le, self.lt)):
            raise ValueError(f"bounds need a column of numbers or times, and dtype is {self.dtype}")
        if self.dtype not in ("string", "category", "text") and (self.regex is not None or self.length is not None):
            raise ValueError(f"regex and length need a column of strings, and dtype is {self.dtype}")
        _runnable(self.regex)
        self._possible()
        unread = [name for name in _RULES if getattr(self, name) is not None and getattr(self, name) is not False]
        if self.role == "ignore" and unread:
            raise ValueError(f"an ignored column is not looked at, so {', '.join(unread)} would have no effect")
        if self.positive is not None and self.role != "target":
            raise ValueError("only a target has a positive class")
        return self

    def _possible(self) -> None:
        """Bounds and allowed values are of the column's type, and leave something that is allowed."""
        read = _reader(self.dtype)
        lowest = [read(bound) for bound in (self.ge, self.gt) if bound is not None]
        highest = [read(bound) for bound in (self.le, self.lt) if bound is not None]
        if lowest and highest and max(lowest) > min(highest):
            raise ValueError("no value is within its bounds")
        if self.values and (self.dtype.startswith("array") or self.dtype == "image"):
            raise ValueError(f"values cannot be listed for a column of {self.dtype}")
        for value in self.values or ():
            _reader(self.dtype, allowed=True)(value)
        if self.values is not None and self.positive is not None and str(self.positive) not in map(str, self.values):
            raise ValueError(f"the positive class {self.positive!r} is none of its values")


class Expectation(BaseModel):
    """What holds for a column as a whole: a figure over all rows that keep the contract, and between which bounds it lies. Looked at by ingest only."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    column: str = Field(description="key of the column")
    measure: Literal["nulls", "mean", "quantile", "increasing", "decreasing", "refers"] = Field(
        description="nulls: share of missing values; mean; quantile (see `at`); increasing, decreasing: in the source's order, equal neighbours allowed; "
        "refers: every value is in another table's column (see `to`)"
    )
    at: float | None = Field(default=None, gt=0, lt=1, description="for quantile: which; 0.5 is the median. It is known to half a per cent of the rows")
    to: str | None = Field(default=None, pattern=r"^[^.]+\..+$", description="for refers: an entry of `references` and the column there, as customers.id")
    min: float | None = Field(default=None, description="smallest figure expected")
    max: float | None = Field(default=None, description="largest figure expected; for the last three, the share of values that may be an exception (0)")
    severity: Literal["error", "warning"] = Field(default="error", description="error stops the run; a warning is a finding")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.measure == "quantile") != (self.at is not None):
            raise ValueError("at belongs to measure: quantile" if self.at is not None else "a quantile needs `at`: which one")
        if (self.measure == "refers") != (self.to is not None):
            raise ValueError("to belongs to measure: refers" if self.to is not None else "refers needs `to`: an entry of references and its column")
        if self.measure in ("nulls", "mean", "quantile") and self.min is None and self.max is None:
            raise ValueError("expects nothing: give min, max or both")
        return self

    def broken(self, figure: float) -> bool:
        """Is the figure outside the bounds."""
        most = 0.0 if self.max is None and self.measure in ("increasing", "decreasing", "refers") else self.max
        return (self.min is not None and figure < self.min) or (most is not None and figure > most)


_MEASURED = {
    "mean": ("int", "float", "bool"),
    "quantile": ("int", "float"),
    "increasing": ("int", "float", "datetime"),
    "decreasing": ("int", "float", "datetime"),
}


class Check(BaseModel):
    """One serialisable rule over one column: what is executed at ingest, in the bundle and in the monitors."""

    model_config = ConfigDict(frozen=True)

    column: str  # the contract's key
    rule: Literal["dtype", "null", "ge", "gt", "le", "lt", "values", "regex", "length", "unique"]
    value: Any = None


RESERVED = frozenset({"part", "row", "prediction", "probability"})  # columns that stages put beside the data's own
_RULES = ("ge", "gt", "le", "lt", "values", "regex", "unique", "length")

Projection = Literal["train", "predict", "monitor"]


class Contract(BaseModel):
    """The columns of a data set, and what holds for each."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    columns: Mapping[str, Column] = Field(min_length=1, description="by identifier; `name` gives the real name where it is none")
    nulls: tuple[str, ...] = Field(default=(), description="what the source writes for a missing value, here and at serving time")
    extra: Literal["error", "drop", "keep"] = Field(default="error", description="what to do with columns that are not declared")
    max_rejected: Share = Field(default=0.0, description="the share of rows that may break the contract before the run stops")
    expect: Mapping[str, Expectation] = Field(default_factory=dict, description="what holds for columns as a whole, by a name of your choice; at ingest only")

    @model_validator(mode="after")
    def _names_are_distinct(self) -> Self:
        seen: dict[str, str] = {}
        for key, column in self.columns.items():
            if key in RESERVED or key.startswith("__"):
                raise ValueError(f"{key!r} is a name that mlforge uses beside the columns; take another key, and say name: {column.name or key}")
            real = column.name or key
            if real in seen:
                raise ValueError(f"columns {seen[real]} and {key} are both named {real!r}")
            seen[real] = key
        return self

    @model_validator(mode="after")
    def _expectations_fit(self) -> Self:
        for name, expected in self.expect.items():
            column = self.columns.get(expected.column)
            if column is None or column.role == "ignore":
                raise ValueError(f"expect.{name}: " + (f"{expected.column} is ignored" if column else f"there is no column {expected.column}"))
            if column.dtype not in _MEASURED.get(expected.measure, (column.dtype,)):
                raise ValueError(f"expect.{name}: {expected.measure} needs a column of {' or '.join(_MEASURED[expected.measure])}, and this is {column.dtype}")
        return self

    def having(self, *roles: Role) -> tuple[str, ...]:
        """Keys of the columns with one of these roles, in declared order."""
        return tuple(key for key, column in self.columns.items() if column.role in roles)

    @property
    def target(self) -> str:
        """Key of the only target."""
        (key,) = self.having("target")
        return key

    def real_name(self, key: str) -> str:
        """The column's name in the source."""
        return self.columns[key].name or key

    def projected(self, projection: Projection) -> Contract:
        """The contract as it holds there: a row to predict has no target, no weight, and need not be unique."""
        if projection == "train":
            return self
        kept = ("feature", "id", "time", "group", "protected") if projection == "monitor" else ("feature",)
        columns = {key: column.model_copy(update={"unique": False}) for key, column in self.columns.items() if column.role in kept}
        return self.model_copy(update={"columns": columns, "extra": "drop", "expect": {}})

    def checks(self) -> Iterator[Check]:
        """Every rule of every column, in declared order: type, then presence, then content."""
        for key, column in self.columns.items():
            if column.role == "ignore":
                continue
            yield Check(column=key, rule="dtype", value=column.dtype)
            if not column.nullable:
                yield Check(column=key, rule="null")
            for rule in ("ge", "gt", "le", "lt", "values", "regex"):
                value = getattr(column, rule)
                if value is not None:
                    yield Check(column=key, rule=rule, value=value)
            if column.length is not None:
                yield Check(column=key, rule="length", value=column.length.model_dump())
            if column.unique:
                yield Check(column=key, rule="unique")
