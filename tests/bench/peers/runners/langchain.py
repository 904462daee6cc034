"""LangChain as its tutorials on semantic search and on RAG build it: recursive splitter of 1,000 characters overlapping
by 200, ``HuggingFaceEmbeddings``, ``Chroma`` in a directory, ``similarity_search``.

Two rows. The tutorial's own search knows no dates. The other gives Chroma the metadata filter that its integration's
page documents, so that nothing is found that was published after the question was asked; the day is kept as a number
because Chroma compares only numbers. LangChain's time-weighted retriever weighs by when a document was last looked at,
not by when it was published, and holds its documents in memory alone: it is left out.
"""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

from langchain_chroma import Chroma
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_huggingface import HuggingFaceEmbeddings
from langchain_text_splitters import RecursiveCharacterTextSplitter

from tests.bench.peers.protocol import Found, Lookup, Search, Variant


def embedder(weights: Path) -> Any:
    return HuggingFaceEmbeddings(model_name=str(weights))


def pieces(articles: Path) -> list[Any]:
    with articles.open(encoding="utf-8") as file:
        records = [json.loads(line) for line in file]
    documents = [
        Document(
            page_content=one["text"],
            metadata={"url": one["url"], "day": date.fromisoformat(one["published"]).toordinal()},
        )
        for one in records
    ]
    splitter = RecursiveCharacterTextSplitter(chunk_size=1000, chunk_overlap=200, add_start_index=True)
    return list(splitter.split_documents(documents))


def ingest(articles: Path, folder: Path, embeddings: Any) -> None:
    store = Chroma(collection_name="news", embedding_function=embeddings, persist_directory=str(folder))
    documents = pieces(articles)
    # Chroma takes at most 5,461 at a time.
    for i in range(0, len(documents), 5_000):
        store.add_documents(documents[i : i + 5_000])


def opened(folder: Path, weights: Path) -> Search:
    store = Chroma(collection_name="news", embedding_function=embedder(weights), persist_directory=str(folder))

    def search(question: str, as_of: date, k: int) -> Found:
        return [(one.metadata["url"], one.page_content) for one in store.similarity_search(question, k=k)]

    return search


def until(as_of: date) -> Any:
    return {"day": {"$lte": as_of.toordinal()}}


def opened_filtered(folder: Path, weights: Path) -> Search:
    store = Chroma(collection_name="news", embedding_function=embedder(weights), persist_directory=str(folder))

    def search(question: str, as_of: date, k: int) -> Found:
        found = store.similarity_search(question, k=k, filter=until(as_of))
        return [(one.metadata["url"], one.page_content) for one in found]

    return search


# What only the bench needs.

TITLE = "LangChain"
DISTRIBUTIONS = ("langchain", "langchain-chroma", "chromadb", "sentence-transformers", "torch")
EMBEDS = True
VARIANTS = {"as its tutorial": Variant(ingest, opened), "filtered by date": Variant(ingest, opened_filtered)}


class _Ready(Embeddings):
    def __init__(self, lookup: Lookup) -> None:
        self.lookup = lookup

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return self.lookup(texts)

    def embed_query(self, text: str) -> list[float]:
        raise NotImplementedError("questions are embedded by the peer")


def warm(embeddings: Any) -> None:
    embeddings.embed_query("warm up")


def texts(articles: Path) -> list[str]:
    return [one.page_content for one in pieces(articles)]


def ready(lookup: Lookup) -> Any:
    return _Ready(lookup)
