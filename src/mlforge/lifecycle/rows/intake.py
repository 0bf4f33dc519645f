"""What ingest does with each frame of the source."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from mlforge.artifact import ROW
from mlforge.components import Job, Schema, Source
from mlforge.contract import Contract
from mlforge.lifecycle.rows.accepts import Accepts
from mlforge.lifecycle.rows.expectations import Expectations
from mlforge.lifecycle.rows.profile import TableProfile
from mlforge.lifecycle.rows.rejects import Rejects
from mlforge.lifecycle.rows.validator import Validator
from mlforge.runtime.conform import Conformer, Plan
from mlforge.runtime.protections import Rule

__all__ = ["Intake"]


class Intake:
    """Types and judges frames; good rows go to the table, the profile and the expectations, the others to the quarantine."""

    def __init__(self, job: Job, contract: Contract, rules: Mapping[str, Rule], accepts: Accepts, rejects: Rejects) -> None:
        self.seen = 0
        self.profile = TableProfile(contract, rules)
        hidden = [key for key, column in contract.columns.items() if column.pii is not None]
        self.expectations = Expectations(contract, job.entries("references", Source), hidden)
        self._conformer = Conformer(contract)
        self._validator = Validator(job.entries("schemas", Schema))
        self._accepts, self._rejects = accepts, rejects

    def take(self, frame: pl.DataFrame) -> None:
        """One more frame, in the source's order."""
        plan, staged = self._conformer.stage(frame)
        positions = pl.int_range(self.seen, self.seen + frame.height, eager=True).alias(ROW)
        self.seen += frame.height
        bad = staged.select(plan.any_broken.alias("bad")).to_series() if plan.checks else None
        if bad is not None and bad.any():
            self._refuse(plan, staged.filter(bad), frame.filter(bad), positions.filter(bad))
            frame, staged, positions = frame.filter(~bad), staged.filter(~bad), positions.filter(~bad)
        rows = staged.select(positions, *plan.keys)
        if self._validator and rows.height:
            rows = self._validated(rows, frame)
        self.expectations.add(rows)
        self.profile.add(self._accepts.add(rows))

    def _refuse(self, plan: Plan, broken: pl.DataFrame, frame: pl.DataFrame, positions: pl.Series) -> None:
        counts = dict(zip(plan.labels(), broken.select(flag.sum() for flag in plan.flags).row(0), strict=True))
        self._rejects.add(positions, broken.select(plan.reasons).to_series(), frame, counts)

    def _validated(self, rows: pl.DataFrame, frame: pl.DataFrame) -> pl.DataFrame:
        judged = self._validator.judge(rows.drop(ROW))
        if not judged.bad.any():
            return rows
        self._rejects.add(rows[ROW].filter(judged.bad), judged.reasons, frame.filter(judged.bad), judged.counts)
        return rows.filter(~judged.bad)
