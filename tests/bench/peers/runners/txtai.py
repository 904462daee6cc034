"""txtai as its documentation has it: ``Embeddings(hybrid=True, content=True)`` over the weights, which adds the scores
of BM25 and of dense search, saved to a directory; questions in its SQL, whose ``where`` leaves out what was published
after the question was asked.

Articles are cut into paragraphs by its own ``Segmentation``, as its notebooks on articles do. txtai has no weighting by
age.
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


def paragraphs(articles: Path) -> list[dict[str, str]]:
    segmentation = Segmentation(paragraphs=True)
    with articles.open(encoding="utf-8") as file:
        records = [json.loads(line) for line in file]
    return [
        {"text": text, "url": one["url"], "published": one["published"]}
        for one in records
        for text in segmentation(one["text"])
    ]


def ingest(articles: Path, folder: Path, embeddings: Any) -> None:
    embeddings.index(paragraphs(articles))
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
DISTRIBUTIONS = ("txtai", "faiss-cpu", "transformers", "torch")
EMBEDS = True
VARIANTS = {"hybrid": Variant(ingest, opened)}


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
    return [one["text"] for one in paragraphs(articles)]


def ready(lookup: Lookup) -> Any:
    return Embeddings(path=str(weights()), hybrid=True, content=True, models=_Models(ready=_Ready(lookup)))
