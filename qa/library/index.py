"""Keeps catalogue, lexical index and vector store in step.

The catalogue is written first, in one transaction; what the others still have to do is its outbox. A process killed
at any point leaves an outbox, and whoever opens the home for writing next works it off: nothing is lost or doubled.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, fields, replace
from pathlib import Path

from qa.errors import HomeError, StoreError, VectorsDamagedError
from qa.library.catalog import Catalog
from qa.library.embedding import Embedding, adding, searched
from qa.library.encoders import Embedder
from qa.library.facts import BACKEND
from qa.library.lexical import LexicalIndex
from qa.library.likeness import Member, alike
from qa.library.memory import give_back
from qa.library.outbox import Outbox
from qa.library.recording import Met, Prepared, Recorder, Verdict
from qa.library.staging import Staging
from qa.library.status import LibraryStatus, ReembeddingStatus, library_status
from qa.library.store import VectorStore
from qa.models import Article

__all__ = ["CheckReport", "Index", "LibraryStatus", "Member", "Met", "Prepared", "ReembeddingStatus", "Verdict"]

_LEXICAL_BATCH = 2_000

_log = logging.getLogger("dateline.library")


@dataclass(frozen=True, slots=True)
class Differences:
    """Chunk ids by what is wrong with them, in the order in which it is told."""

    no_words: set[str]
    no_vector: set[str]
    stray: set[str]
    waiting: set[str]
    leaving: set[str]
    no_staged_vector: set[str]
    stray_staged: set[str]

    def problems(self) -> tuple[str, ...]:
        """A sentence for each kind that there is."""
        told = {
            "missing from the lexical index": self.no_words,
            "missing from the vector store": self.no_vector,
            "in the lexical index or the vector store but not in the catalogue": self.stray,
            "waiting for the lexical index": self.waiting,
            "waiting to be removed": self.leaving,
            "missing from the new vectors of the re-embedding": self.no_staged_vector,
            "in the new vectors of the re-embedding but not in the catalogue": self.stray_staged,
        }
        return tuple(f"{len(found)} chunks {what}" for what, found in told.items() if found)

    def chunks(self) -> int:
        """How many chunks have something wrong with them."""
        return len(set().union(*(getattr(self, one.name) for one in fields(self))))


@dataclass(frozen=True, slots=True)
class CheckReport:
    """Where the three stores disagree (empty: nowhere), and how many chunks a repair brought back in step."""

    problems: tuple[str, ...]
    repaired: int


def _is_damaged(store: VectorStore) -> bool:
    try:
        store.probe()
    except VectorsDamagedError as error:
        _log.warning("%s; all passages are embedded anew", error)
        return True
    return False


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
        self._outbox = Outbox(catalog.database)
        self._staging = Staging(catalog.database)
        self._writable = writable

    def plan(self, batch: Sequence[Article], *, restore: bool = False) -> list[Verdict]:
        """What committing each article would do, in the same order."""
        return self._recorder.plan(batch, restore=restore)

    def commit(self, batch: Sequence[Prepared], *, restore: bool = False) -> None:
        """Keep a batch: it can be found by its words when this returns; vectors follow with :meth:`drain`."""
        self._need_writable()
        if self._recorder.record(batch, restore=restore):
            self.catch_up()
        give_back()

    def revert(self, met: Sequence[Met]) -> int:
        """Let articles read again as they did before; see :meth:`qa.library.recording.Recorder.revert`."""
        self._need_writable()
        changed = self._recorder.revert(met)
        if changed:
            self.catch_up()
        return changed

    def record_instants(self, met: Sequence[Met]) -> None:
        """Record instants of publication not known before; see :class:`qa.library.recording.Recorder`."""
        self._need_writable()
        if self._recorder.record_instants(met):
            self.catch_up()

    def catch_up(self) -> None:
        """Work off the outbox of the lexical index, and removals from both stores."""
        self._need_writable()
        if self._lexical.is_outdated():
            _log.warning("the lexical index was made by another Dateline; it is made anew")
            # In this order, so that whoever is killed in between is followed by one who does it again.
            self._outbox.mark(self._outbox.ids(), lexical=False)
            self._lexical.clear()
        try:
            self._work_off()
        except VectorsDamagedError:
            self.mend()
            self._work_off()
        self._remove_retired()

    def _work_off(self) -> None:
        gone = self._outbox.pending_removals()
        while (pending := self._outbox.pending_lexical(_LEXICAL_BATCH)) or gone:
            self._lexical.update([replace(chunk, text=searched(chunk)) for chunk in pending], remove=gone)
            if gone:
                self._store.delete(gone)
                with self._staged_vectors() as staged:
                    if staged is not None:
                        staged.delete(gone)
                self._outbox.removed(gone)
                gone = []
            if pending:
                self._outbox.mark([chunk.id for chunk in pending], lexical=True)

    @contextmanager
    def _staged_vectors(self) -> Iterator[VectorStore | None]:
        """The vectors of a re-embedding that is under way, None when none is."""
        change = self._staging.change()
        if change is None:
            yield None
            return
        with closing(self._store.beside(change.generation)) as staged:
            yield staged

    def _remove_retired(self) -> None:
        for generation in self._staging.retired():
            try:
                with closing(self._store.beside(generation)) as retired:
                    retired.remove()
            except StoreError as error:
                # They only take up room; whoever writes next tries again.
                _log.warning("old vectors are still there: %s", error)
            else:
                self._staging.removed(generation)

    def drain(self, on_embedded: Callable[[int], None] | None = None) -> int:
        """Embed every chunk that has no vector yet, a batch at a time, and return how many there were.

        ``on_embedded`` is called with the size of each batch when it is stored. Interrupting loses at most two batches'
        work. One thread at a time. Raises ``EmbeddingMismatchError`` when the vectors are of another model.
        """
        self._need_writable()
        embedder = self._embedder()
        self._staging.check(self._path, embedder.name)
        used = self._catalog.fact(BACKEND) or ""

        def note(backend: str) -> None:
            nonlocal used
            if (now := adding(used, backend)) != used:
                used = now
                self._recorder.set_fact(BACKEND, used)

        embedding = Embedding(self._outbox, self._store, embedder, note)
        try:
            return embedding.drain(on_embedded)
        except VectorsDamagedError:
            self.mend()
            used = ""
            return embedding.drain(on_embedded)

    def mend(self) -> int:
        """Have vectors made anew that cannot be read any more, those that serve and those of a re-embedding.

        A process killed in the instant in which Chroma writes its index leaves it unreadable for good. Nothing is lost
        but time: all passages become a backlog. Returns how many chunks that serve are concerned, 0 where nothing is
        wrong.
        """
        self._need_writable()
        with self._staged_vectors() as staged:
            if staged is not None and _is_damaged(staged):
                self._staging.begin_anew()
        if not _is_damaged(self._store):
            return 0
        self._store.use(self._staging.serve_anew())
        return self._outbox.backlog()

    def alike(self, bands: Sequence[str], *, article_id: str) -> dict[str, list[Member]]:
        """The clusters that may hold near duplicates of an article with these ``bands``, by cluster id."""
        return alike(self._catalog.database, bands, article_id=article_id)

    def backlog(self) -> int:
        """How many chunks have no vector yet."""
        return self._outbox.backlog()

    def delete(self, article_id: str) -> None:
        """Forget an article and leave a tombstone. Raises ``NotFoundError`` when there is none."""
        self._need_writable()
        self.bury(article_id)
        self.catch_up()

    def bury(self, article_id: str) -> None:
        """Forget an article in the catalogue alone, which has the last word on what is found; leave a tombstone.

        The others forget it when the writer catches up, which may be another thread or process: this may be called
        while that one is at work. Raises ``NotFoundError`` when there is none.
        """
        self._recorder.delete(article_id)

    def removals_wait(self) -> bool:
        """Whether there is something that the derived stores have yet to forget."""
        return bool(self._outbox.pending_removals())

    def check(self, *, repair: bool = False) -> CheckReport:
        """Compare the ids of all three stores; with ``repair`` bring the derived two in step with the catalogue.

        Chunks still waiting for their vector are a backlog, not a problem. Raises ``VectorsDamagedError`` when there is
        nothing to compare with, unless that is to be repaired, too.
        """
        unreadable = self.mend() if repair else 0
        found = self._compare()
        if not repair:
            return CheckReport(problems=found.problems(), repaired=0)
        self._outbox.mark(found.no_words, lexical=False)
        self._outbox.mark(found.no_vector, embedded=False)
        if found.stray:
            self._lexical.update([], remove=sorted(found.stray))
            self._store.delete(sorted(found.stray))
        with self._staged_vectors() as staged:
            if staged is not None:
                self._staging.outbox.mark(found.no_staged_vector, embedded=False)
                staged.delete(sorted(found.stray_staged))
        self.catch_up()
        self.drain()
        told = (f"{unreadable} chunks whose vectors could not be read",) if unreadable else ()
        return CheckReport(problems=told + found.problems(), repaired=unreadable + found.chunks())

    def _compare(self) -> Differences:
        known = self._outbox.ids()
        words, vectors = self._lexical.ids(), self._store.ids()
        leaving = set(self._outbox.pending_removals())
        with self._staged_vectors() as staged:
            held = staged.ids() if staged is not None else set()
        no_staged_vector, stray_staged = self._staging.compare(held)
        return Differences(
            no_words={one for one, (lexical, _) in known.items() if lexical and one not in words},
            no_vector={one for one, (_, embedded) in known.items() if embedded and one not in vectors},
            stray=(words | vectors) - known.keys() - leaving,
            waiting={one for one, (lexical, _) in known.items() if not lexical},
            leaving=leaving,
            no_staged_vector=no_staged_vector,
            stray_staged=stray_staged - leaving,
        )

    def status(self) -> LibraryStatus:
        """Counts, dates and sizes, as of now."""
        return library_status(self._path, self._catalog.database)

    def _need_writable(self) -> None:
        if not self._writable:
            raise HomeError("the home is open for reading only", hint="Open it for writing.")
