"""The evaluator of behaviour: what a model must do, whatever its score."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from mlforge.artifact import ROW
from mlforge.builtin.probes.resampling import mixed, wilson
from mlforge.builtin.probes.sampling import ORDER, sampled
from mlforge.components import Holds, Objection, Perturbation, Probe
from mlforge.contract import Contract
from mlforge.errors import nearest
from mlforge.finding import Finding
from mlforge.window import Profile, Window

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    from mlforge.task import Output, Task

__all__ = ["Behaviour"]

_CASES = 5  # failing rows in the evidence
_ORDERED = ("int", "float")


class Minimum(BaseModel):
    """Rows that must get this answer."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rows: tuple[Mapping[str, Any], ...] = Field(min_length=1, description="rows by the contract's keys; columns that are left out are missing")
    answer: bool | int | float | str = Field(description="what the model must say of each")
    tolerance: float = Field(default=0.0, ge=0, description="for a value: how far off it may be, in the target's unit")

    def told(self) -> str:
        """What is asked."""
        return f"the answer must be {self.answer}"


class Invariance(BaseModel):
    """A change after which the answer stays."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    columns: tuple[str, ...] = Field(min_length=1, description="columns that are changed")
    by: str = Field(description="the perturbation, by its name among `perturbations`")
    tolerance: float = Field(default=0.05, ge=0, description="how far a probability may move, or a value in the target's unit")

    def told(self) -> str:
        """What is asked."""
        return f"{self.by} in {', '.join(self.columns)} must not move the answer by more than {self.tolerance:g}"


class Direction(BaseModel):
    """A change after which the answer must not go the wrong way."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    columns: tuple[str, ...] = Field(min_length=1, description="columns that are changed")
    by: str = Field(description="the perturbation, by its name among `perturbations`")
    expect: Literal["not_lower", "not_higher"] = Field(description="of the value, or of the probability of the last class")
    tolerance: float = Field(default=0.01, ge=0, description="how far the wrong way is still nothing")

    def told(self) -> str:
        """What is asked."""
        return f"after {self.by} in {', '.join(self.columns)} the answer must be {self.expect.replace('_', ' ')}"


class Behaviour(Probe):
    """What the model must do, whatever its score: answers that are certain, changes that must not matter, and changes that must not go the wrong way.

    `behaviour/<test>` is the share of rows that fail. Failing rows are kept as the model was asked about them, so that each can be asked about again.
    """

    libraries: ClassVar[tuple[str, ...]] = ("numpy", "polars", "onnxruntime")
    asks: ClassVar[bool] = True

    perturbations: Mapping[str, Annotated[Perturbation, Holds("perturbations")]] = Field(
        default_factory=dict, description="ways to change a value, by name: {older: {use: shift, by: 5}}"
    )
    minimum: Mapping[str, Minimum] = Field(default_factory=dict, description="rows that must get this answer, by the test's name")
    invariance: Mapping[str, Invariance] = Field(default_factory=dict, description="changes after which the answer stays, by the test's name")
    direction: Mapping[str, Direction] = Field(default_factory=dict, description="changes after which the answer must not go the wrong way, by the test's name")
    rows: int = Field(default=2000, ge=1, le=100_000, description="rows that are changed and asked about at most, the same ones each time")
    confidence: float = Field(default=0.95, ge=0.5, lt=1, description="confidence of the intervals")

    def objections(self, contract: Contract) -> Iterable[Objection]:
        """Columns that are not there or cannot be so changed, perturbations that are not declared, tests with one name."""
        names = [*self.minimum, *self.invariance, *self.direction]
        for name in sorted({name for name in names if names.count(name) > 1}):
            yield Objection("", f"two tests are called {name}")
        for name, test in self._changing().items():
            yield from self._objections(f"{'invariance' if name in self.invariance else 'direction'}.{name}", test, contract)
        for name, one in self.minimum.items():
            for key in sorted({key for row in one.rows for key in row if key not in contract.columns}):
                yield Objection(f"minimum.{name}.rows", f"there is no column {key}", hint=nearest(key, contract.columns))

    def enough(self) -> int:
        """As many as are asked about."""
        return self.rows

    def declares(self, contract: Contract, task: Task) -> Iterable[str]:
        """One finding a test."""
        return (f"behaviour/{name}" for name in (*self.minimum, *self.invariance, *self.direction))

    def summarise(self, window: Window) -> Profile:
        """Of the rows that were drawn, whether each failed each test, and the rows that did: bounded."""
        import polars as pl

        if window.output is None or window.predict is None or window.rows.is_empty():
            return Profile()
        drawn = sampled(window, [pl.col(name) for name in window.rows.columns], self.rows)
        tables = {name: self._changed(window, drawn, test) for name, test in self._changing().items()}
        tables |= {name: _certain(window, test) for name, test in self.minimum.items()}
        return Profile({name: _bounded(table) for name, table in tables.items()})

    def merge(self, one: Profile, other: Profile) -> Profile:
        """The rows with the smallest hashes of both."""
        import polars as pl

        if not one.tables or not other.tables:
            return one if one.tables else other
        kept = {}
        for name, table in one.tables.items():
            both = pl.concat([table, other.tables[name]])
            kept[name] = _bounded(both.unique(ORDER, maintain_order=True) if name in self.minimum else both.sort(ORDER, maintain_order=True).head(self.rows))
        return Profile(kept)

    def findings(self, profile: Profile, reference: Profile | None) -> Iterable[Finding]:
        """The share of rows that fail each test."""
        told = {name: test.told() for tests in (self.minimum, self._changing()) for name, test in tests.items()}
        for name, table in profile.tables.items():
            rows, failed = table.height, int(table["failed"].sum())
            low, high = wilson(failed / rows, rows, self.confidence)
            cases = [json.loads(case) for case in table.filter("failed")["case"].drop_nulls().head(_CASES)]
            yield Finding(
                name=f"behaviour/{name}", value=failed / rows, low=low, high=high, interval=f"{100 * self.confidence:g} % Wilson score", rows=rows,
                better="lower", text=f"{failed} of {rows} rows fail: {told[name]}", severity="warning" if failed else "info", evidence={"cases": cases},
            )  # fmt: skip

    def _changing(self) -> dict[str, Invariance | Direction]:
        return {**self.invariance, **self.direction}

    def _objections(self, where: str, test: Invariance | Direction, contract: Contract) -> Iterator[Objection]:
        if test.by not in self.perturbations:
            yield Objection(
                f"{where}.by", f"there is no perturbation {test.by}", f"one of {', '.join(self.perturbations) or 'none'}", nearest(test.by, self.perturbations)
            )
            return
        for key in test.columns:
            if key not in contract.columns:
                yield Objection(f"{where}.columns", f"there is no column {key}", hint=nearest(key, contract.columns))
            elif contract.columns[key].dtype not in self.perturbations[test.by].dtypes:
                suits = ", ".join(sorted(self.perturbations[test.by].dtypes))
                yield Objection(f"{where}.columns", f"{key} is {contract.columns[key].dtype}, and {test.by} changes {suits}")
            elif reason := self.perturbations[test.by].unfit(contract.columns[key]):
                yield Objection(f"{where}.columns", f"{test.by} cannot change {key}: {reason}")

    def _changed(self, window: Window, drawn: pl.DataFrame, test: Invariance | Direction) -> pl.DataFrame:
        """Ask about the rows as they are and as they become."""
        import numpy as np
        import polars as pl

        assert window.predict is not None
        assert window.output is not None
        rows = drawn.drop(ORDER, "__part__")
        keys = mixed(drawn[ORDER].cast(pl.UInt64).to_numpy() + np.uint64(len(test.by)))
        other = rows.with_columns(self.perturbations[test.by].apply(rows[key], keys).alias(key) for key in test.columns)
        before, after = (_answers(window.predict(frame), window.output) for frame in (rows, other))
        moved = after - before
        if isinstance(test, Invariance):
            failed = np.abs(moved).max(axis=1) > test.tolerance
        else:
            failed = (moved[:, -1] < -test.tolerance) if test.expect == "not_lower" else (moved[:, -1] > test.tolerance)
        failed |= ~np.isfinite(moved).all(axis=1)
        cases = _cases(other, window, failed, {"before": before, "after": after})
        return pl.DataFrame({ORDER: drawn[ORDER], "failed": failed, "case": pl.Series(cases, dtype=pl.String)})


