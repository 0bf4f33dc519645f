"""Pandera at ingest: the contract's checks, as a schema over staged rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandera.polars as pa
import polars as pl
from pandera.config import ValidationDepth, config_context
from pandera.errors import SchemaErrors

from mlforge.errors import MlforgeError
from mlforge.runtime.conform import Plan

__all__ = ["Validator"]


class Validator:
    """Judges staged rows by the checks of a plan, the very expressions that the predictor runs."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        checks: dict[str, list[Any]] = {key: [] for key in plan.names}
        for check, flag, label in zip(plan.checks, plan.flags, plan.labels(), strict=True):
            # A missing value is the null check's business, and a check's expression already passes it: so nothing is left out here.
            checks[check.column].append(pa.Check(_holds(flag), name=label, ignore_na=False))
        self._schema = pa.DataFrameSchema({key: pa.Column(nullable=True, checks=found) for key, found in checks.items()}, ordered=False, strict=False)

    def bad(self, staged: pl.DataFrame) -> pl.Series:
        """Which rows break the contract."""
        with config_context(validation_enabled=True, validation_depth=ValidationDepth.SCHEMA_AND_DATA):
            try:
                self._schema.validate(staged, lazy=True)
            except SchemaErrors as errors:
                return _rows(errors.failure_cases, staged.height)
        return pl.repeat(value=False, n=staged.height, dtype=pl.Boolean, eager=True)


def _holds(flag: pl.Expr) -> Callable[[Any], pl.LazyFrame]:
    return lambda data: data.lazyframe.select(~flag)


def _rows(cases: pl.DataFrame, height: int) -> pl.Series:
    if cases["index"].null_count():  # a failure of no row in particular: staging leaves no room for one
        told = cases.filter(pl.col("index").is_null()).select("column", "check").unique(maintain_order=True).rows()
        raise MlforgeError(f"Pandera refused a whole column: {told[:3]}")
    return pl.int_range(0, height, eager=True).is_in(cases["index"].cast(pl.Int64).unique().to_list())
