"""A re-embedding in the catalogue: its chunks are staged, get their vectors, and take the others' place in one step.

The chunks that serve and their vectors are not touched before that step. What is ingested meanwhile is staged when the
re-embedding goes on, what is deleted is deleted from both.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from sqlalchemy import ColumnElement, Connection, Table, delete, exists, func, insert, select, update

from qa.errors import EmbeddingMismatchError
from qa.library import facts
from qa.library.database import Database, batches
from qa.library.outbox import Outbox, enqueue_removals
from qa.library.tables import chunks, staged_chunks, texts, versions
from qa.models import Chunk, text_digest

_PAGE = 64
"""Versions read, cut and staged together."""


@dataclass(frozen=True, slots=True)
class Target:
    """What vectors are to be: of which ``model``, by which ``backend`` (as the settings name it, ``auto`` for any), of
    chunks of at most so many ``tokens``."""

    model: str
    backend: str
    tokens: int


@dataclass(frozen=True, slots=True)
class Change:
    """A re-embedding that is under way.

    ``generation`` names the vectors that are being made, ``used`` what computed them so far ("" when there are none).
    """

    target: Target
    generation: str
    used: str = ""


@dataclass(frozen=True, slots=True)
class StagedText:
    """A version whose chunks are not staged yet. ``id`` is "ARTICLE.VERSION", what its chunks' ids begin with."""

    key: int
    id: str
    text: str


def new_generation() -> str:
    """A name for vectors that are to be made; no other home on the same Chroma server will come upon it."""
    return secrets.token_hex(4)


def change_of(known: Mapping[str, str]) -> Change | None:
    """The re-embedding that is under way going by a home's facts, None when none is."""
    if (told := known.get(facts.REEMBEDDING)) is None:
        return None
    fields = json.loads(told)
    return Change(Target(**fields.pop("target")), **fields)


