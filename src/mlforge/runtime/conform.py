"""Rows under a contract: renamed, typed and judged, with a reason for each row that breaks it.

    conformer = Conformer(contract.projected("predict"))
    parted = conformer.separate(frame)
    parted.rows          # the good ones, typed, under the contract's keys
    parted.rejected      # `position` in the frame and `reason`: "age 430 is above 100; plan 'gold' is not one of basic, plus, pro"

The expressions are built once per contract and schema, so that a single row costs one small query.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import polars as pl

from mlforge.contract import Check, Contract
from mlforge.errors import DataError, nearest
from mlforge.runtime.casts import cleaned, stored, typed
from mlforge.runtime.checks import broken, label, raw, reason

__all__ = ["Conformer", "Plan", "Separated", "conform"]

_BROKEN = "__broken__"
_LISTED = 8  # columns named in an error
_PLANS = 128  # schemas of one contract that are remembered
_SHOWN = 60  # characters of a column's name
_SEPARATORS = (";", "\t", "|", ",")  # what may have been taken for a part of a name


@dataclass(frozen=True, slots=True)
class Separated:
    """The rows of a frame, parted by whether they keep the contract."""

    rows: pl.DataFrame  # those that do: typed, under the contract's keys
    accepted: pl.Series  # their positions in the frame, from 0
    rejected: pl.DataFrame  # those that do not: `position`, `reason`


@dataclass(frozen=True)
class Plan:
    """What is to be done with the rows of one contract and one schema."""

    contract: Contract
    schema: pl.Schema
    names: dict[str, str]  # contract key → name in the frame
    extra: tuple[str, ...]  # columns that are kept though not declared

    @property
    def keys(self) -> list[str]:
        """Columns of the typed rows."""
        return [*self.names, *self.extra]

    @cached_property
    def cast(self) -> frozenset[str]:
        """Keys whose column changes its dtype, or may lose cells, on the way."""
        changed = {key for key, name in self.names.items() if self.schema[name] != stored(self.contract.columns[key], self.schema[name])}
        return frozenset(changed | {key for key in self.names if self.contract.columns[key].dtype.startswith(("float", "array"))})

    @cached_property
    def _cleaning(self) -> list[pl.Expr]:
        """What was there, missing values apart: under its key where that is all, else beside it, to be cast."""
        nulls = self.contract.nulls
        exprs = [
            cleaned(name, self.schema[name], self.contract.columns[key].dtype, nulls).alias(raw(key) if key in self.cast else key)
            for key, name in self.names.items()
        ]
        return [*exprs, *(pl.col(name) for name in self.extra)]

    @cached_property
    def _typing(self) -> list[pl.Expr]:
        return [typed(pl.col(raw(key)), self.schema[name], self.contract.columns[key]).alias(key) for key, name in self.names.items() if key in self.cast]

    def stage(self, frame: pl.DataFrame) -> pl.LazyFrame:
        """The staged frame: typed columns under the keys, and beside those that were cast, what was there before."""
        return frame.lazy().select(self._cleaning).with_columns(self._typing)  # in two steps, so that nothing is computed twice

    @cached_property
    def checks(self) -> tuple[Check, ...]:
        """The rules that look at one row at a time and can be broken under this schema; `unique` looks at all rows, and is its caller's."""
        return tuple(c for c in self.contract.checks() if c.rule != "unique" and (c.rule != "dtype" or c.column in self.cast))

    @cached_property
    def flags(self) -> list[pl.Expr]:
        """For each of `checks`, named by its position: does a row of the staged frame break it."""
        return [self._broken(check).alias(str(number)) for number, check in enumerate(self.checks)]

    @cached_property
    def any_broken(self) -> pl.Expr:
        """Does a row of the staged frame break any check."""
        return pl.any_horizontal([self._broken(check) for check in self.checks]) if self.checks else pl.lit(value=False)

    @cached_property
    def reasons(self) -> pl.Expr:
        """Every reason against a row of the staged frame, with its cells, in one text."""
        return self._told([self._reason(check) for check in self.checks])

    @cached_property
    def rules(self) -> pl.Expr:
        """The rules that a row of the staged frame breaks, in one text that has nothing of the row."""
        return self._told([pl.lit(one) for one in self.labels()])

    def _told(self, texts: Sequence[pl.Expr]) -> pl.Expr:
        told = [pl.when(self._broken(check)).then(text) for check, text in zip(self.checks, texts, strict=True)]
        return pl.concat_str(told, separator="; ", ignore_nulls=True) if told else pl.lit("")

    def labels(self) -> list[str]:
        """For each of `checks`, what it means to break it: "age is above 100"."""
        return [label(check, self.contract.columns[check.column]) for check in self.checks]

    def _broken(self, check: Check) -> pl.Expr:
        return broken(check, self.contract.columns[check.column], cast=check.column in self.cast).fill_null(value=False)

    def _reason(self, check: Check) -> pl.Expr:
        name = self.names[check.column]
        dtype = self.schema[name]
        if isinstance(dtype, (pl.Categorical, pl.Enum)):
            dtype = pl.String()
        return reason(check, self.contract.columns[check.column], dtype)


