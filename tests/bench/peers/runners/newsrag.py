"""newsrag as its README has it: BM25 in memory, ``recency_half_life_days=30``, sources kept by ``save_sources``.

Every source has its day of publication as a datetime with a time zone, which newsrag insists on. The question's day is
given as ``as_of``, from which ages are counted, and as ``before``, the documented filter that leaves out what was
published later. Embeddings are optional there, by a function of the user's own; the README's example goes without, and
so do we: it embeds nothing. A process that asks loads the sources and indexes them anew, as its documentation says.
"""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from newsrag import NewsroomRAG, Source, load_sources, save_sources

from tests.bench.peers.protocol import Found, Lookup, Search, Variant


def moment(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def ingest(articles: Path, folder: Path, embedder: Any) -> None:
    with articles.open(encoding="utf-8") as file:
        records = [json.loads(line) for line in file]
    rag = NewsroomRAG(recency_half_life_days=30).add(
        *(
            Source(
                id=one["url"],
                title=one["title"] or "untitled",
                text=one["text"],
                url=one["url"],
                published_at=moment(date.fromisoformat(one["published"])),
                publisher=one["source"],
            )
            for one in records
        )
    )
    save_sources(rag, folder / "sources.json")


def opened(folder: Path, weights: Path) -> Search:
    rag = load_sources(folder / "sources.json", rag=NewsroomRAG(recency_half_life_days=30))

    def search(question: str, as_of: date, k: int) -> Found:
        found = rag.search(question, top_k=k, as_of=moment(as_of), before=moment(as_of))
        return [(one.url, one.excerpt) for one in found]

    return search


# What only the bench needs.

TITLE = "newsrag"
DISTRIBUTIONS = ("newsrag",)
EMBEDS = False
VARIANTS = {"BM25, half-life 30 days": Variant(ingest, opened)}


def embedder(weights: Path) -> Any:
    return None


def warm(embedder: Any) -> None:
    """There is nothing to load."""


def texts(articles: Path) -> list[str]:
    return []


def ready(lookup: Lookup) -> Any:
    return None
