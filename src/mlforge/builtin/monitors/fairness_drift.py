"""The monitor fairness_drift."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from mlforge.builtin.monitors.multiple_testing import adjusted
from mlforge.builtin.monitors.promise import FEW, WANTED, Promise
from mlforge.builtin.monitors.tails import normal
from mlforge.builtin.probes.names import slug
from mlforge.components import Objection
from mlforge.contract import Contract
from mlforge.finding import Finding
from mlforge.task import Task
from mlforge.units import Share
from mlforge.window import Profile, Window

if TYPE_CHECKING:
    import polars as pl

__all__ = ["FairnessDrift"]

_GROUPS = "groups"
_MOST = 20  # groups of a column
_MEASURES = {"selection_rate": ("selected", "rows"), "recall": ("hits", "positives")}


class FairnessDrift(Promise):
    """Groups of people that are treated further apart than on the test rows.

    For each protected column, the share that is predicted positive and, of rows with labels, the share of positives that is found. It alarms when a group has
    moved against all others by `floor` and more, where chance does not explain it, over all groups together (Holm). For two classes.
    """

    against: ClassVar[Literal["train", "test"]] = "test"
    libraries: ClassVar[tuple[str, ...]] = ("polars", "numpy")

    floor: Share = Field(default=0.05, description="smallest change of a group against the others that matters")

    def objections(self, contract: Contract) -> Iterable[Objection]:
        """A contract without protected columns."""
        yield from super().objections(contract)
        if not contract.having("protected"):
            yield Objection("", "no column has the role protected", hint="Give it to the columns whose groups are to be compared, or leave the monitor out.")

    @property
    def wanted(self) -> int:
        """Labels and answers of some days, where there are few a day."""
        return WANTED

    def declares(self, contract: Contract, task: Task) -> Iterable[str]:
        """Two gaps for each protected column."""
        return tuple(f"fairness/{key}/{name}_gap" for key in contract.having("protected") for name in _MEASURES)

    def summarise(self, window: Window) -> Profile:
        """Counts by group."""
        import polars as pl

        output, said = window.output, window.predictions
        keys = [key for key in window.contract.having("protected") if key in window.rows.columns and window.contract.columns[key].dtype in ("category", "bool")]
        if output is None or said is None or len(output.classes) != 2 or not keys or "prediction" not in said.columns:
            return Profile()
        positive = str(output.classes[-1])
        label = window.rows[output.target] if output.target in window.rows.columns else pl.Series("label", [None] * said.height, dtype=pl.String)
        chosen = (said["prediction"].cast(pl.String) == positive).alias("selected")
        frame = window.rows.select(keys).with_columns(chosen, (label.cast(pl.String) == positive).alias("positive")).filter(chosen.is_not_null())
        hit = (pl.col("selected") & pl.col("positive")).fill_null(value=False)
        sums = [pl.len().alias("rows"), pl.col("selected").sum(), pl.col("positive").fill_null(value=False).sum().alias("positives"), hit.sum().alias("hits")]
        parts = [
            frame.group_by(pl.col(key).cast(pl.String).fill_null("missing").alias("group")).agg(sums).select(pl.lit(key).alias("column"), pl.all())
            for key in keys
        ]
        return Profile({_GROUPS: pl.concat(parts).with_columns(pl.col("rows", "selected", "positives", "hits").cast(pl.Int64)).sort("column", "group")})

    def merge(self, one: Profile, other: Profile) -> Profile:
        """Counts of both."""
        import polars as pl

        if not one.tables or not other.tables:
            return one if one.tables else other
        both = pl.concat([one.tables[_GROUPS], other.tables[_GROUPS]])
        return Profile({_GROUPS: both.group_by("column", "group").agg(pl.col("rows", "selected", "positives", "hits").sum()).sort("column", "group")})

    def findings(self, profile: Profile, reference: Profile | None) -> Iterable[Finding]:
        """How far groups are apart, and whether that has changed."""
        import numpy as np

        before = None if reference is None else reference.tables.get(_GROUPS)
        now = profile.tables.get(_GROUPS, None if before is None else before.clear())  # nobody was answered: then each gap says so
        if now is None:
            return
        changes = list(self._changes(now, before)) if before is not None else []
        p = adjusted(np.array([change[-1] for change in changes]), "holm").tolist() if changes else []
        moved = {change[:3]: change[3] for change, one in zip(changes, p, strict=True) if one <= self.level and abs(change[3]) >= self.floor}
        for column in dict.fromkeys([*now["column"], *(() if before is None else before["column"])]):
            for name, (above, below) in _MEASURES.items():
                found = {group: shift for (key, measure, group), shift in moved.items() if (key, measure) == (column, name)}
                yield _gap(column, name, _rates(now, column, above, below), {} if before is None else _rates(before, column, above, below), found)

    def _changes(self, now: pl.DataFrame, before: pl.DataFrame) -> Iterator[tuple[str, str, str, float, float]]:
        """Column, measure, group, how it has moved against the others, and the chance of that."""
        for column in now["column"].unique(maintain_order=True):
            for name, (above, below) in _MEASURES.items():
                one, other = _rates(now, column, above, below), _rates(before, column, above, below)
                for group in list(one)[:_MOST]:
                    if len(one) > 1 and len(other) > 1 and group in other and min(one[group][1], other[group][1]) >= FEW:
                        apart, spread = _against(one, group)
                        was, wide = _against(other, group)
                        yield column, name, group, apart - was, normal((apart - was) / max((spread + wide) ** 0.5, 1e-9))


def _rates(table: pl.DataFrame, column: str, above: str, below: str) -> dict[str, tuple[int, int]]:
    """Hits and trials of each group, the most frequent first."""
    import polars as pl

    some = table.filter((pl.col("column") == column) & (pl.col(below) > 0)).sort(below, "group", descending=[True, False])
    return {group: (hits, trials) for group, hits, trials in some.select("group", above, below).iter_rows()}


def _against(rates: dict[str, tuple[int, int]], group: str) -> tuple[float, float]:
    """How far a group's rate is from that of all others, and the variance of that."""
    hits, trials = rates[group]
    rest = [sum(one[place] for name, one in rates.items() if name != group) for place in (0, 1)]
    shares = [(h + 0.5) / (n + 1) for h, n in ((hits, trials), (rest[0], rest[1]))]
    return shares[0] - shares[1], sum(share * (1 - share) / (n + 1) for share, n in zip(shares, (trials, rest[1]), strict=True))


def _gap(column: str, name: str, now: dict[str, tuple[int, int]], before: dict[str, tuple[int, int]], moved: dict[str, float]) -> Finding:
    told = f"fairness/{slug(column)}/{name}_gap"
    shown = {group: hits / trials for group, (hits, trials) in now.items() if trials >= FEW}
    rows = sum(trials for _, trials in now.values())
    what = name.replace("_", " ")
    if len(shown) < 2:
        return Finding(name=told, value=None, text=f"insufficient: fewer than two groups of {column} have {FEW} rows for the {what}", rows=rows, better="lower")
    gap = max(shown.values()) - min(shown.values())
    was = {group: hits / trials for group, (hits, trials) in before.items() if trials >= FEW}
    text = f"{what} of {column} is {gap:.3g} apart" + (f", {max(was.values()) - min(was.values()):.3g} on the test rows" if len(was) > 1 else "")
    text += "".join(f"; {group} has moved by {shift:+.2g} against the others" for group, shift in list(moved.items())[:3])
    evidence = {"groups": {group[:60]: round(share, 6) for group, share in list(shown.items())[:_MOST]}}
    return Finding(name=told, value=gap, text=text, better="lower", rows=rows, severity="warning" if moved else "info", evidence=evidence)
