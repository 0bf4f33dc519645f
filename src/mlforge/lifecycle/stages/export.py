"""Make the bundles, and prove that they say what the trained model says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from mlforge.artifact import ROW, Artifact, Assignment, Bundles, Encoding, Table, Trained, frames, write_json
from mlforge.components import Exporter, Job, Model, Shipment, Stage
from mlforge.contract import Contract
from mlforge.errors import DataError
from mlforge.explaining.background import FILE, Background, sampled
from mlforge.finding import Finding
from mlforge.lifecycle.mitigating import DECLARED, decided
from mlforge.report.figures import number

__all__ = ["Export"]


class Export(Stage):
    """Exports every variant of the bundle and measures, on the test rows, how far each is from the trained model."""

    needs: ClassVar[tuple[str, ...]] = ("contract", "model", "exporters")
    reads: ClassVar[tuple[str, ...]] = ("task", "mitigations")
    inputs: ClassVar[Mapping[str, type[Artifact]]] = {"table": Table, "assignment": Assignment, "encoding": Encoding, "trained": Trained}
    declares: ClassVar[tuple[str, ...]] = ("bundle/size", "parity/max_difference", "parity/agreement", *DECLARED)
    outputs: ClassVar[Mapping[str, type[Artifact]]] = {"bundles": Bundles}

    def headline(self, findings: Sequence[Finding]) -> str:
        """Size of the bundle that ships, and how far it is from the trained model."""
        told = {finding.name: finding for finding in reversed(findings)}
        size, parity = told["bundle/size"], told.get("parity/max_difference")
        return f"{size.variant} {number(size.value, size.unit)}" + (f" · parity {number(parity.value)}" if parity else "")

    def run(self, job: Job) -> None:
        """Fill the draft of `bundles`; the first listed variant ships."""
        from mlforge.runtime.bundle import enclose

        draft, background = job.draft("bundles"), _background(job)
        exporters = job.entries("exporters", Exporter)
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
            )
            shipment.folder.mkdir()
            exporter.export(shipment)
            _compare(job, variant, shipment)  # before lines are drawn: what is compared is the model
            decided(job, variant, shipment.folder)
            enclose(shipment.folder, FILE, background)
            _protect(job.input("table", Table), shipment.folder)
            size = sum(path.stat().st_size for path in shipment.folder.rglob("*") if path.is_file())
            job.find(Finding(name="bundle/size", value=size, unit="bytes", variant=variant, better="lower", text="size of the bundle's files"))
        write_json(draft / "bundles.json", {"variants": list(exporters), "ships": next(iter(exporters))})


def _background(job: Job) -> bytes:
    """What the training rows usually look like: a bundle is explained by it."""
    contract = job.contract
    columns = list(contract.having("feature"))
    rows = sampled(frames(job.input("table", Table), job.input("assignment", Assignment), "train", columns=columns), ROW)
    told = Background(columns={}) if rows is None else Background.of(rows, contract)
    return (told.model_dump_json(indent=1) + "\n").encode()


def _protect(table: Table, folder: Path) -> None:
    """What was done to the rows of the table is done to a raw row too."""
    if table.privacy:
        from pydantic import TypeAdapter

        from mlforge.runtime.bundle import protect_bundle
        from mlforge.runtime.protections import Rule

        rules = TypeAdapter(dict[str, Rule]).validate_python(table.privacy["rules"])
        protect_bundle(folder, Contract.model_validate(table.privacy["contract"]), rules)


def _compare(job: Job, variant: str, shipment: Shipment) -> None:
    from mlforge.lifecycle.encode import encoded_batches
    from mlforge.lifecycle.parity import Parity
    from mlforge.runtime.predictor import Predictor
    from mlforge.runtime.session import Graph

    predictor, scorer, parity = Predictor.open(shipment.folder), shipment.scorer(), Parity()
    front = Graph(shipment.encoding.folder / "front.onnx")
    assignment = job.input("assignment", Assignment)
    for rows, blocks in encoded_batches("test", job.input("table", Table), assignment, front, list(front.inputs)):
        parity.add(predictor, scorer, rows, blocks)
    if not parity.rows:
        raise DataError("split: there are no test rows to compare the bundle on", hint="Give the split a test share.")
    for finding in parity.findings(variant, shipment.encoding.output):
        job.find(finding)
