"""Columns that are watched together, under one promise on how often any of them may alarm without cause."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from mlforge.alarm import Detect, Detection
from mlforge.builtin.monitors.binned import BINS, LAYOUT, MOMENTS, counted, histogram, joined, means, outlined, yardstick
from mlforge.builtin.monitors.distances import Distances, Yardstick
from mlforge.builtin.monitors.multiple_testing import Correction, adjusted
from mlforge.builtin.monitors.promise import FEW, WANTED, Promise
from mlforge.builtin.monitors.tails import chance_said
from mlforge.builtin.probes.names import slugs
from mlforge.components import Objection
from mlforge.contract import Contract
from mlforge.finding import Finding
from mlforge.task import Task
from mlforge.window import Profile, Window

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import polars as pl

    from mlforge.builtin.monitors.layout import Binned
    from mlforge.builtin.monitors.tails import Array

__all__ = ["CALIBRATION", "Family"]

CALIBRATION = "calibration"  # the table of a reference that says what was learned about its alarms
_SHOWN = 24  # bins of a picture
_NAMED = 5  # columns in a sentence


class Family(Promise):
    """What drift of columns and of predictions have in common."""

    fitted: ClassVar[bool] = True
    libraries: ClassVar[tuple[str, ...]] = ("polars", "numpy")
    about: ClassVar[str]  # the first part of its findings' names

    detect: Detect | None = Field(
        default=None, description="what must be seen, in 95 of 100 cases: 0.25sd within 1000 rows; a run that cannot promise it stops"
    )
    correction: Correction = Field(default="holm", description="holm: the chance of any false alarm is kept; fdr: the share of false ones among the alarms")
    floor: float = Field(default=0.05, ge=0, le=10, description="smallest drift that matters: in sd for numbers, as a share of the rows for categories")

    def objections(self, contract: Contract) -> Iterable[Objection]:
        """A promise that no window can keep."""
        yield from super().objections(contract)
        if self.detect is not None and Detection.parse(self.detect).size < self.floor:
            yield Objection(
                "detect", f"{self.detect!r} is below the floor of {self.floor:g}sd, at which no drift matters", hint="Lower the floor, or ask for more."
            )

    @property
    def wanted(self) -> int:
        """The rows within which it must see something."""
        return Detection.parse(self.detect).rows if self.detect else WANTED

    def declares(self, contract: Contract, task: Task) -> Iterable[str]:
        """How many columns have drifted, how far the worst, and each column."""
        return (f"{self.about}/columns", f"{self.about}/largest", f"{self.about}/column/*", f"{self.about}/false_alarms", f"{self.about}/detectable")

    @abstractmethod
    def values(self, window: Window) -> pl.DataFrame | None:
        """What is watched: a column of doubles or of text for each; None where the window has none of it."""

    def summarise(self, window: Window) -> Profile:
        """Counts in the reference's bins; a sample, before there are any."""
        values = self.values(window)
        if values is None or not values.width:
            return Profile()
        reference = window.reference
        return outlined(window, values) if reference is None or not reference.tables else counted(values, reference)

    def merge(self, one: Profile, other: Profile) -> Profile:
        """The counts of both."""
        return joined(one, other)

    def calibrate(self, reference: Profile, sample: Window, seed: int) -> tuple[Profile, Sequence[Finding]]:
        """Windows drawn from the reference itself: how many alarm, and which shifts of its columns do."""
        from mlforge.builtin.monitors.alarm_calibration import calibrated

        values = self.values(sample)
        if values is None or not reference.tables:
            return reference, ()
        return calibrated(self, reference, values, seed)

    def alarms(self, distances: Distances, factor: float = 1.0) -> npt.NDArray[np.bool_]:
        """Which columns alarm: what chance does not explain, and large enough to matter."""
        told: npt.NDArray[np.bool_] = (adjusted(distances.p, self.correction) <= self.level * factor) & (distances.effect() >= self.floor)
        return told

    def findings(self, profile: Profile, reference: Profile | None) -> Iterable[Finding]:
        """How far each column has moved, and which have drifted."""
        if reference is None or LAYOUT not in reference.tables or BINS not in profile.tables:
            why = "there are no rows to look at" if not profile.tables else "there is no reference to compare with"
            yield from (self._untold(name, why, 0) for name in ("columns", "largest"))
            return
        against = yardstick(reference)
        window = against.layout.spread(profile.tables[BINS]["count"].to_numpy())
        rows = int(window[0].sum())
        if rows < FEW:
            yield from (self._untold(name, f"insufficient: {rows} rows, and drift is not told from fewer than {FEW}", rows) for name in ("columns", "largest"))
            return
        centres = means(profile, against.layout)
        distances = against.distances(window, centres)
        alarms = self.alarms(distances, _factor(reference))
        yield from self._family(against, distances, alarms, rows)
        seen = profile.tables[MOMENTS].rows_by_key("column", unique=True, named=True)
        for place, name in enumerate(slugs([one.column for one in against.layout.columns])):
            yield self._column(name, place, against, distances, bool(alarms[place]), window, seen)

    def _family(self, against: Yardstick, distances: Distances, alarms: npt.NDArray[np.bool_], rows: int) -> Iterator[Finding]:
        effect, columns = distances.effect(), against.layout.columns
        order = sorted(range(len(columns)), key=lambda place: (-effect[place], place))
        drifted = [place for place in order if alarms[place]]
        told = ", ".join(f"{columns[place].column} ({_size(columns[place], distances, place)})" for place in drifted[:_NAMED])
        more = " …" if len(drifted) > _NAMED else ""
        text = f"{told}{more} {'has' if len(drifted) == 1 else 'have'} drifted" if drifted else f"none of {len(columns)} has drifted"
        evidence = {"columns": [columns[place].column for place in drifted[:50]], "level": self.level, "correction": self.correction, "floor": self.floor}
        severity = "warning" if drifted else "info"
        name = f"{self.about}/columns"
        yield Finding(name=name, value=len(drifted), unit="columns", text=text, better="lower", rows=rows, severity=severity, evidence=evidence)
        worst = order[0]
        text = f"{columns[worst].column} has moved most: {_size(columns[worst], distances, worst)}"
        yield Finding(name=f"{self.about}/largest", value=float(effect[worst]), text=text, better="lower", rows=rows)

    def _column(self, name: str, place: int, against: Yardstick, distances: Distances, alarm: bool, window: Array, seen: dict[str, Any]) -> Finding:
        one, rows = against.layout.columns[place], int(window[place].sum())
        p = float(distances.p[place])
        verdict = "drifted" if alarm else "as before" if p > self.level else "moved, and by less than alarms"
        text = f"{one.column} has moved by {_size(one, distances, place)} ({chance_said(p)}): {verdict}"
        reference = histogram(against.layout, against.counts, place)
        evidence: dict[str, Any] = {"column": one.column, "p_value": p, "statistic": float(distances.statistic[place]), "reference_rows": int(reference.sum())}
        evidence |= {"missing": float(window[place][0] / max(rows, 1)), "reference_missing": float(reference[0] / max(reference.sum(), 1))}
        evidence |= {"picture": _picture(one, reference, window[place][: one.width])}
        if one.numeric:
            evidence |= _moments(seen.get(one.column), float(against.means[place]), float(against.deviations[place]))
        value, unit = float(distances.effect()[place]), "sd" if one.numeric else ""
        severity = "warning" if alarm else "info"
        return Finding(name=f"{self.about}/column/{name}", value=value, unit=unit, text=text, better="lower", rows=rows, severity=severity, evidence=evidence)

    def _untold(self, name: str, why: str, rows: int) -> Finding:
        return Finding(name=f"{self.about}/{name}", value=None, text=why, better="lower", rows=rows)


