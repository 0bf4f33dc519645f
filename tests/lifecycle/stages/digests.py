"""Run ingest, split and inspect over a file and print the digests of what they make: `python -m tests.lifecycle.stages.digests FILE FOLDER SPLIT`."""

from __future__ import annotations

import sys
from hashlib import sha256
from pathlib import Path

import polars as pl
from tests.lifecycle.stages.job import StageJob

from mlforge.builtin.probes.balance import Balance
from mlforge.builtin.probes.duplicates import Duplicates
from mlforge.builtin.sources.csv import Csv
from mlforge.builtin.splits.random import Random
from mlforge.builtin.splits.stratified import Stratified
from mlforge.contract import Contract
from mlforge.lifecycle.stages.ingest import Ingest
from mlforge.lifecycle.stages.inspect import Inspect
from mlforge.lifecycle.stages.split import Split

CONTRACT = Contract.model_validate(
    {
        "max_rejected": 0.1,
        "columns": {
            "key": {"dtype": "int", "unique": True},
            "x": {"dtype": "float", "le": 1.9},
            "word": {"dtype": "category", "nullable": True},
            "y": {"dtype": "category", "role": "target"},
        },
    }
)


def main(file: str, folder: str, split: str) -> None:
    splitter = {"random": Random, "stratified": Stratified}[split]()
    sections = {"source": Csv(path=file), "split": splitter, "checks": {"balance": Balance(), "duplicates": Duplicates()}}
    job = StageJob(Path(folder), contract=CONTRACT, sections=sections)
    for stage in (Ingest(), Split(), Inspect()):
        job.run(stage)
    findings = "\n".join(finding.model_dump_json() for finding in job.findings)
    for name, digest in [*((port, artifact.digest) for port, artifact in job.artifacts.items()), ("findings", sha256(findings.encode()).hexdigest())]:
        sys.stdout.write(f"{name} {digest}\n")
    sys.stderr.write(f"threads {pl.thread_pool_size()}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
