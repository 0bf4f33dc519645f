"""Prepares live rows for monitors: typed as far as possible, with predictions, and labels where they have arrived.

Two kinds of frames come in: raw rows, under the columns' real names, which the model is asked about; and rows of a request log, which have their answers.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from mlforge.contract import Contract
from mlforge.errors import RecipeError, nearest
from mlforge.monitoring.logged import answers, asked
from mlforge.monitoring.moments import moments
from mlforge.runtime.conform import Conformer, Plan
from mlforge.runtime.predictor import Answer, Predictor
from mlforge.runtime.protections import Protector, Rule
from mlforge.window import TIME

__all__ = ["Intake", "Live"]

_LOGGED = ("__time", "prediction")  # a request log has these
_PLACE = "__place__"


@dataclass(frozen=True)
class Live:
    """Live rows, each with what became of it; all frames are row by row the same."""

    rows: pl.DataFrame  # the contract's keys that are there, and `TIME`, `LATENCY` where they are known
    predictions: pl.DataFrame | None  # missing where a row broke the contract
    reasons: pl.Series  # which rules of the contract a row broke, without its cells, for they are kept; missing where it broke none
    groups: pl.Series | None = None


class Intake:
    """Makes live rows of frames."""

    def __init__(self, predictor: Predictor, contract: Contract, *, time: str | None = None, by: str | None = None, asks: bool = True) -> None:
        """With `asks`, the model is asked about rows that have no answers; without, they only have to keep its contract."""
        self._predictor = predictor
        self._contract = contract
        self._time = time
        self._by = by
        self._asks = asks
        self._plans: dict[tuple[tuple[str, pl.DataType], ...], tuple[Plan, dict[str, Rule]]] = {}
        self._output = predictor.bundle.output

    def live(self, frame: pl.DataFrame) -> Live:
        """The rows of a frame. RecipeError when a column that is named for time or groups is not there."""
        made = self._logged(frame) if all(name in frame.columns for name in _LOGGED) else self._raw(frame)
        return Live(made.rows, made.predictions, made.reasons, self._grouped(frame))

    def clock(self, frame: pl.DataFrame) -> str | None:
        """The column that says when rows of such a frame were asked about; None where none does."""
        return _LOGGED[0] if all(name in frame.columns for name in _LOGGED) else self._clock(frame)

    def _logged(self, frame: pl.DataFrame) -> Live:
        broken = pl.Series("reason", [None] * frame.height, dtype=pl.String)
        return Live(asked(frame, self._contract, self._output), answers(frame, self._output), broken)

    def _raw(self, frame: pl.DataFrame) -> Live:
        asked = self._predictor.bundle.contract
        gone = [key for key in asked.columns if key not in frame.columns and asked.real_name(key) not in frame.columns]
        frame = frame.with_columns(pl.lit(None, dtype=pl.String).alias(asked.real_name(key)) for key in gone)
        answer = self._predictor.answer(frame, cells=False) if self._asks else self._predictor.typed(frame, cells=False)
        predictions = _placed(answer.predictions, answer.accepted, frame.height) if isinstance(answer, Answer) else None
        return Live(self._keyed(frame), predictions, _placed(answer.rejected.select("reason"), answer.rejected["position"], frame.height)["reason"])

    def _keyed(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Raw rows under the contract's keys, typed as far as they go, and protected as the model protects them."""
        signature = tuple(frame.schema.items())
        if signature not in self._plans:
            self._plans[signature] = self._planned(frame.schema)
        plan, rules = self._plans[signature]
        if not plan.names:
            return pl.DataFrame({TIME: self._times(frame)}) if self._time else frame.select(pl.lit(value=True).alias("__row__"))
        rows = plan.stage(frame).select(plan.keys).collect(engine="in-memory")
        rows = Protector(rules).apply(rows) if rules else rows
        times = self._times(frame)
        return rows if times is None else rows.with_columns(times.alias(TIME))

    def _planned(self, schema: pl.Schema) -> tuple[Plan, dict[str, Rule]]:
        """What is to be done with rows of this schema, and the protections that act on them."""
        rules = self._predictor.bundle.protections
        raw = self._predictor.bundle.contract.columns
        columns = {key: raw[key] if key in rules else column for key, column in self._contract.columns.items()}
        found = {key: column for key, column in columns.items() if column.role != "ignore" and (key in schema or (column.name or key) in schema)}
        contract = self._contract.model_copy(update={"columns": found, "extra": "drop", "expect": {}})
        plan = Conformer(contract).plan(schema)
        return plan, {key: rule for key, rule in rules.items() if key in plan.keys}

    def _times(self, frame: pl.DataFrame) -> pl.Series | None:
        """When each row was asked about."""
        named = self._clock(frame)
        return None if named is None else moments(frame[named])

    def _clock(self, frame: pl.DataFrame) -> str | None:
        """The column of times: the one that is named, else the contract's; None where there is none."""
        known = self._contract.having("time")
        if self._time and self._time not in frame.columns:
            raise RecipeError(f"--time: the rows have no column {self._time!r}", hint=nearest(self._time, frame.columns) or _some(frame.columns))
        names = (self._time,) if self._time else (self._contract.real_name(known[0]), known[0]) if known else ()
        return next((name for name in names if name in frame.columns), None)

    def _grouped(self, frame: pl.DataFrame) -> pl.Series | None:
        if self._by is None:
            return None
        name = self._contract.real_name(self._by) if self._by in self._contract.columns else self._by
        name = name if name in frame.columns else self._by
        if name not in frame.columns:
            raise RecipeError(f"--by: the rows have no column {self._by!r}", hint=nearest(self._by, frame.columns) or _some(frame.columns))
        return frame[name].cast(pl.String).fill_null("missing").alias("group")


def _placed(told: pl.DataFrame, at: pl.Series, height: int) -> pl.DataFrame:
    """Rows at their places among so many; missing elsewhere."""
    if told.height == height:
        return told  # all are there, and in their order
    if not told.height:
        return told.clear(height)
    places = pl.DataFrame({_PLACE: pl.int_range(height, eager=True)})
    return places.join(told.with_columns(at.cast(pl.Int64).alias(_PLACE)), on=_PLACE, how="left", maintain_order="left").drop(_PLACE)


def _some(columns: list[str]) -> str:
    return f"They have {', '.join(columns[:12])}{' …' if len(columns) > 12 else ''}."
