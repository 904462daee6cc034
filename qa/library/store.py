"""Vectors in Chroma, embedded in the home or on a server: the one place that talks to chromadb.

Chroma holds ids and vectors only. Dates, sources and texts come from the catalogue, which also turns filters into
ids: Chroma's own ``where`` costs hundreds of milliseconds on a large collection.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from qa.errors import SettingsError, StoreError, StoreUnreachableError, VectorsDamagedError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_COLLECTION = "dateline-chunks"
_MAX_BATCH = 5_000
"""One call to Chroma takes at most 5,461 records."""

_CUT_OFF = "deserializing pickle"
"""What Chroma says of an index of which a kill left half a file: from then on everything fails that touches it."""

BEAM = 200
"""How many candidates a search of Chroma's keeps at least: they are drawn by the hundred, fewer would miss some."""


class VectorStore:
    """Unit vectors by chunk id. ``path`` is Chroma's directory; ``url`` names a server instead.

    Vectors of one embedding model make up a ``generation``, a collection of its own, the first has no name. Embedded,
    each has a directory of its own, too (``path``, then ``path-NAME``): Chroma 1.5 leaves the files of a collection
    that it deletes where they are.

    Opened lazily: a command that needs no vectors never imports chromadb. Safe to use from several threads.
    """

    def __init__(self, path: Path, url: str | None = None, generation: str = "") -> None:
        self._path = path
        self._url = url
        self._generation = generation
        self._lock = threading.Condition(threading.RLock())
        self._users = 0
        self._client: Any = None
        self._collection: Any = None

    def close(self) -> None:
        """Let go of Chroma; the next call opens it anew and sees what other processes have written meanwhile.

        Calls under way in other threads are waited for.
        """
        with self._lock:
            self._lock.wait_for(lambda: self._users == 0)
            if self._client is not None:
                self._client.close()
                if self._url is not None:
                    # chromadb 1.5 leaves its HTTP connections open, those it asked for the tenant over, too.
                    for part in (self._client, self._client._admin_client):
                        part._server._session.close()
            self._client = self._collection = None

    def use(self, generation: str) -> None:
        """Work on another generation from now on. Calls under way in other threads are waited for."""
        with self._lock:
            if generation != self._generation:
                self.close()
                self._generation = generation

    def beside(self, generation: str) -> VectorStore:
        """Another generation at the same place; close it when done."""
        return VectorStore(self._path, self._url, generation)

    def remove(self) -> None:
        """Delete this generation with all its vectors; nothing to do when it is not there."""
        if self._url is None:
            self.close()
            try:
                shutil.rmtree(self._directory)
            except FileNotFoundError:
                return
            except OSError as error:
                raise StoreError(f"{self._directory} cannot be removed: {error.strerror}") from error
            return
        with self._collection_in_use() as collection:
            self._client.delete_collection(collection.name)
        self.close()

    def upsert(self, ids: Sequence[str], vectors: NDArray[np.float32]) -> None:
        """Keep one vector (a row of ``vectors``) for each id, replacing what was there."""
        with self._collection_in_use() as collection:
            for i in range(0, len(ids), _MAX_BATCH):
                part = slice(i, i + _MAX_BATCH)
                collection.upsert(ids=list(ids[part]), embeddings=vectors[part])

    def delete(self, ids: Sequence[str]) -> None:
        """Forget these ids; unknown ones are passed over."""
        with self._collection_in_use() as collection:
            for i in range(0, len(ids), _MAX_BATCH):
                collection.delete(ids=list(ids[i : i + _MAX_BATCH]))

    def vectors(self, ids: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """The vectors of those of ``ids`` that have one."""
        found: dict[str, NDArray[np.float32]] = {}
        with self._collection_in_use() as collection:
            for i in range(0, len(ids), _MAX_BATCH):
                page = collection.get(ids=list(ids[i : i + _MAX_BATCH]), include=["embeddings"])
                found.update(zip(page["ids"], page["embeddings"], strict=True))
        return found

    def nearest(
        self, vector: NDArray[np.float32], k: int, *, among: Sequence[str] | None = None
    ) -> list[tuple[str, float]]:
        """The ``k`` ids nearest to ``vector`` with their cosine similarity, best first.

        ``among`` limits the search to those ids, each of which must have a vector (else ``StoreError``); an empty
        list finds nothing. Fewer than ``k`` are returned when there are no more.
        """
        if among is not None and not among:
            return []
        with self._collection_in_use() as collection:
            found = collection.query(
                query_embeddings=[vector],
                n_results=k,
                include=["distances"],
                ids=list(among) if among is not None else None,
            )
        ids, distances = found["ids"][0], found["distances"][0]
        return [(one, 1.0 - distance) for one, distance in zip(ids, distances, strict=True)]

    def compared(self, vector: NDArray[np.float32], k: int, among: Sequence[str]) -> list[tuple[str, float]]:
        """The same as ``nearest(vector, k, among=among)``, by comparing with each: quicker where they are very few."""
        if self._url is not None:
            # A server would send every vector as text.
            return self.nearest(vector, k, among=among)
        import numpy as np

        found = self.vectors(among)
        if len(found) < len(among):
            raise StoreError("Chroma has no vector of some chunks", hint="Try `dateline status --check`.")
        similarities = np.stack(list(found.values())) @ vector if found else np.zeros(0)
        return sorted(zip(found, similarities.tolist(), strict=True), key=lambda pair: -pair[1])[:k]

    def ids(self) -> set[str]:
        """Every id that has a vector."""
        found: set[str] = set()
        with self._collection_in_use() as collection:
            while page := collection.get(limit=_MAX_BATCH, offset=len(found), include=[])["ids"]:
                found.update(page)
        return found

    def probe(self) -> None:
        """Raise ``VectorsDamagedError`` when the vectors cannot be read."""
        with self._collection_in_use() as collection:
            collection.get(limit=1, include=[])

    def count(self) -> int:
        """How many ids have a vector."""
        with self._collection_in_use() as collection:
            return int(collection.count())

    @property
    def _directory(self) -> Path:
        return self._path.with_name(f"{self._path.name}-{self._generation}") if self._generation else self._path

    def _open(self) -> Any:
        with self._lock:
            if self._collection is None:
                self._client = self._connect()
                self._collection = self._client.get_or_create_collection(
                    f"{_COLLECTION}-{self._generation}" if self._generation else _COLLECTION,
                    embedding_function=None,
                    configuration={"hnsw": {"space": "cosine", "ef_search": BEAM}},
                )
            return self._collection

    def _connect(self) -> Any:
        import chromadb
        from chromadb.config import Settings

        options = Settings(anonymized_telemetry=False)
        if self._url is None:
            return chromadb.PersistentClient(path=str(self._directory), settings=options)
        parts = urlsplit(self._url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise SettingsError(f"DATELINE_CHROMA_URL: {self._url!r} is not an http(s) URL")
        secure = parts.scheme == "https"
        return chromadb.HttpClient(
            host=parts.hostname, port=parts.port or (443 if secure else 8000), ssl=secure, settings=options
        )

    @contextmanager
    def _collection_in_use(self) -> Iterator[Any]:
        """The collection, not closed before the block ends; Chroma's errors are renamed."""
        import httpx
        from chromadb.errors import ChromaError

        try:
            with self._lock:
                collection = self._open()
                self._users += 1
            try:
                yield collection
            finally:
                with self._lock:
                    self._users -= 1
                    self._lock.notify_all()
        except (httpx.TransportError, ConnectionError) as error:
            raise StoreUnreachableError(f"the Chroma server does not answer: {error}") from error
        except ChromaError as error:
            if _CUT_OFF in str(error):
                raise VectorsDamagedError(f"the vectors cannot be read: {error}") from error
            raise StoreError(f"Chroma failed: {error}", hint="Try `dateline status --check`.") from error
        except ValueError as error:
            # chromadb's HTTP client reports a refused connection as ValueError.
            if self._url is None or "connect" not in str(error).lower():
                raise
            raise StoreUnreachableError(f"the Chroma server does not answer: {error}") from error
