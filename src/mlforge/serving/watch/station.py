"""One version's windows, of every kind that its monitors look at."""

from __future__ import annotations

from pathlib import Path

from mlforge.errors import DataError
from mlforge.monitoring.looking import Look
from mlforge.monitoring.panes import Panes
from mlforge.monitoring.standard import Standard
from mlforge.plugins import Catalog
from mlforge.reference import Reference
from mlforge.serving.watch.sighting import Sighting
from mlforge.serving.watch.strand import Strand
from mlforge.store import Store
from mlforge.store.entries import Version

__all__ = ["Station"]


class Station:
    """Opened with what the store has of earlier windows. MlforgeError when the monitors cannot be made."""

    def __init__(self, store: Store, version: Version, reference: Path, catalog: Catalog, now: float, writer: str) -> None:
        standard = Standard.open(Reference(reference), catalog)
        self.version, self.serving, self.changed = version, False, True
        self._strands: dict[str, Strand] = {}
        for windowing, watched in standard.by_windowing().items():
            here = tuple(one for one in watched if not one.monitor.exact)
            if here and windowing.by == "time":
                panes = Panes(windowing, here, standard.contract, standard.task)
                self._strands[here[0].monitor.windows] = Strand(panes, store, version, now, writer)

    def add(self, sighting: Sighting) -> None:
        """Counts that a worker has sent. Raises DataError for those of other monitors."""
        strand = self._strands.get(sighting.windows)
        if strand is None:
            raise DataError(f"{self.version} has no monitors that look over {sighting.windows} windows")
        strand.add(sighting)

    def turn(self, now: float) -> bool:
        """Judge the windows that are over at this time and write down what has changed; is there anything new to tell of."""
        new = [strand.close(now, serving=self.serving) for strand in self._strands.values()]
        for strand in self._strands.values():
            strand.save()
        self.changed |= any(new)
        return any(new)

    def looks(self) -> list[Look]:
        """What was said of windows, by their kind."""
        return [strand.look() for strand in self._strands.values()]

    @property
    def strands(self) -> list[Strand]:
        """By kind of window."""
        return list(self._strands.values())
