"""The collections that ``tests.bench.retrieval`` asks: made once, kept, and found again by the next run.

``python -m tests.bench.retrieval_homes`` makes those that are not there yet and says where they are. They are kept in
the directory that DATELINE_BENCH_CACHE names (by default ``dateline-bench`` in the system's temporary directory);
remove it to have them made anew, as after a change of ingest. The articles are those of DATELINE_BENCH_DATA. An
interrupted run is gone on with.
"""

from __future__ import annotations

import itertools
import os
import random
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from qa.library.catalog import StoredChunk
    from qa.library.encoders import Embedder
    from qa.library.home import Home
    from qa.models import Article, Chunk

    Vectors = NDArray[np.float32]

QUARTERS = ("realtimeqa-2024q1", "realtimeqa-2024q2")
TOGETHER = "q1-and-q2"

FIRST, DAYS = date(2023, 1, 1), 731
"""The invented days of publication: two years, all alike."""

LAST = FIRST + timedelta(days=DAYS - 1)
MOST, FEW = "Three Quarters Wire", "One In Twenty Post"
"""Sources of 75% and of 5% of the invented articles."""

_NOISE = 0.48
"""Length of the noise added to a repeated unit vector: its cosine to the real one is then 0.9."""

_PER_COMMIT = 256

COLLECTION = "plain"
"""The collection in :func:`plain_chroma`."""


def data() -> Path:
    """The directory of the data. Exits saying what to set when there is none."""
    folder = Path(os.environ.get("DATELINE_BENCH_DATA", ""))
    if not all((folder / quarter / "articles.jsonl.gz").is_file() for quarter in QUARTERS):
        raise SystemExit(f"set DATELINE_BENCH_DATA to the directory that holds {' and '.join(QUARTERS)}")
    return folder


def cache() -> Path:
    """The directory in which collections are kept."""
    return Path(os.environ.get("DATELINE_BENCH_CACHE") or Path(tempfile.gettempdir()) / "dateline-bench")


def quarter(name: str) -> Path:
    """The home of one of ``QUARTERS``."""
    return cache() / name


def at_size(chunks: int) -> Path:
    """The home with so many chunks."""
    return cache() / f"invented-{chunks}"


def plain_chroma(chunks: int) -> Path:
    """The same vectors as in :func:`at_size` in a Chroma of their own, with day and source as metadata."""
    return cache() / f"chroma-{chunks}"


def make(sizes: Sequence[int]) -> None:
    """Make every collection that is not there: both quarters, the two together, and one of each of ``sizes``.

    Those that are there are brought up to this Dateline's schema.
    """
    for name in QUARTERS:
        with _making(quarter(name), f"embedding the articles of {name}, some ten minutes") as part:
            if part:
                _ingest(part, [data() / name / "articles.jsonl.gz"])
    with _making(cache() / TOGETHER, "both quarters together") as part:
        if part:
            _ingest(part, [data() / name / "articles.jsonl.gz" for name in QUARTERS], embedder=_Known.of_quarters())
    for size in sizes:
        with _making(at_size(size), f"inventing {size:,} chunks") as part:
            if part:
                _invent(part, size)
        with _making(plain_chroma(size), f"the same {size:,} in a Chroma with metadata") as part:
            if part:
                _with_metadata(part, at_size(size))


@contextmanager
def _making(made: Path, what: str) -> Iterator[Path | None]:
    """Where to make it, to be given its name when it is whole; None when it is there."""
    if not made.exists():
        print(f"Making, once: {what} ...", file=sys.stderr, flush=True)
        made.parent.mkdir(parents=True, exist_ok=True)
        part = made.with_name(f"{made.name}.part")
        yield part
        part.rename(made)
        return
    if (made / "catalogue.sqlite").exists():
        _writer(made).close()
    yield None


def _writer(home: Path, embedder: Embedder | None = None) -> Home:
    from qa.library.home import open_home
    from qa.settings import load_settings

    return open_home(load_settings(home=home), write="bench", embedder=embedder)


