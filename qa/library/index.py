"""Keeps catalogue, lexical index and vector store in step.

The catalogue is written first, in one transaction; what the others still have to do is its outbox. A process killed
at any point leaves an outbox, and whoever opens the home for writing next works it off: nothing is lost or doubled.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from qa.errors import HomeError
from qa.library.catalog import Catalog, StoredChunk
from qa.library.encoders import Embedder, common_words
from qa.library.lexical import LexicalIndex
from qa.library.recording import Member, Prepared, Recorder, Verdict
from qa.library.store import VectorStore
from qa.library.tables import articles, chunks, versions
from qa.models import Article
from qa.repair import search_text

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vector = NDArray[np.float32]

__all__ = ["CheckReport", "Index", "LibraryStatus", "Member", "Prepared", "Verdict"]

_LEXICAL_BATCH = 2_000
_EMBED_BATCH = 256


@dataclass(frozen=True, slots=True)
class LibraryStatus:
    """What a home holds.

    ``by_source`` counts articles ("" = no source), ``by_language`` by ISO 639-1 code ("" = not certain), ``by_month``
    dated ones by "YYYY-MM".
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
    revision: int
    disk_bytes: int

    def to_json(self) -> dict[str, Any]:
        """The same as a JSON object, dates as ISO strings."""
        return {name: value.isoformat() if isinstance(value, date) else value for name, value in asdict(self).items()}


@dataclass(frozen=True, slots=True)
class CheckReport:
    """Where the three stores disagree (empty: nowhere), and how many chunks a repair brought back in step."""

    problems: tuple[str, ...]
    repaired: int


@dataclass(frozen=True, slots=True)
class _Storing:
    """A batch whose vectors (by digest) are computed and being stored."""

    ids: Sequence[str]
    vectors: Mapping[str, Vector]
    future: Future[None]

    def finished(self) -> int:
        """Waits; how many chunks it was. Raises what storing raised."""
        self.future.result()
        return len(self.ids)


def _disk_bytes(path: Path) -> int:
    total = 0
    for file in path.rglob("*"):
        # A writer in another process may remove a file between finding it and looking at it.
        with suppress(FileNotFoundError):
            total += file.stat().st_size if file.is_file() else 0
    return total


def _searched(chunk: StoredChunk) -> str:
    """A chunk's text as it is searched; a chunk of boilerplate alone, as older homes have them, by that."""
    return search_text(chunk.text, common_words().__contains__) or chunk.text


