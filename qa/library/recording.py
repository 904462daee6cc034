"""The catalogue, written: articles become versions, versions get their validity, chunks wait in the outbox.

Everything here happens in transactions of the caller's ``Database``; lexical index and vector store are brought in
step afterwards by ``qa.library.index``, which reads the outbox (``qa.library.outbox``).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, Self

from sqlalchemy import (
    Connection,
    and_,
    delete,
    func,
    insert,
    literal,
    select,
    union,
    update,
)

from qa.errors import NotFoundError
from qa.library.database import Database, batches
from qa.library.facts import bump_revision, set_fact
from qa.library.outbox import enqueue_removals
from qa.library.tables import articles, bands, chunks, fingerprints, removals, staged_chunks, texts, versions
from qa.library.validity import begins, comes_back, in_order
from qa.models import Article, Chunk, text_digest

Verdict = Literal["new", "updated", "unchanged", "reverted", "deleted"]
"""What taking an article in would do.

``reverted``: it reads again as an earlier version did, and no date says that it is only an old copy of that version; it
is for :meth:`Recorder.revert`. ``deleted``: it has a tombstone and stays away unless restored.
"""


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
class Met:
    """An article met with a text that it had before."""

    id: str
    fingerprint: str
    published_at: str | None = None

    @classmethod
    def of(cls, article: Article) -> Self:
        """What is told of ``article``."""
        return cls(article.id, article.fingerprint, article.published_at)


class Recorder:
    """Writes of the catalogue. Used by the one process that holds the home's lock."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def set_fact(self, name: str, value: str) -> None:
        """Record a fact about the home."""
        with self._database.begin() as connection:
            set_fact(connection, name, value)

    def plan(self, batch: Sequence[Article], *, restore: bool = False) -> list[Verdict]:
        """What :meth:`record` or :meth:`revert` would do with each article, in the same order, each taken by itself."""
        ids = sorted({article.id for article in batch})
        today = _now().date()
        known: dict[str, bool] = {}
        current: dict[str, Any] = {}
        met: dict[tuple[str, str], Any] = {}
        with self._database.begin() as connection:
            for some in batches(ids):
                rows = connection.execute(select(articles.c.id, articles.c.deleted_at).where(articles.c.id.in_(some)))
                known.update({row.id: row.deleted_at is not None for row in rows})
                newest = select(versions).where(versions.c.article_id.in_(some), versions.c.valid_to.is_(None))
                current.update({row.article_id: row for row in connection.execute(newest)})
                prints = fingerprints.c.article_id.in_(some)
                query = select(fingerprints.c.fingerprint, versions).join(versions).where(prints)
                met.update({(row.article_id, row.fingerprint): row for row in connection.execute(query)})

        def verdict(one: Article) -> Verdict:
            deleted, seen = known.get(one.id), met.get((one.id, one.fingerprint))
            if deleted or deleted is None:
                return "deleted" if deleted and not restore else "new"
            if seen is None:
                return "updated"
            instant = one.published_at or seen.published_at
            back = comes_back(seen.text_hash, seen.published, instant, current[one.id], today)
            return "reverted" if back else "unchanged"

        return [verdict(one) for one in batch]

    def record(self, batch: Sequence[Prepared], *, restore: bool = False) -> int:
        """Keep a batch in one transaction and return how many articles changed anything.

        Repeating a batch changes nothing. Of two items with one id, the later is the newer version. Tombstoned
        articles are passed over unless ``restore``, known ones always: whether one met again is a reversal is not for
        a single batch to say (see :meth:`revert`).
        """
        now = _now()
        with self._database.begin() as connection:
            changed = sum(_record_one(connection, item, restore=restore, now=now) for item in batch)
            if changed:
                bump_revision(connection)
        return changed

    def revert(self, met: Iterable[Met]) -> int:
        """Let articles read again as they did before, and return how many that changes.

        It is for what was ``met`` of them after everything else that a run has to say about them: a batch, or a whole
        run repeated, would else turn each article round and round. The text becomes a further version, with what is
        known of the one it repeats, from its publication on (undated: from today). It is passed over where the current
        version says the same or is of a later date.
        """
        now = _now()
        changed = 0
        with self._database.begin() as connection:
            for one in met:
                its_print = _print(one.id, one.fingerprint)
                earlier = connection.execute(select(versions).join(fingerprints).where(its_print)).one_or_none()
                if earlier is None:
                    continue
                said = {**earlier._mapping, "published_at": one.published_at or earlier.published_at}
                if not _is_back(connection, earlier, said, now):
                    continue
                key = _repeat_version(connection, said, now)
                connection.execute(update(fingerprints).where(its_print).values(version_key=key))
                _revalidate(connection, one.id)
                changed += 1
            if changed:
                bump_revision(connection)
        return changed

    def record_instants(self, met: Iterable[Met]) -> int:
        """Record the instants of publication of texts met again that had none, and return how many had none.

        A fingerprint leaves the instant out, so an article that differs in nothing else counts as unchanged.
        """
        told = {(one.id, one.fingerprint): one.published_at for one in reversed([*met]) if one.published_at}
        dated = 0
        with self._database.begin() as connection:
            for some in batches(sorted({article_id for article_id, _ in told})):
                query = select(fingerprints.c.fingerprint, versions).join(versions)
                lacking = query.where(fingerprints.c.article_id.in_(some), versions.c.published_at.is_(None))
                for row in connection.execute(lacking).all():
                    instant = told.get((row.article_id, row.fingerprint))
                    # The version may have got another date since.
                    if instant and row.published and instant.startswith(row.published.isoformat()):
                        change = update(versions).where(versions.c.key == row.key)
                        connection.execute(change.values(published_at=instant))
                        _revalidate(connection, row.article_id)
                        dated += 1
            if dated:
                bump_revision(connection)
        return dated

    def delete(self, article_id: str) -> None:
        """Forget an article's text and chunks and leave a tombstone. Raises ``NotFoundError``."""
        with self._database.begin() as connection:
            alive = and_(articles.c.id == article_id, articles.c.deleted_at.is_(None))
            stone = update(articles).where(alive).values(deleted_at=_now())
            if connection.execute(stone).rowcount == 0:
                raise NotFoundError(f"there is no article {article_id!r}", hint="See `dateline articles list`.")
            keys = select(versions.c.key).where(versions.c.article_id == article_id)
            of_article = [(table, table.c.version_key.in_(keys)) for table in (chunks, staged_chunks)]
            gone = union(*(select(table.c.id).where(condition) for table, condition in of_article))
            enqueue_removals(connection, list(connection.execute(gone).scalars()))
            for table, condition in of_article:
                connection.execute(delete(table).where(condition))
            connection.execute(delete(fingerprints).where(fingerprints.c.article_id == article_id))
            connection.execute(delete(bands).where(bands.c.version_key.in_(keys)))
            connection.execute(delete(texts).where(texts.c.version_key.in_(keys)))
            connection.execute(delete(versions).where(versions.c.article_id == article_id))
            bump_revision(connection)


