"""The stage calibrate."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from mlforge.artifact import ROW, Artifact, Assignment, Bundles, Table, frames
from mlforge.components import Job, Monitor, Stage
from mlforge.errors import DataError
from mlforge.finding import Finding
from mlforge.reference import Entry, Reference
from mlforge.window import Profile, Window

if TYPE_CHECKING:
    import polars as pl

    from mlforge.runtime.predictor import Predictor

__all__ = ["Calibrate"]

_SAMPLED = 32_768  # rows that monitors may draw windows from
_SEED = 0x63616C
_PREDICTED = 65_536  # rows at a time


class Calibrate(Stage):
    """Makes what live windows will be held against, and finds out what the monitors' promises are worth on these data.

    Each monitor of `monitors` summarises the training rows, or the test rows with the bundle's predictions, and is shown a uniform sample of them: how often it
    alarms without cause, and which shifts it is sure to see, are findings named `reference/…`. A promise that cannot be kept stops the run.
    """

    needs: ClassVar[tuple[str, ...]] = ("contract", "monitors")
    reads: ClassVar[tuple[str, ...]] = ("seed", "task")
    asides: ClassVar[tuple[str, ...]] = ("alerts",)  # who is told, when live rows are looked at: nothing that is made here depends on it
    inputs: ClassVar[Mapping[str, type[Artifact]]] = {"table": Table, "assignment": Assignment, "bundles": Bundles}
    outputs: ClassVar[Mapping[str, type[Artifact]]] = {"reference": Reference}
    libraries: ClassVar[tuple[str, ...]] = ("polars", "numpy")

    def headline(self, findings: Sequence[Finding]) -> str:
        """What the first promises are worth."""
        told = [finding.text for finding in findings if finding.text]
        return " · ".join(told[:2])

    def run(self, job: Job) -> None:
        """Outline, summarise, calibrate and write."""
        monitors, rows = job.entries("monitors", Monitor), _Rows(job)
        entries: dict[str, Entry] = {}
        for done, (name, monitor) in enumerate(monitors.items()):
            job.progress(done, len(monitors), name)
            reference = rows.profile(monitor, rows.profile(monitor, None) if monitor.fitted else None)
            try:
                reference, findings = monitor.calibrate(reference, rows.sample(monitor.against), job.seed)
            except DataError as error:
                if not job.smoke:
                    raise
                findings = [Finding(name=f"{name}/promise", value=None, text=f"a few rows promise nothing: {error}"[:300])]  # the real run will tell
            for finding in findings:
                job.find(finding.model_copy(update={"name": f"reference/{finding.name}"}))
            kind = type(monitor)
            entries[name] = Entry(f"{kind.__module__}:{kind.__qualname__}", monitor.model_dump(mode="json"), reference)
        Reference.write(job.draft("reference"), job.task.name, job.contract, entries)


class _Rows:
    """The rows of the parts, with predictions where they are the test's."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._samples: dict[str, Window] = {}
        self._model: Predictor | None = None

    def profile(self, monitor: Monitor, outline: Profile | None) -> Profile:
        """The monitor's summary of its reference."""
        told: Profile | None = None
        for window in self._windows(monitor.against, outline):
            one = monitor.summarise(window)
            told = one if told is None else monitor.merge(told, one)
        return told or Profile()

    def sample(self, part: str) -> Window:
        """A uniform sample of a part, by the rows' numbers: the same however they lie in partitions."""
        if part not in self._samples:
            self._samples[part] = self._sampled(part)
        return self._samples[part]

    def _sampled(self, part: str) -> Window:
        import polars as pl

        kept: pl.DataFrame | None = None
        for frame in frames(self._job.input("table", Table), self._job.input("assignment", Assignment), part):
            both = frame if kept is None else pl.concat([kept, frame])
            kept = both.with_columns(pl.col(ROW).hash(_SEED).alias("__order__")).bottom_k(_SAMPLED, by=["__order__", ROW]).drop("__order__")
        assert kept is not None, "a table has a partition"
        return self._window(part, kept.sort(ROW), None)

    def _windows(self, part: str, outline: Profile | None) -> Iterator[Window]:
        for frame in frames(self._job.input("table", Table), self._job.input("assignment", Assignment), part):
            for rows in frame.iter_slices(_PREDICTED):
                yield self._window(part, rows, outline)

    def _window(self, part: str, rows: pl.DataFrame, outline: Profile | None) -> Window:
        job, bundles = self._job, self._job.input("bundles", Bundles)
        if part != "test":
            return Window(part, rows, job.contract, job.task, reference=outline)
        model = self._predictor(bundles)
        predictions = model.score(rows) if rows.height else None
        return Window(part, rows, job.contract, job.task, model.bundle.output, predictions, model.score, bundles.bundle(), outline)

    def _predictor(self, bundles: Bundles) -> Predictor:
        from mlforge.runtime.predictor import Predictor

        if self._model is None:
            self._model = Predictor.open(bundles.bundle())
        return self._model
