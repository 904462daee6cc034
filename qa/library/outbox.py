"""The outbox: what lexical index and vector store still have to do, kept in the catalogue with what it is about.

It is written in the transaction that makes the work (``qa.library.recording``) and crossed off once the work is done,
so that a process killed in between leaves the work to be done again, never undone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, Table, delete, func, insert, select, update

from qa.library.catalog import StoredChunk, stored_chunks
from qa.library.database import Database, batches
from qa.library.facts import bump_revision
from qa.library.tables import chunks, removals


def enqueue_removals(connection: Connection, ids: Sequence[str]) -> None:
    """Have the derived stores forget these chunks."""
    for some in batches(ids):
        connection.execute(delete(removals).where(removals.c.chunk_id.in_(some)))
        connection.execute(insert(removals), [{"chunk_id": one} for one in some])


class Outbox:
    """The outbox of the chunks in the table ``of``: those that serve, or those of a re-embedding."""

    def __init__(self, database: Database, of: Table = chunks) -> None:
        self._database = database
        self._chunks = of

    def pending_lexical(self, limit: int) -> list[StoredChunk]:
        """Chunks the lexical index does not hold as they are now, oldest first."""
        with self._database.begin() as connection:
            return stored_chunks(connection, self._chunks.c.lexical.is_(False), limit, of=self._chunks)

    def pending_embedding(self, limit: int) -> list[StoredChunk]:
        """Chunks without a vector, oldest first: the backlog."""
        with self._database.begin() as connection:
            return stored_chunks(connection, self._chunks.c.embedded.is_(False), limit, of=self._chunks)

    def backlog(self) -> int:
        """How many chunks have no vector yet."""
        query = select(func.count()).select_from(self._chunks).where(self._chunks.c.embedded.is_(False))
        with self._database.begin() as connection:
            return int(connection.execute(query).scalar_one())

    def embedded_twins(self, digests: Sequence[str]) -> dict[str, str]:
        """For each digest that some chunk with a vector has: the id of one such chunk."""
        one = self._chunks.c
        twins: dict[str, str] = {}
        with self._database.begin() as connection:
            for some in batches(digests):
                query = select(one.digest, func.min(one.id).label("id")).group_by(one.digest)
                for row in connection.execute(query.where(one.digest.in_(some), one.embedded)):
                    twins[row.digest] = row.id
        return twins

    def mark(self, ids: Iterable[str], *, lexical: bool | None = None, embedded: bool | None = None) -> None:
        """Record what the derived stores hold now (or, given False, no longer hold)."""
        values = {name: value for name, value in (("lexical", lexical), ("embedded", embedded)) if value is not None}
        with self._database.begin() as connection:
            for some in batches(list(ids)):
                connection.execute(update(self._chunks).where(self._chunks.c.id.in_(some)).values(**values))
            if self._chunks is chunks:
                bump_revision(connection, versions_changed=False)

    def ids(self) -> dict[str, tuple[bool, bool]]:
        """Every chunk id with (lexical, embedded)."""
        one = self._chunks.c
        with self._database.begin() as connection:
            rows = connection.execute(select(one.id, one.lexical, one.embedded))
            return {row.id: (row.lexical, row.embedded) for row in rows}

    def pending_removals(self) -> list[str]:
        """Chunk ids the derived stores have yet to forget."""
        with self._database.begin() as connection:
            return list(connection.execute(select(removals.c.chunk_id)).scalars())

    def removed(self, ids: Sequence[str]) -> None:
        """The derived stores have forgotten these."""
        with self._database.begin() as connection:
            for some in batches(ids):
                connection.execute(delete(removals).where(removals.c.chunk_id.in_(some)))
            bump_revision(connection, versions_changed=False)
