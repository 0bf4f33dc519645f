"""Measure the exported bundles on the test rows: what is judged is what ships."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from mlforge.artifact import ROW, Artifact, Assignment, Bundles, Table, frames
from mlforge.components import Job, Probe, Stage
from mlforge.contract import Contract
from mlforge.errors import MlforgeError
from mlforge.finding import Finding, Subject
from mlforge.lifecycle.baselines.bigrams import Bigrams
from mlforge.lifecycle.baselines.frequencies import Frequencies
from mlforge.lifecycle.baselines.yardsticks import Baseline, aligned
from mlforge.lifecycle.rows.drawn import Drawn
from mlforge.report.figures import measured
from mlforge.task import Output, Task
from mlforge.window import Profile, Window

if TYPE_CHECKING:
    import polars as pl

    from mlforge.runtime.predictor import Predictor

__all__ = ["Evaluate"]

WINDOW = "test"
_ROW_GROUP = 65_536  # fixed: by default the number of threads changes a parquet file


@dataclass
class Contestant:
    """One model on the test rows: a variant of the candidate, the champion, or the baseline; `profiles` grows with the partitions."""

    subject: Subject
    variant: str
    model: Predictor | Baseline | Bigrams | Frequencies
    bundle: Path | None = None
    profiles: dict[str, Profile] = field(default_factory=dict)
    broken: str = ""  # why it cannot be measured

    def predict(self, rows: pl.DataFrame, output: Output) -> pl.DataFrame:
        """Its predictions in the form of the candidate's, whose classes may be others than its own."""
        from mlforge.runtime.predictor import Predictor

        if not isinstance(self.model, Predictor):
            return self.model.predict(rows)
        return aligned(self.model.score(rows), self.model.bundle.output, output)


class Evaluate(Stage):
    """Runs every variant of the bundle, the champion and a trivial model over the test rows, and measures them."""

    needs: ClassVar[tuple[str, ...]] = ("evaluators",)
    reads: ClassVar[tuple[str, ...]] = ("task", "contract", "champion")
    inputs: ClassVar[Mapping[str, type[Artifact]]] = {"bundles": Bundles, "table": Table, "assignment": Assignment}
    outputs: ClassVar[Mapping[str, type[Artifact]]] = {"predictions": Artifact}

    def headline(self, findings: Sequence[Finding]) -> str:
        """The first measurements of the candidate."""
        told = [finding for finding in findings if finding.subject == "candidate" and finding.value is not None and not finding.name.endswith("/gain")]
        return " · ".join(f"{finding.name.partition('/')[2]} {measured(finding)}" for finding in told[:3])

    def run(self, job: Job) -> None:
        """Predict and summarise a partition at a time, then turn the profiles into findings; keep the predictions of the variant that ships."""
        bundles = job.input("bundles", Bundles)
        probes = job.entries("evaluators", Probe)
        contestants = list(_candidates(bundles))
        output = _output(contestants, bundles.ships)
        contestants += [Contestant("baseline", "", _baseline(job, output))]
        champion, trouble = _champion(job, output)
        contestants += [champion] if champion else []
        self._measure(job, contestants, output, bundles.ships)
        reference = champion.profiles if champion and not champion.broken else {}
        for contestant in contestants:
            told = {entry: contestant.profiles[entry] for entry in probes if entry in contestant.profiles and not contestant.broken}
            for entry, profile in told.items():
                _find(job, contestant, probes[entry].findings(profile, reference.get(entry) if contestant.subject == "candidate" else None))
        reason = champion.broken if champion else trouble
        if reason:
            for finding in _incomparable(probes.values(), job.contract, job.task, bundles.variants, reason):
                job.find(finding)

    def _measure(self, job: Job, contestants: list[Contestant], output: Output, ships: str) -> None:
        table, assignment = job.input("table", Table), job.input("assignment", Assignment)
        probes, draft = job.entries("evaluators", Probe), job.draft("predictions")
        total, done = assignment.counts.get(WINDOW, 0), 0
        drawn = Drawn(max((probe.enough() or 0 for probe in probes.values() if probe.asks), default=0))
        for number, rows in enumerate(frames(table, assignment, WINDOW)):
            if rows.is_empty():
                continue
            drawn.add(rows)
            for contestant in contestants:
                if contestant.broken:
                    continue
                try:
                    predictions = contestant.predict(rows, output)
                except MlforgeError as error:
                    if contestant.subject != "champion":
                        raise
                    contestant.broken = f"the champion cannot read these rows: {error}"
                    continue
                _keep(contestant, probes, Window(WINDOW, rows, job.contract, job.task, output, predictions, _asked(contestant, output), contestant.bundle))
                if contestant.subject == "candidate" and contestant.variant == ships:
                    named = predictions.insert_column(0, rows[ROW])
                    named.write_parquet(draft / f"part-{number:05}.parquet", row_group_size=_ROW_GROUP, statistics=False)
            done += len(rows)
            job.progress(done, total, "rows")
        self._ask(job, contestants, output, drawn)

    def _ask(self, job: Job, contestants: list[Contestant], output: Output, drawn: Drawn) -> None:
        """Have the rows that were drawn summarised by the probes for which so many are enough."""
        for entry, probe in job.entries("evaluators", Probe).items():
            rows = drawn.rows(probe.enough() or 0)
            for contestant in contestants if probe.asks and rows is not None else ():
                ask = _asked(contestant, output)
                if ask is not None and rows is not None and not contestant.broken:
                    window = Window(WINDOW, rows, job.contract, job.task, output, ask(rows), ask, contestant.bundle)
                    contestant.profiles[entry] = probe.summarise(window)


