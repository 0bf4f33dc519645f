"""The tables, as they are in the newest schema. JSON is text with sorted keys, times are ISO 8601 in UTC."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Float, ForeignKey, ForeignKeyConstraint, Index, Integer, LargeBinary, MetaData, Table, Text, UniqueConstraint

__all__ = [
    "alerts", "aliases", "approvals", "attempts", "audit", "findings", "metadata", "runs", "signatures", "silences", "triggers", "versions", "windows",
]  # fmt: skip

metadata = MetaData()

runs = Table(
    "runs",
    metadata,
    Column("id", Text, primary_key=True),
    Column("recipe", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("smoke", Boolean, nullable=False),
    Column("actor", Text, nullable=False),
    Column("owner", Text, nullable=False),  # the process, so that a killed one's run is not shown as running
    Column("plain", Text, nullable=False),
    Column("overrides", Text, nullable=False),
    Column("started", Text, nullable=False),
    Column("ended", Text),
    Column("exit_code", Integer),
    Column("message", Text, nullable=False),
    Index("runs_by_recipe", "recipe", "id"),
)

attempts = Table(  # what became of a stage in a run
    "attempts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("run", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("stage", Text, nullable=False),
    Column("recipe", Text, nullable=False),
    Column("smoke", Boolean, nullable=False),
    Column("state", Text, nullable=False),
    Column("parts", Text, nullable=False),
    Column("outputs", Text, nullable=False),
    Column("seconds", Float),
    Column("started", Text, nullable=False),
    Column("ended", Text),
    Column("message", Text, nullable=False),
    UniqueConstraint("run", "key", name="one_attempt_per_run"),
    Index("attempts_by_key", "key", "state"),
    Index("attempts_by_stage", "recipe", "stage", "state"),
)

findings = Table(
    "findings",
    metadata,
    Column("attempt", Integer, ForeignKey("attempts.id", name="findings_attempt", ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    Column("value", Float),
    Column("body", Text, nullable=False),
    Index("findings_by_name", "name"),
)

versions = Table(
    "versions",
    metadata,
    Column("model", Text, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("bundle", Text, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("run", Text, nullable=False),
    Column("judged_against", Text),
    Column("signature", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("created", Text, nullable=False),
    Column("card", Text),
    UniqueConstraint("model", "bundle", name="one_version_per_bundle"),
)

signatures = Table(  # who has signed a version: the newest of each key
    "signatures",
    metadata,
    Column("model", Text, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("key", Text, primary_key=True),  # a public key's digest
    Column("envelope", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("created", Text, nullable=False),
)

approvals = Table(  # what people said of a verdict: only added to, and the newest of each role counts
    "approvals",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("model", Text, nullable=False),
    Column("bundle", Text, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("approved", Boolean, nullable=False),
    Column("reason", Text, nullable=False),
    Column("run", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("created", Text, nullable=False),
    Index("approvals_by_verdict", "model", "bundle", "verdict"),
)

windows = Table(  # what monitors have seen of a model version
    "windows",
    metadata,
    Column("model", Text, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("monitor", Text, primary_key=True),  # the recipe's entry
    Column("windows", Text, primary_key=True),  # as the recipe says them: "daily"
    Column("part", Text, primary_key=True),  # the group of rows; empty for all
    Column("begins", Text, primary_key=True),
    Column("reference", Text, primary_key=True),  # digest of what it was held against; empty when that is not known
    Column("writer", Text, primary_key=True),  # the server that has counted it; empty for who has looked at all rows
    Column("ends", Text, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("labels", Integer, nullable=False),
    Column("rejected", Integer, nullable=False),
    Column("profile", LargeBinary, nullable=False),
    Column("findings", Text, nullable=False),
    Column("seen", Text, nullable=False),
)

alerts = Table(
    "alerts",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("model", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("monitor", Text, nullable=False),
    Column("finding", Text, nullable=False),
    Column("part", Text, nullable=False),
    Column("windows", Text, nullable=False),
    Column("begins", Text, nullable=False),
    Column("ends", Text, nullable=False),
    Column("count", Integer, nullable=False),
    Column("severity", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("effect", Float),
    Column("measure", Text, nullable=False),
    Column("body", Text, nullable=False),  # the newest finding
    Column("told", Text, nullable=False),  # what each channel was told last
    Column("actor", Text, nullable=False),  # who has acknowledged it
    Column("reason", Text, nullable=False),
    Column("created", Text, nullable=False),
    Index("alerts_by_model", "model", "version", "state"),
)

silences = Table(
    "silences",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("model", Text, nullable=False),
    Column("finding", Text, nullable=False),  # a pattern
    Column("until", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("created", Text, nullable=False),
)

triggers = Table(  # why a model was trained again, and what came of it
    "triggers",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("model", Text, nullable=False),
    Column("key", Text, nullable=False),  # what makes it one and the same: "schedule 2026-11-23T03:00:00+00:00"
    Column("why", Text, nullable=False),  # the key of retrain.when
    Column("text", Text, nullable=False),
    Column("alert", Integer),
    Column("state", Text, nullable=False),
    Column("until", Text, nullable=False),  # up to when rows of the log count
    Column("newest", Integer, nullable=False),  # version that there was when it was begun
    Column("owner", Text, nullable=False),  # the process that works on it
    Column("tries", Integer, nullable=False),
    Column("command", Text, nullable=False),  # what follows `mlforge run`
    Column("run", Text, nullable=False),
    Column("version", Integer),
    Column("message", Text, nullable=False),
    Column("created", Text, nullable=False),
    Column("ended", Text),
    UniqueConstraint("model", "key", name="one_trigger_per_key"),
)

aliases = Table(
    "aliases",
    metadata,
    Column("model", Text, primary_key=True),
    Column("alias", Text, primary_key=True),
    Column("version", Integer, nullable=False),
    ForeignKeyConstraint(["model", "version"], ["versions.model", "versions.version"], name="aliases_version"),
)

audit = Table(
    "audit",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("time", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("event", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("details", Text, nullable=False),
    Column("previous_hash", Text, nullable=False),
    Column("hash", Text, nullable=False),
    UniqueConstraint("previous_hash", name="audit_is_one_chain"),
    UniqueConstraint("hash", name="audit_hash"),
)
