"""What retrieval weighs: a chunk that was found, with what of its article counts. Pure.

There are some hundred of them for every question, of which a handful is shown: nothing here is checked or copied.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class VersionFacts:
    """What of an article's version counts for a question and shows in a passage: everything but its text.

    Valid ``valid_from <= day < valid_to``, None = open. Versions of one ``cluster`` print the same story.
    """

    article_id: str
    number: int
    title: str | None
    url: str | None
    source: str | None
    published: date | None
    published_from: str | None
    language: str | None
    cluster: str
    valid_from: date | None
    valid_to: date | None

    @property
    def name(self) -> str:
        """What the ids of its chunks begin with."""
        return f"{self.article_id}.{self.number}"

    @property
    def outlet(self) -> str:
        """Who published it, as well as is known: its source, else its URL, else its id."""
        named = self.source if self.source is not None else self.url
        return named if named is not None else self.article_id


def place_of(chunk_id: str) -> tuple[str, int]:
    """The name of the version a chunk is of, and the chunk's number in it, from 0."""
    name, _, ordinal = chunk_id.rpartition(".")
    return name, int(ordinal)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A chunk found, with the parts of its score; see :class:`qa.models.Hit` for what they are.

    ``first`` and ``last`` (inclusive) number the chunks of its version that are shown with it, itself among them.
    """

    chunk_id: str
    version: VersionFacts
    first: int
    last: int
    score: float
    fused: float
    age_weight: float
    rerank_score: float | None = None
    reranked: float | None = None
