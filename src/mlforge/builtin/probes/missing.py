"""The check missing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from mlforge.components import Probe
from mlforge.contract import Contract, Role
from mlforge.finding import Finding
from mlforge.task import Task
from mlforge.units import Share
from mlforge.window import Profile, Window

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Missing"]

_ROLES: tuple[Role, ...] = ("feature", "protected", "group", "weight", "time")
_SHOWN = 20  # columns in the evidence
_FEWEST = 30  # rows of a class below which its share says little


class Missing(Probe):
    """Missing values: their share in each column, and whether it depends on the class.

    `missing/largest_share` is the largest share of any column. `missing/class_difference` is by how much the share differs most between two classes: values
    that are missing for one class more than for another tell the class, and may not do so in production.
    """

    libraries: ClassVar[tuple[str, ...]] = ("polars",)

    share: Share = Field(default=0.5, gt=0, le=1, description="share of missing values in a column from which it deserves a look")
    difference: Share = Field(default=0.2, gt=0, le=1, description="difference of the shares of two classes from which it deserves a look")

    def declares(self, contract: Contract, task: Task) -> Iterable[str]:
        """One finding, and one more for a classification."""
        return ("missing/largest_share", "missing/class_difference") if _has_classes(contract, task) else ("missing/largest_share",)

    def summarise(self, window: Window) -> Profile:
        """Rows and missing values by column and class: a sketch."""
        import polars as pl

        contract = window.contract
        keys = [key for key in contract.having(*_ROLES) if key in window.rows.columns]
        if not keys:
            return Profile()
        target = pl.col(contract.target).cast(pl.String) if _has_classes(contract, window.task) else pl.lit(None, dtype=pl.String)
        by_class = window.rows.group_by(target.alias("__class__")).agg(pl.len().alias("__rows__"), *(pl.col(key).null_count() for key in keys))
        long = by_class.unpivot(keys, index=["__class__", "__rows__"], variable_name="column", value_name="missing")
        return Profile({"missing": _summed(long.select("column", pl.col("__class__").alias("class"), pl.col("__rows__").alias("rows"), "missing"))})

    def merge(self, one: Profile, other: Profile) -> Profile:
        """Sums."""
        import polars as pl

        tables = [profile.tables["missing"] for profile in (one, other) if "missing" in profile.tables]
        return Profile({"missing": _summed(pl.concat(tables))}) if tables else Profile()

    def findings(self, profile: Profile, reference: Profile | None) -> Iterable[Finding]:
        """The column with the largest share, and the one whose share depends most on the class."""
        import polars as pl

        table = profile.tables.get("missing")
        if table is None or not table.height:
            return
        columns = table.group_by("column").agg(pl.col("rows").sum(), pl.col("missing").sum()).with_columns(share=pl.col("missing") / pl.col("rows"))
        columns = columns.sort(["share", "column"], descending=[True, False])
        first, rows, share = columns.select("column", "rows", "share").row(0)
        high = columns.filter(pl.col("share") >= self.share)["column"].to_list()
        text = f"{first} lacks {share:.1%} of its values" + (f", and {len(high) - 1} more lack {self.share:.0%} or more" if len(high) > 1 else "")
        shares = {key: value for key, value in columns.head(_SHOWN).select("column", "share").iter_rows() if value}
        severity = "warning" if high else "info"
        text = text if share else "no value is missing"
        yield Finding(name="missing/largest_share", value=share, text=text, rows=rows, better="lower", severity=severity, evidence={"shares": shares})
        if table["class"].null_count() < table.height:
            yield self._difference(table, rows)

    def _difference(self, table: pl.DataFrame, rows: int) -> Finding:
        import polars as pl

        shares = table.drop_nulls("class").filter(pl.col("rows") >= _FEWEST).with_columns(share=pl.col("missing") / pl.col("rows"))
        ends = {"most": pl.col("class").last(), "least": pl.col("class").first(), "classes": pl.len()}
        by_column = shares.sort("share", "class").group_by("column", maintain_order=True).agg(pl.col("share").max() - pl.col("share").min(), **ends)
        by_column = by_column.filter(pl.col("classes") > 1).sort(["share", "column"], descending=[True, False])
        name = "missing/class_difference"
        if not by_column.height:
            return Finding(name=name, value=None, text=f"fewer than two classes have {_FEWEST} rows", rows=rows, better="lower")
        column, value, most, least = by_column.select("column", "share", "most", "least").row(0)
        text = f"{column} is missing for {most} more often than for {least}, by {value:.1%} of the rows" if value else "no class lacks more than another"
        evidence = {"differences": {key: share for key, share in by_column.head(_SHOWN).select("column", "share").iter_rows() if share}}
        severity = "warning" if value >= self.difference else "info"
        return Finding(name=name, value=value, text=text, rows=rows, better="lower", severity=severity, evidence=evidence)


def _has_classes(contract: Contract, task: Task) -> bool:
    return task.output == "classes" and len(contract.having("target")) == 1


def _summed(table: pl.DataFrame) -> pl.DataFrame:
    import polars as pl

    counts = [pl.col("rows").cast(pl.Int64).sum(), pl.col("missing").cast(pl.Int64).sum()]
    return table.group_by("column", "class").agg(counts).sort("column", "class", nulls_last=True)