class Conformer:
    """Makes rows keep a contract, or says why they do not."""

    def __init__(self, contract: Contract) -> None:
        self.contract = contract
        self._plans: dict[tuple[tuple[str, pl.DataType], ...], Plan] = {}

    def plan(self, schema: pl.Schema) -> Plan:
        """What is to be done with rows of this schema. Raises DataError for a missing column, or one too many."""
        signature = tuple(schema.items())
        if signature not in self._plans:
            if len(self._plans) >= _PLANS:
                self._plans.clear()  # who sends other columns each time must not fill the memory
            names = self._names(list(schema))
            self._plans[signature] = Plan(self.contract, schema, names, self._extra(schema, names))
        return self._plans[signature]

    def stage(self, frame: pl.DataFrame) -> tuple[Plan, pl.DataFrame]:
        """The plan for a frame, and its rows typed but not yet judged."""
        plan = self.plan(frame.schema)
        return plan, plan.stage(frame).collect(engine="in-memory")

    def separate(self, frame: pl.DataFrame, *, cells: bool = True) -> Separated:
        """The rows that keep the contract, and the reasons against those that do not (`unique` aside, which looks at more than one frame).

        Without `cells`, a reason is the rule that is broken, and has nothing of the row.
        """
        plan = self.plan(frame.schema)
        staged = plan.stage(frame).with_columns(plan.any_broken.alias(_BROKEN)).collect(engine="in-memory")
        bad = staged[_BROKEN]
        positions = pl.int_range(0, frame.height, eager=True).alias("position")
        if not bad.any():
            return Separated(staged.select(plan.keys), positions, pl.DataFrame(schema={"position": pl.Int64, "reason": pl.String}))
        rejected = staged.filter(bad).select(positions.filter(bad), (plan.reasons if cells else plan.rules).alias("reason"))
        return Separated(staged.filter(~bad).select(plan.keys), positions.filter(~bad), rejected)

    def _names(self, columns: Sequence[str]) -> dict[str, str]:
        """Where each declared column is found: under its real name or, when rows went through a contract before, under its key."""
        given = set(columns)
        names: dict[str, str] = {}
        missing: list[str] = []
        for key, column in self.contract.columns.items():
            real = column.name or key
            if column.role == "ignore":
                continue
            if real in given or key in given:
                names[key] = real if real in given else key
            else:
                missing.append(real)
        if missing:
            raise _missing(missing, [name for name in columns if name not in names.values()])
        return names

    def _extra(self, schema: Iterable[str], names: dict[str, str]) -> tuple[str, ...]:
        ignored = {name for key in self.contract.having("ignore") for name in (key, self.contract.real_name(key))}
        extra = tuple(name for name in schema if name not in set(names.values()) | ignored)
        if extra and self.contract.extra == "error":
            raise _undeclared(extra)
        return tuple(name for name in extra if name not in names) if self.contract.extra == "keep" else ()


def conform(rows: pl.DataFrame, contract: Contract) -> pl.DataFrame:
    """The rows, typed, under the contract's keys. Raises DataError with the first reasons when any row breaks the contract."""
    parted = Conformer(contract).separate(rows)
    if parted.rejected.height:
        told = "\n".join(f"  row {position}: {reason}" for position, reason in parted.rejected.head(5).iter_rows())
        raise DataError(f"{parted.rejected.height} of {rows.height} rows break the contract:\n{told}")
    return parted.rows


def _missing(missing: list[str], others: list[str]) -> DataError:
    if len(others) == 1 and len(missing) > 1 and (separator := max(_SEPARATORS, key=others[0].count)) in others[0]:
        whole = others[0] if len(others[0]) <= _SHOWN else others[0][:_SHOWN] + "…"
        found = f"the source has one column, {whole!r}, and lacks the {len(missing)} of the contract"
        return DataError(found, hint=f"Are its fields separated by {separator!r}? Then say so: the source's `separator: {json.dumps(separator)}`.")
    hint = "Mend the source, or the contract: `name:` gives a column's real name, `role: ignore` lets it be absent."
    if len(missing) == 1:
        return DataError(f"the source lacks the column {missing[0]!r}. {nearest(missing[0], others)}".rstrip(" ."), hint=hint)
    near = [(name, nearest(name, others).removeprefix("Did you mean ").rstrip("?")) for name in missing[:_LISTED]]
    told = ", ".join(f"{name!r} (it has {other!r})" if other else repr(name) for name, other in near) + _more(missing)
    return DataError(f"the source lacks the columns {told}", hint=hint)


def _undeclared(extra: tuple[str, ...]) -> DataError:
    told = ", ".join(repr(name) for name in extra[:_LISTED]) + _more(extra)
    noun = "a column that the contract does not declare" if len(extra) == 1 else f"{len(extra)} columns that the contract does not declare"
    return DataError(f"the source has {noun}: {told}", hint="Declare them, or say what to do with them: contract.extra=drop or contract.extra=keep.")


def _more(names: Sequence[str]) -> str:
    return f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
