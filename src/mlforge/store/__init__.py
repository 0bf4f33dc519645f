"""Artifacts, records, the registry and the audit log."""

from __future__ import annotations

from mlforge.store.entries import (
    AuditEntry,
    KeptAlert,
    KeptSignature,
    KeptTrigger,
    KeptWindow,
    RunRecord,
    RunState,
    Signature,
    Silence,
    StageRecord,
    StageUse,
    Version,
)
from mlforge.store.lock import Taken
from mlforge.store.store import Store

__all__ = [
    "AuditEntry", "KeptAlert", "KeptSignature", "KeptTrigger", "KeptWindow", "RunRecord", "RunState", "Signature", "Silence", "StageRecord", "StageUse",
    "Store", "Taken", "Version",
]  # fmt: skip
