"""The catalogue, written: articles become versions, versions get their validity, chunks wait in the outbox.

Everything here happens in transactions of the caller's ``Database``; lexical index and vector store are brought in
step afterwards by ``qa.library.index``, which reads the outbox: ``chunks.lexical``, ``chunks.embedded``, ``removals``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Literal

from sqlalchemy import Connection, and_, delete, func, insert, select, update

from qa.errors import NotFoundError
from qa.library.catalog import StoredChunk, batches, stored_chunks
from qa.library.database import Database
from qa.library.tables import articles, bands, chunks, facts, fingerprints, removals, texts, versions
from qa.models import Article, Chunk, text_digest

Verdict = Literal["new", "updated", "unchanged", "deleted"]
"""What taking an article in would do; ``deleted``: it has a tombstone and stays away unless restored."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """An article ready to be kept, with its chunks in reading order.

    ``bands`` are the keys under which near duplicates find it, ``cluster`` the cluster it was found to belong to;
    None begins one of its own.
    """

    article: Article
    chunks: tuple[Chunk, ...]
    bands: tuple[str, ...] = ()
    cluster: str | None = None


@dataclass(frozen=True, slots=True)
class Member:
    """A version in a cluster, as it is compared with new articles."""

    cluster: str
    text: str
    published: date | None


class Recorder:
    """Writes of the catalogue. Used by the one process that holds the home's lock."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def set_fact(self, name: str, value: str) -> None:
        """Record a fact about the home."""
        with self._database.begin() as connection:
            _set_fact(connection, name, value)

    def plan(self, batch: Sequence[Article], *, restore: bool = False) -> list[Verdict]:
        """What :meth:`record` would do with each article, in the same order, each taken by itself."""
        ids = sorted({article.id for article in batch})
        known: dict[str, bool] = {}
        prints: set[tuple[str, str]] = set()
        with self._database.begin() as connection:
            for some in batches(ids):
                rows = connection.execute(select(articles.c.id, articles.c.deleted_at).where(articles.c.id.in_(some)))
                known.update({row.id: row.deleted_at is not None for row in rows})
                query = select(fingerprints.c.article_id, fingerprints.c.fingerprint)
                found = connection.execute(query.where(fingerprints.c.article_id.in_(some)))
                prints.update((row.article_id, row.fingerprint) for row in found)
        return [_verdict(known.get(one.id), (one.id, one.fingerprint) in prints, restore) for one in batch]

    def alike(self, keys: Sequence[str], *, article_id: str) -> dict[str, list[Member]]:
        """The clusters of other articles that share one of the bands ``keys``, whole, by cluster id."""
        if not keys:
            return {}
        near = select(versions.c.cluster).join(bands, bands.c.version_key == versions.c.key)
        near = near.where(bands.c.band.in_(keys), versions.c.article_id != article_id).distinct()
        query = select(versions.c.cluster, texts.c.text, versions.c.published)
        query = query.join(texts, texts.c.version_key == versions.c.key).order_by(versions.c.key)
        found: dict[str, list[Member]] = {}
        with self._database.begin() as connection:
            for row in connection.execute(query.where(versions.c.cluster.in_(near))):
                found.setdefault(row.cluster, []).append(Member(row.cluster, row.text, row.published))
        return found

    def record(self, batch: Sequence[Prepared], *, restore: bool = False) -> int:
        """Keep a batch in one transaction and return how many articles changed anything.

        Repeating a batch changes nothing. Of two items with one id, the later is the newer version. Tombstoned
        articles are passed over unless ``restore``.
        """
        now = datetime.now(UTC).replace(tzinfo=None)
        with self._database.begin() as connection:
            changed = sum(_record_one(connection, item, restore=restore, now=now) for item in batch)
            if changed:
                _bump_revision(connection)
        return changed

    def delete(self, article_id: str) -> None:
        """Forget an article's text and chunks and leave a tombstone. Raises ``NotFoundError``."""
        with self._database.begin() as connection:
            alive = and_(articles.c.id == article_id, articles.c.deleted_at.is_(None))
            stone = update(articles).where(alive).values(deleted_at=datetime.now(UTC).replace(tzinfo=None))
            if connection.execute(stone).rowcount == 0:
                raise NotFoundError(f"there is no article {article_id!r}", hint="See `dateline articles list`.")
            keys = select(versions.c.key).where(versions.c.article_id == article_id)
            gone = list(connection.execute(select(chunks.c.id).where(chunks.c.version_key.in_(keys))).scalars())
            _enqueue_removals(connection, gone)
            connection.execute(delete(chunks).where(chunks.c.version_key.in_(keys)))
            connection.execute(delete(fingerprints).where(fingerprints.c.article_id == article_id))
            connection.execute(delete(bands).where(bands.c.version_key.in_(keys)))
            connection.execute(delete(texts).where(texts.c.version_key.in_(keys)))
            connection.execute(delete(versions).where(versions.c.article_id == article_id))
            _bump_revision(connection)

    # The outbox

    def pending_lexical(self, limit: int) -> list[StoredChunk]:
        """Chunks the lexical index does not hold as they are now, oldest first."""
        with self._database.begin() as connection:
            return stored_chunks(connection, chunks.c.lexical.is_(False), limit)

    def pending_embedding(self, limit: int) -> list[StoredChunk]:
        """Chunks without a vector, oldest first: the backlog."""
        with self._database.begin() as connection:
            return stored_chunks(connection, chunks.c.embedded.is_(False), limit)

    def backlog(self) -> int:
        """How many chunks have no vector yet."""
        query = select(func.count()).select_from(chunks).where(chunks.c.embedded.is_(False))
        with self._database.begin() as connection:
            return int(connection.execute(query).scalar_one())

    def embedded_twins(self, digests: Sequence[str]) -> dict[str, str]:
        """For each digest that some chunk with a vector has: the id of one such chunk."""
        twins: dict[str, str] = {}
        with self._database.begin() as connection:
            for some in batches(digests):
                query = select(chunks.c.digest, func.min(chunks.c.id).label("id")).group_by(chunks.c.digest)
                for row in connection.execute(query.where(chunks.c.digest.in_(some), chunks.c.embedded)):
                    twins[row.digest] = row.id
        return twins

    def mark(self, ids: Iterable[str], *, lexical: bool | None = None, embedded: bool | None = None) -> None:
        """Record what the derived stores hold now (or, given False, no longer hold)."""
        values = {name: value for name, value in (("lexical", lexical), ("embedded", embedded)) if value is not None}
        with self._database.begin() as connection:
            for some in batches(list(ids)):
                connection.execute(update(chunks).where(chunks.c.id.in_(some)).values(**values))
            _bump_revision(connection)

    def pending_removals(self) -> list[str]:
        """Chunk ids the derived stores have yet to forget."""
        with self._database.begin() as connection:
            return list(connection.execute(select(removals.c.chunk_id)).scalars())

    def removed(self, ids: Sequence[str]) -> None:
        """The derived stores have forgotten these."""
        with self._database.begin() as connection:
            for some in batches(ids):
                connection.execute(delete(removals).where(removals.c.chunk_id.in_(some)))
            _bump_revision(connection)

    def chunk_ids(self) -> dict[str, tuple[bool, bool]]:
        """Every chunk id with (lexical, embedded)."""
        with self._database.begin() as connection:
            rows = connection.execute(select(chunks.c.id, chunks.c.lexical, chunks.c.embedded))
            return {row.id: (row.lexical, row.embedded) for row in rows}


