"""Turn the findings into a verdict."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar

from mlforge.artifact import Artifact, Bundles, Verdict, write_json
from mlforge.components import Gate as Rule
from mlforge.components import Job, Ruling, Stage
from mlforge.finding import Finding, Subject
from mlforge.lifecycle.bundling.compressing import KEPT, Decision
from mlforge.report.verdict import brief

__all__ = ["Gate", "Recorded"]


class Recorded:
    """The findings of the earlier stages, as gates ask for them."""

    def __init__(self, findings: Iterable[Finding], ships: str, champion: str | None) -> None:
        self._found: dict[tuple[Subject, str], Finding] = {}
        for finding in findings:
            if finding.variant in ("", ships):
                self._found[finding.subject, finding.name] = finding
        self._champion = champion

    def get(self, name: str, subject: Subject = "candidate") -> Finding | None:
        """The finding of that name; of the candidate, that about the variant that ships."""
        return self._found.get((subject, name))

    def volatile(self, name: str) -> bool:
        """Is a finding of that name one of those that are never the same twice."""
        return any(finding.volatile for (_, one), finding in self._found.items() if one == name)

    @property
    def champion(self) -> str | None:
        """ "adult 3", or None."""
        return self._champion


class Gate(Stage):
    """Asks every gate about the findings, and writes down what it said; saying no is a result, not a failure."""

    needs: ClassVar[tuple[str, ...]] = ("gates",)
    reads: ClassVar[tuple[str, ...]] = ("task", "champion")
    inputs: ClassVar[Mapping[str, type[Artifact]]] = {"bundles": Bundles}
    outputs: ClassVar[Mapping[str, type[Artifact]]] = {"verdict": Verdict}
    gathers: ClassVar[bool] = True

    def headline(self, findings: Sequence[Finding]) -> str:
        """How many rules were kept; those that were not, in words."""
        broken = [finding for finding in findings if finding.severity == "critical"]
        waiting = sum(finding.severity == "warning" for finding in findings)
        told = f"refused by {len(broken)} of {len(findings)}" if broken else f"passed {len(findings) - waiting} of {len(findings)}"
        return f"{told}  {' · '.join(str(finding.evidence['brief']) for finding in broken or findings)}"

    def run(self, job: Job) -> None:
        """One ruling after the other, in the recipe's order."""
        champion = f"{job.champion.model} {job.champion.version}" if job.champion else None
        evidence = Recorded(job.evidence(), job.input("bundles", Bundles).ships, champion)
        rulings = [ruling for entry, rule in job.entries("gates", Rule).items() for ruling in rule.judge(entry, evidence, job.task)]
        rulings += _compressed(job, evidence)
        passed = bool(rulings) and all(ruling.passed for ruling in rulings)
        volatile = {ruling.rule for ruling in rulings if evidence.volatile(ruling.finding)}
        kept = [ruling.lasting() if ruling.rule in volatile else ruling for ruling in rulings]
        write_json(job.draft("verdict") / "verdict.json", {"passed": passed, "rulings": [ruling.model_dump() for ruling in kept]})
        for ruling in rulings:
            job.find(_finding(ruling, volatile=ruling.rule in volatile))


def _compressed(job: Job, evidence: Recorded) -> list[Ruling]:
    """What the compression contract says, where the bundles were made under one: as it was decided with them."""
    decision = Decision.read(job.input("bundles", Bundles).folder)
    if decision is None:
        return []
    told = evidence.get(KEPT)
    return [
        Ruling(rule="compress", passed=decision.kept, finding=KEPT, value=float(decision.kept), bound="= 1", text=told.text.partition(" (")[0] if told else "")
    ]


def _finding(ruling: Ruling, *, volatile: bool) -> Finding:
    """How far on the right side a ruling was: what a trend over runs shows before a gate closes. A volatile one is kept whole here, and here alone."""
    return Finding(
        name=f"gate/{ruling.rule}",
        value=ruling.margin,
        text=ruling.text,
        better="higher",
        severity="info" if ruling.passed else "warning" if ruling.role else "critical",
        volatile=volatile,
        evidence={"brief": brief(ruling)} | ({"ruling": ruling.model_dump()} if volatile else {}),
    )