def _candidates(bundles: Bundles) -> Iterator[Contestant]:
    from mlforge.runtime.predictor import Predictor

    for variant in bundles.variants:
        yield Contestant("candidate", variant, Predictor.open(bundles.bundle(variant)), bundles.bundle(variant))


def _output(candidates: list[Contestant], ships: str) -> Output:
    """What the candidate puts out: every variant of a bundle does the same."""
    from mlforge.runtime.predictor import Predictor

    (model,) = (contestant.model for contestant in candidates if contestant.variant == ships)
    assert isinstance(model, Predictor)
    return model.bundle.output


def _baseline(job: Job, output: Output) -> Baseline | Bigrams | Frequencies:
    weights = job.contract.having("weight")[:1]
    columns = [*output.targets, *weights]
    rows = frames(job.input("table", Table), job.input("assignment", Assignment), "train", columns=columns)
    if output.kind == "labels":
        return Frequencies.fit(rows, output, *weights)
    return Bigrams.fit(rows, output, *weights) if output.kind == "bytes" else Baseline.fit(rows, output, *weights)


def _champion(job: Job, output: Output) -> tuple[Contestant | None, str]:
    """The champion's bundle, opened; or why it cannot be compared with; or neither, when there is none."""
    from mlforge.runtime.predictor import Predictor

    if job.champion is None:
        return None, ""
    bundles = Bundles(job.champion.bundle.folder, job.champion.bundle.digest)
    name = f"the champion, {job.champion.model} {job.champion.version},"
    try:
        model = Predictor.open(bundles.bundle())
    except FileNotFoundError:
        return None, f"{name} is gone from the store"
    except MlforgeError as error:
        return None, f"{name} cannot be opened: {error}"
    theirs = model.bundle.output
    if (theirs.kind, theirs.target) != (output.kind, output.target):
        return None, f"{name} predicts {theirs.target} ({theirs.kind}), and this model {output.target} ({output.kind})"
    return Contestant("champion", "", model, bundles.bundle()), ""


def _asked(contestant: Contestant, output: Output) -> Callable[[pl.DataFrame], pl.DataFrame] | None:
    return None if contestant.subject == "baseline" else lambda rows: contestant.predict(rows, output)


def _keep(contestant: Contestant, probes: Mapping[str, Probe], window: Window) -> None:
    for entry, probe in probes.items():
        if probe.asks and (window.predict is None or probe.enough() is not None):
            continue
        profile = probe.summarise(window)
        earlier = contestant.profiles.get(entry)
        contestant.profiles[entry] = profile if earlier is None else probe.merge(earlier, profile)


def _find(job: Job, contestant: Contestant, findings: Iterable[Finding]) -> None:
    for finding in findings:
        about = {"name": f"{WINDOW}/{finding.name}", "subject": contestant.subject, "variant": contestant.variant}
        job.find(finding.model_copy(update=about))


def _incomparable(probes: Iterable[Probe], contract: Contract, task: Task, variants: Iterable[str], reason: str) -> Iterator[Finding]:
    """What the probes would have said of the champion and of the candidates' gain: no value, and why."""
    for name in (name for probe in probes for name in probe.declares(contract, task) if "*" not in name):
        about: list[tuple[Subject, str]] = [("candidate", variant) for variant in variants] if name.endswith("/gain") else [("champion", "")]
        for subject, variant in about:
            yield Finding(name=f"{WINDOW}/{name}", value=None, text=reason, subject=subject, variant=variant, severity="warning")