def _ingest(home: Path, paths: Sequence[Path], *, embedder: Embedder | None = None) -> None:
    from ingest.pipeline import Pipeline

    with _writer(home, embedder) as opened:
        Pipeline(opened).run(paths)


class _Known:
    """An embedder that looks vectors up where a text has one, so that what was embedded is not embedded again."""

    def __init__(self, real: Embedder, vectors: dict[str, Vectors]) -> None:
        self._real = real
        self._vectors = vectors
        self.name, self.dimension, self.max_tokens = real.name, real.dimension, real.max_tokens
        self.backend = real.backend

    @classmethod
    def of_quarters(cls) -> _Known:
        """Knows every chunk of both quarters."""
        from qa.library.encoders import common_words
        from qa.repair import repair

        vectors: dict[str, Vectors] = {}
        embedder = None
        for name in QUARTERS:
            with _writer(quarter(name)) as home:
                embedder = home.embedder
                stored = home.store.vectors(sorted(home.store.ids()))
                chunks = home.catalog.chunks_by_id(list(stored))
                known = common_words().__contains__
                vectors.update({repair(chunk.text, known): stored[one] for one, chunk in chunks.items()})
        assert embedder is not None
        return cls(embedder, vectors)

    def token_spans(self, text: str) -> list[tuple[int, int]]:
        """As the real one."""
        return self._real.token_spans(text)

    def embed(self, texts: Sequence[str], *, query: bool = False) -> Vectors:
        """Known vectors, and the real one's of texts that are not known."""
        import numpy as np

        new = list(dict.fromkeys(text for text in texts if text not in self._vectors))
        fresh = dict(zip(new, self._real.embed(new, query=query), strict=True))
        rows = [self._vectors[text] if text in self._vectors else fresh[text] for text in texts]
        return np.stack(rows) if rows else np.zeros((0, self.dimension), dtype=np.float32)


@dataclass(frozen=True)
class _Real:
    """An article's title and text, the spans of its chunks in order, and a row of ``vectors`` for each."""

    title: str | None
    text: str
    spans: list[tuple[int, int]]
    vectors: Vectors


def _real_articles() -> list[_Real]:
    import numpy as np

    found = []
    for name in QUARTERS:
        with _writer(quarter(name)) as home:
            stored = home.store.vectors(sorted(home.store.ids()))
            chunks = home.catalog.chunks_by_id(list(stored), with_text=False)
            ordered = sorted(chunks.values(), key=lambda chunk: (chunk.version_key, chunk.ordinal))
            for _, group in itertools.groupby(ordered, key=lambda chunk: chunk.version_key):
                own = list(group)
                text = home.catalog.article(own[0].article_id).article.text
                spans = [(chunk.start, chunk.end) for chunk in own]
                found.append(_Real(own[0].title, text, spans, np.stack([stored[chunk.id] for chunk in own])))
    return found


@dataclass(frozen=True)
class _Invented:
    """A version of an invented article: its number, its chunks and a row of ``vectors`` for each."""

    article: Article
    number: int
    chunks: tuple[Chunk, ...]
    vectors: Vectors


def _invent(path: Path, size: int) -> None:
    """Fill a home with ``size`` chunks."""
    import numpy as np

    from qa.library.index import Prepared
    from qa.library.outbox import Outbox

    shutil.rmtree(path, ignore_errors=True)
    with _writer(path) as home:
        outbox = Outbox(home.catalog.database)
        versions = _invented(_real_articles(), size)
        while batch := list(itertools.islice(versions, _PER_COMMIT)):
            home.index.commit([Prepared(one.article, one.chunks) for one in batch])
            ids = [f"{one.article.id}.{one.number}.{chunk.ordinal}" for one in batch for chunk in one.chunks]
            home.store.upsert(ids, np.concatenate([one.vectors for one in batch]))
            outbox.mark(ids, embedded=True)


