"""The check leakage."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from mlforge.builtin.probes.sampling import LIMIT, ORDER, coded, comparable, merged, sampled
from mlforge.components import Probe
from mlforge.contract import Contract
from mlforge.finding import Finding
from mlforge.task import Task
from mlforge.units import Share
from mlforge.window import Profile, Window

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Leakage"]

_TARGET = "__target__"
_FEWEST = 30  # rows below which nothing can be said
_SHOWN = 20  # columns in the evidence


class Leakage(Probe):
    """Features that tell the target almost alone: was their value known before the target was.

    The association is 0 for a feature that is no better than guessing and 1 for one that tells the target perfectly, measured on rows that it was not learnt
    from: 2·AUC − 1 for two classes, the share of guessing's errors avoided for more, R² for values. It is measured on a uniform sample of the rows.
    `leakage/strongest` is the largest, `leakage/suspects` counts the features at or above `suspect`.
    """

    libraries: ClassVar[tuple[str, ...]] = ("polars", "numpy")

    suspect: Share = Field(default=0.98, gt=0, le=1, description="association from which a feature is suspected; 0.98 is an AUC of 0.99")
    rows: int = Field(default=LIMIT, ge=100, le=1_000_000, description="rows of the sample; up to so many, all are used")

    def declares(self, contract: Contract, task: Task) -> Iterable[str]:
        """Two findings."""
        return ("leakage/strongest", "leakage/suspects") if len(contract.having("target")) == 1 else ()

    def summarise(self, window: Window) -> Profile:
        """A sample of the rows: a code for every feature, and the target."""
        import polars as pl

        contract = window.contract
        if len(contract.having("target")) != 1:
            return Profile(exact=True)
        target = pl.col(contract.target)
        values = target.cast(pl.Float64) if window.task.output == "value" else target.cast(pl.String)
        features = [coded(contract, key) for key in comparable(contract, "feature")]
        return Profile({"sample": sampled(window, [*features, values.alias(_TARGET)], self.rows)}, exact=True)

    def merge(self, one: Profile, other: Profile) -> Profile:
        """The sample of both."""
        sample = merged(one, other, self.rows)
        return Profile({} if sample is None else {"sample": sample}, exact=True)

    def findings(self, profile: Profile, reference: Profile | None) -> Iterable[Finding]:
        """The strongest association, and every feature that is suspected."""
        sample = profile.tables.get("sample")
        if sample is None or not sample.height:
            return
        rows = sample.drop_nulls(_TARGET)
        strengths = _strengths(rows)
        if not strengths:
            reason = "no feature can be compared" if rows.height >= _FEWEST else f"{rows.height} rows are too few"
            yield from (Finding(name=f"leakage/{name}", value=None, text=reason, rows=rows.height, better="lower") for name in ("strongest", "suspects"))
            return
        ordered = sorted(strengths.items(), key=lambda item: (-item[1], item[0]))
        shown = {key: round(strength, 6) for key, strength in ordered[:_SHOWN]}
        first, strongest = ordered[0]
        text = f"{first} has the strongest association with the target: {strongest:.3g}"
        yield Finding(name="leakage/strongest", value=strongest, text=text, rows=rows.height, better="lower", evidence={"associations": shown})
        yield self._suspects(ordered, rows.height)

    def _suspects(self, ordered: list[tuple[str, float]], rows: int) -> Finding:
        suspects = [(key, strength) for key, strength in ordered if strength >= self.suspect]
        named = ", ".join(f"{key} ({strength:.3f})" for key, strength in suspects[:5]) + (" …" if len(suspects) > 5 else "")
        tell = "tells" if len(suspects) == 1 else "tell"
        text = f"{named} {tell} the target almost alone: known before it?" if suspects else f"no feature reaches {self.suspect:g}"
        evidence = {"columns": {key: round(strength, 6) for key, strength in suspects[:_SHOWN]}}
        severity = "warning" if suspects else "info"
        count = len(suspects)
        return Finding(name="leakage/suspects", value=count, unit="columns", text=text, rows=rows, better="lower", severity=severity, evidence=evidence)


def _strengths(rows: pl.DataFrame) -> dict[str, float]:
    """The association of each feature with the target."""
    import numpy as np
    import polars as pl

    from mlforge.builtin.probes.association import binned, with_classes, with_values
    from mlforge.builtin.probes.sampling import PART

    if rows.height < _FEWEST:
        return {}
    fold = (rows[ORDER] & 1).to_numpy()
    classes = rows.schema[_TARGET] == pl.String
    target: np.ndarray = np.unique(rows[_TARGET].to_numpy(), return_inverse=True)[1] if classes else rows[_TARGET].to_numpy()
    found = {}
    for key in rows.columns:
        if key in (ORDER, PART, _TARGET):
            continue
        ordered = rows.schema[key] == pl.Float64
        values = rows[key].to_numpy() if ordered else rows[key].rank("dense").fill_null(0).to_numpy()
        bins = binned(values, ordered=ordered)
        own = values if ordered else None
        found[key] = with_classes(bins, target, fold, own) if classes else with_values(bins, target, fold, own)
    return found
