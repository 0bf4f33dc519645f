"""A small project whose components come from its own plugin: cheap to run, and free to edit."""

from __future__ import annotations

import pytest

from mlforge.testing.project import TestProject

PLUGIN = """
from mlforge.hookspecs import hookimpl


@hookimpl
def mlforge_components():
    return {"source/sine": "waves.parts:Sine", "checks/mean": "waves.probe:Mean", "stages/echo": "waves.stage:Echo"}
"""
PARTS = '''
from pydantic import Field
from mlforge.components import Source
from waves.shape import wave


class Sine(Source):
    """A sine wave with a label."""

    rows: int = Field(default=200, gt=0, description="how many rows")
    scale: float = Field(default=1.0, description="height of the wave")

    def fingerprint(self) -> str:
        return f"sine {self.rows}"

    def scan(self):
        import polars as pl

        return pl.LazyFrame(wave(self.rows, self.scale))
'''
SHAPE = """
import math


def wave(rows, scale):
    return {"x": [scale * math.sin(i) for i in range(rows)], "up": ["yes" if math.sin(i) > 0 else "no" for i in range(rows)]}
"""
PROBE = '''
from mlforge.components import Probe
from mlforge.finding import Finding
from mlforge.window import Profile


class Mean(Probe):
    """The mean of x."""

    def declares(self, contract, task):
        return ["mean"]

    def summarise(self, window):
        import polars as pl

        return Profile({"sums": window.rows.select(total=pl.col("x").sum(), rows=pl.len())})

    def merge(self, one, other):
        import polars as pl

        return Profile({"sums": pl.concat([one.tables["sums"], other.tables["sums"]]).sum()})

    def findings(self, profile, reference):
        sums = profile.tables["sums"]
        yield Finding(name="mean", value=sums["total"][0] / sums["rows"][0], subject="data")
'''
STAGE = '''
import os
from pathlib import Path
from typing import ClassVar
from pydantic import Field
from mlforge.artifact import Artifact, Table
from mlforge.components import Stage
from mlforge.errors import RunFailed


class Echo(Stage):
    """Says how many rows there are; can be told to fail or to take its time."""

    inputs: ClassVar = {"table": Table}
    outputs: ClassVar = {"echo": Artifact}

    def run(self, job):
        log = os.environ.get("ECHO_LOG")
        tries = 0
        if log:
            with open(log, "a") as file:
                file.write("try\\n")
            tries = len(Path(log).read_text().split())
        if tries and tries <= int(os.environ.get("ECHO_FAILURES", "0")):
            raise RunFailed(f"echo failed at try {tries}")
        while os.environ.get("ECHO_HANGS"):
            pass
        (job.draft("echo") / "rows.txt").write_text(str(job.input("table", Table).rows))
'''
RECIPE = """
    # Waves, for tests.
    mlforge: 1
    defaults:
      - lifecycle
      - source: sine
      - split: stratified
      - checks: [mean]
      - _self_
    name: waves
    task: classification
    contract:
      columns:
        x: {dtype: float}
        up: {dtype: category, role: target, positive: "yes"}
"""


@pytest.fixture
def waves(project: TestProject) -> TestProject:
    """A project with a plugin of its own and a recipe that ingests, splits, inspects, and runs the plugin's stage."""
    files = {"__init__": PLUGIN, "parts": PARTS, "shape": SHAPE, "probe": PROBE, "stage": STAGE, "unrelated": "X = 1\n"}
    project.write({f"waves/{name}.py": text for name, text in files.items()} | {"mlforge.toml": 'plugins = ["waves"]\n'})
    return project.write(waves=RECIPE)
