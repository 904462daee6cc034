"""What the service is measured against: LangChain's Chroma store behind a FastAPI route, as tutorials have it.

``python -m tests.bench.api_plain CHROMA PORT`` serves the vectors that :func:`make` copied from a home, with their
texts and dates: the same vectors, the same embedding model, ten passages a question.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qa.library.catalog import StoredChunk

COLLECTION = "plain"
_BATCH = 2_000


def make(home_path: Path, chroma: Path) -> None:
    """Copy the vectors of the home, with what LangChain keeps beside them."""
    import chromadb

    from qa.library.home import open_home
    from qa.settings import Settings

    store = chromadb.PersistentClient(str(chroma))
    collection = store.create_collection(COLLECTION, metadata={"hnsw:space": "cosine"})
    with open_home(Settings(home=home_path), write="bench") as home:
        ids = sorted(home.store.ids())
        for at in range(0, len(ids), _BATCH):
            some = ids[at : at + _BATCH]
            vectors, chunks = home.store.vectors(some), home.catalog.chunks_by_id(some)
            known = [one for one in some if one in vectors and one in chunks]
            told: list[Any] = [_metadata(chunks[one]) for one in known]
            collection.add(
                ids=known,
                embeddings=[vectors[one].tolist() for one in known],
                documents=[chunks[one].text for one in known],
                metadatas=told,
            )


def _metadata(chunk: StoredChunk) -> dict[str, str]:
    return {"published": str(chunk.published), "title": chunk.title or "", "url": chunk.url or ""}


def app_over(chroma: Path) -> Any:
    """The service."""
    import chromadb
    from fastapi import FastAPI
    from langchain_chroma import Chroma
    from langchain_huggingface import HuggingFaceEmbeddings

    from qa.library.encoders import bundled_path

    embeddings = HuggingFaceEmbeddings(model_name=str(bundled_path()), encode_kwargs={"normalize_embeddings": True})
    store = Chroma(COLLECTION, embeddings, client=chromadb.PersistentClient(str(chroma)))
    app = FastAPI()

    @app.get("/search")
    def search(q: str, k: int = 10) -> list[dict[str, Any]]:
        found = store.similarity_search_with_score(q, k=k)
        return [{"text": one.page_content, "metadata": one.metadata, "score": score} for one, score in found]

    return app


if __name__ == "__main__":
    import uvicorn

    uvicorn.run(app_over(Path(sys.argv[1])), host="127.0.0.1", port=int(sys.argv[2]), log_level="warning")
