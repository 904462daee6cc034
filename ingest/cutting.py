"""Articles to chunks for the embedding model of a home."""

from __future__ import annotations

from ingest.chunk import chunk
from qa.library.encoders import Embedder
from qa.library.home import Home
from qa.models import Chunk
from qa.text import sentences


def most_tokens(home: Home) -> int:
    """The longest chunk: as long as the settings want it, but no longer than the model reads."""
    return min(home.settings.chunk_tokens, home.embedder.max_tokens)


def cut(text: str, embedder: Embedder, tokens: int) -> tuple[Chunk, ...]:
    """``text`` in chunks of at most ``tokens`` tokens of the embedder's model; see :func:`ingest.chunk.chunk`."""
    return tuple(chunk(text, embedder.token_spans(text), sentences(text), tokens))