def _verdict(deleted: bool | None, seen: bool, restore: bool) -> Verdict:
    if deleted is None:
        return "new"
    if deleted:
        return "new" if restore else "deleted"
    return "unchanged" if seen else "updated"


def _set_fact(connection: Connection, name: str, value: str) -> None:
    if connection.execute(update(facts).where(facts.c.name == name).values(value=value)).rowcount == 0:
        connection.execute(insert(facts).values(name=name, value=value))


def _bump_revision(connection: Connection) -> None:
    found = connection.execute(select(facts.c.value).where(facts.c.name == "revision")).scalar()
    _set_fact(connection, "revision", str(int(found or 0) + 1))


def _enqueue_removals(connection: Connection, ids: Sequence[str]) -> None:
    for some in batches(ids):
        connection.execute(delete(removals).where(removals.c.chunk_id.in_(some)))
        connection.execute(insert(removals), [{"chunk_id": one} for one in some])


def _record_one(connection: Connection, item: Prepared, *, restore: bool, now: datetime) -> int:
    article = item.article
    state = connection.execute(select(articles.c.deleted_at).where(articles.c.id == article.id)).one_or_none()
    if state is None:
        connection.execute(insert(articles).values(id=article.id))
    elif state.deleted_at is not None:
        if not restore:
            return 0
        connection.execute(update(articles).where(articles.c.id == article.id).values(deleted_at=None))
    seen = and_(fingerprints.c.article_id == article.id, fingerprints.c.fingerprint == article.fingerprint)
    if connection.execute(select(fingerprints.c.version_key).where(seen)).first():
        return 0
    same_text = and_(versions.c.article_id == article.id, versions.c.text_hash == article.text_hash)
    twin = connection.execute(select(versions).where(same_text).order_by(versions.c.number.desc())).first()
    key = _update_metadata(connection, twin, article) if twin else _insert_version(connection, item, now)
    connection.execute(
        insert(fingerprints).values(article_id=article.id, fingerprint=article.fingerprint, version_key=key)
    )
    _revalidate(connection, article.id)
    return 1


