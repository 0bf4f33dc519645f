"""What an alert costs: performance in its windows, beside what the gates had asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from mlforge.finding import Finding
from mlforge.report.figures import number
from mlforge.store import KeptAlert, KeptWindow
from mlforge.store.entries import Version
from mlforge.trail.archive import Archive
from mlforge.trail.trail import Step

__all__ = ["cost", "newest"]

_INITIALS = frozenset({"roc", "pr", "auc", "mae", "rmse", "mape", "ece"})
_PERFORMANCE = ("performance/", "estimated/")


@dataclass(frozen=True, slots=True)
class Floor:
    """What a gate had asked of a measure on the test rows."""

    rule: str
    sign: str
    limit: float

    def said(self, value: float | None) -> str:
        """ "; gate thresholds.auc asked for ≥ 0.85 on the test rows, which it no longer keeps"."""
        broken = value is not None and (value < self.limit if self.sign == "≥" else value > self.limit)
        return f"; gate {self.rule} asked for {self.sign} {self.limit:g} on the test rows{', which it no longer keeps' if broken else ''}"


def cost(archive: Archive, alert: KeptAlert, version: Version | None, windows: Sequence[KeptWindow]) -> Iterator[Step]:
    """What became of performance in these windows, those of the alert's time."""
    figures = newest(windows)
    floors = _floors(archive, version)
    named = alert.measure.partition(" ")[0]
    if named:
        before, _, now = alert.measure.partition(" ")[2].partition(" → ")
        finding = figures.get(named)
        after = now if finding is None else _value(finding)
        yield Step("cost", f"{_how(named)} {_words(named)} went from {before} to {after}{_said(floors, named, finding)}.", alert.ends)
    else:
        why = next((one.text for window in reversed(windows) for one in window.findings if "/estimated/" in one.name and one.value is None), "")
        yield Step("cost", f"What it costs is not known: {why or 'no monitor measures or estimates performance'}.", alert.ends)
    for name, finding in figures.items():
        if name != named and name.startswith(_PERFORMANCE) and (said := _said(floors, name, finding)):
            yield Step("cost", f"{_how(name)} {_words(name)} is {_value(finding)}{said}.", alert.ends)


def newest(windows: Sequence[KeptWindow]) -> dict[str, Finding]:
    """Each figure as it was last known; an estimate that is withheld by now is not told as it was before."""
    told: dict[str, Finding] = {}
    for window in windows:
        for one in window.findings:
            name = one.name.removeprefix("live/")
            if one.value is not None:
                told[name] = one
            elif name.startswith("estimated/") and one.text.startswith("withheld"):
                told.pop(name, None)
    return told


def _floors(archive: Archive, version: Version | None) -> Mapping[str, Floor]:
    """Of each measure that a rule asked a number of, by its last word."""
    run = None if version is None else archive.run(version.run)
    asked = [] if run is None else [one for one in archive.rulings(run) if one.bound[:1] in ("≥", "≤") and one.finding.count("/") == 1]
    found = {}
    for ruling in asked:
        try:
            found[_leaf(ruling.finding)] = Floor(ruling.rule, ruling.bound[0], float(ruling.bound[1:]))
        except ValueError:
            continue  # asked for something else than a number
    return found


def _said(floors: Mapping[str, Floor], name: str, finding: Finding | None) -> str:
    floor = floors.get(_leaf(name))
    return "" if floor is None else floor.said(None if finding is None else finding.value)


def _how(name: str) -> str:
    return "Estimated" if name.startswith("estimated/") else "Measured"


def _words(name: str) -> str:
    return " ".join(word.upper() if word in _INITIALS else word for word in _leaf(name).split("_"))


def _leaf(name: str) -> str:
    return name.rpartition("/")[2]


def _value(finding: Finding) -> str:
    ends = "" if finding.low is None or finding.high is None else f" [{number(finding.low)}, {number(finding.high)}]"
    return f"{number(finding.value, finding.unit)}{ends}"
