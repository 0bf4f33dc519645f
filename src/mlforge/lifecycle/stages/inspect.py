"""The stage inspect."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from mlforge.artifact import Artifact, Assignment, Table
from mlforge.components import Job, Probe, Stage
from mlforge.window import Profile, Window

if TYPE_CHECKING:
    import polars as pl
from mlforge.finding import Finding

__all__ = ["Inspect"]


class Inspect(Stage):
    """Looks at the data before anything learns from it.

    Each probe of `checks` sees all rows, a partition at a time, in a window named "data" whose rows also have the column `part`: so it can compare the parts,
    and find what leaks between them. Its findings are about the subject "data" and are named `data/…`.
    """

    needs: ClassVar[tuple[str, ...]] = ("contract", "checks")
    reads: ClassVar[tuple[str, ...]] = ("task",)
    inputs: ClassVar[Mapping[str, type[Artifact]]] = {"table": Table, "assignment": Assignment}
    libraries: ClassVar[tuple[str, ...]] = ("polars",)

    def headline(self, findings: Sequence[Finding]) -> str:
        """What deserves a look; how much was looked at when nothing does."""
        told = [finding.text for finding in findings if finding.severity != "info" and finding.text]
        return " · ".join(told[:3]) or f"nothing to worry about in {len(findings)} measurements"

    def run(self, job: Job) -> None:
        """Summarise each partition, merge, and tell."""
        probes = job.entries("checks", Probe)
        profiles: dict[str, list[Profile]] = {entry: [] for entry in probes}
        table, done = job.input("table", Table), 0
        for rows in _partitions(table, job.input("assignment", Assignment)):
            window = Window("data", rows, job.contract, job.task)
            for entry, probe in probes.items():
                profiles[entry].append(probe.summarise(window))
            done += rows.height
            job.progress(done, table.rows, "rows")
        for entry, probe in probes.items():
            for finding in probe.findings(_merged(probe, profiles[entry]), None):
                job.find(finding.model_copy(update={"name": f"data/{finding.name}", "subject": "data"}))


def _partitions(table: Table, assignment: Assignment) -> Iterator[pl.DataFrame]:
    import polars as pl

    for path in table.partitions():
        yield pl.read_parquet(path).with_columns(pl.read_parquet(assignment.folder / path.name, columns=["part"])["part"])


def _merged(probe: Probe, profiles: list[Profile]) -> Profile:
    """All profiles as one, merged in pairs, so that an exact profile is not copied once for every partition."""
    while len(profiles) > 1:
        pairs = [profiles[at : at + 2] for at in range(0, len(profiles), 2)]
        profiles = [probe.merge(*pair) if len(pair) == 2 else pair[0] for pair in pairs]
    return profiles[0]
