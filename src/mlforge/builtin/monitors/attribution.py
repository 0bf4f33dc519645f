"""The monitor attribution."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from mlforge.builtin.monitors.binned import OUTLINE, joined, outlined, outlines
from mlforge.builtin.monitors.multiple_testing import adjusted
from mlforge.builtin.monitors.promise import FEW, WANTED, Promise
from mlforge.builtin.monitors.tails import normal
from mlforge.builtin.probes.names import slugs
from mlforge.builtin.probes.sampling import sampled
from mlforge.contract import Contract
from mlforge.errors import MlforgeError
from mlforge.finding import Finding
from mlforge.task import Task
from mlforge.window import Profile, Window

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

__all__ = ["Attribution"]

_USUAL, _SUMS = "usual", "sums"
_COLUMNS = 50
_NUMBERS = frozenset({"int", "float"})
_WORDS = frozenset({"category", "bool"})


class Attribution(Promise):
    """Columns that move predictions more or less than they did on the test rows.

    Of a sample of the rows, each column in turn is set to its usual value (the median, or the most frequent category), and the model is asked again: by how
    much its answer moves is the column's weight in it. It alarms when a column's share of all weight has changed by `floor` and more, where chance does not
    explain it, over all columns together (Holm). It needs no labels.
    """

    against: ClassVar[Literal["train", "test"]] = "test"
    fitted: ClassVar[bool] = True
    asks: ClassVar[bool] = True
    cut: ClassVar[str] = "of each partition, so many rows are asked about"
    libraries: ClassVar[tuple[str, ...]] = ("polars", "numpy")

    rows: int = Field(default=256, ge=50, le=10_000, description="rows of each partition that the model is asked about, once for each column")
    floor: float = Field(default=0.05, ge=0, le=1, description="smallest change of a column's share of all weight that matters")

    @property
    def wanted(self) -> int:
        """As many as a judgement of single columns."""
        return WANTED

    def declares(self, contract: Contract, task: Task) -> Iterable[str]:
        """How many columns have changed, and each column's share."""
        return ("attribution/columns", "attribution/column/*")

    def summarise(self, window: Window) -> Profile:
        """By how much answers move; of the reference, first a sample, to know what is usual."""
        import polars as pl

        columns = window.contract.columns
        keys = [key for key in window.contract.having("feature") if key in window.rows.columns and columns[key].pii is None]
        keys = [key for key in keys if columns[key].dtype in _NUMBERS | _WORDS][:_COLUMNS]
        if window.predictions is None or window.predict is None or window.output is None or window.output.kind == "bytes" or not keys:
            return Profile()
        here = window.predictions["prediction"].is_not_null()
        reference = window.reference
        if reference is None or not reference.tables:
            return outlined(Window(window.name, window.rows.filter(here), window.contract, window.task), window.rows.select(keys).filter(here))
        usual = _usual(reference.tables[OUTLINE], keys) if outlines(reference) else reference.tables[_USUAL].row(0, named=True)
        try:
            weights = self._weights(window, usual, here)
        except MlforgeError:  # rows that lack a column that the model asks for
            return Profile()
        return Profile({_SUMS: weights} | ({_USUAL: pl.DataFrame({key: [value] for key, value in usual.items()})} if outlines(reference) else {}))

    def _weights(self, window: Window, usual: dict[str, object], here: pl.Series) -> pl.DataFrame:
        """For each column: rows asked about, and the sums of weights and of their squares."""
        import polars as pl

        assert window.predictions is not None
        assert window.predict is not None
        chosen = _chosen(window, here, self.rows)
        rows, before = window.rows[chosen], _answers(window.predictions[chosen])
        told = []
        for key, value in usual.items():
            changed = rows.with_columns(pl.lit(value, dtype=rows[key].dtype).alias(key)) if key in rows.columns else rows
            moved = (_answers(window.predict(changed)) - before).abs() if rows.height else before
            told.append((key, rows.height, float(moved.sum()), float((moved**2).sum())))
        return pl.DataFrame(told, schema={"column": pl.String, "rows": pl.Int64, "sum": pl.Float64, "squares": pl.Float64}, orient="row")

    def merge(self, one: Profile, other: Profile) -> Profile:
        """Sums of both."""
        if not one.tables or not other.tables or outlines(one):
            return joined(one, other)
        mine, theirs = one.tables[_SUMS], other.tables[_SUMS]
        added = mine.with_columns(mine[name] + theirs[name] for name in ("rows", "sum", "squares"))
        return Profile(dict(other.tables) | dict(one.tables) | {_SUMS: added})

    def findings(self, profile: Profile, reference: Profile | None) -> Iterable[Finding]:
        """Which columns count for more or less."""
        sums, before = profile.tables.get(_SUMS), None if reference is None else reference.tables.get(_SUMS)
        rows = 0 if sums is None or not sums.height else int(sums["rows"][0])
        if sums is None or before is None or rows < FEW or before["rows"][0] < FEW:
            why = "there is no reference to compare with" if before is None else f"insufficient: the model was asked about {rows} rows, and {FEW} are needed"
            yield Finding(name="attribution/columns", value=None, text=why, better="lower", rows=rows)
            return
        yield from self._compared(sums, before, rows)

    def _compared(self, sums: pl.DataFrame, before: pl.DataFrame, rows: int) -> Iterator[Finding]:
        import numpy as np

        columns = sums["column"].to_list()
        (now, error), (was, other) = _shares(sums), _shares(before)
        spread = np.sqrt(error**2 + other**2)
        p = np.array([normal(float(z)) for z in (now - was) / np.maximum(spread, 1e-9)])
        alarms = (adjusted(p, "holm") <= self.level) & (np.abs(now - was) >= self.floor)
        told = [f"{column} ({before:.0%} → {after:.0%})" for column, before, after, alarm in zip(columns, was, now, alarms, strict=True) if alarm]
        text = f"{', '.join(told[:5])}: count for more or less than before" if told else "columns count for as much as before"
        severity = "warning" if told else "info"
        yield Finding(name="attribution/columns", value=len(told), unit="columns", text=text, better="lower", rows=rows, severity=severity)
        for place, name in enumerate(slugs(columns)):
            text = f"{columns[place]} has {now[place]:.1%} of all weight, {was[place]:.1%} on the test rows"
            severity = "warning" if alarms[place] else "info"
            evidence = {"reference": float(was[place]), "p_value": float(p[place])}
            yield Finding(name=f"attribution/column/{name}", value=float(now[place]), text=text, rows=rows, severity=severity, evidence=evidence)