def _certain(window: Window, test: Minimum) -> pl.DataFrame:
    """Ask about the rows of the recipe."""
    import numpy as np
    import polars as pl

    assert window.predict is not None
    assert window.output is not None
    schema = {key: window.rows.schema[key] for key in window.contract.columns if key in window.rows.columns}
    rows = pl.DataFrame([{key: row.get(key) for key in schema} for row in test.rows], schema=schema, strict=False)
    said = window.predict(rows)["prediction"]
    if window.output.kind == "value":
        failed = ~(np.abs(said.cast(pl.Float64).to_numpy() - float(test.answer)) <= test.tolerance)
    else:
        failed = (said.cast(pl.String) != pl.Series([test.answer]).cast(pl.String)[0]).to_numpy()
    cases = [json.dumps({"row": dict(row), "answer": str(one)}) if bad else None for row, one, bad in zip(test.rows, said, failed, strict=True)]
    return pl.DataFrame({ORDER: pl.Series(range(len(rows)), dtype=pl.UInt64), "failed": failed, "case": pl.Series(cases, dtype=pl.String)})


def _answers(predictions: pl.DataFrame, output: Output) -> np.ndarray:
    """[rows, classes] of probabilities, or [rows, 1] of values."""
    import polars as pl

    names = ["prediction"] if output.kind == "value" else [f"probability_{k}" for k in range(len(output.classes))]
    return predictions.select(pl.col(names).cast(pl.Float64)).to_numpy()


def _cases(rows: pl.DataFrame, window: Window, failed: Any, said: Mapping[str, Any]) -> list[str | None]:
    """The first failing rows as JSON, with what the model said; of protected columns and pseudonyms, nothing."""
    import numpy as np

    hidden = {key for key, column in window.contract.columns.items() if column.pii is not None or column.role == "target"}
    shown = [name for name in rows.columns if name in window.contract.columns and name not in hidden]
    cases: list[str | None] = [None] * len(rows)
    for at in np.flatnonzero(failed)[:_CASES]:
        row = {name: rows[name][int(at)] for name in shown if rows[name][int(at)] is not None}
        answers = {what: round(float(answer[at, -1]), 6) for what, answer in said.items()}
        number = int(rows[ROW][int(at)]) if ROW in rows.columns else None
        cases[int(at)] = json.dumps({"number": number, "row": row, **answers}, default=str)
    return cases


def _bounded(table: pl.DataFrame) -> pl.DataFrame:
    """Only the first failing rows keep their text."""
    import polars as pl

    nth = pl.col("failed").cast(pl.Int64).cum_sum()
    return table.sort(ORDER, maintain_order=True).with_columns(case=pl.when(pl.col("failed") & (nth <= _CASES)).then("case"))