class Staging:
    """Reads and writes of a re-embedding."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.outbox = Outbox(database, staged_chunks)

    def change(self) -> Change | None:
        """The re-embedding that is under way, None when none is."""
        with self._database.begin() as connection:
            return change_of(facts.read_facts(connection))

    def check(self, where: Path, asked: str) -> None:
        """Raise ``EmbeddingMismatchError`` unless the vectors that serve in the home ``where`` are of model ``asked``.

        It says what is under way and what to do about it. Nothing is raised while there is no model yet.
        """
        with self._database.begin() as connection:
            known = facts.read_facts(connection)
        serving, change = known.get(facts.MODEL), change_of(known)
        if serving in (None, asked):
            return
        message = f"{where} holds vectors of {serving}; DATELINE_EMBEDDING_MODEL is {asked}"
        hint = f"Set DATELINE_EMBEDDING_MODEL={serving}, or change over to {asked} with `dateline ingest --reembed`."
        if change is not None:
            done, total = self.progress()
            message += f". It is being re-embedded with {change.target.model}: {done} of {total} passages are done"
            if change.target.model == asked:
                hint = (
                    f"Until that is complete set DATELINE_EMBEDDING_MODEL={serving}. It goes on while `dateline ingest"
                    " --reembed` runs; if that was stopped, run it again."
                )
        raise EmbeddingMismatchError(message, hint=hint)

    def begin(self, change: Change) -> None:
        """Record that one is under way."""
        with self._database.begin() as connection:
            _record(connection, change)

    def note_used(self, used: str) -> None:
        """Record what has computed the new vectors so far."""
        with self._database.begin() as connection:
            change = change_of(facts.read_facts(connection))
            if change is not None and change.used != used:
                _record(connection, replace(change, used=used))

    def progress(self) -> tuple[int, int]:
        """How many chunks have their new vector, of how many; of versions not staged yet the present ones count."""
        unstaged = select(func.coalesce(func.sum(versions.c.chunk_count), 0)).where(~_is_staged())
        with self._database.begin() as connection:
            done, total = _staged(connection)
            return done, total + int(connection.execute(unstaged).scalar_one())

    def staged(self) -> tuple[int, int]:
        """How many staged chunks have their new vector, of how many."""
        with self._database.begin() as connection:
            return _staged(connection)

    def unstaged(self) -> int:
        """How many versions have chunks that are not staged yet."""
        query = select(func.count()).select_from(versions).where(~_is_staged(), versions.c.chunk_count > 0)
        with self._database.begin() as connection:
            return int(connection.execute(query).scalar_one())

    def to_stage(self) -> Iterator[list[StagedText]]:
        """The versions that are not staged yet, some at a time, in the order they came in."""
        last = 0
        while True:
            query = select(versions.c.key, versions.c.article_id, versions.c.number, texts.c.text)
            query = query.join(texts, texts.c.version_key == versions.c.key).where(versions.c.key > last, ~_is_staged())
            with self._database.begin() as connection:
                rows = connection.execute(query.order_by(versions.c.key).limit(_PAGE)).all()
            if not rows:
                return
            last = rows[-1].key
            yield [StagedText(row.key, f"{row.article_id}.{row.number}", row.text) for row in rows]

    def stage(self, cut: Sequence[tuple[StagedText, Sequence[Chunk]]]) -> None:
        """Keep the chunks that these versions are cut into."""
        rows = [
            {
                "id": f"{version.id}.{chunk.ordinal}", "version_key": version.key, "ordinal": chunk.ordinal,
                "start": chunk.start, "end": chunk.end, "tokens": chunk.tokens, "lexical": False, "embedded": False,
                "digest": text_digest(version.text[chunk.start : chunk.end]),
            }
            for version, parts in cut
            for chunk in parts
        ]  # fmt: skip
        with self._database.begin() as connection:
            for some in batches(rows):
                connection.execute(insert(staged_chunks), list(some))

    def compare(self, held: set[str]) -> tuple[set[str], set[str]]:
        """Given the ids that have a new vector: those of chunks that should be among them, those of no staged chunk."""
        staged = self.outbox.ids()
        return {one for one, (_, embedded) in staged.items() if embedded and one not in held}, held - staged.keys()

    def recut(self) -> int:
        """How many versions are staged in other chunks than they have now."""
        keys: set[int] = set()
        with self._database.begin() as connection:
            for one, other in ((chunks, staged_chunks), (staged_chunks, chunks)):
                keys.update(connection.execute(select(one.c.version_key).where(~_same_in(one, other))).scalars())
        return len(keys)

    def switch(self) -> Change:
        """Let the staged chunks and their vectors serve: one transaction, seen whole or not at all.

        What the lexical index has to do follows from its outbox, what served until now is retired. Everything must be
        staged and have its vector.
        """
        with self._database.begin() as connection:
            known = facts.read_facts(connection)
            change = change_of(known)
            assert change is not None, "no re-embedding is under way"
            gone = select(chunks.c.id).where(chunks.c.id.not_in(select(staged_chunks.c.id)))
            enqueue_removals(connection, list(connection.execute(gone).scalars()))
            # A chunk that stays what it is need not be read into the lexical index again.
            stays = _same_in(staged_chunks, chunks, lexical=True)
            connection.execute(update(staged_chunks).where(stays).values(lexical=True))
            connection.execute(delete(chunks))
            names = [column.name for column in chunks.c]
            connection.execute(insert(chunks).from_select(names, select(staged_chunks)))
            count = select(func.count()).select_from(staged_chunks).where(staged_chunks.c.version_key == versions.c.key)
            connection.execute(update(versions).values(chunk_count=count.scalar_subquery()))
            facts.set_fact(connection, facts.MODEL, change.target.model)
            facts.set_fact(connection, facts.BACKEND, change.used)
            facts.set_fact(connection, facts.VECTORS, change.generation)
            _end(connection, retire=known.get(facts.VECTORS, ""))
            facts.bump_revision(connection)
        return change

    def drop(self) -> None:
        """Give up a re-embedding that is under way."""
        with self._database.begin() as connection:
            change = change_of(facts.read_facts(connection))
            if change is not None:
                _end(connection, retire=change.generation)

    def begin_anew(self) -> None:
        """Let a re-embedding that is under way embed all anew: its vectors are lost."""
        with self._database.begin() as connection:
            change = change_of(facts.read_facts(connection))
            if change is not None:
                connection.execute(update(staged_chunks).values(embedded=False))
                _retire(connection, change.generation)
                _record(connection, Change(change.target, new_generation()))

    def serve_anew(self) -> str:
        """Let all chunks that serve wait for a vector in a generation of its own, which is named: theirs are lost."""
        generation = new_generation()
        with self._database.begin() as connection:
            _retire(connection, facts.read_facts(connection).get(facts.VECTORS, ""))
            connection.execute(update(chunks).values(embedded=False))
            facts.set_fact(connection, facts.VECTORS, generation)
            facts.drop_fact(connection, facts.BACKEND)
            facts.bump_revision(connection)
        return generation

    def retired(self) -> list[str]:
        """Generations of vectors that serve no more and are still there."""
        with self._database.begin() as connection:
            return _retired(connection)

    def removed(self, generation: str) -> None:
        """A retired generation is gone."""
        with self._database.begin() as connection:
            left = [one for one in _retired(connection) if one != generation]
            facts.set_fact(connection, facts.RETIRED, json.dumps(left))


def _staged(connection: Connection) -> tuple[int, int]:
    one = staged_chunks.c
    query = select(func.count().filter(one.embedded).label("done"), func.count().label("total"))
    row = connection.execute(query.select_from(staged_chunks)).one()
    return int(row.done), int(row.total)


def _record(connection: Connection, change: Change) -> None:
    facts.set_fact(connection, facts.REEMBEDDING, json.dumps(asdict(change)))


def _retired(connection: Connection) -> list[str]:
    found: list[str] = json.loads(facts.read_facts(connection).get(facts.RETIRED, "[]"))
    return found


def _retire(connection: Connection, generation: str) -> None:
    facts.set_fact(connection, facts.RETIRED, json.dumps([*_retired(connection), generation]))


def _end(connection: Connection, *, retire: str) -> None:
    _retire(connection, retire)
    facts.drop_fact(connection, facts.REEMBEDDING)
    connection.execute(delete(staged_chunks))


def _is_staged() -> ColumnElement[bool]:
    return exists().where(staged_chunks.c.version_key == versions.c.key)


def _same_in(one: Table, other: Table, *, lexical: bool = False) -> ColumnElement[bool]:
    """Whether ``other`` has the chunk of ``one`` with the same span (``lexical``: and in the lexical index)."""
    same = [one.c[name] == other.c[name] for name in ("id", "start", "end")]
    return exists().where(*same, *([other.c.lexical] if lexical else []))
