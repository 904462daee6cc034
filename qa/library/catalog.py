"""The catalogue, read: articles and their versions, chunks, and which of them a question may see."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, date, datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Row, Select, Table, and_, func, literal, or_, select

from qa.candidates import VersionFacts
from qa.errors import FilterError, NotFoundError
from qa.library.database import Database, batches
from qa.library.facts import REVISION, read_facts
from qa.library.tables import articles, chunks, facts, texts, versions
from qa.library.visibility import admits, visible
from qa.models import Article, Filters


@dataclass(frozen=True, slots=True)
class Version:
    """One version of an article: ``valid_from <= day < valid_to``, None = open. ``number`` counts from 1."""

    number: int
    text_hash: str
    published: date | None
    valid_from: date | None
    valid_to: date | None
    ingested_at: datetime


@dataclass(frozen=True, slots=True)
class StoredArticle:
    """An article as kept: the version asked for, and all its versions in the order they came in."""

    article: Article
    version: int
    versions: tuple[Version, ...]
    chunks: int
    ingested_at: datetime


@dataclass(frozen=True, slots=True)
class ArticlePage:
    """A page of a listing; ``next_cursor`` is None on the last. The articles' texts are left empty."""

    items: tuple[StoredArticle, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class StoredChunk:
    """A chunk with what its passage shows. ``text == article.text[start:end]`` of the version it belongs to.

    ``text`` is "" where only the facts were asked for: cutting it out of a long article is most of a read's cost.
    """

    id: str
    article_id: str
    version_key: int
    ordinal: int
    start: int
    end: int
    text: str
    title: str | None
    url: str | None
    source: str | None
    published: date | None
    published_from: str | None
    language: str | None
    valid_from: date | None
    valid_to: date | None
    cluster: str
    digest: str


_OF_CHUNK = tuple(field.name for field in fields(StoredChunk))
_OF_VERSION = tuple(field.name for field in fields(VersionFacts))


class Catalog:
    """Reads of the catalogue. Safe to use from several threads."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def fact(self, name: str) -> str | None:
        """A fact about the home, None when not recorded."""
        with self.database.begin() as connection:
            value: str | None = connection.execute(select(facts.c.value).where(facts.c.name == name)).scalar()
            return value

    def facts(self) -> dict[str, str]:
        """All facts about the home by name, as of one moment; see ``qa.library.facts``."""
        with self.database.begin() as connection:
            return read_facts(connection)

    def revision(self) -> int:
        """Counts up with every change of what can be found; 0 for an empty home."""
        return int(self.fact(REVISION) or 0)

    # What a question may see

    def visible_chunk_count(self, filters: Filters) -> int:
        """How many chunks ``filters`` admit."""
        query = (
            select(func.coalesce(func.sum(versions.c.chunk_count), 0)).join(articles).where(_alive(), visible(filters))
        )
        with self.database.begin() as connection:
            return int(connection.execute(query).scalar_one())

    def chunk_count(self) -> int:
        """All chunks kept, of every version."""
        query = select(func.coalesce(func.sum(versions.c.chunk_count), 0)).join(articles).where(_alive())
        with self.database.begin() as connection:
            return int(connection.execute(query).scalar_one())

    def chunk_ids(self, filters: Filters) -> list[str]:
        """Ids of the chunks that ``filters`` admit, in no order."""
        with self.database.begin() as connection:
            return list(connection.execute(_chunks_and(chunks.c.id).where(visible(filters))).scalars())

    def embedded_chunk_ids(self, filters: Filters) -> list[str]:
        """Ids of the chunks that ``filters`` admit and that have a vector, in no order."""
        # Said so that SQLite does not go through its index of all embedded chunks, which are nearly all there are.
        query = _chunks_and(chunks.c.id).where(visible(filters), chunks.c.embedded.is_not(False))
        with self.database.begin() as connection:
            return list(connection.execute(query).scalars())

    def any_embedded(self) -> bool:
        """Whether any chunk is said to have a vector."""
        with self.database.begin() as connection:
            return connection.execute(select(chunks.c.id).where(chunks.c.embedded).limit(1)).first() is not None

    def chunks_by_id(self, ids: Sequence[str], *, with_text: bool = True) -> dict[str, StoredChunk]:
        """The chunks of ``ids`` that exist, keyed by id."""
        query = _chunk_query(with_text=with_text).where(_alive())
        return {row.id: _stored_chunk(row) for row in self._by_id(query, ids)}

    def text_between(self, version_key: int, start: int, end: int) -> str:
        """``article.text[start:end]`` of a version; "" when it was deleted."""
        query = select(func.substr(texts.c.text, start + 1, end - start)).where(texts.c.version_key == version_key)
        with self.database.begin() as connection:
            return str(connection.execute(query).scalar() or "")

    def versions_of(self, ids: Sequence[str], filters: Filters) -> dict[str, VersionFacts]:
        """Of those of ``ids``, chunks, that ``filters`` admit what is known of their versions, in no order."""
        query = _chunks_and(chunks.c.id, *(versions.c[name] for name in _OF_VERSION))
        found = ((row.id, VersionFacts(*tuple(row)[1:])) for row in self._by_id(query, ids))
        return {one: version for one, version in found if admits(version, filters)}

    def _by_id(self, query: Select[Any], ids: Sequence[str]) -> Iterable[Row[Any]]:
        with self.database.begin() as connection:
            return [
                row for some in batches(ids) for row in connection.execute(query.where(chunks.c.id.in_(some))).all()
            ]

    def reporters(self, clusters: Collection[str], filters: Filters) -> dict[str, set[tuple[str, str]]]:
        """By cluster the (article id, outlet) of each article in it that ``filters`` admit, of any source and id."""
        anywhere = replace(filters, sources=(), articles=())
        query = select(*(versions.c[name] for name in _OF_VERSION)).join(articles).where(_alive(), visible(anywhere))
        found: dict[str, set[tuple[str, str]]] = {cluster: set() for cluster in clusters}
        with self.database.begin() as connection:
            for some in batches(list(clusters)):
                for row in connection.execute(query.where(versions.c.cluster.in_(some))):
                    version = VersionFacts(*row)
                    found[version.cluster].add((version.article_id, version.outlet))
        return found

    # Articles, for people

    def article(self, article_id: str, *, as_of: date | None = None) -> StoredArticle:
        """One article: the version valid on ``as_of``, the newest by default.

        Raises ``NotFoundError`` when the id is unknown or deleted, or had no version on that day.
        """
        missing = NotFoundError(f"there is no article {article_id!r}", hint="See `dateline articles list`.")
        with self.database.begin() as connection:
            query = select(versions, texts.c.text).join(articles).join(texts, texts.c.version_key == versions.c.key)
            query = query.where(versions.c.article_id == article_id, _alive())
            rows = connection.execute(query.order_by(versions.c.number)).all()
        if not rows:
            raise missing
        if as_of is None:
            chosen = [row for row in rows if row.valid_to is None]
        else:
            chosen = [
                row
                for row in rows
                if (row.valid_from is None or row.valid_from <= as_of)
                and (row.valid_to is None or row.valid_to > as_of)
                and (row.published is None or row.published <= as_of)
            ]
        if not chosen:
            raise missing
        return _stored_article(chosen[-1], tuple(_version(row) for row in rows))

    def articles(
        self,
        *,
        sources: Sequence[str] = (),
        start: date | None = None,
        end: date | None = None,
        query: str | None = None,
        cursor: str | None = None,
        limit: int = 100,
    ) -> ArticlePage:
        """A page of the articles' newest versions, latest publication first, undated last.

        ``start`` and ``end`` (inclusive) leave undated articles out; ``query``'s words must all occur in title or
        text, in any case. Raises ``FilterError`` for a cursor that this listing did not hand out.
        """
        conditions = [_alive(), versions.c.valid_to.is_(None)]
        if sources:
            conditions.append(versions.c.source.in_(sources))
        if start:
            conditions.append(versions.c.published >= start)
        if end:
            conditions.append(versions.c.published <= end)
        for word in (query or "").split():
            pattern = "%" + word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
            conditions.append(
                or_(versions.c.title.ilike(pattern, escape="\\"), texts.c.text.ilike(pattern, escape="\\"))
            )
        day = func.coalesce(versions.c.published, date.min)
        if cursor:
            after_day, after_id = _read_cursor(cursor)
            conditions.append(or_(day < after_day, and_(day == after_day, versions.c.article_id > after_id)))
        listing = select(versions).join(articles).where(*conditions)
        if query:
            listing = listing.join(texts, texts.c.version_key == versions.c.key)
        with self.database.begin() as connection:
            rows = connection.execute(listing.order_by(day.desc(), versions.c.article_id).limit(limit + 1)).all()
        items = tuple(_stored_article(row, ()) for row in rows[:limit])
        return ArticlePage(items=items, next_cursor=_cursor(rows[limit - 1]) if len(rows) > limit else None)


def _chunks_and(*columns: Any) -> Select[Any]:
    """``columns`` of the chunks of living articles and their versions."""
    joined = chunks.join(versions, chunks.c.version_key == versions.c.key).join(articles)
    return select(*columns).select_from(joined).where(_alive())


def _alive() -> Any:
    return articles.c.deleted_at.is_(None)


@cache
def _chunk_query(of: Table = chunks, *, with_text: bool = True) -> Select[Any]:
    # substr counts code points from 1 in both databases, as our offsets count from 0.
    cut = func.substr(texts.c.text, of.c.start + 1, of.c.end - of.c.start)
    columns = {column.name: column for column in (*versions.c, *of.c)} | {"text": cut if with_text else literal("")}
    query = (
        select(*(columns[name].label(name) for name in _OF_CHUNK))
        .join(versions, of.c.version_key == versions.c.key)
        .join(articles, versions.c.article_id == articles.c.id)
    )
    return query.join(texts, texts.c.version_key == versions.c.key) if with_text else query


def stored_chunks(connection: Connection, condition: Any, limit: int, *, of: Table = chunks) -> list[StoredChunk]:
    """Up to ``limit`` chunks (in the table ``of``) that meet ``condition``, in the order they were stored.

    Only those of living articles.
    """
    order = (of.c.version_key, of.c.ordinal)
    joined = of.join(versions, of.c.version_key == versions.c.key).join(articles)
    # The ids first: a database that has to sort a long backlog for every batch had better sort little.
    ids = select(of.c.id).select_from(joined).where(_alive(), condition).order_by(*order).limit(limit)
    rows = connection.execute(_chunk_query(of, with_text=False).where(of.c.id.in_(ids)).order_by(*order))
    found = [_stored_chunk(row) for row in rows]
    whole: dict[int, str] = {}
    # Each text is fetched once and cut here: SQLite would read all of it again for every chunk.
    for some in batches(list(dict.fromkeys(chunk.version_key for chunk in found))):
        told = connection.execute(select(texts.c.version_key, texts.c.text).where(texts.c.version_key.in_(some)))
        whole |= {row.version_key: row.text for row in told}
    return [replace(chunk, text=whole[chunk.version_key][chunk.start : chunk.end]) for chunk in found]


def _stored_chunk(row: Row[Any]) -> StoredChunk:
    return StoredChunk(*tuple(row))


def _version(row: Row[Any]) -> Version:
    return Version(
        number=row.number,
        text_hash=row.text_hash,
        published=row.published,
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        ingested_at=row.ingested_at.replace(tzinfo=UTC),
    )


def _stored_article(row: Row[Any], all_versions: tuple[Version, ...]) -> StoredArticle:
    article = Article(
        id=row.article_id,
        text=getattr(row, "text", ""),
        title=row.title,
        url=row.url,
        source=row.source,
        authors=tuple(json.loads(row.authors)),
        published=row.published,
        published_from=row.published_from,
        published_at=row.published_at,
        language=row.language,
    )
    return StoredArticle(
        article=article,
        version=row.number,
        versions=all_versions,
        chunks=row.chunk_count,
        ingested_at=row.ingested_at.replace(tzinfo=UTC),
    )


def _cursor(row: Row[Any]) -> str:
    return f"{(row.published or date.min).isoformat()}~{row.article_id}"


def _read_cursor(cursor: str) -> tuple[date, str]:
    day, _, article_id = cursor.partition("~")
    try:
        return date.fromisoformat(day), article_id
    except ValueError:
        raise FilterError(
            f"{cursor!r} is not a cursor of this listing", hint="Use next_cursor as it was given."
        ) from None
