"""Versions get the instant of publication and the language; both stay null for articles taken in before."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add both columns."""
    op.add_column("versions", sa.Column("published_at", sa.String(40)))
    op.add_column("versions", sa.Column("language", sa.String(2)))


def downgrade() -> None:
    """Drop both columns."""
    with op.batch_alter_table("versions") as versions:
        versions.drop_column("language")
        versions.drop_column("published_at")
