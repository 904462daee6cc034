"""Dateline with its settings as they come: a home made by the pipeline, asked by the retriever that answers rest on."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from ingest.dedup import bands
from ingest.language import identify
from ingest.pipeline import Pipeline
from qa.dates import read_range
from qa.library.encoders import BUNDLED, make_embedder
from qa.library.home import open_home
from qa.models import Filters
from qa.retrieve import Retriever
from qa.settings import load_settings
from qa.weighting import Weighting
from tests.bench.ingest_parts import WARM_UP
from tests.bench.peers.protocol import Found, Lookup, Search, Variant


def embedder(weights: Path) -> Any:
    return make_embedder(BUNDLED)


def ingest(articles: Path, folder: Path, embedder: Any) -> None:
    with open_home(load_settings(home=folder), write="ingest", embedder=embedder) as home:
        Pipeline(home).run([articles])


def opened(folder: Path, weights: Path) -> Search:
    settings = load_settings(home=folder)
    retriever = Retriever(
        open_home(settings),
        candidates=settings.candidates,
        per_article=settings.passages_per_article,
        weighting=Weighting(half_life=settings.half_life, floor=settings.age_floor),
    )

    def search(question: str, as_of: date, k: int) -> Found:
        filters = Filters(as_of=as_of, as_of_given=True)
        found = retriever.retrieve(question, filters, k, asked=read_range(question, as_of))
        return [(one.url or "", one.text) for one in found.passages]

    return search


# What only the bench needs.

TITLE = "Dateline"
DISTRIBUTIONS = ("dateline", "chromadb", "tantivy", "torch")
EMBEDS = True
VARIANTS = {"as it comes": Variant(ingest, opened)}


def warm(embedder: Any) -> None:
    embedder.embed(["warm up"])
    identify("warm up")
    bands(" ".join(WARM_UP))


def texts(articles: Path) -> list[str]:
    return []


def ready(lookup: Lookup) -> Any:
    return None
