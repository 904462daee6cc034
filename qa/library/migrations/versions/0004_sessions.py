"""Conversations of the service's callers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create ``sessions`` and ``session_turns``."""
    op.create_table(
        "sessions",
        sa.Column("key", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("owner", sa.String(128), nullable=False),
        sa.Column("id", sa.String(128), nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("used_at", sa.DateTime, nullable=False),
        sa.UniqueConstraint("owner", "id", name="uq_sessions_owner_id"),
    )
    op.create_index("ix_sessions_used_at", "sessions", ["used_at"])
    op.create_table(
        "session_turns",
        sa.Column("session_key", sa.Integer, sa.ForeignKey("sessions.key"), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("question", sa.Text, nullable=False),
        sa.Column("answer", sa.Text, nullable=False),
        sa.Column("asked_at", sa.DateTime, nullable=False),
    )


def downgrade() -> None:
    """Drop both: conversations end."""
    op.drop_table("session_turns")
    op.drop_table("sessions")
