"""Make the bundles, and prove that they say what the trained model says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from mlforge.artifact import ROW, Artifact, Assignment, Bundles, Encoding, Table, Trained, frames, write_json
from mlforge.components import Exporter, Job, Model, Shipment, Stage
from mlforge.contract import Contract
from mlforge.errors import DataError, RunFailed
from mlforge.explaining.background import FILE, Background, sampled
from mlforge.finding import Finding
from mlforge.lifecycle.bundling.compressing import DECLARED as COMPRESSED
from mlforge.lifecycle.bundling.compressing import KEPT, decide
from mlforge.lifecycle.bundling.mitigating import DECLARED, decided
from mlforge.report.figures import number

if TYPE_CHECKING:
    import numpy as np

__all__ = ["Export"]


class Export(Stage):
    """Exports every variant of the bundle and measures, on the test rows, how far each is from the trained model."""

    needs: ClassVar[tuple[str, ...]] = ("contract", "model", "exporters")
    reads: ClassVar[tuple[str, ...]] = ("task", "mitigations", "compress")
    inputs: ClassVar[Mapping[str, type[Artifact]]] = {"table": Table, "assignment": Assignment, "encoding": Encoding, "trained": Trained}
    declares: ClassVar[tuple[str, ...]] = (
        "bundle/size", "parity/max_difference", "parity/mean_difference", "parity/agreement", *DECLARED, *COMPRESSED,
    )  # fmt: skip
    outputs: ClassVar[Mapping[str, type[Artifact]]] = {"bundles": Bundles}

    def headline(self, findings: Sequence[Finding]) -> str:
        """Size of the bundle that ships, and how far it is from the trained model."""
        told = {finding.name: finding for finding in reversed(findings)}
        size, parity = told["bundle/size"], told.get("parity/max_difference")
        if KEPT in told:
            return told[KEPT].text
        return f"{size.variant} {number(size.value, size.unit)}" + (f" · parity {number(parity.value)}" if parity else "")

    def run(self, job: Job) -> None:
        """Fill the draft of `bundles`; the compression contract says which variant ships, or else the first listed does."""
        from mlforge.runtime.bundle import enclose

        draft, background = job.draft("bundles"), _background(job)
        exporters, broken = job.entries("exporters", Exporter), dict[str, str]()
        for done, (variant, exporter) in enumerate(exporters.items()):
            job.progress(done, len(exporters), variant)
            shipment = Shipment(
                model=job.component("model", Model),
                trained=job.input("trained", Trained),
                encoding=job.input("encoding", Encoding),
                contract=job.contract,
                task=job.task,
                folder=draft / variant,
                smoke=job.smoke,
                rows=lambda count: _training_rows(job, count),
                aside=job.beside / variant if job.beside else None,
            )
            shipment.folder.mkdir()
            exporter.export(shipment)
            broken[variant] = _compare(job, variant, shipment, exporter)  # before lines are drawn: what is compared is the model
            if broken[variant] and (job.compress is None or variant == next(iter(exporters))):
                raise RunFailed(
                    f"exporters.{variant}: {broken[variant]}",
                    hint="The exported graph computes something else; choose another exporter, or report the model that shows it.",
                )
            decided(job, variant, shipment.folder)
            enclose(shipment.folder, FILE, background)
            _protect(job.input("table", Table), shipment.folder)
            size = sum(path.stat().st_size for path in shipment.folder.rglob("*") if path.is_file())
            job.find(Finding(name="bundle/size", value=size, unit="bytes", variant=variant, better="lower", text="size of the bundle's files"))
        ships = next(iter(exporters)) if job.compress is None else decide(job, job.compress, draft, broken).ships
        write_json(draft / "bundles.json", {"variants": list(exporters), "ships": ships})


def _background(job: Job) -> bytes:
    """What the training rows usually look like: a bundle is explained by it."""
    contract = job.contract
    columns = list(contract.having("feature"))
    rows = sampled(frames(job.input("table", Table), job.input("assignment", Assignment), "train", columns=columns), ROW)
    told = Background(columns={}) if rows is None else Background.of(rows, contract)
    return (told.model_dump_json(indent=1) + "\n").encode()


def _training_rows(job: Job, count: int) -> tuple[np.ndarray, ...]:
    """So many training rows as a network is fed them, whatever partitions they lie in."""
    from mlforge.runtime.session import Graph

    front = Graph(job.input("encoding", Encoding).folder / "front.onnx")
    rows = sampled(frames(job.input("table", Table), job.input("assignment", Assignment), "train", columns=list(front.inputs)), ROW)
    if rows is None:
        raise DataError("exporters: there are no training rows", hint="Give the split a training share.")
    return front.run(rows.head(count))


def _protect(table: Table, folder: Path) -> None:
    """What was done to the rows of the table is done to a raw row too."""
    if table.privacy:
        from pydantic import TypeAdapter

        from mlforge.runtime.bundle import protect_bundle
        from mlforge.runtime.protections import Rule

        rules = TypeAdapter(dict[str, Rule]).validate_python(table.privacy["rules"])
        protect_bundle(folder, Contract.model_validate(table.privacy["contract"]), rules)


def _compare(job: Job, variant: str, shipment: Shipment, exporter: Exporter) -> str:
    """Find how far the bundle is from the trained model; says why it is not the model, if so."""
    from mlforge.lifecycle.bundling.parity import Parity
    from mlforge.lifecycle.rows.encode import encoded_batches
    from mlforge.runtime.predictor import Predictor
    from mlforge.runtime.session import Graph

    predictor, scorer, parity = Predictor.open(shipment.folder), shipment.scorer(), Parity()
    front = Graph(shipment.encoding.folder / "front.onnx")
    assignment = job.input("assignment", Assignment)
    for rows, blocks in encoded_batches("test", job.input("table", Table), assignment, front, list(front.inputs)):
        try:
            parity.add(predictor, scorer, rows, blocks)
        except Exception as error:  # onnxruntime's errors share no class of their own
            if not type(error).__module__.startswith("onnxruntime"):
                raise
            hint = "Leave this exporter out, or report the model that shows it."
            raise RunFailed(f"exporters.{variant}: onnxruntime cannot run the bundle: {str(error)[:300]}", hint=hint) from None
    if not parity.rows:
        raise DataError("split: there are no test rows to compare the bundle on", hint="Give the split a test share.")
    for finding in parity.findings(variant, shipment.encoding.output):
        job.find(finding)
    return parity.broken(exporter, shipment.encoding.output)
