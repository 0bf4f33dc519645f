"""The monitor data_quality."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from mlforge.builtin.monitors.multiple_testing import adjusted
from mlforge.builtin.monitors.promise import FEW, Promise
from mlforge.builtin.probes.names import slugs
from mlforge.contract import Contract
from mlforge.finding import Finding
from mlforge.task import Task
from mlforge.units import Share
from mlforge.window import Profile, Window

if TYPE_CHECKING:
    import polars as pl

    from mlforge.builtin.monitors.tails import Array

__all__ = ["DataQuality"]

_COUNTS, _REASONS, _MISSING = "counts", "reasons", "missing"
_KEPT = 50  # reasons


class DataQuality(Promise):
    """Rows that break the contract, and values that are missing more often than in training.

    It alarms when more than `max_rejected` of the rows break the contract, or when a column's share of missing values has changed by `floor` and more, where
    chance does not explain it. A column that is no longer sent is one whose values are all missing.
    """

    libraries: ClassVar[tuple[str, ...]] = ("polars", "numpy")

    max_rejected: Share = Field(default=0.01, description="share of rows that may break the contract")
    floor: Share = Field(default=0.02, description="smallest change in a column's share of missing values that matters")

    def declares(self, contract: Contract, task: Task) -> Iterable[str]:
        """The share of rejected rows, the columns with missing values, and each column."""
        return ("quality/rejected", "quality/missing", "quality/missing/*")

    def summarise(self, window: Window) -> Profile:
        """Counts by reason and column."""
        import polars as pl

        keys = [key for key in window.contract.having("feature", "protected") if key in window.rows.columns]
        if not keys and not window.rejected:
            return Profile()
        reasons = {"reason": list(window.rejected), "count": list(window.rejected.values())}
        return Profile(
            {
                _COUNTS: pl.DataFrame({"rows": [window.rows.height], "rejected": [sum(window.rejected.values())]}),
                _REASONS: pl.DataFrame(reasons, schema={"reason": pl.String, "count": pl.Int64}),
                _MISSING: pl.DataFrame(
                    {"column": keys, "count": [_missing(window.rows[key]) for key in keys]}, schema={"column": pl.String, "count": pl.Int64}
                ),
            }
        )

    def merge(self, one: Profile, other: Profile) -> Profile:
        """Counts of both; of reasons, the most frequent ones."""
        import polars as pl

        if not one.tables or not other.tables:
            return one if one.tables else other
        counts = pl.concat([one.tables[_COUNTS], other.tables[_COUNTS]]).sum()
        reasons = pl.concat([one.tables[_REASONS], other.tables[_REASONS]]).group_by("reason").agg(pl.col("count").sum())
        reasons = reasons.sort("count", "reason", descending=[True, False]).head(_KEPT)
        missing = pl.concat([one.tables[_MISSING], other.tables[_MISSING]]).group_by("column", maintain_order=True).agg(pl.col("count").sum())
        return Profile({_COUNTS: counts, _REASONS: reasons, _MISSING: missing})

    def findings(self, profile: Profile, reference: Profile | None) -> Iterable[Finding]:
        """What is wrong, and how often."""
        if not profile.tables or not profile.tables[_COUNTS]["rows"][0]:
            yield from (Finding(name=f"quality/{name}", value=None, text="there are no rows", rows=0, better="lower") for name in ("rejected", "missing"))
            return
        yield self._rejected(profile)
        yield from self._missing(profile, reference)

    def _rejected(self, profile: Profile) -> Finding:
        from mlforge.builtin.monitors.tails import clopper_pearson

        rows, rejected = (int(profile.tables[_COUNTS][name][0]) for name in ("rows", "rejected"))
        share = rejected / rows
        low, high = clopper_pearson(min(rejected, rows), rows, 1 - self.level) if rows <= 100_000 else (share, share)
        reasons = dict(profile.tables[_REASONS].sort("count", "reason", descending=[True, False]).head(10).iter_rows())
        worst = "; ".join(f"{reason} ({count:,})" for reason, count in list(reasons.items())[:3])
        alarm = low > self.max_rejected
        text = f"{share:.1%} of {rows:,} rows break the contract: {worst}"[:300] if rejected else f"all {rows:,} rows keep the contract"
        severity = "critical" if alarm and share > 0.5 else "warning" if alarm else "info"
        return Finding(name="quality/rejected", value=share, low=low, high=high, interval="Clopper–Pearson", text=text, better="lower", rows=rows,
                       severity=severity, evidence={"reasons": reasons})  # fmt: skip

    def _missing(self, profile: Profile, reference: Profile | None) -> Iterator[Finding]:
        import numpy as np

        now, rows = dict(profile.tables[_MISSING].iter_rows()), int(profile.tables[_COUNTS]["rows"][0])
        known = reference is not None and _MISSING in reference.tables
        before = dict(reference.tables[_MISSING].iter_rows()) if reference is not None and known else {}
        total = int(reference.tables[_COUNTS]["rows"][0]) if reference is not None and known else 0
        columns = list(before) if known else list(now)
        shares = np.array([now.get(column, rows) / rows for column in columns])
        were = np.array([before[column] / total for column in columns]) if total else shares
        p = adjusted(_chances(shares, were, rows, total), "holm") if columns and total else np.ones(len(columns))
        alarms = (p <= self.level) & (np.abs(shares - were) >= self.floor) & (rows >= FEW)
        told = [f"{column} ({share:.0%}, {was:.0%} in training)" for column, share, was, alarm in zip(columns, shares, were, alarms, strict=True) if alarm]
        text = f"{', '.join(told[:5])}{' …' if len(told) > 5 else ''}: other shares of missing values" if told else "values are missing as often as in training"
        text = text if total else "there is no reference to compare missing values with"
        value = float(len(told)) if total else None
        yield Finding(name="quality/missing", value=value, unit="columns", text=text, better="lower", rows=rows, severity="warning" if told else "info")
        for place, name in enumerate(slugs(columns)):
            severity = "warning" if alarms[place] else "info"
            text = f"{shares[place]:.2%} of {columns[place]} is missing, {were[place]:.2%} in training"
            yield Finding(
                name=f"quality/missing/{name}", value=float(shares[place]), text=text, rows=rows, severity=severity, evidence={"reference": float(were[place])}
            )


def _missing(values: pl.Series) -> int:
    """Values that are not there; a number that is none counts as missing."""
    return values.null_count() + (int(values.is_nan().sum()) if values.dtype.is_float() else 0)


def _chances(now: Array, before: Array, rows: int, total: int) -> Array:
    """P-values of two shares being one, by chi-squared with Yates' correction."""
    import numpy as np

    from mlforge.builtin.monitors.tails import chi_squared

    one, other = now, before
    pooled = (one * rows + other * total) / (rows + total)
    spread = pooled * (1 - pooled) * (1 / rows + 1 / total)
    apart = np.maximum(np.abs(one - other) - 0.5 * (1 / rows + 1 / total), 0.0)
    told: Array = np.where(spread > 0, chi_squared(apart**2 / np.maximum(spread, 1e-12), np.ones(len(one))), 1.0)
    return told
