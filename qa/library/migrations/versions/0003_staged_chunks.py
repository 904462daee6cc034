"""Chunks of a re-embedding that is under way."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create ``staged_chunks``, which has the columns of ``chunks``."""
    op.create_table(
        "staged_chunks",
        sa.Column("id", sa.String(160), primary_key=True),
        sa.Column("version_key", sa.Integer, sa.ForeignKey("versions.key"), nullable=False),
        sa.Column("ordinal", sa.Integer, nullable=False),
        sa.Column("start", sa.Integer, nullable=False),
        sa.Column("end", sa.Integer, nullable=False),
        sa.Column("tokens", sa.Integer, nullable=False),
        sa.Column("digest", sa.String(32), nullable=False),
        sa.Column("lexical", sa.Boolean, nullable=False),
        sa.Column("embedded", sa.Boolean, nullable=False),
    )
    op.create_index("ix_staged_chunks_version_key_ordinal", "staged_chunks", ["version_key", "ordinal"])
    op.create_index("ix_staged_chunks_lexical", "staged_chunks", ["lexical"])
    op.create_index("ix_staged_chunks_embedded", "staged_chunks", ["embedded"])
    op.create_index("ix_staged_chunks_digest", "staged_chunks", ["digest"])


def downgrade() -> None:
    """Drop it: a re-embedding that is half-done begins anew."""
    op.drop_table("staged_chunks")
