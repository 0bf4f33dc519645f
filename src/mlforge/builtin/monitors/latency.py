"""The monitor latency."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from mlforge.builtin.monitors.promise import FEW, Promise
from mlforge.builtin.monitors.tails import clopper_pearson
from mlforge.contract import Contract
from mlforge.finding import Finding
from mlforge.task import Task
from mlforge.units import Duration, Share
from mlforge.window import FAILED, LATENCY, Profile, Window

if TYPE_CHECKING:
    import numpy as np

__all__ = ["Latency"]

_TIMES, _COUNTS = "times", "counts"
_LEAST, _DECADES, _FINE = 1e-5, 8, 40  # from 10 µs to 1,000 s, in steps of 6 %
_EXACT = 100_000  # rows up to which the interval of a share is exact


class Latency(Promise):
    """How long answers took, and how many requests had none; from a request log.

    It alarms when more than one answer in a hundred takes longer than `p99`, or more than `errors` of the requests fail, and chance does not explain it.
    """

    counts: ClassVar[bool] = True
    libraries: ClassVar[tuple[str, ...]] = ("polars", "numpy")

    p99: Duration | None = Field(default=None, description="time within which 99 of 100 answers must be there; null only measures")
    errors: Share = Field(default=0.01, description="share of requests that may fail")

    def declares(self, contract: Contract, task: Task) -> Iterable[str]:
        """Two quantiles, and failures."""
        return ("service/p50", "service/p99", "service/errors")

    def summarise(self, window: Window) -> Profile:
        """Counts in steps of six per cent."""
        import numpy as np
        import polars as pl

        rows = window.rows
        if LATENCY not in rows.columns and FAILED not in rows.columns:
            return Profile()
        tables = {}
        if LATENCY in rows.columns:
            seconds = rows[LATENCY].drop_nulls().cast(pl.Float64).to_numpy()
            place = np.clip(np.log10(np.maximum(seconds, _LEAST) / _LEAST) * _FINE, 0, _DECADES * _FINE - 1).astype(np.int64)
            slow = int((seconds > self.p99).sum()) if self.p99 is not None else 0
            tables[_TIMES] = pl.DataFrame({"count": np.bincount(place, minlength=_DECADES * _FINE)})
            tables[_COUNTS] = pl.DataFrame({"timed": [len(seconds)], "slow": [slow], "asked": [0], "failed": [0]})
        if FAILED in rows.columns:
            asked, failed = rows.height, int(rows[FAILED].fill_null(value=False).sum())
            counts = tables.get(_COUNTS, pl.DataFrame({"timed": [0], "slow": [0]})).with_columns(asked=pl.lit(asked), failed=pl.lit(failed))
            tables[_COUNTS] = counts.select(pl.col("timed", "slow", "asked", "failed").cast(pl.Int64))
        return Profile(tables)

    def merge(self, one: Profile, other: Profile) -> Profile:
        """Counts of both."""
        import polars as pl

        if not one.tables or not other.tables:
            return one if one.tables else other
        tables = {_COUNTS: pl.concat([part.tables[_COUNTS].cast(pl.Int64) for part in (one, other)]).sum()}
        times = [part.tables[_TIMES] for part in (one, other) if _TIMES in part.tables]
        if times:
            tables[_TIMES] = times[0] if len(times) == 1 else pl.DataFrame({"count": times[0]["count"] + times[1]["count"]})
        return Profile(tables)

    def findings(self, profile: Profile, reference: Profile | None) -> Iterable[Finding]:
        """Quantiles, and whether objectives are kept."""
        counts = profile.tables.get(_COUNTS)
        timed, slow, asked, failed = counts.row(0) if counts is not None else (0, 0, 0, 0)
        if not timed:
            names = ("p50", "p99")
            yield from (Finding(name=f"service/{name}", value=None, text="no answer has a time", unit="s", rows=0) for name in names)
        else:
            times = profile.tables[_TIMES]["count"].to_numpy()
            yield Finding(name="service/p50", value=_quantile(times, 0.5), unit="s", text="half of the answers took less", better="lower", rows=timed)
            yield self._slowest(_quantile(times, 0.99), timed, slow)
        if not asked:
            yield Finding(name="service/errors", value=None, text="nothing is known of requests that failed", rows=0)
            return
        low, high = _interval(failed, asked, self.level / 2)
        alarm = low > self.errors and asked >= FEW
        text = f"{failed:,} of {asked:,} requests failed"
        yield Finding(name="service/errors", value=failed / asked, low=low, high=high, interval="Clopper–Pearson", text=text, better="lower", rows=asked,
                      severity="critical" if alarm else "info")  # fmt: skip

    def _slowest(self, value: float, timed: int, slow: int) -> Finding:
        text, severity = f"99 of 100 answers took less than {value:.3g} s", "info"
        if self.p99 is not None:
            low, _ = _interval(slow, timed, self.level / 2)
            severity = "warning" if low > 0.01 and timed >= FEW else "info"
            text += f"; {slow / timed:.1%} took longer than {self.p99:g} s"
        return Finding(name="service/p99", value=value, unit="s", text=text, better="lower", rows=timed, severity=severity)


def _quantile(times: np.ndarray, share: float) -> float:
    """The middle of the step that so large a share reaches."""
    import numpy as np

    reached = np.cumsum(times)
    place = int(np.searchsorted(reached, share * reached[-1]))
    return float(_LEAST * 10 ** ((place + 0.5) / _FINE))


def _interval(hits: int, trials: int, level: float) -> tuple[float, float]:
    from mlforge.builtin.probes.resampling import wilson

    return clopper_pearson(hits, trials, 1 - level) if trials <= _EXACT else wilson(hits / trials, trials, 1 - level)
