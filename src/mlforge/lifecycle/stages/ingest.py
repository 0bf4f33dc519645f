"""The stage ingest."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import ROUND_HALF_EVEN, ROUND_UP, Context, Decimal
from typing import TYPE_CHECKING, ClassVar

from mlforge.artifact import ROW, Artifact, ColumnProfiles, Quarantine, Table
from mlforge.components import Job, Protection, Source, Stage, rules_of
from mlforge.contract import Check, Contract
from mlforge.errors import DataError
from mlforge.finding import Finding
from mlforge.report.figures import number
from mlforge.runtime.protections import Pseudonym, checked, guarded

if TYPE_CHECKING:
    import polars as pl

    from mlforge.lifecycle.rows.accepts import Accepts
    from mlforge.lifecycle.rows.rejects import Rejects

__all__ = ["Ingest"]

_TOLD = 5  # reasons in an error
_ULP = 1e-12  # 3.7 % need not be 0.037 to the last bit


class Ingest(Stage):
    """Reads the source once, parts the rows that keep the contract from those that do not, protects them, and writes.

    The contract's checks look at a row as it came. What protections leave of it is all that is written: in the table, the profile and the findings.
    Quarantined rows are written without their protected, ignored and undeclared columns, where the recipe has protections.
    """

    needs: ClassVar[tuple[str, ...]] = ("source", "contract")
    reads: ClassVar[tuple[str, ...]] = ("privacy", "references", "schemas")
    outputs: ClassVar[Mapping[str, type[Artifact]]] = {"table": Table, "quarantine": Quarantine, "profile": ColumnProfiles}
    declares: ClassVar[tuple[str, ...]] = ("data/rows", "data/rejected", "data/rejected_share", "data/nulls/*", "data/expect/*")
    libraries: ClassVar[tuple[str, ...]] = ("polars", "pandera", "pyarrow")

    def external(self, job: Job) -> Mapping[str, str]:
        """Fingerprints of the source and of the tables that are referred to; which key makes the pseudonyms."""
        return _outside(job, lambda source: source.fingerprint())

    def witnessed(self, job: Job) -> Mapping[str, str]:
        """The same of what was read, where the sources know it."""
        return _outside(job, lambda source: source.witnessed())

    def headline(self, findings: Sequence[Finding]) -> str:
        """Rows, how many are in quarantine for which reasons, and what is not as expected."""
        by_name = {finding.name: finding for finding in findings}
        rejected = by_name["data/rejected"]
        reasons = ", ".join(f"{reason}: {count}" for reason, count in list(dict(rejected.evidence.get("reasons", {})).items())[:_TOLD])
        told = f"{number(by_name['data/rows'].value, 'rows')}"
        told += f" · {number(rejected.value)} quarantined ({reasons})" if rejected.value else ""
        return " · ".join([told, *(finding.text for finding in findings if finding.name.startswith("data/expect/") and finding.severity != "info")])

    def run(self, job: Job) -> None:
        """One pass in partitions of fixed size: type, judge, protect, write. Bounded memory; `unique` takes a look at its column afterwards."""
        from mlforge.lifecycle.rows.accepts import Accepts
        from mlforge.lifecycle.rows.intake import Intake
        from mlforge.lifecycle.rows.rejects import Rejects

        rules = rules_of(job.contract, job.entries("privacy", Protection))
        judged = guarded(job.contract, rules)
        shown = {name for key in judged.columns if key not in rules and judged.columns[key].role != "ignore" for name in (key, judged.real_name(key))}
        with Accepts(job.draft("table"), job.contract, rules) as accepts, Rejects(job.draft("quarantine"), shown if rules else None) as rejects:
            intake = Intake(job, judged, rules, accepts, rejects)
            for frame in _frames(job):
                intake.take(frame)
                job.progress(intake.seen, intake.seen, "rows")
            accepts.flush()
            for check in judged.checks():
                if check.rule == "unique" and accepts.rows:
                    _withdraw_repeated(check, judged, accepts, rejects)
        rejects.summarise(intake.seen)
        accepts.finish(rejects.rows)
        intake.profile.write(job.draft("profile"))
        _report(job, accepts, rejects, intake.seen)
        expected = list(intake.expectations.findings())
        for finding in expected:
            job.find(finding)
        _judge(job, accepts, rejects, intake.seen)
        intake.expectations.judge(expected)


def _outside(job: Job, told_by: Callable[[Source], str]) -> Mapping[str, str]:
    told = {"source": told_by(job.component("source", Source))}
    told |= {f"reference {entry}": told_by(source) for entry, source in job.entries("references", Source).items()}
    rules = rules_of(job.contract, job.entries("privacy", Protection))
    return told | {f"key of {key}": checked(rule.key()) for key, rule in rules.items() if isinstance(rule, Pseudonym)}


def _frames(job: Job) -> Iterator[pl.DataFrame]:
    from mlforge.lifecycle.rows.accepts import PARTITION
    from mlforge.lifecycle.rows.thinned import thinned

    source = job.component("source", Source)
    frames = source.batches(PARTITION)
    if not job.smoke:
        yield from frames
    elif (few := thinned(frames, job.contract)) is not None:
        yield few


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
    for key, column in accepts.contract.columns.items():
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