def _factor(reference: Profile) -> float:
    """By how much calibration has lowered the level; 1 where the tests keep what they promise by themselves."""
    table = reference.tables.get(CALIBRATION)
    return 1.0 if table is None else float(table["factor"][0])


def _size(one: Binned, distances: Distances, place: int) -> str:
    if distances.missing[place] > distances.moved[place]:
        return f"{_share(distances.missing[place])} of its rows gone missing or come back"
    return f"{distances.moved[place]:.2g} sd" if one.numeric else f"{_share(distances.moved[place])} of its rows"


def _share(value: float) -> str:
    return f"{value:.0%}" if value >= 0.1 else f"{100 * value:.2g}%"


def _moments(seen: dict[str, Any] | None, mean: float, deviation: float) -> dict[str, float]:
    told = {"reference_mean": mean, "reference_sd": deviation}
    if seen and seen["count"]:
        told |= {"mean": seen["centre"] + seen["sum"] / seen["count"], "least": seen["least"], "most": seen["most"]}
    return {name: value for name, value in told.items() if value - value == 0}


def _picture(one: Binned, reference: Array, window: Array) -> dict[str, Any]:
    """Shares of both in at most 24 bins: of numbers, of equal shares of the reference; of categories, the most frequent ones."""
    import numpy as np

    shares = [counts / max(counts.sum(), 1) for counts in (reference, window)]
    if one.edges is None:
        order = [0, *range(1, min(len(one.labels), _SHOWN - 2) + 1)]
        rest = [float(share[len(order) :].sum()) for share in shares]
        names = ["missing", *one.labels[: len(order) - 1], "other"]
        return {"labels": [name[:40] for name in names], "reference": [*_rounded(shares[0][order]), rest[0]], "window": [*_rounded(shares[1][order]), rest[1]]}
    cuts = np.unique(np.searchsorted(np.cumsum(shares[0][1:]), np.arange(1, _SHOWN) / _SHOWN))
    cuts = cuts[cuts < len(one.edges)]
    edges = [float(one.edges[cut]) for cut in cuts]
    parts = [_rounded(np.add.reduceat(share[1:], np.concatenate([[0], cuts + 1]))) for share in shares]
    return {"edges": edges, "reference": parts[0], "window": parts[1]}


def _rounded(shares: Any) -> list[float]:
    return [round(float(share), 6) for share in shares]
