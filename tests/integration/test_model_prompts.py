"""Models that want questions and documents prompted differently (e5, bge) get what their own configuration says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from qa.library.encoders import SentenceTransformerEmbedder
from tests.integration.tiny_model import save_tiny_model

TEXT = "the flood in Brannick"
BGE = "Represent this sentence for searching relevant passages: "


@pytest.mark.parametrize(
    ("prompts", "query", "document"),
    [
        ({"query": "query: ", "document": "passage: "}, "query: ", "passage: "),
        ({"query": "query: ", "passage": "passage: "}, "query: ", "passage: "),
        ({"query": BGE}, BGE, ""),
        (None, "", ""),
    ],
    ids=["e5", "e5, another name", "bge", "none"],
)
def test_question_and_document_get_each_their_prompt(
    tmp_path: Path, prompts: dict[str, str] | None, query: str, document: str
) -> None:
    from sentence_transformers import SentenceTransformer

    path = save_tiny_model(tmp_path, prompts=prompts)
    plain = SentenceTransformer(str(path), device="cpu")
    plain.prompts = {}
    asked, kept, bare = plain.encode([query + TEXT, document + TEXT, TEXT], normalize_embeddings=True)
    ours = SentenceTransformerEmbedder(str(path))
    np.testing.assert_allclose(ours.embed([TEXT], query=True)[0], asked, atol=1e-5)
    np.testing.assert_allclose(ours.embed([TEXT])[0], kept, atol=1e-5)
    # The dice tell texts apart: without its prompt each would be another vector.
    assert (not query) == np.allclose(asked, bare, atol=1e-3)
    assert (not document) == np.allclose(kept, bare, atol=1e-3)
