"""Pandera at ingest: the models that plugins register, over rows that keep the contract.

The contract's own checks are expressions of `mlforge.runtime.checks`, the very ones that the predictor runs; Pandera would run the same ones slower.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from mlforge.components import Schema
from mlforge.errors import DataError, MlforgeError

__all__ = ["Judged", "Validator"]

_TOLD = 5  # failures in an error


@dataclass(frozen=True, slots=True)
class Judged:
    """What the models say of a frame."""

    bad: pl.Series  # which rows break any
    reasons: pl.Series  # of those rows: what they break
    counts: Mapping[str, int]  # how many rows break what


class Validator:
    """Registered models, made once."""

    def __init__(self, schemas: Mapping[str, Schema]) -> None:
        self._models = {entry: _opened(entry, schema) for entry, schema in schemas.items()}

    def __bool__(self) -> bool:
        return bool(self._models)

    def judge(self, rows: pl.DataFrame) -> Judged:
        """Rows of the contract's keys and types. Raises DataError when a model refuses a column as a whole: there is no row to blame."""
        broken = [self._broken(entry, model, rows) for entry, model in self._models.items()]
        found = pl.concat(broken).group_by("row").agg(pl.col("reason").unique(maintain_order=True)).sort("row")
        counts = Counter(reason for reasons in found["reason"] for reason in reasons)
        bad = pl.int_range(0, rows.height, eager=True).is_in(found["row"].implode())
        return Judged(bad, found["reason"].list.join("; "), counts)

    def _broken(self, entry: str, model: Any, rows: pl.DataFrame) -> pl.DataFrame:
        from pandera.config import ValidationDepth, config_context
        from pandera.errors import SchemaErrors

        with config_context(validation_enabled=True, validation_depth=ValidationDepth.SCHEMA_AND_DATA):
            try:
                model.validate(rows, lazy=True)
            except SchemaErrors as errors:
                return _rows(entry, errors.failure_cases)
            except Exception as error:
                # a plugin's check that raises: its own fault, and told as such
                raise MlforgeError(f"schemas.{entry}: the model failed: {type(error).__name__}", hint="Tell the plugin's authors.") from error
        return pl.DataFrame(schema={"row": pl.Int64, "reason": pl.String})


def _opened(entry: str, schema: Schema) -> Any:
    model = schema.model()
    return model.to_schema() if hasattr(model, "to_schema") else model


def _rows(entry: str, cases: pl.DataFrame) -> pl.DataFrame:
    """Which row breaks which check. No cell is shown: a model does not know which columns are personal."""
    whole = cases.filter(pl.col("index").is_null())
    if whole.height:
        told = "; ".join(f"{column}: {check}" for column, check in whole.select("column", "check").unique(maintain_order=True).head(_TOLD).iter_rows())
        hint = "The model asks for other columns or types than the contract, or for something of all rows together."
        raise DataError(f"schemas.{entry} does not hold for the rows as a whole: {told[:500]}", hint=hint)
    where = pl.when(pl.col("schema_context") == "Column").then(pl.col("column")).otherwise(pl.lit("the row"))
    return cases.select(
        pl.col("index").cast(pl.Int64).alias("row"), pl.concat_str(pl.lit(f"{entry}: "), where, pl.lit(" breaks "), pl.col("check")).alias("reason")
    )