def _now() -> datetime:
    """In UTC, as the catalogue has it."""
    return datetime.now(UTC).replace(tzinfo=None)


def _print(article_id: str, fingerprint: str) -> Any:
    return and_(fingerprints.c.article_id == article_id, fingerprints.c.fingerprint == fingerprint)


def _is_back(connection: Connection, earlier: Any, said: Mapping[str, Any], now: datetime) -> bool:
    """Whether the text of an earlier version, met with the date in ``said``, is newer than the current version."""
    newest = select(versions).where(versions.c.article_id == earlier.article_id, versions.c.valid_to.is_(None))
    current = connection.execute(newest).one()
    return comes_back(earlier.text_hash, said["published"], said["published_at"], current, now.date())


def _record_one(connection: Connection, item: Prepared, *, restore: bool, now: datetime) -> int:
    article = item.article
    state = connection.execute(select(articles.c.deleted_at).where(articles.c.id == article.id)).one_or_none()
    if state is None:
        connection.execute(insert(articles).values(id=article.id))
    elif state.deleted_at is not None:
        if not restore:
            return 0
        connection.execute(update(articles).where(articles.c.id == article.id).values(deleted_at=None))
    if connection.execute(select(fingerprints.c.version_key).where(_print(article.id, article.fingerprint))).first():
        return 0
    same_text = and_(versions.c.article_id == article.id, versions.c.text_hash == article.text_hash)
    twin = connection.execute(select(versions).where(same_text).order_by(versions.c.number.desc())).first()
    if twin is None or _is_back(connection, twin, _metadata(article, twin), now):
        key = _insert_version(connection, item, twin, now)
    else:
        key = _update_metadata(connection, twin, article, now)
    connection.execute(
        insert(fingerprints).values(article_id=article.id, fingerprint=article.fingerprint, version_key=key)
    )
    _revalidate(connection, article.id)
    return 1


def _metadata(article: Article, earlier: Any) -> dict[str, Any]:
    """Of a text that an earlier version (None: no other) had: what is said now wins, what is not said now stays."""
    said = {
        "title": article.title,
        "url": article.url,
        "source": article.source,
        "authors": json.dumps(article.authors, ensure_ascii=False),
        "published": article.published,
        "published_from": article.published_from,
        "published_at": article.published_at,
        "language": article.language,
    }
    if earlier is None:
        return said
    unsaid = [name for name in ("title", "url", "source") if not said[name]]
    unsaid += [] if article.authors else ["authors"]
    unsaid += [] if article.published else ["published", "published_from"]
    unsaid += [] if article.language else ["language"]
    if article.published_at is None and article.published in (None, earlier.published):
        unsaid.append("published_at")
    return {**said, **{name: earlier._mapping[name] for name in unsaid}}


