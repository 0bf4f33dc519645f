"""Where a version comes from: its run, its rows and its declaration."""

from __future__ import annotations

import re

from mlforge.report.figures import moment, number
from mlforge.store import RunRecord
from mlforge.store.entries import Version
from mlforge.trail.archive import Archive
from mlforge.trail.trail import Step

__all__ = ["data_of", "origin"]


def origin(archive: Archive, version: Version) -> Step:
    """The last step of every trail that leads to a version."""
    aliases = f", {' and '.join(version.aliases)} now," if version.aliases else ""
    run = archive.run(version.run)
    if run is None:
        return Step(
            "made", f"{version}{aliases} was registered on {moment(version.created)} by run {version.run}, which this store does not have.", version.created
        )
    text = f"{version}{aliases} was registered on {moment(version.created)} by run {run.id} of recipe {run.recipe}, from {data_of(archive, run)}."
    return Step("made", text, version.created, (f"mlforge why run {run.id}", *archive.report(run.id)))


def data_of(archive: Archive, run: RunRecord) -> str:
    """ "buyers.csv, 1,500 rows (fingerprint 055cd922…)"."""
    source = dict(run.plain.get("source") or {})
    where = source.get("path") or source.get("url") or source.get("table") or source.get("name") or source.get("use") or "its source"
    rows = archive.findings(run).get("data/rows")
    told = f", {number(rows.value)} rows" if rows is not None and rows.value is not None else ""
    ingest = next((archive.store.records.stage(use.key) for use in run.stages if use.name == "ingest"), None)
    mark = "" if ingest is None else ingest.parts.get("outside source", "")
    return f"{where}{told}{f' (fingerprint {_short(mark)})' if mark else ''}"


def _short(mark: str) -> str:
    """A digest by its beginning; anything else, such as the name of a sample, as it is."""
    return f"{mark[:8]}…" if re.fullmatch(r"[0-9a-f]{16,}", mark) else mark[:60]
