"""Probes that measure badly."""

import time

from mlforge.components import Probe
from mlforge.finding import Finding
from mlforge.window import Profile


class Good(Probe):
    """The mean age."""

    def declares(self, contract, task):
        return ("mean",)

    def summarise(self, window):
        import polars as pl

        return Profile({"sums": window.rows.select(pl.col("age").sum().alias("sum"), pl.len().cast(pl.Int64).alias("rows"), pl.lit(1).alias("parts"))})

    def merge(self, one, other):
        import polars as pl

        return Profile({"sums": pl.concat([one.tables["sums"], other.tables["sums"]]).sum()})

    def findings(self, profile, reference):
        total, rows, parts = profile.tables["sums"].row(0)
        yield self.told(total, rows, parts)

    def told(self, total, rows, parts):
        return Finding(name="mean", value=total / rows if rows else None, text="" if rows else "no rows", rows=rows)


class Undeclared(Good):
    """Finds what it has not announced."""

    def declares(self, contract, task):
        return ("average",)


class Averaging(Good):
    """The mean of the parts' means."""

    def merge(self, one, other):
        import polars as pl

        a, b = (profile.tables["sums"].row(0) for profile in (one, other))
        if not a[1] or not b[1]:
            return one if a[1] else other
        mean = (a[0] / a[1] + b[0] / b[1]) / 2
        rows = a[1] + b[1]
        return Profile({"sums": pl.DataFrame({"sum": [mean * rows], "rows": [rows], "parts": [1]})})


class Counting(Good):
    """How many parts there were, empty ones left out."""

    def summarise(self, window):
        import polars as pl

        found = super().summarise(window).tables["sums"]
        return Profile({"sums": found.with_columns(parts=pl.when(pl.col("rows") > 0).then(1).otherwise(0))})

    def told(self, total, rows, parts):
        return Finding(name="mean", value=parts, rows=rows)


class Clocked(Good):
    """The time, as if it were of the rows."""

    def told(self, total, rows, parts):
        return Finding(name="mean", value=time.perf_counter(), rows=rows)


class Brittle(Good):
    """Divides by the rows that there may not be."""

    def told(self, total, rows, parts):
        return Finding(name="mean", value=total / rows, rows=rows)


class Nan(Good):
    """Not a number, for a single row."""

    def told(self, total, rows, parts):
        return Finding(name="mean", value=float("nan") if rows == 1 else total / (rows or 1), rows=rows)


class Verbose(Good):
    """Evidence without end."""

    def told(self, total, rows, parts):
        return super().told(total, rows, parts).model_copy(update={"evidence": {"rows": ["a row of the data"] * 20_000}})


class Prefixed(Good):
    """Says the window's name itself."""

    def declares(self, contract, task):
        return ("test/mean",)

    def told(self, total, rows, parts):
        return super().told(total, rows, parts).model_copy(update={"name": "test/mean"})


class Hoarding(Good):
    """Keeps every note, and calls it a sketch."""

    def summarise(self, window):
        import polars as pl

        return Profile({**super().summarise(window).tables, "notes": window.rows.select(pl.col("note").repeat_by(20).list.join(" "))})

    def merge(self, one, other):
        import polars as pl

        return Profile({**super().merge(one, other).tables, "notes": pl.concat([one.tables["notes"], other.tables["notes"]])})


class Alone(Good):
    """Has never thought of a champion."""

    def findings(self, profile, reference):
        if reference is not None:
            raise KeyError("champion")
        yield from super().findings(profile, reference)


class Grabbing(Good):
    """Takes a column out of its window."""

    def summarise(self, window):
        found = super().summarise(window)
        window.rows.drop_in_place("note")
        return found