def _update_metadata(connection: Connection, row: Any, article: Article, now: datetime) -> int:
    """Change a version in place; returns its key, or that of the version that repeats it."""
    of_version = versions.c.key == row.key
    connection.execute(update(versions).where(of_version).values(**_metadata(article, row)))
    connection.execute(update(chunks).where(chunks.c.version_key == row.key).values(lexical=False))
    _revalidate(connection, article.id)
    changed = connection.execute(select(versions).where(of_version)).one()
    if _is_back(connection, changed, changed._asdict(), now):
        # An earlier date than it had would have another version of that day, which came in before, take its place.
        return _repeat_version(connection, changed._asdict(), now)
    return int(row.key)


def _insert_version(connection: Connection, item: Prepared, twin: Any, now: datetime) -> int:
    article = item.article
    number = _next_number(connection, article.id)
    key = _insert_row(
        connection,
        _metadata(article, twin)
        | {
            "article_id": article.id, "number": number, "text_hash": article.text_hash, "ingested_at": now,
            "chunk_count": len(item.chunks), "cluster": item.cluster or f"{article.id}.{number}",
        },
    )  # fmt: skip
    connection.execute(insert(texts).values(version_key=key, text=article.text))
    if item.bands:
        connection.execute(insert(bands), [{"band": band, "version_key": key} for band in item.bands])
    rows = [
        {
            "ordinal": chunk.ordinal, "start": chunk.start, "end": chunk.end, "tokens": chunk.tokens,
            "digest": text_digest(article.text[chunk.start : chunk.end]),
        }
        for chunk in item.chunks
    ]  # fmt: skip
    _insert_chunks(connection, f"{article.id}.{number}", key, rows)
    return key


def _repeat_version(connection: Connection, earlier: Mapping[str, Any], now: datetime) -> int:
    """A further version with text, chunks and metadata of an earlier one."""
    article_id, number = earlier["article_id"], _next_number(connection, earlier["article_id"])
    new = {"number": number, "ingested_at": now, "valid_from": None, "valid_to": None}
    key = _insert_row(connection, {**earlier, **new})
    for table, kept in ((texts, texts.c.text), (bands, bands.c.band)):
        copy = select(literal(key), kept).where(table.c.version_key == earlier["key"])
        connection.execute(insert(table).from_select(["version_key", kept.name], copy))
    of_earlier = select(chunks).where(chunks.c.version_key == earlier["key"]).order_by(chunks.c.ordinal)
    rows = [dict(row) for row in connection.execute(of_earlier).mappings()]
    _insert_chunks(connection, f"{article_id}.{number}", key, rows)
    return key


def _next_number(connection: Connection, article_id: str) -> int:
    highest = select(func.max(versions.c.number)).where(versions.c.article_id == article_id)
    return (connection.execute(highest).scalar() or 0) + 1


def _insert_row(connection: Connection, values: dict[str, Any]) -> int:
    row = {name: value for name, value in values.items() if name != "key"}
    return int(connection.execute(insert(versions).values(row)).inserted_primary_key[0])  # type: ignore[index]


def _insert_chunks(connection: Connection, version_id: str, key: int, rows: Sequence[dict[str, Any]]) -> None:
    new = {"version_key": key, "lexical": False, "embedded": False}
    for some in batches([{**row, **new, "id": f"{version_id}.{row['ordinal']}"} for row in rows]):
        # A restored article gets its old chunk ids again: they are not to be removed any more.
        connection.execute(delete(removals).where(removals.c.chunk_id.in_([row["id"] for row in some])))
        connection.execute(insert(chunks), list(some))


def _revalidate(connection: Connection, article_id: str) -> None:
    """Give each version its days: from its own date (undated: the day it came in) until the next one's.

    The oldest is valid from ever. Of two that begin on one day the newer replaces the other.
    """
    rows = connection.execute(select(versions).where(versions.c.article_id == article_id)).all()
    ordered = in_order(rows)
    for position, row in enumerate(ordered):
        valid_from = None if position == 0 else begins(row)
        valid_to = begins(ordered[position + 1]) if position + 1 < len(ordered) else None
        if (row.valid_from, row.valid_to) != (valid_from, valid_to):
            connection.execute(
                update(versions).where(versions.c.key == row.key).values(valid_from=valid_from, valid_to=valid_to)
            )
            connection.execute(update(chunks).where(chunks.c.version_key == row.key).values(lexical=False))
