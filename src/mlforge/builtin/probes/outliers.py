"""The check outliers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from mlforge.artifact import ROW
from mlforge.builtin.probes.sampling import LIMIT, ORDER, PART, merged, sampled
from mlforge.components import Probe
from mlforge.contract import Contract
from mlforge.finding import Finding
from mlforge.task import Task
from mlforge.window import Profile, Window

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Outliers"]

_SHOWN = 20  # columns in the evidence
_DEVIATION = 1.4826  # standard deviations of a normal distribution in its median absolute deviation
_KEYS = ("column", "low", "low_row", "high", "high_row")


class Outliers(Probe):
    """Numbers far from their column's median, in robust standard deviations (1.4826 times the median absolute deviation).

    `outliers/largest_share` is the largest share of any column that lies more than `z` of them away, in a uniform sample of the rows;
    `outliers/farthest` is how far away the farthest value of all rows is. A column of which more than half has one value is left out.
    """

    libraries: ClassVar[tuple[str, ...]] = ("polars", "numpy")

    z: float = Field(default=10.0, gt=0, description="robust deviations from the median beyond which a value is an outlier; long tails reach 10 as a rule")
    far: float = Field(default=100.0, gt=0, description="robust deviations from which the farthest value deserves a look: a wrong unit, or a code for missing")
    rows: int = Field(default=LIMIT, ge=100, le=1_000_000, description="rows of the sample; up to so many, all are used")

    def declares(self, contract: Contract, task: Task) -> Iterable[str]:
        """Two findings, where there are numbers."""
        return ("outliers/largest_share", "outliers/farthest") if _columns(contract) else ()

    def summarise(self, window: Window) -> Profile:
        """The smallest and largest value of each column with their rows, and a sample of the rows."""
        import polars as pl

        keys = [key for key in _columns(window.contract) if key in window.rows.columns]
        if not keys or not window.rows.height:
            return Profile(exact=True)
        place = window.rows[ROW] if ROW in window.rows.columns else pl.int_range(window.rows.height, eager=True)
        ends = [_ends(key, window.rows[key].cast(pl.Float64), place) for key in keys]
        schema = {"column": pl.String, "low": pl.Float64, "low_row": pl.Int64, "high": pl.Float64, "high_row": pl.Int64}
        table = pl.DataFrame(ends, schema=schema, orient="row").sort("column")
        return Profile({"ends": table, "sample": sampled(window, [pl.col(key).cast(pl.Float64) for key in keys], self.rows)}, exact=True)

    def merge(self, one: Profile, other: Profile) -> Profile:
        """The ends of both, and the sample of both; of equal values the first row is named."""
        import polars as pl

        sample = merged(one, other, self.rows)
        if sample is None:
            return Profile(exact=True)
        ends = pl.concat([profile.tables["ends"] for profile in (one, other) if "ends" in profile.tables])
        low = ends.sort("column", "low", "low_row", nulls_last=True).unique("column", keep="first", maintain_order=True).select("column", "low", "low_row")
        falling = ends.sort(["column", "high", "high_row"], descending=[False, True, False], nulls_last=True)
        high = falling.unique("column", keep="first", maintain_order=True).select("column", "high", "high_row")
        return Profile({"ends": low.join(high, on="column").sort("column"), "sample": sample}, exact=True)

    def findings(self, profile: Profile, reference: Profile | None) -> Iterable[Finding]:
        """The column with the most outliers, and the farthest value."""
        if "ends" not in profile.tables:
            return
        sample = profile.tables["sample"]
        shares: dict[str, float] = {}
        farthest: dict[str, tuple[float, float, int]] = {}
        for column, low, low_row, high, high_row in profile.tables["ends"].select(_KEYS).iter_rows():
            centre, deviation = _robust(sample[column])
            if deviation > 0:
                known = sample[column].drop_nulls()
                shares[column] = float(((known - centre).abs() > self.z * deviation).mean() or 0.0)
                below, above = (centre - low) / deviation, (high - centre) / deviation
                farthest[column] = (above, high, high_row) if above >= below else (below, low, low_row)
        yield from self._told(shares, farthest, sample)

    def _told(self, shares: dict[str, float], farthest: dict[str, tuple[float, float, int]], sample: pl.DataFrame) -> Iterable[Finding]:
        rows = sample.height
        names = ("outliers/largest_share", "outliers/farthest")
        if not shares:
            left = len(sample.columns) - len({ORDER, PART})
            text = f"none of {left} columns of numbers has a median absolute deviation above 0"
            yield from (Finding(name=name, value=None, text=text, rows=rows, better="lower") for name in names)
            return
        ordered = sorted(shares.items(), key=lambda item: (-item[1], item[0]))
        column, share = ordered[0]
        text = f"{share:.2%} of {column} lie more than {self.z:g} robust deviations from its median" if share else f"no value lies beyond {self.z:g} deviations"
        evidence = {"shares": {key: value for key, value in ordered[:_SHOWN] if value}}
        yield Finding(name=names[0], value=share, text=text, rows=rows, better="lower", evidence=evidence)
        extremes = sorted(farthest.items(), key=lambda item: (-item[1][0], item[0]))
        column, (z, value, row) = extremes[0]
        text = f"{column} is {value:g} in row {row:,}, {z:,.0f} robust deviations from its median"
        severity = "warning" if z >= self.far else "info"
        shown = {key: {"z": round(z, 3), "value": value, "row": row} for key, (z, value, row) in extremes[:_SHOWN]}
        yield Finding(name=names[1], value=z, text=text, rows=rows, better="lower", severity=severity, evidence={"farthest": shown})


def _columns(contract: Contract) -> tuple[str, ...]:
    numbers = (key for key in contract.having("feature", "target", "weight") if contract.columns[key].dtype in ("int", "float"))
    return tuple(numbers)


def _ends(key: str, values: pl.Series, place: pl.Series) -> tuple[str, float | None, int | None, float | None, int | None]:
    low, high = values.arg_min(), values.arg_max()
    if low is None or high is None:
        return key, None, None, None, None
    return key, values[low], int(place[low]), values[high], int(place[high])


def _robust(column: pl.Series) -> tuple[float, float]:
    """Median, and robust deviation; 0 when there is none."""
    import numpy as np

    values = column.drop_nulls().to_numpy()
    if not len(values):
        return 0.0, 0.0
    centre = float(np.median(values))
    return centre, _DEVIATION * float(np.median(np.abs(values - centre)))
