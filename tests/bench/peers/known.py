"""Vectors that were made once, kept on disk by model and text; the standard library alone reads and writes them."""

from __future__ import annotations

import hashlib
import sqlite3
from array import array
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path


def key(model: str, text: str) -> bytes:
    """What a vector is kept under."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16, key=model.encode()[:64]).digest()


class Known:
    """The vectors of one model in a file, which is made where it is not there."""

    def __init__(self, file: Path, model: str) -> None:
        self._file = file
        self._model = model
        with closing(self._open()) as database:
            database.execute("CREATE TABLE IF NOT EXISTS vectors (key BLOB PRIMARY KEY, vector BLOB) WITHOUT ROWID")

    def missing(self, texts: Iterable[str]) -> list[str]:
        """Those of ``texts`` that have no vector yet, each once, in their order."""
        with closing(self._open()) as database:
            return [text for text in dict.fromkeys(texts) if self._vector(database, text) is None]

    def add(self, vectors: Iterable[tuple[str, Sequence[float]]]) -> None:
        """Keep the vectors of texts."""
        rows = ((key(self._model, text), array("f", vector).tobytes()) for text, vector in vectors)
        with closing(self._open()) as database, database:
            database.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?)", rows)

    def of(self, texts: Sequence[str]) -> list[list[float]]:
        """A vector for each of ``texts``. Raises ``KeyError`` naming the first that has none."""
        return list(self._each(texts))

    def _each(self, texts: Sequence[str]) -> Iterator[list[float]]:
        with closing(self._open()) as database:
            for text in texts:
                found = self._vector(database, text)
                if found is None:
                    raise KeyError(f"no vector was made of {text[:60]!r}")
                yield array("f", found).tolist()

    def _open(self) -> sqlite3.Connection:
        return sqlite3.connect(self._file)

    def _vector(self, database: sqlite3.Connection, text: str) -> bytes | None:
        row = database.execute("SELECT vector FROM vectors WHERE key = ?", (key(self._model, text),)).fetchone()
        return bytes(row[0]) if row else None
