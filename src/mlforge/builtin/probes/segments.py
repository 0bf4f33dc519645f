"""The evaluator that looks for parts of the rows where the model is weak."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from mlforge.builtin.probes.groups import slug
from mlforge.builtin.probes.losses import hits, log_losses
from mlforge.builtin.probes.sampling import LIMIT, ORDER, PART, sampled
from mlforge.builtin.probes.weakness import Segment, discovered
from mlforge.components import Objection, Probe
from mlforge.contract import Contract
from mlforge.finding import Finding
from mlforge.window import Profile, Window

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    from mlforge.task import Output, Task

__all__ = ["Segments"]

_TABLE, _LOSS, _HIT, _KIND = "sample", "__loss__", "__hit__", "kind"
_NUMBERS = ("int", "float", "datetime")
_CUT = (*_NUMBERS, "bool", "category")


class Segments(Probe):
    """Parts of the rows, found and not declared, where the model is worse than elsewhere: the values and ranges of single columns, and of pairs.

    A part is told when it has at least `minimum` rows, its loss (log loss, or the absolute error) is above that of the other rows by at least `effect` of their
    standard deviation, and Welch's test says so after Benjamini and Hochberg's correction (1995) over all parts that were looked at: of those that are told,
    at most `false_discoveries` are expected to be chance. A pair is told beside one of its columns only when it is shown to be worse than that column alone.
    """

    libraries: ClassVar[tuple[str, ...]] = ("numpy", "polars")

    columns: tuple[str, ...] = Field(default=(), description="columns to cut by; by default every feature and protected column of numbers, times or categories")
    minimum: int = Field(default=50, ge=10, description="rows that a part must have")
    effect: float = Field(default=0.2, ge=0, le=10, description="smallest difference in loss that matters, in standard deviations of the other rows' loss")
    false_discoveries: float = Field(default=0.05, gt=0, lt=1, description="share of false ones among the parts that are told")
    rows: int = Field(default=LIMIT, ge=100, le=200_000, description="rows that are looked at, drawn by their position's hash")
    most: int = Field(default=10, ge=1, le=100, description="parts that are told, the worst first")

    def objections(self, contract: Contract) -> Iterable[Objection]:
        """Columns that are not there, or that cannot be cut."""
        for key in self.columns:
            if key not in contract.columns:
                yield Objection("columns", f"there is no column {key}", f"one of {', '.join(list(contract.columns)[:20])}")
            elif contract.columns[key].dtype not in _CUT:
                yield Objection("columns", f"{key} is {contract.columns[key].dtype}, which has no ranges and no few values", f"one of {', '.join(_CUT)}")

    def declares(self, contract: Contract, task: Task) -> Iterable[str]:
        """How many there are, and the loss in each."""
        return ("segments/found", f"segments/*/{_measure(task.output == 'value')}")

    def summarise(self, window: Window) -> Profile:
        """A sample of rows, each with its loss; stays in the run."""
        import polars as pl

        if window.output is None or window.predictions is None or window.rows.is_empty():
            return Profile()
        loss, hit = _losses(window.predictions, window.rows, window.output)
        keys = [key for key in self._columns(window.contract) if key in window.rows.columns]
        rows = window.rows.with_columns(pl.Series(_LOSS, loss), pl.Series(_HIT, hit))
        values = [_plain(key, window.contract.columns[key].dtype) for key in keys]
        drawn = sampled(replace(window, rows=rows), [*values, pl.col(_LOSS), pl.col(_HIT)], self.rows).drop(PART)
        kind = pl.DataFrame({_KIND: [window.output.kind]})
        return Profile({_TABLE: drawn, _KIND: kind}, exact=True)

    def merge(self, one: Profile, other: Profile) -> Profile:
        """The rows with the smallest hashes of both."""
        import polars as pl

        if not one.tables or not other.tables:
            return one if one.tables else other
        both = pl.concat([one.tables[_TABLE], other.tables[_TABLE]]).sort(ORDER, maintain_order=True).head(self.rows)
        return Profile({**one.tables, _TABLE: both}, exact=True)

    def findings(self, profile: Profile, reference: Profile | None) -> Iterable[Finding]:
        """How many weak parts there are, and each, the worst first."""
        import polars as pl

        if not profile.tables:
            return
        rows = profile.tables[_TABLE]
        finite = rows.filter(pl.col(_LOSS).is_finite())
        measure = _measure(profile.tables[_KIND][_KIND][0] == "value")
        if finite.height < rows.height:
            yield Finding(name="segments/found", value=None, text=f"{rows.height - finite.height} predictions are not finite numbers", rows=rows.height)
            return
        if rows.height < 2 * self.minimum:
            text = f"{rows.height} rows are too few: a part needs {self.minimum}, and as many to compare with"
            yield Finding(name="segments/found", value=None, text=text, rows=rows.height)
            return
        cut = finite.drop(ORDER, _LOSS, _HIT)
        found, looked = discovered(cut, finite[_LOSS].to_numpy(), self.minimum, self.effect, self.false_discoveries)
        text = f"{len(found)} of {looked} parts that were looked at are weak" if found else f"none of {looked} parts that were looked at is shown to be weak"
        worst = sorted(found, key=lambda one: (-one.loss, one.name))[: self.most]
        names = [one.name for one in worst]
        yield Finding(name="segments/found", value=len(found), text=text, better="lower", rows=rows.height, evidence={"looked_at": looked, "segments": names})
        hits = finite[_HIT].to_numpy() if measure == "log_loss" else None
        yield from (_finding(one, measure, hits) for one in worst)

    def _columns(self, contract: Contract) -> tuple[str, ...]:
        known = contract.columns
        return self.columns or tuple(key for key in contract.having("feature", "protected") if known[key].dtype in _CUT and known[key].pii is None)


def _measure(values: bool) -> str:
    return "mae" if values else "log_loss"


def _finding(one: Segment, measure: str, hits: np.ndarray | None) -> Finding:
    text = f"{measure} is {one.loss:.3g} where {one.name} ({one.rows} rows), and {one.elsewhere:.3g} elsewhere (q = {one.q:.2g})"
    evidence: dict[str, Any] = {"where": dict(one.where), "elsewhere": one.elsewhere, "q": one.q, "effect": one.effect}
    if hits is not None:
        inside = float(hits[one.mask].mean())
        text += f"; {100 * inside:.0f} % of the predictions are right"
        evidence["accuracy"] = inside
    half = 1.96 * one.error
    how = "95 % normal, not corrected for the search"
    return Finding(
        name=f"segments/{slug(one.name)}/{measure}", value=one.loss, low=one.loss - half, high=one.loss + half, interval=how,
        better="lower", rows=one.rows, severity="warning", text=text, evidence=evidence,
    )  # fmt: skip


def _plain(key: str, dtype: str) -> pl.Expr:
    """Numbers as they are, times as seconds, all else as text."""
    import polars as pl

    if dtype == "datetime":
        return (pl.col(key).dt.epoch("us") / 1e6).alias(key)
    return pl.col(key).cast(pl.Float64) if dtype in ("int", "float") else pl.col(key).cast(pl.String)


def _losses(predictions: pl.DataFrame, rows: pl.DataFrame, output: Output) -> tuple[np.ndarray, np.ndarray]:
    """Each row's log loss and how much of its answer is right; or its absolute error, and nothing."""
    import numpy as np
    import polars as pl

    if output.kind == "value":
        error = predictions["prediction"].cast(pl.Float64).to_numpy() - rows[output.target].cast(pl.Float64).to_numpy()
        return np.abs(error), np.zeros(len(error))
    return log_losses(predictions, rows, output), hits(predictions, rows, output)
