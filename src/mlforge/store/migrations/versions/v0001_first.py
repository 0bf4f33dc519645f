"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create everything."""
    op.create_table(
        "runs",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("recipe", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("smoke", sa.Boolean, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("plain", sa.Text, nullable=False),
        sa.Column("overrides", sa.Text, nullable=False),
        sa.Column("started", sa.Text, nullable=False),
        sa.Column("ended", sa.Text),
        sa.Column("exit_code", sa.Integer),
        sa.Column("message", sa.Text, nullable=False),
    )
    op.create_index("runs_by_recipe", "runs", ["recipe", "id"])
    op.create_table(
        "attempts",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("run", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("stage", sa.Text, nullable=False),
        sa.Column("recipe", sa.Text, nullable=False),
        sa.Column("smoke", sa.Boolean, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("parts", sa.Text, nullable=False),
        sa.Column("outputs", sa.Text, nullable=False),
        sa.Column("seconds", sa.Float),
        sa.Column("started", sa.Text, nullable=False),
        sa.Column("ended", sa.Text),
        sa.Column("message", sa.Text, nullable=False),
        sa.UniqueConstraint("run", "key", name="one_attempt_per_run"),
    )
    op.create_index("attempts_by_key", "attempts", ["key", "state"])
    op.create_index("attempts_by_stage", "attempts", ["recipe", "stage", "state"])
    op.create_table(
        "findings",
        sa.Column("attempt", sa.Integer, sa.ForeignKey("attempts.id", name="findings_attempt", ondelete="CASCADE"), primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("value", sa.Float),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_index("findings_by_name", "findings", ["name"])
    op.create_table(
        "versions",
        sa.Column("model", sa.Text, primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("bundle", sa.Text, nullable=False),
        sa.Column("verdict", sa.Text, nullable=False),
        sa.Column("run", sa.Text, nullable=False),
        sa.Column("judged_against", sa.Text),
        sa.Column("signature", sa.Text, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("created", sa.Text, nullable=False),
        sa.UniqueConstraint("model", "bundle", name="one_version_per_bundle"),
    )
    op.create_table(
        "aliases",
        sa.Column("model", sa.Text, primary_key=True),
        sa.Column("alias", sa.Text, primary_key=True),
        sa.Column("version", sa.Integer, nullable=False),
        sa.ForeignKeyConstraint(["model", "version"], ["versions.model", "versions.version"], name="aliases_version"),
    )
    op.create_table(
        "audit",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("time", sa.Text, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("details", sa.Text, nullable=False),
        sa.Column("previous_hash", sa.Text, nullable=False),
        sa.Column("hash", sa.Text, nullable=False),
        sa.UniqueConstraint("previous_hash", name="audit_is_one_chain"),
        sa.UniqueConstraint("hash", name="audit_hash"),
    )
