"""A home changes over to another embedding model (or backend, or size of chunk) while the old vectors serve.

All articles are cut into chunks anew, as an ingest with the new model would; chunks and vectors are kept beside those
that serve and take their place in one step (``qa.library.staging``). Killed at any point, the same again goes on where
it stopped.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from qa.errors import EmbeddingMismatchError, StoreError, VectorsDamagedError
from qa.library.embedding import Embedding, adding, only_by
from qa.library.facts import BACKEND, MODEL
from qa.library.home import Home
from qa.library.staging import Change, Staging, Target, new_generation
from qa.library.store import VectorStore
from qa.models import Chunk

Cut = Callable[[str], Sequence[Chunk]]
"""A text to its chunks, in the tokens of the model that is changed to."""


class Watcher(Protocol):
    """Told how far a re-embedding is."""

    def cut(self, done: int, total: int) -> None:
        """``done`` of ``total`` versions of articles have been cut into chunks."""

    def embedded(self, done: int, total: int) -> None:
        """``done`` of ``total`` chunks have their new vector."""


@dataclass(frozen=True, slots=True)
class ReembedReport:
    """What a re-embedding did.

    ``changed`` is False when the vectors were as the settings want them already. ``model`` and ``backend`` are those of
    the vectors that serve now, ``model_before`` and ``backend_before`` those of the ones replaced. Of all ``chunks``
    this run gave ``embedded`` their vector, earlier runs the rest; ``recut`` versions of articles are made up of other
    chunks than before. ``discarded`` is the model of a half-done re-embedding that was given up, None for none.
    """

    changed: bool
    model: str
    model_before: str
    backend: str
    backend_before: str
    chunks: int
    embedded: int
    recut: int
    discarded: str | None
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """The same as a JSON object, seconds rounded to milliseconds."""
        return {**asdict(self), "seconds": round(self.seconds, 3)}


class Reembedding:
    """Changes ``home``, opened for writing with ``any_model``, over to its embedder.

    ``target`` is what the settings want; ``cut`` cuts texts for it.
    """

    def __init__(self, home: Home, target: Target, cut: Cut) -> None:
        self._home = home
        self._target = target
        self._cut = cut
        self._staging = Staging(home.catalog.database)

    def run(self, watcher: Watcher, *, discard: bool = False) -> ReembedReport:
        """Begin or go on, to the end; then the home answers with the new vectors.

        Raises ``EmbeddingMismatchError`` when one with another target is half-done, unless that is to be
        ``discard``ed, and ``StoreError`` or ``ModelError`` when a store or the model fails: what was done is kept.
        """
        began = time.perf_counter()
        before = self._home.catalog.facts()
        discarded = self._settle(discard)
        self._stage(watcher)
        recut = self._staging.recut()
        wanted = self._is_wanted(before)
        chunks = embedded = 0
        if wanted or recut:
            _, chunks = self._staging.staged()
            embedded = self._embed(watcher)
            self._switch()
        else:
            self._staging.drop()
            self._home.index.catch_up()
        now = self._home.catalog.facts()
        return ReembedReport(
            changed=wanted or recut > 0,
            model=now[MODEL],
            model_before=before[MODEL],
            backend=now.get(BACKEND, ""),
            backend_before=before.get(BACKEND, ""),
            chunks=chunks,
            embedded=embedded,
            recut=recut,
            discarded=discarded,
            seconds=time.perf_counter() - began,
        )

    def _settle(self, discard: bool) -> str | None:
        """See to it that a re-embedding with this target is under way; returns the model of one given up for it."""
        change = self._staging.change()
        discarded = None
        if change is not None and change.target != self._target:
            if not discard:
                raise self._other(change)
            self._staging.drop()
            discarded = change.target.model
            change = None
        if change is None:
            self._staging.begin(Change(self._target, new_generation()))
        return discarded

    def _other(self, change: Change) -> EmbeddingMismatchError:
        done, total = self._staging.progress()
        return EmbeddingMismatchError(
            f"{self._home.path} is being re-embedded with {_told(change.target)}: {done} of {total} passages are done;"
            f" the settings say {_told(self._target)}",
            hint="Set them back to go on with that, or give it up with `dateline ingest --reembed --discard`.",
        )

    def _is_wanted(self, known: dict[str, str]) -> bool:
        return known[MODEL] != self._target.model or not only_by(known.get(BACKEND, ""), self._target.backend)

    def _stage(self, watcher: Watcher) -> None:
        done, total = 0, self._staging.unstaged()
        for some in self._staging.to_stage():
            self._staging.stage([(version, self._cut(version.text)) for version in some])
            done += len(some)
            watcher.cut(done, max(done, total))

    def _embed(self, watcher: Watcher) -> int:
        """Give every staged chunk its vector; returns how many got it."""
        try:
            return self._drain(watcher)
        except VectorsDamagedError:
            self._home.index.mend()
            return self._drain(watcher)

    def _drain(self, watcher: Watcher) -> int:
        change = self._staging.change()
        assert change is not None
        done, total = self._staging.staged()
        used = change.used
        watcher.embedded(done, total)

        def embedded(count: int) -> None:
            nonlocal done
            done += count
            watcher.embedded(done, total)

        def note(backend: str) -> None:
            nonlocal used
            used = adding(used, backend)
            self._staging.note_used(used)

        with closing(self._home.store.beside(change.generation)) as store:
            embedding = Embedding(self._staging.outbox, store, self._home.embedder, note)
            count = embedding.drain(embedded)
            if lost := self._reconcile(store):
                done -= lost
                count += embedding.drain(embedded)
                if lost := self._reconcile(store):
                    raise StoreError(f"the vector store has lost {lost} of the vectors it was given")
        return count

    def _reconcile(self, store: VectorStore) -> int:
        """Make the new vectors and the catalogue agree; returns how many vectors are not there although they should be.

        Nothing replaces vectors that serve before it was seen to be there.
        """
        lost, stray = self._staging.compare(store.ids())
        self._staging.outbox.mark(lost, embedded=False)
        store.delete(sorted(stray))
        return len(lost)

    def _switch(self) -> None:
        change = self._staging.switch()
        self._home.store.use(change.generation)
        self._home.index.catch_up()


def _told(target: Target) -> str:
    return f"{target.model} (backend {target.backend}, passages of up to {target.tokens} tokens)"
