"""The catalogue's SQL schema (SQLAlchemy Core); it runs on SQLite and PostgreSQL alike.

The catalogue is the truth: vector store and lexical index are derived from it and can be rebuilt. The schema's
version is Alembic's; see ``qa/library/migrations``.
"""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# Facts about the home as a whole; see `qa.library.facts`.
facts = Table("facts", metadata, Column("name", String(64), primary_key=True), Column("value", Text, nullable=False))

articles = Table(
    "articles",
    metadata,
    Column("id", String(128), primary_key=True),
    # A tombstone: set when the article was deleted, so that ingesting it again does not bring it back.
    Column("deleted_at", DateTime, nullable=True),
)

versions = Table(
    "versions",
    metadata,
    Column("key", Integer, primary_key=True, autoincrement=True),
    Column("article_id", ForeignKey("articles.id"), nullable=False),
    # Counts from 1 in the order the versions came in.
    Column("number", Integer, nullable=False),
    Column("text_hash", String(64), nullable=False),
    Column("title", Text),
    Column("url", Text),
    Column("source", Text),
    Column("authors", Text, nullable=False),  # a JSON list
    Column("published", Date),
    Column("published_from", String(32)),
    # The instant, ISO 8601 text that begins with the day, with its offset where one was written: no column type of both
    # databases keeps offsets.
    Column("published_at", String(40)),
    Column("language", String(2)),  # ISO 639-1; null = not certain
    # The days this version is the article: valid_from <= day < valid_to; null = open.
    Column("valid_from", Date),
    Column("valid_to", Date),
    Column("ingested_at", DateTime, nullable=False),  # UTC
    Column("chunk_count", Integer, nullable=False),
    # Shared by copies of one story.
    Column("cluster", String(160), nullable=False),
    UniqueConstraint("article_id", "number"),
    Index(None, "published"),
    Index(None, "source"),
    Index(None, "cluster"),
)

# Apart from the versions, whose rows stay small: filters read thousands of those, and texts only of what is shown.
texts = Table(
    "texts",
    metadata,
    Column("version_key", ForeignKey("versions.key"), primary_key=True),
    Column("text", Text, nullable=False),
)

# Keys under which near duplicates find each other.
bands = Table(
    "bands",
    metadata,
    Column("band", String(64), primary_key=True),
    Column("version_key", ForeignKey("versions.key"), primary_key=True),
    Index(None, "version_key"),
)

# Every (article, fingerprint) ever taken in: meeting one again means there is nothing to do.
fingerprints = Table(
    "fingerprints",
    metadata,
    Column("article_id", ForeignKey("articles.id"), primary_key=True),
    Column("fingerprint", String(64), primary_key=True),
    Column("version_key", ForeignKey("versions.key"), nullable=False),
)


def _chunk_table(name: str) -> Table:
    return Table(
        name,
        metadata,
        Column("id", String(160), primary_key=True),
        Column("version_key", ForeignKey("versions.key"), nullable=False),
        Column("ordinal", Integer, nullable=False),
        Column("start", Integer, nullable=False),
        Column("end", Integer, nullable=False),
        Column("tokens", Integer, nullable=False),
        # Hash of the chunk's text: equal texts are embedded once.
        Column("digest", String(32), nullable=False),
        # Whether the lexical index and the vector store hold the chunk as it is now: the outbox of both.
        Column("lexical", Boolean, nullable=False),
        Column("embedded", Boolean, nullable=False),
        Index(None, "version_key", "ordinal"),
        Index(None, "lexical"),
        Index(None, "embedded"),
        Index(None, "digest"),
    )


chunks = _chunk_table("chunks")

# The chunks of a re-embedding that is under way, in the tokens of its model. Once all have their vectors they take the
# place of `chunks`; until then nobody sees them.
staged_chunks = _chunk_table("staged_chunks")

# Chunk ids that the lexical index and the vector store have yet to forget.
removals = Table("removals", metadata, Column("chunk_id", String(160), primary_key=True))

# Conversations of the service's callers, each under the id that its owner gave it; see `qa.library.sessions`.
sessions = Table(
    "sessions",
    metadata,
    Column("key", Integer, primary_key=True, autoincrement=True),
    Column("owner", String(128), nullable=False),  # "" where callers are not told apart
    Column("id", String(128), nullable=False),
    Column("created_at", DateTime, nullable=False),  # UTC, as all that follow
    Column("used_at", DateTime, nullable=False),
    UniqueConstraint("owner", "id"),
    Index(None, "used_at"),
)

session_turns = Table(
    "session_turns",
    metadata,
    Column("session_key", ForeignKey("sessions.key"), primary_key=True),
    # Counts from 1; the oldest go when there are too many.
    Column("number", Integer, primary_key=True),
    Column("question", Text, nullable=False),
    Column("answer", Text, nullable=False),
    Column("asked_at", DateTime, nullable=False),
)

# Ingest jobs of the service, in the order they came; see `qa.library.jobs`.
jobs = Table(
    "jobs",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("state", String(16), nullable=False),
    # Whose job it is: an idempotency key means something to its owner only.
    Column("owner", String(128), nullable=False),
    Column("idempotency_key", String(255)),
    # Hash of what was asked for, to tell a repeated request from another one under the same key.
    Column("digest", String(64), nullable=False),
    Column("request", Text, nullable=False),  # JSON, as are the next three
    Column("progress", Text, nullable=False),
    Column("report", Text),
    Column("error", Text),
    # How often it was begun: more than once after interruptions.
    Column("attempts", Integer, nullable=False),
    Column("created_at", DateTime, nullable=False),  # UTC, as are the next two
    Column("started_at", DateTime),
    Column("finished_at", DateTime),
    UniqueConstraint("owner", "idempotency_key"),
    Index(None, "state", "created_at"),
)
