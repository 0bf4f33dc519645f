"""Rows of a request log as monitors take them: ours are typed already, and somebody else's may be anything."""

from __future__ import annotations

import polars as pl

from mlforge.contract import Column, Contract
from mlforge.monitoring.moments import moments
from mlforge.runtime.casts import cleaned, stored, typed
from mlforge.task import Output
from mlforge.window import LATENCY, TIME

__all__ = ["answers", "asked"]

_LABEL = "label"
_TEXT = Column(dtype="category")
_ROUNDED = 1e-6  # by so much a probability may be beyond 0 or 1


def asked(frame: pl.DataFrame, contract: Contract, output: Output) -> pl.DataFrame:
    """What the log says of each row: its time, its columns, how long it took, and its label. What is of another kind than it should be is missing."""
    told = {TIME: moments(frame["__time"])}
    told |= {key: _column(frame[key], column) for key, column in contract.columns.items() if key in frame.columns}
    if "__latency_ms" in frame.columns:
        told[LATENCY] = _number(frame["__latency_ms"]) / 1000
    if _LABEL in frame.columns and output.target not in told:
        told[output.target] = frame[_LABEL]
    if output.target in told:
        label = told[output.target]
        told[output.target] = _column(label, _TEXT).cast(pl.String) if output.kind == "classes" else _number(label)
    return pl.DataFrame([series.alias(name) for name, series in told.items()])


def answers(frame: pl.DataFrame, output: Output) -> pl.DataFrame:
    """What the model answered; probabilities only where those of all classes are there."""
    told = [frame["prediction"] if output.kind == "classes" and not frame["prediction"].dtype.is_nested() else _number(frame["prediction"])]
    names = [name for name in frame.columns if name.startswith("probability_")]
    if output.kind != "classes" or all(f"probability_{place}" in names for place in range(len(output.classes))):
        told += [_share(frame[name]) for name in names]
    return pl.DataFrame(told)


def _column(values: pl.Series, column: Column) -> pl.Series:
    """As the contract types it; nearly always it is so already."""
    if values.dtype == stored(column, values.dtype):
        return values
    frame = values.alias("at").to_frame()
    return frame.with_columns(typed(cleaned("at", values.dtype, column.dtype, ()), values.dtype, column).alias("at"))["at"]  # a null for all is one row


def _number(values: pl.Series) -> pl.Series:
    return pl.repeat(None, len(values), dtype=pl.Float64, eager=True).alias(values.name) if values.dtype.is_nested() else _plain(values)


def _plain(values: pl.Series) -> pl.Series:
    return values if values.dtype == pl.Float64 else values.cast(pl.Float64, strict=False)


def _share(values: pl.Series) -> pl.Series:
    number = _number(values)
    here = number.is_between(-_ROUNDED, 1 + _ROUNDED)
    return number if here.all() else number.to_frame().select(pl.when(here).then(number.name)).to_series()
