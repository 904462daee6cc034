"""A small real home for integration tests: SQLite, Chroma and tantivy on disk, a fake embedder."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from qa.library.home import Home, open_home
from qa.library.index import Prepared
from qa.models import Article, Chunk, Filters
from qa.settings import Settings, load_settings
from qa.text import sentences
from tests.fakes import FakeEmbedder

TODAY = date(2023, 4, 19)


def article(name: str, text: str, day: str | None = None, **told: Any) -> Article:
    published = date.fromisoformat(day) if day else None
    return Article(id=name, text=text, published=published, published_from="header" if day else None, **told)


def prepared(one: Article, *, per_chunk: int = 1) -> Prepared:
    """``per_chunk`` sentences a chunk."""
    spans = sentences(one.text)
    runs = [spans[i : i + per_chunk] for i in range(0, len(spans), per_chunk)]
    chunks = tuple(Chunk(n, run[0][0], run[-1][1], tokens=5) for n, run in enumerate(runs))
    return Prepared(one, chunks)


def settings(home: Path, **told: Any) -> Settings:
    return load_settings(home=home, **told)


def writer(home: Path, *, command: str = "ingest", **told: Any) -> Home:
    return open_home(settings(home, **told), write=command, embedder=FakeEmbedder())


def reader(home: Path, **told: Any) -> Home:
    return open_home(settings(home, **told), embedder=FakeEmbedder())


def keep(home: Home, *articles: Article, drain: bool = True, restore: bool = False) -> None:
    home.index.commit([prepared(one) for one in articles], restore=restore)
    if drain:
        home.index.drain()


def seen(home: Home, words: str, **filters: Any) -> set[str]:
    """Texts that a question about ``words`` finds by its words or its vector, passages far from it left out."""
    from qa.retrieve import Retriever
    from qa.weighting import Weighting

    told: dict[str, Any] = {"as_of": TODAY} | filters
    found = Retriever(home, candidates=50, per_article=50, weighting=Weighting()).retrieve(words, Filters(**told), 50)
    return {hit.passage.text for hit in found.hits if hit.lexical_rank or (hit.similarity or 0) > 0.5}


LAVROV = article(
    "lavrov",
    "Sergey Lavrov arrived in Brazil on Monday for talks about trade. He met Mauro Vieira in Brasilia. "
    "Trade between the two countries reached 9.8 billion dollars in [2022].",
    "2023-04-17",
    title="Lavrov in Brazil",
    source="tass",
    url="https://news.test/lavrov",
    published_at="2023-04-17T18:30:00-03:00",
    language="en",
    authors=("A. Writer",),
)
HARVEST = article(
    "harvest", "The wheat harvest in Ukraine was poor. Farmers blamed the drought.", "2022-09-01", source="reuters"
)
UNDATED = article("undated", "The lighthouse keeper painted the lighthouse white.", source="local")
FUTURE = article("future", "Sergey Lavrov arrived in Cuba on Thursday.", "2023-04-20", source="tass")
ALL = (LAVROV, HARVEST, UNDATED, FUTURE)
