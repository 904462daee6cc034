"""txtai as its documentation has it: ``Embeddings(hybrid=True, content=True)`` over the weights, which adds the scores
of BM25 and of dense search, saved to a directory; questions in its SQL, whose ``where`` leaves out what was published
after the question was asked. txtai has no weighting by age.

Two rows. *Sections* are how its quick start on RAG cuts: where the text has page breaks or several blank lines, which
in news is seldom, so that a passage is most of an article, of whose words the weights read the first 512 tokens.
*Chunks* are cut by Chonkie's recursive chunker to at most 1,000 characters, which its ``Segmentation`` documents, too.
"""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from txtai import Embeddings
from txtai.pipeline import Segmentation

from tests.bench.peers.harness import weights
from tests.bench.peers.protocol import Found, Lookup, Search, Variant


def embedder(weights: Path) -> Any:
    return Embeddings(path=str(weights), hybrid=True, content=True)


def segments(articles: Path, segmentation: Any) -> list[dict[str, str]]:
    with articles.open(encoding="utf-8") as file:
        records = [json.loads(line) for line in file]
    return [
        {"text": text, "url": one["url"], "published": one["published"]}
        for one in records
        for text in segmentation(one["text"])
    ]


def ingest_sections(articles: Path, folder: Path, embeddings: Any) -> None:
    embeddings.index(segments(articles, Segmentation(sections=True)))
    embeddings.save(str(folder))


def ingest_chunks(articles: Path, folder: Path, embeddings: Any) -> None:
    embeddings.index(segments(articles, Segmentation(chunker="recursive", chunk_size=1000)))
    embeddings.save(str(folder))


def opened(folder: Path, weights: Path) -> Search:
    embeddings = Embeddings()
    embeddings.load(str(folder))
    query = "select url, text from txtai where similar(:question) and published <= :as_of"

    def search(question: str, as_of: date, k: int) -> Found:
        found = embeddings.search(query, limit=k, parameters={"question": question, "as_of": as_of.isoformat()})
        return [(one["url"], one["text"]) for one in found]

    return search


# What only the bench needs.

TITLE = "txtai"
DISTRIBUTIONS = ("txtai", "chonkie", "faiss-cpu", "transformers", "torch")
EMBEDS = True
VARIANTS = {"hybrid, sections": Variant(ingest_sections, opened), "hybrid, chunks": Variant(ingest_chunks, opened)}


class _Ready:
    def __init__(self, lookup: Lookup) -> None:
        self.lookup = lookup

    def encode(self, data: list[str], batch: int = 32, category: str | None = None) -> Any:
        return np.array(self.lookup(data), dtype=np.float32)


class _Models(dict[str, Any]):
    """A cache of models that has the same one under every key."""

    def __contains__(self, key: object) -> bool:
        return True

    def __getitem__(self, key: str) -> Any:
        return self.get("ready")


def warm(embeddings: Any) -> None:
    embeddings.transform("warm up")


def texts(articles: Path) -> list[str]:
    cuts = (Segmentation(sections=True), Segmentation(chunker="recursive", chunk_size=1000))
    return [one["text"] for cut in cuts for one in segments(articles, cut)]


def ready(lookup: Lookup) -> Any:
    return Embeddings(path=str(weights()), hybrid=True, content=True, models=_Models(ready=_Ready(lookup)))
