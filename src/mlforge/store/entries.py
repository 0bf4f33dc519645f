"""What the store answers with: plain frozen records that know nothing of SQL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from mlforge.finding import Finding, Severity

__all__ = [
    "AlertState",
    "AuditEntry",
    "KeptAlert",
    "KeptSignature",
    "KeptTrigger",
    "KeptWindow",
    "Move",
    "RunRecord",
    "RunState",
    "Signature",
    "Silence",
    "StageRecord",
    "StageState",
    "StageUse",
    "TriggerState",
    "Version",
]

RunState = Literal["running", "done", "failed", "refused", "waiting", "interrupted"]
StageState = Literal["running", "done", "reused", "failed"]
TriggerState = Literal["begun", "done", "refused", "waiting", "failed"]
AlertState = Literal["open", "acknowledged", "over"]


@dataclass(frozen=True, slots=True)
class Version:
    """A version of a model: a bundle, the verdict on it, and the run that made both."""

    model: str
    version: int  # from 1, without gaps
    bundle: str  # digest of the `Bundles` artifact
    verdict: str  # digest of the `Verdict` artifact
    run: str
    judged_against: str | None  # digest of the champion's `Bundles` with which it was compared
    created: str  # ISO 8601, UTC
    aliases: tuple[str, ...] = ()
    card: str | None = None  # digest of the `Card` artifact

    def __str__(self) -> str:
        return f"{self.model} {self.version}"

    def details(self, bundle: Path | None, alias: str, **more: object) -> dict[str, object]:
        """What plugins are told when an alias comes to point at it; `bundle` is where its files lie, None where they are not on this machine."""
        told = {"model": self.model, "version": self.version, "aliases": list(self.aliases), "run": self.run, "digest": self.bundle}
        return told | {"bundle": str(bundle) if bundle else None, "alias": alias} | more


@dataclass(frozen=True, slots=True)
class Move:
    """An alias came to point at a version."""

    version: int
    before: int | None  # where it pointed until then; None for the first
    event: str  # of the audit log: "registered" as the first, "alias" when it was promoted, "rolled_back"
    reason: str
    actor: str
    time: str  # ISO 8601, UTC

    @property
    def rolled_back(self) -> bool:
        """Did it go back."""
        return self.event == "rolled_back"


@dataclass(frozen=True, slots=True)
class Signature:
    """What somebody said of one verdict on one bundle, in a role."""

    model: str
    bundle: str  # digest of the `Bundles` artifact
    verdict: str  # digest of the `Verdict` artifact
    role: str
    approved: bool  # or rejected
    reason: str
    run: str  # that waited for it
    actor: str
    created: str  # ISO 8601, UTC


@dataclass(frozen=True, slots=True)
class KeptSignature:
    """That a version's bundle was signed with a key."""

    model: str
    version: int
    key: str  # a public key's digest
    envelope: str  # see mlforge.signing.envelope
    actor: str
    created: str  # ISO 8601, UTC


@dataclass(frozen=True, slots=True)
class KeptWindow:
    """What one monitor has seen of a stretch of time, and what it said at its end."""

    model: str
    version: int
    monitor: str  # the recipe's entry
    windows: str  # as the recipe says them: "daily"
    part: str  # the group of rows; empty for all
    begins: str  # ISO 8601, UTC
    ends: str
    rows: int
    labels: int  # rows of them whose label has arrived
    rejected: int  # rows of them that broke the contract
    profile: bytes  # see mlforge.reference.pack
    findings: tuple[Finding, ...]  # of the window that ends here; those that are no "info" are alarms
    seen: str = ""  # when this was written; ISO 8601, UTC
    reference: str = ""  # digest of what it was held against; profiles of others are cut in other places
    writer: str = ""  # the server that has counted it, beside others; empty for who has looked at all rows


@dataclass(frozen=True, slots=True)
class KeptAlert:
    """One stretch of windows in which one finding alarmed: told once, however many there are."""

    number: int  # from 1, in this store
    model: str
    version: int
    monitor: str  # the recipe's entry
    finding: str  # its name
    part: str  # the group of rows; empty for all
    windows: str  # "daily windows"
    begins: str  # of the first window that alarmed; ISO 8601, UTC
    ends: str  # of the last
    count: int  # windows that alarmed
    severity: Severity
    state: AlertState
    effect: float | None  # estimated loss of performance, as a share of what it was
    measure: str  # "estimated/accuracy 0.91 → 0.84"
    newest: Finding
    told: Mapping[str, str] = field(default_factory=dict)  # channel → what it was told last: a severity, or "over"
    actor: str = ""  # who has acknowledged it
    reason: str = ""
    created: str = ""


@dataclass(frozen=True, slots=True)
class Silence:
    """Of what nobody is told for a while."""

    model: str
    finding: str  # a pattern: live/drift/*
    until: str  # ISO 8601, UTC
    reason: str
    actor: str
    created: str


@dataclass(frozen=True, slots=True)
class KeptTrigger:
    """Why a model is trained again, written down before anything is done about it, and what came of it."""

    number: int  # from 1, in this store
    model: str
    key: str  # what makes it one and the same: nobody begins it twice
    why: str  # the key of retrain.when: drift, performance, schedule, labels, rows
    text: str  # in a sentence
    until: str  # up to when rows of the log count; ISO 8601, UTC
    newest: int = 0  # version that there was when it was begun
    alert: int | None = None
    state: TriggerState = "begun"
    owner: str = ""  # the process that works on it
    tries: int = 1
    command: tuple[str, ...] = ()  # what follows `mlforge run`
    run: str = ""
    version: int | None = None  # that was registered
    message: str = ""  # what came of it
    created: str = ""
    ended: str | None = None


@dataclass(frozen=True, slots=True)
class StageRecord:
    """What is known of a stage's key: the newest attempt that succeeded, else the newest."""

    key: str
    stage: str
    recipe: str
    state: StageState
    parts: Mapping[str, str]  # what the key was made of, by name
    outputs: Mapping[str, str]  # port → digest
    seconds: float | None
    run: str


@dataclass(frozen=True, slots=True)
class StageUse:
    """What became of a stage in one run."""

    name: str
    key: str
    state: StageState
    outputs: Mapping[str, str]
    seconds: float | None  # of the work itself: for a reused stage, of the run that did it
    message: str = ""


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One run of a recipe."""

    id: str
    recipe: str
    state: RunState
    smoke: bool
    actor: str
    plain: Mapping[str, Any]  # the composed recipe, secrets masked
    overrides: tuple[str, ...]
    started: str  # ISO 8601, UTC
    ended: str | None
    exit_code: int | None
    message: str
    stages: tuple[StageUse, ...] = ()


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One line of the audit log; `hash` covers everything else, `previous_hash` included."""

    number: int
    time: str
    actor: str
    event: str
    subject: str
    details: Mapping[str, Any]
    previous_hash: str
    hash: str
