"""What differs between two runs, in sentences: what was asked, the rows, the code, the libraries."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mlforge.lifecycle.compare import compare
from mlforge.report.figures import number
from mlforge.store import RunRecord
from mlforge.trail.archive import Archive

__all__ = ["causes_told", "differs", "listed"]

_LISTED = 8
_WORDS = {"outside source": "the content of the source", "outside champion": "the champion"}


def differs(archive: Archive, before: RunRecord, now: RunRecord) -> str:
    """What is different in the second run, as a clause; empty when only their times differ."""
    found = compare(archive.store, before, now)
    told = [f"in the recipe, {listed(_condensed(found.recipe))}"] if found.recipe else []
    causes = [cause for changes in found.stages.values() for cause in changes if not cause.startswith(("input ", "outside champion"))]
    if any(cause.startswith("outside source") for cause in causes):
        causes = [cause for cause in causes if not cause.startswith("outside source")]
        rows = [archive.findings(run).get("data/rows") for run in (before, now)]
        counts = [number(one.value) for one in rows if one is not None and one.value is not None]
        told.append(f"the rows of the source{f' ({counts[0]} → {counts[1]})' if len(counts) == 2 else ''}")
    return "; ".join([*told, *causes_told(causes)])


def causes_told(causes: Iterable[str]) -> list[str]:
    """The parts of a stage's key that are not as before, in a reader's words; those of one kind as one."""
    gathered: dict[str, list[str]] = {"": []}
    for cause in dict.fromkeys(causes):
        kind = next((kind for kind in ("code of ", "version of ", "outside reference ") if cause.startswith(kind)), "")
        gathered.setdefault(kind, []).append(_WORDS.get(cause.removesuffix(" changed"), cause.removeprefix(kind)))
    gathered[""] = _condensed(gathered[""])
    words = {"": "{}", "code of ": "the code of {}", "version of ": "the library {}", "outside reference ": "the table that is referred to as {}"}
    return [words[kind].format(listed([one.removesuffix(" changed") for one in found])) for kind, found in gathered.items() if found]


def _condensed(changes: Sequence[str]) -> list[str]:
    """Values that are others first; of a component that has come or gone, its entry alone."""
    come_or_gone = (" is new", " is gone")
    told = [change for change in changes if " → " in change or not change.endswith(come_or_gone)]
    for how in ("is new", "is gone"):
        paths = {change.split(" ")[0]: change for change in changes if change.endswith(how) and " → " not in change}
        entries = [path.removesuffix(".use") for path in paths if path.endswith(".use")]
        told += [f"{entry} {how}" for entry in entries]
        told += [change for path, change in paths.items() if not any(path.startswith(f"{entry}.") for entry in entries)]
    return told


def listed(parts: Sequence[str]) -> str:
    """The first of them, and how many more."""
    more = f" and {len(parts) - _LISTED} more" if len(parts) > _LISTED else ""
    return f"{', '.join(parts[:_LISTED])}{more}"