class Index:
    """Commit, embed, delete, check. On a home opened for reading, everything that writes raises ``HomeError``."""

    def __init__(
        self,
        path: Path,
        catalog: Catalog,
        lexical: LexicalIndex,
        store: VectorStore,
        embedder: Callable[[], Embedder],
        *,
        writable: bool,
    ) -> None:
        self._path = path
        self._catalog = catalog
        self._lexical = lexical
        self._store = store
        self._embedder = embedder
        self._recorder = Recorder(catalog.database)
        self._writable = writable

    def plan(self, batch: Sequence[Article], *, restore: bool = False) -> list[Verdict]:
        """What committing each article would do, in the same order."""
        return self._recorder.plan(batch, restore=restore)

    def commit(self, batch: Sequence[Prepared], *, restore: bool = False) -> None:
        """Keep a batch: it can be found by its words when this returns; vectors follow with :meth:`drain`."""
        self._need_writable()
        if self._recorder.record(batch, restore=restore):
            self.catch_up()

    def catch_up(self) -> None:
        """Work off the outbox of the lexical index, and removals from both stores."""
        self._need_writable()
        gone = self._recorder.pending_removals()
        while (pending := self._recorder.pending_lexical(_LEXICAL_BATCH)) or gone:
            self._lexical.update([replace(chunk, text=_searched(chunk)) for chunk in pending], remove=gone)
            if gone:
                self._store.delete(gone)
                self._recorder.removed(gone)
                gone = []
            if pending:
                self._recorder.mark([chunk.id for chunk in pending], lexical=True)

    def drain(self, on_embedded: Callable[[int], None] | None = None) -> int:
        """Embed every chunk that has no vector yet, a batch at a time, and return how many there were.

        ``on_embedded`` is called with the size of each batch when it is stored. Interrupting loses at most two batches'
        work. One thread at a time.
        """
        self._need_writable()
        done = 0
        for count in self._embedded_batches():
            done += count
            if on_embedded:
                on_embedded(count)
        backend = self._embedder().backend
        if done and backend != self._catalog.fact("embedding_backend"):
            self._recorder.set_fact("embedding_backend", backend)
        return done

    def _embedded_batches(self) -> Iterator[int]:
        """The size of each batch once it is stored, which a thread beside does while the next one is computed."""
        before: _Storing | None = None
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="dateline-store") as beside:
            while pending := self._pending(before):
                vectors = self._vectors(pending, before.vectors if before else {})
                if before:
                    yield before.finished()
                ids = [chunk.id for chunk in pending]
                rows = [vectors[chunk.digest] for chunk in pending]
                before = _Storing(ids, vectors, beside.submit(self._store_vectors, ids, rows))
            if before:
                yield before.finished()

    def _pending(self, before: _Storing | None) -> list[StoredChunk]:
        """The next chunks without a vector, less those whose vectors are being stored."""
        under_way = frozenset(before.ids if before else ())
        pending = self._recorder.pending_embedding(_EMBED_BATCH + len(under_way))
        return [chunk for chunk in pending if chunk.id not in under_way][:_EMBED_BATCH]

    def _vectors(self, pending: Sequence[StoredChunk], recent: Mapping[str, Vector]) -> dict[str, Vector]:
        """By digest; a text that has a vector already, among ``recent`` or in the store, is not embedded again."""
        twins = self._recorder.embedded_twins([chunk.digest for chunk in pending])
        stored = self._store.vectors(list(twins.values()))
        known = {digest: stored[one] for digest, one in twins.items() if one in stored}
        known |= {chunk.digest: recent[chunk.digest] for chunk in pending if chunk.digest in recent}
        fresh = {chunk.digest: _searched(chunk) for chunk in pending if chunk.digest not in known}
        return known | dict(zip(fresh, self._embedder().embed(list(fresh.values())), strict=True))

    def _store_vectors(self, ids: Sequence[str], rows: Sequence[Vector]) -> None:
        import numpy as np

        self._store.upsert(ids, np.stack(rows))
        self._recorder.mark(ids, embedded=True)

    def alike(self, bands: Sequence[str], *, article_id: str) -> dict[str, list[Member]]:
        """The clusters that may hold near duplicates of an article with these ``bands``, by cluster id."""
        return self._recorder.alike(bands, article_id=article_id)

    def backlog(self) -> int:
        """How many chunks have no vector yet."""
        return self._recorder.backlog()

    def delete(self, article_id: str) -> None:
        """Forget an article and leave a tombstone. Raises ``NotFoundError`` when there is none."""
        self._need_writable()
        self._recorder.delete(article_id)
        self.catch_up()

    def check(self, *, repair: bool = False) -> CheckReport:
        """Compare the ids of all three stores; with ``repair`` bring the derived two in step with the catalogue.

        Chunks still waiting for their vector are a backlog, not a problem.
        """
        known = self._recorder.chunk_ids()
        words, vectors = self._lexical.ids(), self._store.ids()
        leaving = set(self._recorder.pending_removals())
        no_words = {one for one, (lexical, _) in known.items() if lexical and one not in words}
        no_vector = {one for one, (_, embedded) in known.items() if embedded and one not in vectors}
        stray = (words | vectors) - known.keys() - leaving
        waiting = {one for one, (lexical, _) in known.items() if not lexical}
        findings = (
            (no_words, "missing from the lexical index"),
            (no_vector, "missing from the vector store"),
            (stray, "in the lexical index or the vector store but not in the catalogue"),
            (waiting, "waiting for the lexical index"),
            (leaving, "waiting to be removed"),
        )
        problems = tuple(f"{len(found)} chunks {what}" for found, what in findings if found)
        if not repair:
            return CheckReport(problems=problems, repaired=0)
        self._need_writable()
        self._recorder.mark(no_words, lexical=False)
        self._recorder.mark(no_vector, embedded=False)
        if stray:
            self._lexical.update([], remove=sorted(stray))
            self._store.delete(sorted(stray))
        self.catch_up()
        self.drain()
        return CheckReport(problems=problems, repaired=len(set().union(*(found for found, _ in findings))))

    def status(self) -> LibraryStatus:
        """Counts, dates and sizes, as of now."""
        alive = articles.c.deleted_at.is_(None)
        current = (
            select(versions.c.published, versions.c.source, versions.c.language)
            .join(articles)
            .where(alive, versions.c.valid_to.is_(None))
        )
        with self._catalog.database.begin() as connection:
            rows = connection.execute(current).all()
            version_count = connection.execute(select(func.count()).select_from(versions)).scalar_one()
            chunk_count = connection.execute(select(func.count()).select_from(chunks)).scalar_one()
            with_vector = select(func.count()).select_from(chunks).where(chunks.c.embedded)
            embedded = connection.execute(with_vector).scalar_one()
        days = [row.published for row in rows if row.published]
        return LibraryStatus(
            home=str(self._path),
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
            embedding_model=self._catalog.fact("embedding_model") or "",
            revision=self._catalog.revision(),
            disk_bytes=_disk_bytes(self._path),
        )

    def _need_writable(self) -> None:
        if not self._writable:
            raise HomeError("the home is open for reading only", hint="Open it for writing.")
