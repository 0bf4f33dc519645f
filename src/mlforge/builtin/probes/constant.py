"""The check constant."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from mlforge.builtin.probes.sampling import LIMIT, ORDER, PART, coded, comparable, merged, sampled
from mlforge.components import Probe
from mlforge.contract import Contract
from mlforge.finding import Finding
from mlforge.task import Task
from mlforge.units import Share
from mlforge.window import Profile, Window

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Constant"]

_ROLES = ("feature", "protected")
_SHOWN = 20  # columns in the evidence
_SEED = 0x636F6E73


class Constant(Probe):
    """Columns that have one value only, or almost only one: nothing can be learnt from them.

    A missing value counts as a value. `constant/columns` counts the columns with one value in all rows; `constant/nearly` those whose most frequent value has
    at least the share `near` of a uniform sample of the rows.
    """

    libraries: ClassVar[tuple[str, ...]] = ("polars",)

    near: Share = Field(default=0.995, gt=0.5, le=1, description="share of the most frequent value from which a column is nearly constant")
    rows: int = Field(default=LIMIT, ge=100, le=1_000_000, description="rows of the sample; up to so many, all are used")

    def declares(self, contract: Contract, task: Task) -> Iterable[str]:
        """Two findings."""
        return ("constant/columns", "constant/nearly")

    def summarise(self, window: Window) -> Profile:
        """The smallest and largest hash of each column, and a sample of the rows."""
        import polars as pl

        keys = comparable(window.contract, *_ROLES)
        if not keys or not window.rows.height:
            return Profile(exact=True)
        values = window.rows.lazy().select(coded(window.contract, key).hash(_SEED).alias(key) for key in keys)
        ends = values.select(pl.all().min().name.suffix("|low"), pl.all().max().name.suffix("|high")).collect(engine="in-memory").row(0)
        table = pl.DataFrame(
            {"column": keys, "low": ends[: len(keys)], "high": ends[len(keys) :]}, schema={"column": pl.String, "low": pl.UInt64, "high": pl.UInt64}
        )
        return Profile({"ends": table.sort("column"), "sample": sampled(window, [coded(window.contract, key) for key in keys], self.rows)}, exact=True)

    def merge(self, one: Profile, other: Profile) -> Profile:
        """The ends of both, and the sample of both."""
        import polars as pl

        sample = merged(one, other, self.rows)
        if sample is None:
            return Profile(exact=True)
        ends = pl.concat([profile.tables["ends"] for profile in (one, other) if "ends" in profile.tables])
        return Profile({"ends": ends.group_by("column").agg(pl.col("low").min(), pl.col("high").max()).sort("column"), "sample": sample}, exact=True)

    def findings(self, profile: Profile, reference: Profile | None) -> Iterable[Finding]:
        """How many columns are constant, how many nearly, and which."""
        import polars as pl

        if "ends" not in profile.tables:
            return
        sample = profile.tables["sample"]
        constant = profile.tables["ends"].filter(pl.col("low") == pl.col("high"))["column"].to_list()
        yield _finding("columns", constant, "one value only", sample.height, {"columns": constant[:_SHOWN]})
        varying = [key for key in sample.columns if key not in {ORDER, PART, *constant}]
        shares = {key: _largest(sample[key]) for key in varying}
        nearly = {key: share for key, share in sorted(shares.items(), key=lambda item: (-item[1], item[0])) if share >= self.near}
        yield _finding(
            "nearly", list(nearly), f"one value in {self.near:.1%} of the rows or more", sample.height, {"shares": dict(list(nearly.items())[:_SHOWN])}
        )


def _largest(column: pl.Series) -> float:
    """The share of the most frequent value."""
    return float(column.unique_counts().max()) / len(column)  # type: ignore[arg-type]


def _finding(name: str, columns: list[str], what: str, rows: int, evidence: dict[str, object]) -> Finding:
    count = len(columns)
    named = ", ".join(columns[:5]) + (" …" if count > 5 else "")
    text = f"{named} {'has' if count == 1 else 'have'} {what}" if count else f"no column has {what}"
    severity = "warning" if count else "info"
    return Finding(name=f"constant/{name}", value=count, unit="columns", text=text, rows=rows, better="lower", severity=severity, evidence=evidence)