def _update_metadata(connection: Connection, row: Any, article: Article) -> int:
    """The same text with other metadata: what is said now wins, what is not said now stays."""
    dated_anew = article.published not in (None, row.published)
    values = {
        "title": article.title or row.title,
        "url": article.url or row.url,
        "source": article.source or row.source,
        "authors": json.dumps(article.authors, ensure_ascii=False) if article.authors else row.authors,
        "published": article.published or row.published,
        "published_from": article.published_from if article.published else row.published_from,
        "published_at": article.published_at or (None if dated_anew else row.published_at),
        "language": article.language or row.language,
    }
    connection.execute(update(versions).where(versions.c.key == row.key).values(**values))
    connection.execute(update(chunks).where(chunks.c.version_key == row.key).values(lexical=False))
    return int(row.key)


def _insert_version(connection: Connection, item: Prepared, now: datetime) -> int:
    article = item.article
    highest = select(func.max(versions.c.number)).where(versions.c.article_id == article.id)
    number = (connection.execute(highest).scalar() or 0) + 1
    result = connection.execute(
        insert(versions).values(
            article_id=article.id, number=number, text_hash=article.text_hash, title=article.title,
            url=article.url, source=article.source, authors=json.dumps(article.authors, ensure_ascii=False),
            published=article.published, published_from=article.published_from,
            published_at=article.published_at, language=article.language, ingested_at=now,
            chunk_count=len(item.chunks), cluster=item.cluster or f"{article.id}.{number}",
        )
    )  # fmt: skip
    key = int(result.inserted_primary_key[0])  # type: ignore[index]
    connection.execute(insert(texts).values(version_key=key, text=article.text))
    if item.bands:
        connection.execute(insert(bands), [{"band": band, "version_key": key} for band in item.bands])
    rows = [
        {
            "id": f"{article.id}.{number}.{chunk.ordinal}", "version_key": key, "ordinal": chunk.ordinal,
            "start": chunk.start, "end": chunk.end, "tokens": chunk.tokens, "lexical": False, "embedded": False,
            "digest": text_digest(article.text[chunk.start : chunk.end]),
        }
        for chunk in item.chunks
    ]  # fmt: skip
    for some in batches(rows):
        # A restored article gets its old chunk ids again: they are not to be removed any more.
        connection.execute(delete(removals).where(removals.c.chunk_id.in_([row["id"] for row in some])))
        connection.execute(insert(chunks), list(some))
    return key


def _revalidate(connection: Connection, article_id: str) -> None:
    """Give each version its days: from its own date (undated: the day it came in) until the next one's.

    The oldest is valid from ever. Of two that begin on one day the later to come in replaces the other.
    """
    rows = connection.execute(select(versions).where(versions.c.article_id == article_id)).all()

    def begins(row: Any) -> date:
        if row.published is not None:
            return row.published  # type: ignore[no-any-return]
        return date.min if row.number == 1 else row.ingested_at.date()

    ordered = sorted(rows, key=lambda row: (begins(row), row.number))
    for position, row in enumerate(ordered):
        valid_from = None if position == 0 else begins(row)
        valid_to = begins(ordered[position + 1]) if position + 1 < len(ordered) else None
        if (row.valid_from, row.valid_to) != (valid_from, valid_to):
            connection.execute(
                update(versions).where(versions.c.key == row.key).values(valid_from=valid_from, valid_to=valid_to)
            )
            connection.execute(update(chunks).where(chunks.c.version_key == row.key).values(lexical=False))
