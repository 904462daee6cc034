"""Haystack's hybrid retrieval, as its tutorials build it: an indexing pipeline of ``DocumentSplitter``,
``SentenceTransformersDocumentEmbedder`` and ``DocumentWriter`` into the in-memory store, and a query pipeline of its
BM25 and embedding retrievers, joined by ``DocumentJoiner`` with reciprocal rank fusion.

Documents are split into 150 words overlapping by 50, the figures of the tutorial that embeds with these weights (they
fit the model's limit of 256 tokens). Both retrievers return ten by default. Both are given the documented metadata
filter on the day of publication, which the store compares as an ISO date. Haystack has no component that weighs by age.
The tutorial on hybrid retrieval ends with a cross-encoder, whose weights are others: it is left out.
"""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

from haystack import Document, Pipeline, component
from haystack.components.joiners import DocumentJoiner
from haystack.components.preprocessors import DocumentSplitter
from haystack.components.retrievers.in_memory import InMemoryBM25Retriever, InMemoryEmbeddingRetriever
from haystack.components.writers import DocumentWriter
from haystack.document_stores.in_memory import InMemoryDocumentStore
from haystack_integrations.components.embedders.sentence_transformers import (
    SentenceTransformersDocumentEmbedder,
    SentenceTransformersTextEmbedder,
)

from tests.bench.peers.protocol import Found, Lookup, Search, Variant


def embedder(weights: Path) -> Any:
    return SentenceTransformersDocumentEmbedder(model=str(weights), progress_bar=False)


def documents(articles: Path) -> list[Any]:
    with articles.open(encoding="utf-8") as file:
        records = [json.loads(line) for line in file]
    return [Document(content=one["text"], meta={"url": one["url"], "published": one["published"]}) for one in records]


def splitter() -> Any:
    return DocumentSplitter(split_by="word", split_length=150, split_overlap=50)


def ingest(articles: Path, folder: Path, document_embedder: Any) -> None:
    store = InMemoryDocumentStore()
    indexing = Pipeline()
    indexing.add_component("splitter", splitter())
    indexing.add_component("embedder", document_embedder)
    indexing.add_component("writer", DocumentWriter(store))
    indexing.connect("splitter", "embedder")
    indexing.connect("embedder", "writer")
    indexing.run({"splitter": {"documents": documents(articles)}})
    store.save_to_disk(str(folder / "documents.json"))


def opened(folder: Path, weights: Path) -> Search:
    store = InMemoryDocumentStore.load_from_disk(str(folder / "documents.json"))
    hybrid = Pipeline()
    hybrid.add_component("embedder", SentenceTransformersTextEmbedder(model=str(weights), progress_bar=False))
    hybrid.add_component("dense", InMemoryEmbeddingRetriever(store))
    hybrid.add_component("bm25", InMemoryBM25Retriever(store))
    hybrid.add_component("joiner", DocumentJoiner(join_mode="reciprocal_rank_fusion"))
    hybrid.connect("embedder", "dense")
    hybrid.connect("dense", "joiner")
    hybrid.connect("bm25", "joiner")

    def search(question: str, as_of: date, k: int) -> Found:
        filters = {"field": "meta.published", "operator": "<=", "value": as_of.isoformat()}
        asked = {
            "embedder": {"text": question},
            "dense": {"filters": filters, "top_k": k},
            "bm25": {"query": question, "filters": filters, "top_k": k},
            "joiner": {"top_k": k},
        }
        return [(one.meta["url"], one.content) for one in hybrid.run(asked)["joiner"]["documents"]]

    return search


# What only the bench needs.

TITLE = "Haystack"
DISTRIBUTIONS = ("haystack-ai", "sentence-transformers-haystack", "sentence-transformers", "torch")
EMBEDS = True
VARIANTS = {"hybrid": Variant(ingest, opened)}


@component
class _Ready:
    def __init__(self, lookup: Lookup) -> None:
        self.lookup = lookup

    @component.output_types(documents=list[Document])
    def run(self, documents: list[Document]) -> dict[str, Any]:
        for one, vector in zip(documents, self.lookup([one.content or "" for one in documents]), strict=True):
            one.embedding = vector
        return {"documents": documents}


def warm(document_embedder: Any) -> None:
    document_embedder.warm_up()
    document_embedder.run([Document(content="warm up")])


def texts(articles: Path) -> list[str]:
    return [one.content for one in splitter().run(documents(articles))["documents"]]


def ready(lookup: Lookup) -> Any:
    return _Ready(lookup)
