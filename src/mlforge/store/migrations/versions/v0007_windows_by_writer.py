"""Who has counted a window, and what it was held against: several servers share a store."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Make the table anew, with a longer key: SQLite cannot change one."""
    op.execute("CREATE TABLE windows_before AS SELECT * FROM windows")
    op.drop_table("windows")
    op.create_table(
        "windows",
        sa.Column("model", sa.Text, primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("monitor", sa.Text, primary_key=True),
        sa.Column("windows", sa.Text, primary_key=True),
        sa.Column("part", sa.Text, primary_key=True),
        sa.Column("begins", sa.Text, primary_key=True),
        sa.Column("reference", sa.Text, primary_key=True),
        sa.Column("writer", sa.Text, primary_key=True),
        sa.Column("ends", sa.Text, nullable=False),
        sa.Column("rows", sa.Integer, nullable=False),
        sa.Column("labels", sa.Integer, nullable=False),
        sa.Column("rejected", sa.Integer, nullable=False),
        sa.Column("profile", sa.LargeBinary, nullable=False),
        sa.Column("findings", sa.Text, nullable=False),
        sa.Column("seen", sa.Text, nullable=False),
    )
    op.execute(
        "INSERT INTO windows (model, version, monitor, windows, part, begins, reference, writer, ends, rows, labels, rejected, profile, findings, seen) "
        "SELECT model, version, monitor, windows, part, begins, '', '', ends, rows, labels, rejected, profile, findings, seen FROM windows_before"
    )
    op.drop_table("windows_before")
