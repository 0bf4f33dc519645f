"""The check balance."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from mlforge.components import Probe
from mlforge.contract import Contract
from mlforge.finding import Finding
from mlforge.task import Task
from mlforge.window import Profile, Window

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Balance"]

_SHOWN = 50  # classes in the evidence


class Balance(Probe):
    """How rows are shared out among the classes of the target, and whether the parts of a split agree.

    `balance/smallest_share` is the share of the rarest class, `balance/ratio` how many times larger the most frequent class is, and `balance/part_difference`
    by how much the share of any class differs between two parts at most. Without classes there is nothing to find.
    """

    def declares(self, contract: Contract, task: Task) -> Iterable[str]:
        """Three findings, for a classification."""
        return ("balance/smallest_share", "balance/ratio", "balance/part_difference") if _has_classes(contract, task) else ()

    def summarise(self, window: Window) -> Profile:
        """Rows by class and part: a sketch."""
        import polars as pl

        if not _has_classes(window.contract, window.task):
            return Profile()
        part = pl.col("part") if "part" in window.rows.columns else pl.lit("")
        counted = window.rows.select(
            pl.col(window.contract.target).cast(pl.String).alias("class"), part.cast(pl.String).alias("part"), pl.lit(1).cast(pl.Int64).alias("rows")
        )
        return Profile({"classes": _summed(counted)})

    def merge(self, one: Profile, other: Profile) -> Profile:
        """Sums."""
        import polars as pl

        tables = [profile.tables["classes"] for profile in (one, other) if "classes" in profile.tables]
        return Profile({"classes": _summed(pl.concat(tables))}) if tables else Profile()

    def findings(self, profile: Profile, reference: Profile | None) -> Iterable[Finding]:
        """Shares, their ratio, and how far the parts differ."""
        import polars as pl

        if "classes" not in profile.tables or not profile.tables["classes"].height:
            return
        table = profile.tables["classes"]
        classes = table.group_by("class").agg(pl.col("rows").sum()).sort("rows", "class")
        total = int(classes["rows"].sum())
        rare, rows = classes.row(0)
        frequent, most = classes.row(-1)
        shares = {str(name): count / total for name, count in classes.tail(_SHOWN).iter_rows()}
        text = f"the rarest of {classes.height} classes is {rare} with {rows:,} of {total:,} rows"
        yield Finding(name="balance/smallest_share", value=rows / total, text=text, rows=total, better="higher", evidence={"shares": shares})
        yield Finding(name="balance/ratio", value=most / rows, text=f"{frequent} is {most / rows:.3g} times as frequent as {rare}", rows=total, better="lower")
        yield _difference(table, total)


def _has_classes(contract: Contract, task: Task) -> bool:
    return task.output == "classes" and len(contract.having("target")) == 1


def _summed(table: pl.DataFrame) -> pl.DataFrame:
    import polars as pl

    return table.group_by("class", "part").agg(pl.col("rows").sum()).sort("class", "part", nulls_last=True)


def _difference(table: pl.DataFrame, total: int) -> Finding:
    import polars as pl

    wide = table.pivot("part", index="class", values="rows", sort_columns=True).fill_null(0)
    parts = wide.drop("class")
    if parts.width < 2:
        return Finding(name="balance/part_difference", value=None, text="the rows are not split", rows=total, better="lower")
    shares = parts.select(pl.all() / pl.all().sum())
    spread = shares.select((pl.max_horizontal(pl.all()) - pl.min_horizontal(pl.all())).alias("spread"))["spread"]
    worst = int(spread.arg_max() or 0)
    text = f"the share of {wide['class'][worst]} differs most between the parts"
    return Finding(name="balance/part_difference", value=float(spread[worst]), text=text, rows=total, better="lower")
