"""From chunks that wait for a vector to vectors in the store, a batch at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qa.library.catalog import StoredChunk
from qa.library.encoders import Embedder, common_words
from qa.library.memory import give_back
from qa.library.outbox import Outbox
from qa.library.store import VectorStore
from qa.repair import search_text

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vector = NDArray[np.float32]

EMBED_BATCH = 256
"""Chunks embedded and stored together; an interruption may have to do two batches again."""


def searched(chunk: StoredChunk) -> str:
    """A chunk's text as it is searched; a chunk of boilerplate alone, as older homes have them, by that."""
    return search_text(chunk.text, common_words().__contains__) or chunk.text


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


class Embedding:
    """Gives the chunks of one outbox their vectors.

    ``note`` is told what computed a batch, once that is stored.
    """

    def __init__(self, outbox: Outbox, store: VectorStore, embedder: Embedder, note: Callable[[str], None]) -> None:
        self._outbox = outbox
        self._store = store
        self._embedder = embedder
        self._note = note

    def drain(self, on_embedded: Callable[[int], None] | None = None) -> int:
        """Embed every chunk that has no vector yet, a batch at a time, and return how many there were.

        ``on_embedded`` is called with the size of each batch when it is stored. Interrupting loses at most two batches'
        work. One thread at a time.
        """
        done = 0
        for count in self._batches():
            done += count
            give_back()
            if on_embedded:
                on_embedded(count)
        return done

    def _batches(self) -> Iterator[int]:
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
        pending = self._outbox.pending_embedding(EMBED_BATCH + len(under_way))
        return [chunk for chunk in pending if chunk.id not in under_way][:EMBED_BATCH]

    def _vectors(self, pending: Sequence[StoredChunk], recent: Mapping[str, Vector]) -> dict[str, Vector]:
        """By digest; a text that has a vector already, among ``recent`` or in the store, is not embedded again."""
        twins = self._outbox.embedded_twins([chunk.digest for chunk in pending])
        stored = self._store.vectors(list(twins.values()))
        known = {digest: stored[one] for digest, one in twins.items() if one in stored}
        known |= {chunk.digest: recent[chunk.digest] for chunk in pending if chunk.digest in recent}
        fresh = {chunk.digest: searched(chunk) for chunk in pending if chunk.digest not in known}
        return known | dict(zip(fresh, self._embedder.embed(list(fresh.values())), strict=True))

    def _store_vectors(self, ids: Sequence[str], rows: Sequence[Vector]) -> None:
        import numpy as np

        self._store.upsert(ids, np.stack(rows))
        # Before the mark: vectors that count and whose origin nobody knows would be worse than work done again.
        self._note(self._embedder.backend)
        self._outbox.mark(ids, embedded=True)


def adding(used: str, backend: str) -> str:
    """``used``, a comma-separated list of what computed vectors, with one more, which it may hold already.

    ``auto``, which an embedder calls itself until it has chosen, stands there only for want of something better.
    """
    parts = [part for part in used.split(", ") if part]
    known = [part for part in dict.fromkeys([*parts, backend]) if part != "auto"]
    return ", ".join(known or ["auto"])


def only_by(used: str, asked: str) -> bool:
    """Whether nothing but the backend ``asked`` for in the settings computed vectors, going by that list.

    ``auto`` asks for nothing in particular; "torch float32" is one of ``torch``.
    """
    return asked == "auto" or all(part.split()[0] == asked for part in used.split(", ") if part)
