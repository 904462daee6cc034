"""Articles to chunks for the embedding model of a home."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ingest.chunk import chunk
from qa.library.encoders import Embedder
from qa.library.home import Home
from qa.models import Chunk
from qa.repair import told
from qa.text import sentences


def most_tokens(home: Home) -> int:
    """The longest chunk: as long as the settings want it, but no longer than the model reads."""
    return min(home.settings.chunk_tokens, home.embedder.max_tokens)


def cut(text: str, embedder: Embedder, tokens: int) -> tuple[Chunk, ...]:
    """``text`` in chunks of at most ``tokens`` tokens of the embedder's model; see :func:`ingest.chunk.chunk`.

    Chunks of nothing but boilerplate are left out.
    """
    return _telling(text, chunk(text, embedder.token_spans(text), sentences(text), tokens))


def _telling(text: str, chunks: Iterable[Chunk]) -> tuple[Chunk, ...]:
    """The chunks that hold more than boilerplate, numbered anew."""
    telling = (one for one in chunks if told(text[one.start : one.end]))
    return tuple(replace(one, ordinal=number) for number, one in enumerate(telling))
