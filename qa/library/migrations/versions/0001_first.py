"""The first schema: facts, articles, versions with their texts and bands, fingerprints, chunks, removals."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create every table."""
    op.create_table(
        "facts",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )
    op.create_table(
        "articles",
        sa.Column("id", sa.String(128), primary_key=True),
        sa.Column("deleted_at", sa.DateTime, nullable=True),
    )
    op.create_table(
        "versions",
        sa.Column("key", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("article_id", sa.String(128), sa.ForeignKey("articles.id"), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("text_hash", sa.String(64), nullable=False),
        sa.Column("title", sa.Text),
        sa.Column("url", sa.Text),
        sa.Column("source", sa.Text),
        sa.Column("authors", sa.Text, nullable=False),
        sa.Column("published", sa.Date),
        sa.Column("published_from", sa.String(32)),
        sa.Column("valid_from", sa.Date),
        sa.Column("valid_to", sa.Date),
        sa.Column("ingested_at", sa.DateTime, nullable=False),
        sa.Column("chunk_count", sa.Integer, nullable=False),
        sa.Column("cluster", sa.String(160), nullable=False),
        sa.UniqueConstraint("article_id", "number", name="uq_versions_article_id_number"),
    )
    op.create_index("ix_versions_published", "versions", ["published"])
    op.create_index("ix_versions_source", "versions", ["source"])
    op.create_index("ix_versions_cluster", "versions", ["cluster"])
    op.create_table(
        "texts",
        sa.Column("version_key", sa.Integer, sa.ForeignKey("versions.key"), primary_key=True),
        sa.Column("text", sa.Text, nullable=False),
    )
    op.create_table(
        "bands",
        sa.Column("band", sa.String(64), primary_key=True),
        sa.Column("version_key", sa.Integer, sa.ForeignKey("versions.key"), primary_key=True),
    )
    op.create_index("ix_bands_version_key", "bands", ["version_key"])
    op.create_table(
        "fingerprints",
        sa.Column("article_id", sa.String(128), sa.ForeignKey("articles.id"), primary_key=True),
        sa.Column("fingerprint", sa.String(64), primary_key=True),
        sa.Column("version_key", sa.Integer, sa.ForeignKey("versions.key"), nullable=False),
    )
    op.create_table(
        "chunks",
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
    op.create_index("ix_chunks_version_key_ordinal", "chunks", ["version_key", "ordinal"])
    op.create_index("ix_chunks_lexical", "chunks", ["lexical"])
    op.create_index("ix_chunks_embedded", "chunks", ["embedded"])
    op.create_index("ix_chunks_digest", "chunks", ["digest"])
    op.create_table("removals", sa.Column("chunk_id", sa.String(160), primary_key=True))


def downgrade() -> None:
    """Drop every table."""
    for table in ("removals", "chunks", "fingerprints", "bands", "texts", "versions", "articles", "facts"):
        op.drop_table(table)