def _invented(real: Sequence[_Real], size: int) -> Iterator[_Invented]:
    """Versions of ``size`` chunks in all, one article in fifty having two: the real ones, then these changed."""
    dice = random.Random(0)
    words = [word for one in real for word in dice.sample(one.text.split(), k=min(20, len(one.text.split())))]
    for count in itertools.count():
        one, again = real[count % len(real)], count >= len(real)
        day = FIRST + timedelta(days=dice.randrange(DAYS))
        name, source = f"u-{dice.getrandbits(96):024x}", _source(dice)
        for number in (1, 2) if count % 50 == 0 else (1,):
            version = _version(one, dice, words, changed=again or number > 1)
            article = replace(
                version.article, id=name, source=source, published=day + timedelta(days=20 * (number - 1))
            )
            chunks, vectors = version.chunks[:size], version.vectors[:size]
            size -= len(chunks)
            yield replace(version, article=article, number=number, chunks=chunks, vectors=vectors)
            if size == 0:
                return


def _source(dice: random.Random) -> str:
    drawn = dice.random()
    return MOST if drawn < 0.75 else FEW if drawn < 0.8 else f"Daily {dice.randrange(40)}"


def _version(real: _Real, dice: random.Random, words: Sequence[str], *, changed: bool) -> _Invented:
    from qa.models import Article, Chunk

    text, vectors, parts, end = "", real.vectors, [], 0
    for ordinal, span in enumerate(real.spans):
        piece = real.text[slice(*span)]
        text += real.text[end : span[0]]
        begun, end = len(text), span[1]
        text += _shuffled(piece, dice, words) if changed else piece
        parts.append(Chunk(ordinal, begun, len(text), tokens=len(piece) // 5))
    if changed:
        vectors = _noisy(vectors, dice)
    article = Article(id="", text=text + real.text[end:], title=real.title, published_from="field")
    return _Invented(article, 1, tuple(parts), vectors)


def _shuffled(piece: str, dice: random.Random, words: Sequence[str]) -> str:
    """One word in ten changes places with another, one in twenty is another one."""
    parts = re.split(r"(\s+)", piece)
    own = range(0, len(parts), 2)
    for _ in range(len(own) // 20):
        one, other = dice.choice(own), dice.choice(own)
        parts[one], parts[other] = parts[other], parts[one]
        parts[dice.choice(own)] = dice.choice(words)
    return "".join(parts)


def _noisy(vectors: Vectors, dice: random.Random) -> Vectors:
    import numpy as np

    noise = np.random.default_rng(dice.getrandbits(32)).standard_normal(vectors.shape)
    moved = vectors + noise * (_NOISE / np.sqrt(vectors.shape[1]))
    unit: Vectors = (moved / np.linalg.norm(moved, axis=1, keepdims=True)).astype(np.float32)
    return unit


def _metadata(chunk: StoredChunk) -> dict[str, int | str]:
    return {"day": chunk.published.toordinal() if chunk.published else 0, "source": chunk.source or ""}


def _with_metadata(path: Path, home: Path) -> None:
    """What a tutorial builds at this size: Chroma with each chunk's day (as an ordinal) and source as metadata."""
    import chromadb
    from chromadb.config import Settings

    shutil.rmtree(path, ignore_errors=True)
    client: Any = chromadb.PersistentClient(path=str(path), settings=Settings(anonymized_telemetry=False))
    collection = client.create_collection(
        COLLECTION, embedding_function=None, configuration={"hnsw": {"space": "cosine", "ef_search": 200}}
    )
    with _writer(home) as opened:
        ids = sorted(opened.store.ids())
        for i in range(0, len(ids), 5_000):
            stored = opened.store.vectors(ids[i : i + 5_000])
            chunks = opened.catalog.chunks_by_id(list(stored), with_text=False)
            told = [_metadata(chunks[one]) for one in stored]
            collection.add(ids=list(stored), embeddings=list(stored.values()), metadatas=told)
    client.close()


if __name__ == "__main__":
    make([int(size) for size in sys.argv[1:]])
