"""Calibration of alarms on the reference: windows are resampled from it, with and without a planted shift, to measure false alarms and power.

Under no drift, which rows are the window's and which are the reference's is exchangeable: so windows drawn at random, held against the rows that are left, show
how often the monitor alarms without cause, with all dependence between columns and all ties that the data have.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import ceil
from typing import TYPE_CHECKING

from mlforge.alarm import Detection
from mlforge.builtin.monitors.binned import histogram, yardstick
from mlforge.builtin.monitors.distances import Yardstick
from mlforge.builtin.monitors.drawn import Drawn, achieved
from mlforge.builtin.monitors.family import CALIBRATION, Family
from mlforge.builtin.monitors.layout import Layout
from mlforge.builtin.monitors.multiple_testing import adjusted
from mlforge.builtin.monitors.promise import FEW
from mlforge.errors import DataError
from mlforge.finding import Finding
from mlforge.window import Profile

if TYPE_CHECKING:
    import polars as pl

    from mlforge.builtin.monitors.tails import Array

__all__ = ["SAMPLED", "calibrated", "detectable", "false_alarms"]

SAMPLED = 32_768  # rows of the reference that windows are drawn from
_POWER = 0.95
_LEFT_OUT = 5  # columns that a hint names
_PLANTED = 400  # windows for each shift that is tried
_AT_ONCE = 25  # windows that are compared with the reference at once
_SHIFTS = (0.02, 0.03, 0.05, 0.07, 0.1, 0.125, 0.15, 0.175, 0.2, 0.225, 0.25, 0.275, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8, 1.0, 1.25, 1.5, 2.0, 3.0, 5.0)


def calibrated(family: Family, reference: Profile, values: pl.DataFrame, seed: int) -> tuple[Profile, Sequence[Finding]]:
    """The reference with the level that keeps the promise on it, and what was achieved."""
    import polars as pl

    against = yardstick(reference)
    size = _size(family, values.height)
    if size < FEW:
        why = f"insufficient: {values.height} rows of reference; windows of {2 * FEW} and more are needed to see how often they alarm"
        return reference, [Finding(name=f"{family.about}/{name}", value=None, text=why, rows=values.height) for name in ("false_alarms", "detectable")]
    windows = int(min(max(60 / family.level, 1000), 8000))
    drawn = [false_alarms(family, against, values, rows, windows, seed) for rows in sorted({min(100, size), size})]
    factor = min((one.factor(family.level) for one in drawn), default=1.0)
    reference = Profile(dict(reference.tables) | {CALIBRATION: pl.DataFrame({"factor": [factor], "rows": [size], "windows": [windows]})})
    found = detectable(family, against, values, size, factor, seed)
    told = [_achieved(family, drawn, factor), _seen(family, against, found, size)]
    if family.detect and size == Detection.parse(family.detect).rows:
        _kept(family, found, size, int(against.layout.spread(against.counts)[0].sum()))
    return reference, told


def false_alarms(family: Family, against: Yardstick, values: pl.DataFrame, rows: int, windows: int, seed: int) -> Drawn:
    """Windows of so many rows, each held against the rows that are left."""
    import numpy as np

    layout = against.layout
    width = max(one.width for one in layout.columns)
    codes = np.stack([one.codes(values[one.column]) for one in layout.columns], axis=1) + np.arange(len(layout.columns)) * width
    whole = np.bincount(codes.ravel(), minlength=width * len(layout.columns)).reshape(len(layout.columns), width).astype(float)
    random, found = np.random.default_rng((seed, rows)), []
    tiled, several = _repeated(against, range(len(layout.columns)), _AT_ONCE), np.tile(whole, (_AT_ONCE, 1))
    for _ in range(-(-windows // _AT_ONCE)):
        chosen = np.stack([codes[random.choice(len(codes), rows, replace=False, shuffle=False)].ravel() for _ in range(_AT_ONCE)])
        places = chosen + np.arange(_AT_ONCE)[:, None] * whole.size
        drawn = np.bincount(places.ravel(), minlength=_AT_ONCE * whole.size).reshape(-1, width).astype(float)
        distances = tiled.distances(drawn, None, several - drawn)
        p = adjusted(distances.p.reshape(_AT_ONCE, -1), family.correction)
        found.append(np.where(distances.effect().reshape(_AT_ONCE, -1) >= family.floor, p, 1.0).min(axis=1))
    return Drawn(rows, np.concatenate(found)[:windows])


def detectable(family: Family, against: Yardstick, values: pl.DataFrame, rows: int, factor: float, seed: int) -> dict[str, float]:
    """For each column of numbers, the smallest shift (in sd) that alarms in 95 of 100 windows of so many rows, all other columns as they were."""
    found = {}
    for place, one in enumerate(against.layout.columns):
        deviation = float(against.deviations[place])
        if one.numeric and deviation > 0:
            found[one.column] = _smallest(family, against, place, values[one.column].to_numpy() / 1.0, rows, factor, seed)
    return found


def _smallest(family: Family, against: Yardstick, place: int, values: Array, rows: int, factor: float, seed: int) -> float:
    low, high = 0, len(_SHIFTS)
    while low < high:  # power grows with the shift
        middle = (low + high) // 2
        if _power(family, against, place, values, _SHIFTS[middle], rows, factor, seed) >= _POWER:
            high = middle
        else:
            low = middle + 1
    return _SHIFTS[low] if low < len(_SHIFTS) else float("inf")


def _power(family: Family, against: Yardstick, place: int, values: Array, shift: float, rows: int, factor: float, seed: int) -> float:
    """The share of windows, drawn with replacement and shifted, in which the column alarms even as the only one: by Holm's first step, the hardest."""
    import numpy as np
    import polars as pl

    one, count = against.layout.columns[place], len(against.layout.columns)
    codes = one.codes(pl.Series(one.column, values + shift * float(against.deviations[place])))
    drawn = np.random.default_rng((seed, place, rows)).integers(len(codes), size=(_PLANTED, rows))
    flat = codes[drawn] + np.arange(_PLANTED)[:, None] * one.width
    windows = np.bincount(flat.ravel(), minlength=_PLANTED * one.width).reshape(_PLANTED, one.width).astype(float)
    distances = _repeated(against, [place], _PLANTED).distances(windows)
    hit = (np.minimum(distances.p * count, 1.0) <= family.level * factor) & (distances.effect() >= family.floor)
    return float(hit.mean())


