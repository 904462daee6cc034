"""LlamaIndex as its documentation builds it: ``SentenceSplitter``, ``HuggingFaceEmbedding``, ``VectorStoreIndex`` over
its own vector store, persisted in a directory.

Every row is given the documented metadata filter, so that nothing is found that was published after the question was
asked. *Fusion* is ``QueryFusionRetriever`` over that index and a ``BM25Retriever``, by reciprocal rank, with
``num_queries=1``, which its page advises to go without a language model that rephrases questions. A ``BM25Retriever``
takes its filter when it is made, over all nodes: one is made for each day asked about and kept.

*By recency* are the two postprocessors of its page on recency, over the ten nearest. Neither knows ages nor a day from
which they would be counted: ``FixedRecencyPostprocessor`` puts the nearest in order, newest first;
``EmbeddingRecencyPostprocessor`` also drops what is like a newer one. With the filter both are relative to the day of
the question. ``TimeWeightedPostprocessor`` weighs by the hours since a node was last looked at: it is left out.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

from llama_index.core import Document, StorageContext, VectorStoreIndex, load_index_from_storage
from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.llms import MockLLM
from llama_index.core.node_parser import SentenceSplitter
from llama_index.core.postprocessor import EmbeddingRecencyPostprocessor, FixedRecencyPostprocessor
from llama_index.core.retrievers import QueryFusionRetriever
from llama_index.core.schema import MetadataMode
from llama_index.core.vector_stores import FilterOperator, MetadataFilter, MetadataFilters
from llama_index.embeddings.huggingface import HuggingFaceEmbedding
from llama_index.retrievers.bm25 import BM25Retriever

from tests.bench.peers.protocol import Found, Lookup, Search, Variant


def embedder(weights: Path) -> Any:
    return HuggingFaceEmbedding(model_name=str(weights))


def nodes(articles: Path) -> list[Any]:
    with articles.open(encoding="utf-8") as file:
        records = [json.loads(line) for line in file]
    documents = [Document(text=one["text"], metadata={"url": one["url"], "date": one["published"]}) for one in records]
    return list(SentenceSplitter().get_nodes_from_documents(documents))


def ingest(articles: Path, folder: Path, embed_model: Any) -> None:
    index = VectorStoreIndex(nodes(articles), embed_model=embed_model)
    index.storage_context.persist(str(folder))


def ingest_both(articles: Path, folder: Path, embed_model: Any) -> None:
    parts = nodes(articles)
    index = VectorStoreIndex(parts, embed_model=embed_model)
    index.storage_context.persist(str(folder))
    BM25Retriever.from_defaults(nodes=parts).persist(str(folder / "bm25"))


def loaded(folder: Path, embed_model: Any) -> Any:
    return load_index_from_storage(StorageContext.from_defaults(persist_dir=str(folder)), embed_model=embed_model)


def until(as_of: date) -> Any:
    return MetadataFilters(filters=[MetadataFilter(key="date", operator=FilterOperator.LTE, value=as_of.isoformat())])


def found(nodes_with_scores: list[Any]) -> Found:
    return [(one.node.metadata["url"], one.node.get_content()) for one in nodes_with_scores]


def opened(folder: Path, weights: Path) -> Search:
    index = loaded(folder, embedder(weights))

    def search(question: str, as_of: date, k: int) -> Found:
        return found(index.as_retriever(similarity_top_k=k, filters=until(as_of)).retrieve(question))

    return search


def opened_fusion(folder: Path, weights: Path) -> Search:
    index = loaded(folder, embedder(weights))
    stored = BM25Retriever.from_persist_dir(str(folder / "bm25")).bm25

    @functools.cache
    def bm25(as_of: date, k: int) -> Any:
        return BM25Retriever(existing_bm25=stored, similarity_top_k=k, filters=until(as_of))

    def search(question: str, as_of: date, k: int) -> Found:
        dense = index.as_retriever(similarity_top_k=k, filters=until(as_of))
        fusion = QueryFusionRetriever(
            [dense, bm25(as_of, k)],
            llm=MockLLM(),
            mode="reciprocal_rerank",
            similarity_top_k=k,
            num_queries=1,
            use_async=False,
        )
        return found(fusion.retrieve(question))

    return search


def opened_newest_first(folder: Path, weights: Path) -> Search:
    index = loaded(folder, embedder(weights))

    def search(question: str, as_of: date, k: int) -> Found:
        nearest = index.as_retriever(similarity_top_k=k, filters=until(as_of)).retrieve(question)
        return found(FixedRecencyPostprocessor(top_k=k).postprocess_nodes(nearest, query_str=question))

    return search


def opened_newest_of_like(folder: Path, weights: Path) -> Search:
    embed_model = embedder(weights)
    index = loaded(folder, embed_model)
    postprocessor = EmbeddingRecencyPostprocessor(embed_model=embed_model)

    def search(question: str, as_of: date, k: int) -> Found:
        nearest = index.as_retriever(similarity_top_k=k, filters=until(as_of)).retrieve(question)
        return found(postprocessor.postprocess_nodes(nearest, query_str=question))

    return search


# What only the bench needs.

TITLE = "LlamaIndex"
DISTRIBUTIONS = ("llama-index-core", "llama-index-retrievers-bm25", "sentence-transformers", "torch")
EMBEDS = True
VARIANTS = {
    "dense": Variant(ingest, opened),
    "dense and BM25, fused": Variant(ingest_both, opened_fusion),
    "dense, by recency (fixed)": Variant(ingest, opened_newest_first),
    "dense, by recency (embedding)": Variant(ingest, opened_newest_of_like),
}


class _Ready(BaseEmbedding):
    lookup: Callable[[Any], Any]

    def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        return list(self.lookup(texts))

    def _get_text_embedding(self, text: str) -> list[float]:
        return self._get_text_embeddings([text])[0]

    def _get_query_embedding(self, query: str) -> list[float]:
        raise NotImplementedError("questions are embedded by the peer")

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._get_query_embedding(query)


def warm(embed_model: Any) -> None:
    embed_model.get_text_embedding("warm up")


def texts(articles: Path) -> list[str]:
    return [one.get_content(metadata_mode=MetadataMode.EMBED) for one in nodes(articles)]


def ready(lookup: Lookup) -> Any:
    return _Ready(lookup=lookup)
