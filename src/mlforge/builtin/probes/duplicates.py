"""The check duplicates."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from mlforge.artifact import ROW
from mlforge.components import Probe
from mlforge.contract import Contract
from mlforge.finding import Finding
from mlforge.task import Task
from mlforge.window import Profile, Window

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Duplicates"]

_SEED = 0x6D6C66
_SHOWN = 20  # groups of rows in the evidence


class Duplicates(Probe):
    """Rows that are equal in all but their id, and those of them that leak from training into validation or test.

    `duplicates/share` is the share of rows that repeat an earlier one; `duplicates/leaks` counts the validation and test rows that training has seen too.
    Rows are told apart by 64 bits of hash: with ten million rows, one false pair is to be expected in 400,000 data sets.
    """

    def declares(self, contract: Contract, task: Task) -> Iterable[str]:
        """Two findings."""
        return ("duplicates/share", "duplicates/leaks")

    def summarise(self, window: Window) -> Profile:
        """A hash of each row with its part and place: exact."""
        import polars as pl

        rows, names = window.rows, set(window.rows.columns)
        keys = sorted(names - {ROW, "part", *window.contract.having("id")})
        part = pl.col("part").cast(pl.String) if "part" in names else pl.lit("")
        place = pl.col(ROW) if ROW in names else pl.int_range(pl.len())
        if not keys:
            return Profile(exact=True)
        found = rows.select(
            pl.struct(keys).hash(_SEED).alias("hash"), part.alias("part"), pl.lit(1).cast(pl.Int64).alias("rows"), place.cast(pl.Int64).alias("first")
        )
        return Profile({"rows": _grouped(found)}, exact=True)

    def merge(self, one: Profile, other: Profile) -> Profile:
        """Sums by hash and part."""
        import polars as pl

        tables = [profile.tables["rows"] for profile in (one, other) if "rows" in profile.tables]
        return Profile({"rows": _grouped(pl.concat(tables))}, exact=True) if tables else Profile(exact=True)

    def findings(self, profile: Profile, reference: Profile | None) -> Iterable[Finding]:
        """How many rows repeat another, and how many of them leak; evidence names the first rows of the first groups by their position in the source."""
        import polars as pl

        if "rows" not in profile.tables or not profile.tables["rows"].height:
            return
        table = profile.tables["rows"]
        total = int(table["rows"].sum())
        groups = table.group_by("hash").agg(pl.col("rows").sum(), pl.col("first").min()).filter(pl.col("rows") > 1).sort("first")
        repeated = int(groups["rows"].sum()) - groups.height
        evidence = {"groups": [{"row": row, "times": times} for times, row in groups.head(_SHOWN).select("rows", "first").iter_rows()]}
        text = f"{repeated:,} of {total:,} rows repeat an earlier one"
        yield Finding(name="duplicates/share", value=repeated / total, text=text, rows=total, better="lower", evidence=evidence)
        yield _leaks(table, total)


def _grouped(table: pl.DataFrame) -> pl.DataFrame:
    import polars as pl

    return table.group_by("hash", "part").agg(pl.col("rows").sum(), pl.col("first").min()).sort("hash", "part")


def _leaks(table: pl.DataFrame, total: int) -> Finding:
    import polars as pl

    if set(table["part"]) == {""}:
        return Finding(name="duplicates/leaks", value=None, unit="rows", text="the rows are not split", rows=total, better="lower")
    trained = table.filter(pl.col("part") == "train").select("hash", pl.col("first").alias("train"))
    leaked = table.filter(pl.col("part") != "train").join(trained, on="hash").sort("first")
    count = int(leaked["rows"].sum())
    evidence = {"pairs": [{"row": row, "part": part, "train": train} for row, part, train in leaked.head(_SHOWN).select("first", "part", "train").iter_rows()]}
    text = f"{count:,} rows of validation and test are in the training rows too"
    severity = "warning" if count else "info"
    return Finding(name="duplicates/leaks", value=count, unit="rows", text=text, rows=total, better="lower", severity=severity, evidence=evidence)