def _repeated(against: Yardstick, places: Iterable[int], times: int) -> Yardstick:
    """Some of the columns, so many times: to compare many windows at once."""
    import numpy as np

    chosen = list(places) * times
    layout = Layout(tuple(against.layout.columns[place] for place in chosen))
    counts = np.concatenate([histogram(against.layout, against.counts, place) for place in chosen])
    return Yardstick(layout, counts, against.deviations[chosen], against.means[chosen])


def _size(family: Family, rows: int) -> int:
    """Rows of a drawn window: what a judgement rests on, and at most half of what there is."""
    return min(family.wanted, rows // 2)


def _achieved(family: Family, drawn: Sequence[Drawn], factor: float) -> Finding:
    """Of the window sizes that were tried, the one that alarms most often."""
    level = family.level * factor
    told = achieved(family.about, family, max(drawn, key=lambda one: one.rate(level)), factor)
    tried = [{"rows": d.rows, "windows": d.windows, "alarms": d.alarms(level)} for d in drawn]
    return told.model_copy(update={"evidence": dict(told.evidence) | {"tried": tried}})


def _seen(family: Family, against: Yardstick, found: dict[str, float], rows: int) -> Finding:
    name = f"{family.about}/detectable"
    if not found:
        return Finding(name=name, value=None, text="no column is a number, so no shift can be stated in standard deviations", rows=rows)
    worst = max(found, key=lambda key: (found[key], key))
    known = {key: shift for key, shift in found.items() if shift < float("inf")}
    evidence = {"columns": dict(sorted(known.items(), key=lambda item: -item[1])[:50]), "power": _POWER}
    if worst not in known:
        return Finding(name=name, value=None, text=f"within {rows:,} rows, no shift of {worst} is sure to be seen", rows=rows, evidence=evidence)
    text = f"within {rows:,} rows, a shift of {found[worst]:g} sd in any one column alarms in 95 of 100 windows; {worst} needs the largest"
    return Finding(name=name, value=found[worst], unit="sd", text=text, better="lower", rows=rows, evidence=evidence)


def _kept(family: Family, found: dict[str, float], rows: int, reference: int) -> None:
    """Raises DataError when the promise cannot be kept."""
    assert family.detect is not None
    asked = Detection.parse(family.detect)
    short = {key: shift for key, shift in found.items() if shift > asked.size * 1.0001}
    if not short:
        return
    worst = max(short, key=lambda key: (short[key], key))
    seen = short[worst]
    what = f"what is sure to be seen in {worst} is {seen:g}sd" if seen < float("inf") else f"no shift of {worst} is sure to be seen"
    raise DataError(
        f"monitors.{family.about}: {family.detect!r} cannot be promised: within {rows:,} rows, against {reference:,} rows of reference,"
        f" with {family.false_alarms} over {len(found)} columns of numbers and {family.windowing.text}, {what}",
        hint=_instead(family, seen, rows, reference, sorted(short) if len(short) < len(found) else []),
    )


def _instead(family: Family, seen: float, rows: int, reference: int, short: Sequence[str]) -> str:
    """What could be promised, or which columns to leave out of the promise."""
    assert family.detect is not None
    asked, asks = Detection.parse(family.detect), []
    if seen < float("inf"):
        asks.append(f"detect: {seen:g}sd within {rows} rows")
        needed = rows * reference / (rows + reference) * (seen / asked.size) ** 2
        if needed < reference:
            asks.append(f"detect: {asked.size:g}sd within {ceil(needed * reference / (reference - needed) / 100) * 100} rows")
    told = f"Ask for {' or '.join(asks)}, or allow more false alarms" if asks else "Allow more false alarms"
    if short and "columns" in type(family).model_fields:
        named = f"{', '.join(short[:_LEFT_OUT])}{' …' if len(short) > _LEFT_OUT else ''}"
        told += f", or name in monitors.{family.about}.columns those to watch, without {named}"
    return f"{told}."
