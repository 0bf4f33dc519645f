"""The check duplicates."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

from mlforge.artifact import PARTS, ROW
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
_NONE = len(PARTS)  # the code of a row that belongs to no part
_SHARE = 0.05  # of repeated rows from which they deserve a look, leaks apart


class Duplicates(Probe):
    """Rows that are equal in all but their id, and those of them that leak from training into validation or test.

    `duplicates/share` is the share of rows that repeat an earlier one; `duplicates/leaks` counts the validation and test rows that training has seen too.
    Rows are told apart by 64 bits of hash: with ten million rows, one false pair is to be expected in 400,000 data sets. The profile has 16 bytes a row.
    """

    libraries: ClassVar[tuple[str, ...]] = ("polars",)

    def declares(self, contract: Contract, task: Task) -> Iterable[str]:
        """Two findings."""
        return ("duplicates/share", "duplicates/leaks")

    def summarise(self, window: Window) -> Profile:
        """A hash of each row, and its place and part in one number: exact."""
        import polars as pl

        rows, names = window.rows, set(window.rows.columns)
        keys = sorted(names - {ROW, "part", *window.contract.having("id", "part")})
        if not keys:
            return Profile(exact=True)
        codes = {part: code for code, part in enumerate(PARTS)}
        part = pl.col("part").cast(pl.String).replace_strict(codes, default=_NONE, return_dtype=pl.Int64) if "part" in names else pl.lit(_NONE)
        place = pl.col(ROW) if ROW in names else pl.int_range(pl.len())
        return Profile({"rows": rows.select(pl.struct(keys).hash(_SEED).alias("hash"), (place.cast(pl.Int64) * 4 + part).alias("place"))}, exact=True)

    def merge(self, one: Profile, other: Profile) -> Profile:
        """The rows of one, then of the other; nothing is copied."""
        import polars as pl

        tables = [profile.tables["rows"] for profile in (one, other) if "rows" in profile.tables]
        return Profile({"rows": pl.concat(tables, rechunk=False)}, exact=True) if tables else Profile(exact=True)

    def findings(self, profile: Profile, reference: Profile | None) -> Iterable[Finding]:
        """How many rows repeat another, and how many of them leak; evidence names the first rows of the first groups by their position in the source."""
        import polars as pl

        if "rows" not in profile.tables or not profile.tables["rows"].height:
            return
        table = profile.tables["rows"]
        total = table.height
        repeats = table.filter(pl.col("hash").is_duplicated()).select(
            "hash", (pl.col("place") // 4).alias("row"), (pl.col("place") % 4).cast(pl.UInt8).alias("part")
        )  # all that follows looks at these few alone
        groups = repeats.group_by("hash").agg(pl.len().alias("rows"), pl.col("row").min().alias("first")).sort("first")
        repeated = repeats.height - groups.height
        evidence = {"groups": [{"row": row, "times": times} for times, row in groups.head(_SHOWN).select("rows", "first").iter_rows()]}
        text = f"{repeated:,} of {total:,} rows repeat an earlier one"
        severity = "warning" if repeated >= _SHARE * total else "info"
        yield Finding(name="duplicates/share", value=repeated / total, text=text, rows=total, better="lower", severity=severity, evidence=evidence)
        split = table.select((pl.col("place") % 4 != _NONE).any()).item()
        yield _leaks(repeats, total) if split else _unsplit(total)


def _unsplit(total: int) -> Finding:
    return Finding(name="duplicates/leaks", value=None, unit="rows", text="the rows are not split", rows=total, better="lower")


def _leaks(repeats: pl.DataFrame, total: int) -> Finding:
    import polars as pl

    train = PARTS.index("train")
    trained = repeats.filter(pl.col("part") == train).group_by("hash").agg(pl.col("row").min().alias("train"))
    leaked = repeats.filter(pl.col("part").is_in([train, _NONE]).not_()).join(trained, on="hash")
    first = leaked.group_by("hash", "part").agg(pl.col("row").min(), pl.col("train").first()).sort("row").head(_SHOWN)
    count = leaked.height
    evidence = {"pairs": [{"row": row, "part": PARTS[part], "train": train} for row, part, train in first.select("row", "part", "train").iter_rows()]}
    text = f"{count:,} rows of validation and test are in the training rows too"
    severity = "warning" if count else "info"
    return Finding(name="duplicates/leaks", value=count, unit="rows", text=text, rows=total, better="lower", severity=severity, evidence=evidence)
