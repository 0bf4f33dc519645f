"""Artifacts, records, the registry and the audit log."""

from __future__ import annotations

from mlforge.store.entries import AuditEntry, KeptWindow, RunRecord, RunState, Signature, StageRecord, StageUse, Version
from mlforge.store.store import Store

__all__ = ["AuditEntry", "KeptWindow", "RunRecord", "RunState", "Signature", "StageRecord", "StageUse", "Store", "Version"]