def _usual(sample: pl.DataFrame, keys: list[str]) -> dict[str, object]:
    """The median of numbers, the most frequent of the others."""
    import polars as pl

    told: dict[str, object] = {}
    for key in keys:
        values = sample[key].drop_nulls()
        if values.dtype.is_numeric():
            told[key] = values.sort().gather([len(values) // 2])[0] if len(values) else 0
        else:
            counts = values.value_counts(name="count").sort(pl.col("count"), pl.col(key).cast(pl.String), descending=[True, False])
            told[key] = counts[key][0] if counts.height else None
    return told


def _chosen(window: Window, here: pl.Series, rows: int) -> pl.Series:
    """Places of the rows that are asked about, by their hashes."""
    import polars as pl

    places = window.rows.with_row_index("__at__").filter(here)
    shown = Window(window.name, places, window.contract, window.task)
    return sampled(shown, [pl.col("__at__")], rows)["__at__"].sort()


def _answers(said: pl.DataFrame) -> pl.Series:
    """The positive class's probability, that of the last of several, or the value."""
    import polars as pl

    names = [name for name in said.columns if name.startswith("probability_")]
    return said[names[-1] if names else "prediction"].cast(pl.Float64)


def _shares(sums: pl.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Each column's share of all weight, and its standard error."""
    import numpy as np

    rows = np.maximum(sums["rows"].to_numpy(), 1)
    mean = sums["sum"].to_numpy() / rows
    error = np.sqrt(np.maximum(sums["squares"].to_numpy() / rows - mean**2, 1e-12) / rows)
    total = max(float(mean.sum()), 1e-9)
    return mean / total, error / total
