"""The stage ingest."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from decimal import ROUND_HALF_EVEN, ROUND_UP, Context, Decimal
from typing import TYPE_CHECKING, ClassVar

from mlforge.artifact import ROW, Artifact, Quarantine, Table
from mlforge.components import Job, Source, Stage
from mlforge.contract import Check, Contract
from mlforge.errors import DataError
from mlforge.finding import Finding
from mlforge.report.figures import number

if TYPE_CHECKING:
    import polars as pl

    from mlforge.lifecycle.accepts import Accepts
    from mlforge.lifecycle.rejects import Rejects
    from mlforge.lifecycle.validator import Validator
    from mlforge.runtime.conform import Plan

__all__ = ["Ingest"]

_SMOKE = 512  # rows
_TOLD = 5  # reasons in an error
_ULP = 1e-12  # 3.7 % need not be 0.037 to the last bit


class Ingest(Stage):
    """Reads the source once, and parts the rows that keep the contract from those that do not."""

    needs: ClassVar[tuple[str, ...]] = ("source", "contract")
    declares: ClassVar[tuple[str, ...]] = ("data/rows", "data/rejected", "data/rejected_share", "data/nulls/*")
    outputs: ClassVar[Mapping[str, type[Artifact]]] = {"table": Table, "quarantine": Quarantine}
    libraries: ClassVar[tuple[str, ...]] = ("polars", "pandera", "pyarrow")

    def external(self, job: Job) -> Mapping[str, str]:
        """The source's fingerprint."""
        return {"source": job.component("source", Source).fingerprint()}

    def headline(self, findings: Sequence[Finding]) -> str:
        """Rows, and how many are in quarantine for which reasons."""
        by_name = {finding.name: finding for finding in findings}
        rejected = by_name["data/rejected"]
        reasons = ", ".join(f"{reason}: {count}" for reason, count in list(dict(rejected.evidence.get("reasons", {})).items())[:_TOLD])
        told = f"{number(by_name['data/rows'].value, 'rows')}"
        return f"{told} · {number(rejected.value)} quarantined ({reasons})" if rejected.value else told

    def run(self, job: Job) -> None:
        """One pass in partitions of fixed size: type, judge, write. Bounded memory; `unique` takes a look at its column afterwards."""
        from mlforge.lifecycle.accepts import Accepts
        from mlforge.lifecycle.rejects import Rejects

        accepts = Accepts(job.draft("table"), job.contract)
        with Rejects(job.draft("quarantine")) as rejects:
            seen = _pass(job, accepts, rejects)
            for check in job.contract.checks():
                if check.rule == "unique" and accepts.rows:
                    _withdraw_repeated(check, job.contract, accepts, rejects)
        rejects.summarise(seen)
        accepts.finish(rejects.rows)
        _report(job, accepts, rejects, seen)
        _judge(job, accepts, rejects, seen)


def _pass(job: Job, accepts: Accepts, rejects: Rejects) -> int:
    from mlforge.lifecycle.validator import Validator
    from mlforge.runtime.conform import Conformer

    conformer = Conformer(job.contract)
    validator: Validator | None = None
    seen = 0
    for frame in _frames(job):
        plan, staged = conformer.stage(frame)
        if validator is None or validator.plan is not plan:
            validator = Validator(plan)
        _part(frame, staged, validator.bad(staged), seen, plan, accepts, rejects)
        seen += frame.height
        job.progress(seen, seen, "rows")
    return seen


def _frames(job: Job) -> Iterator[pl.DataFrame]:
    from mlforge.lifecycle.accepts import PARTITION

    source = job.component("source", Source)
    if not job.smoke:
        yield from source.batches(PARTITION)
        return
    for frame in source.batches(_SMOKE):
        yield frame
        return


def _part(frame: pl.DataFrame, staged: pl.DataFrame, bad: pl.Series, offset: int, plan: Plan, accepts: Accepts, rejects: Rejects) -> None:
    import polars as pl

    positions = pl.int_range(offset, offset + frame.height, eager=True).alias(ROW)
    if bad.any():
        broken = staged.filter(bad)
        counts = dict(zip(plan.labels(), broken.select(flag.sum() for flag in plan.flags).row(0), strict=True))
        rejects.add(positions.filter(bad), broken.select(plan.reasons).to_series(), frame.filter(bad), counts)
        staged, positions = staged.filter(~bad), positions.filter(~bad)
    accepts.add(staged.select(positions, *plan.keys))


def _withdraw_repeated(check: Check, contract: Contract, accepts: Accepts, rejects: Rejects) -> None:
    from mlforge.runtime.checks import label, reason

    column = contract.columns[check.column]
    repeated = accepts.repeated(check.column)
    if repeated.height:
        rows = accepts.withdraw(repeated[ROW])
        told = rows.select(reason(check, column, rows.schema[check.column])).to_series()
        told = told if len(told) == rows.height else told.new_from_index(0, rows.height)
        rejects.add(rows[ROW], told, rows.drop(ROW), {label(check, column): rows.height})


def _report(job: Job, accepts: Accepts, rejects: Rejects, seen: int) -> None:
    job.find(Finding(name="data/rows", value=accepts.rows, unit="rows", text=f"{accepts.rows:,} of {seen:,} rows keep the contract", subject="data"))
    share = rejects.rows / seen if seen else 0.0
    text = f"{rejects.rows:,} rows are in quarantine" + (f": {rejects.told(_TOLD)}" if rejects.rows else "")
    evidence = {"reasons": dict(rejects.reasons.most_common(100))}
    job.find(Finding(name="data/rejected", value=rejects.rows, unit="rows", text=text, rows=seen, better="lower", subject="data", evidence=evidence))
    job.find(Finding(name="data/rejected_share", value=share, rows=seen, better="lower", subject="data"))
    for key, column in job.contract.columns.items():
        if column.nullable and column.role != "ignore" and accepts.rows:
            text = f"{accepts.nulls[key]:,} values of {column.name or key} are missing"
            job.find(Finding(name=f"data/nulls/{key}", value=accepts.nulls[key] / accepts.rows, text=text, rows=accepts.rows, subject="data"))


def _judge(job: Job, accepts: Accepts, rejects: Rejects, seen: int) -> None:
    """Raise DataError when there is nothing to work with, or too much was rejected; the quarantine is kept where the stage works."""
    if not seen:
        raise DataError("source: there are no rows", hint="Is it the right source?")
    share, allowed = rejects.rows / seen, job.contract.max_rejected
    if accepts.rows and share <= allowed + _ULP:
        return
    kept = job.work / "quarantine"
    shutil.copytree(rejects.folder, kept, dirs_exist_ok=True)
    message = (
        f"{rejects.rows:,} of {seen:,} rows break the contract ({_percent(share)}; contract.max_rejected allows {_percent(allowed)}): {rejects.told(_TOLD)}"
    )
    hint = "Mend the rows or the contract" + (f", or allow it: contract.max_rejected={_percent(share, up=True)}" if accepts.rows else "") + "."
    raise DataError(message, hint=hint, evidence=str(kept / "rejected.parquet"))


def _percent(share: float, *, up: bool = False) -> str:
    """A share to three digits, as a recipe reads it; rounded up when it is to be an upper bound."""
    digits = Context(prec=3, rounding=ROUND_UP if up else ROUND_HALF_EVEN)
    return f"{digits.plus(Decimal(repr(share)) * 100).normalize():f}%"
