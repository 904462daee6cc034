"""What a home holds, counted."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from qa.library.database import Database
from qa.library.facts import BACKEND, MODEL, REVISION, read_facts
from qa.library.staging import Staging, change_of
from qa.library.tables import articles, chunks, versions


@dataclass(frozen=True, slots=True)
class ReembeddingStatus:
    """A re-embedding that is under way: to which model, and how many chunks (``of`` all) have their new vector."""

    model: str
    done: int
    of: int


@dataclass(frozen=True, slots=True)
class LibraryStatus:
    """What a home holds.

    ``by_source`` counts articles ("" = no source), ``by_language`` by ISO 639-1 code ("" = not certain), ``by_month``
    dated ones by "YYYY-MM".
    ``embedding_backend`` is what computed the vectors ("" when there are none), more than one where that was changed
    by setting; ``reembedding`` is None when none is under way. ``duplicates`` print a story that another has.
    """

    home: str
    articles: int
    versions: int
    chunks: int
    embedded: int
    backlog: int
    undated: int
    first: date | None
    last: date | None
    by_source: dict[str, int]
    by_month: dict[str, int]
    by_language: dict[str, int]
    embedding_model: str
    embedding_backend: str
    reembedding: ReembeddingStatus | None
    revision: int
    disk_bytes: int
    duplicates: int = 0

    def to_json(self) -> dict[str, Any]:
        """The same as a JSON object, dates as ISO strings."""
        return {name: value.isoformat() if isinstance(value, date) else value for name, value in asdict(self).items()}


def _disk_bytes(path: Path) -> int:
    total = 0
    for file in path.rglob("*"):
        # A writer in another process may remove a file between finding it and looking at it.
        with suppress(FileNotFoundError):
            total += file.stat().st_size if file.is_file() else 0
    return total


def library_status(home: Path, database: Database) -> LibraryStatus:
    """Counts, dates and sizes of the home whose catalogue this is, as of now."""
    alive = articles.c.deleted_at.is_(None)
    current = (
        select(versions.c.published, versions.c.source, versions.c.language, versions.c.cluster)
        .join(articles)
        .where(alive, versions.c.valid_to.is_(None))
    )
    with database.begin() as connection:
        rows = connection.execute(current).all()
        version_count = connection.execute(select(func.count()).select_from(versions)).scalar_one()
        chunk_count = connection.execute(select(func.count()).select_from(chunks)).scalar_one()
        with_vector = select(func.count()).select_from(chunks).where(chunks.c.embedded)
        embedded = connection.execute(with_vector).scalar_one()
        known = read_facts(connection)
    change = change_of(known)
    days = [row.published for row in rows if row.published]
    return LibraryStatus(
        home=str(home),
        articles=len(rows),
        versions=version_count,
        chunks=chunk_count,
        embedded=embedded,
        backlog=chunk_count - embedded,
        undated=len(rows) - len(days),
        first=min(days, default=None),
        last=max(days, default=None),
        by_source=dict(sorted(Counter(row.source or "" for row in rows).items())),
        by_month=dict(sorted(Counter(day.isoformat()[:7] for day in days).items())),
        by_language=dict(sorted(Counter(row.language or "" for row in rows).items())),
        embedding_model=known.get(MODEL, ""),
        embedding_backend=known.get(BACKEND, ""),
        reembedding=ReembeddingStatus(change.target.model, *Staging(database).progress()) if change else None,
        revision=int(known.get(REVISION, 0)),
        disk_bytes=_disk_bytes(home),
        duplicates=len(rows) - len({row.cluster for row in rows}),
    )
