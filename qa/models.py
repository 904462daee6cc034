"""The values that pass between the stages, all frozen.

``Article`` and ``Chunk`` live inside; everything from ``DateRange`` on is part of the answer contract and serialises
with :meth:`Wire.to_json`. Offsets count Unicode code points, ends are exclusive, dates are calendar days.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

EXTRACTIVE = "extractive"
"""Name of the embedded reader, which answers by quoting and needs no model server."""

FINGERPRINT_SCHEME = "1"
"""Part of every fingerprint, so that a change of recipe cannot pass for unchanged content."""


def _digest(*parts: str | None) -> str:
    payload = json.dumps([FINGERPRINT_SCHEME, *parts], ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(payload.encode("utf-8", "surrogatepass")).hexdigest()


def text_digest(text: str) -> str:
    """A short hash of a chunk's text: chunks of equal text are embedded once."""
    return _digest(text)[:32]


@dataclass(frozen=True, slots=True)
class Article:
    """One article as read, before or after it is stored.

    ``id`` is stable: the canonical URL's hash, else the article's own id, else its content's hash (see
    ``ingest.clean.article_id``). ``text`` is kept exactly as read; offsets of chunks and quotes point into it.
    ``published`` is the calendar day as written, None for an undated article; ``published_from`` says where it came
    from (``header``, ``field``, ...), None when undated. ``published_at`` is the instant where one is known: ISO 8601
    that begins with ``published``, with the offset from UTC where one was written. ``language`` is an ISO 639-1 code,
    None when not certain.
    """

    id: str
    text: str
    title: str | None = None
    url: str | None = None
    source: str | None = None
    authors: tuple[str, ...] = ()
    published: date | None = None
    published_from: str | None = None
    published_at: str | None = None
    language: str | None = None

    @property
    def text_hash(self) -> str:
        """Hash of the text alone: the same id with another text hash is a new version."""
        return _digest(self.text)

    @property
    def fingerprint(self) -> str:
        """Hash of text and metadata: an (id, fingerprint) seen before is unchanged.

        Instant and language are left out: homes made before these were kept would take in every article anew.
        """
        day = self.published.isoformat() if self.published else None
        return _digest(self.text, self.title, self.url, self.source, "\x1f".join(self.authors), day)


@dataclass(frozen=True, slots=True)
class Chunk:
    """A run of whole sentences of one article version: ``article.text[start:end]``.

    ``ordinal`` counts from 0 in reading order. ``tokens`` is the length in the embedding model's tokens.
    """

    ordinal: int
    start: int
    end: int
    tokens: int


@dataclass(frozen=True, slots=True)
class Filters:
    """What a question may see.

    ``as_of`` is always set: nothing published later is seen. ``as_of_given`` tells a caller's date from the default
    (today): undated articles are left out when the caller gave ``as_of``, ``start`` or ``end``. Both ends inclusive.
    ``articles`` are ids; like ``sources`` they limit to themselves, and empty is no limit.
    """

    as_of: date
    as_of_given: bool = False
    start: date | None = None
    end: date | None = None
    sources: tuple[str, ...] = ()
    articles: tuple[str, ...] = ()

    @property
    def dated_only(self) -> bool:
        """True when undated articles are left out."""
        return self.as_of_given or self.start is not None or self.end is not None

    @property
    def latest(self) -> date:
        """The last publication day that may be seen."""
        return min(self.as_of, self.end) if self.end else self.as_of

    def admits(self, published: date | None, source: str | None, article_id: str | None = None) -> bool:
        """True when the article of this date, source and id may be shown."""
        if self.sources and source not in self.sources:
            return False
        if self.articles and article_id not in self.articles:
            return False
        if published is None:
            return not self.dated_only
        return published <= self.latest and (self.start is None or published >= self.start)


@dataclass(frozen=True, slots=True)
class Turn:
    """One earlier message of a conversation."""

    role: Literal["user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Wishes:
    """How a caller would have the question answered; None and empty mean as it is set.

    ``temperature`` and ``max_tokens`` are the chat model's (the latter at most what is set); the embedded reader quotes
    no more whole sentences than fit into ``max_tokens``, but one. The text ends before the first of ``stop`` in it.
    ``style`` is what a chat model is told of tone, length and language; it decides nothing else.
    """

    temperature: float | None = None
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    style: str = ""


NO_WISHES = Wishes()


@dataclass(frozen=True, slots=True)
class Ask:
    """One question with everything the caller may say about it; None and empty mean the default.

    ``start`` and ``end`` are the publication range (``from`` and ``to`` on the wire), both inclusive. ``history`` is
    oldest first, without the question itself. ``article`` is the id of the one article to ask. ``default_as_of`` stands
    for today where ``as_of`` is None: a batch freezes it, so that resuming it tomorrow asks what was asked today.
    """

    question: str
    history: tuple[Turn, ...] = ()
    as_of: date | None = None
    start: date | None = None
    end: date | None = None
    sources: tuple[str, ...] = ()
    top_k: int | None = None
    model: str | None = None
    default_as_of: date | None = None
    article: str | None = None
    wishes: Wishes = NO_WISHES


class Wire(BaseModel):
    """Base of the values users see as JSON: frozen, unknown fields refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    def to_json(self) -> dict[str, Any]:
        """The contract's JSON object: dates as ISO strings, ``from`` and ``to`` under their own names."""
        return self.model_dump(mode="json", by_alias=True)


class DateRange(Wire):
    """Publication days a question speaks of, both ends inclusive, None = open; ``reason`` says where it came from."""

    start: date | None = Field(default=None, alias="from")
    end: date | None = Field(default=None, alias="to")
    reason: str = ""


class Passage(Wire):
    """A retrieved piece of an article: ``text == article.text[start:end]``. ``score`` is relative, best first."""

    chunk_id: str
    article_id: str
    score: float
    text: str
    start: int
    end: int
    published: date | None = None
    title: str | None = None
    url: str | None = None
    source: str | None = None
    published_from: str | None = Field(default=None, exclude=True)
    also_reported_by: tuple[str, ...] = Field(default=(), exclude=True)
    similarity: float | None = Field(default=None, exclude=True)
    """Cosine of question and passage, -1 to 1; None where the dense search did not find it."""


class Citation(Wire):
    """A checked quote: ``article.text[start:end] == quote`` in the version cited."""

    n: int = Field(ge=1)
    article_id: str
    chunk_id: str
    title: str | None = None
    url: str | None = None
    source: str | None = None
    published: date | None = None
    published_from: str | None = None
    quote: str
    start: int
    end: int
    supported: bool
    attributed: Literal["by_model", "by_check"] = "by_model"
    also_reported_by: tuple[str, ...] = ()
    superseded_by: int | None = None


class Sentence(Wire):
    """A sentence of the answer, ``text[start:end]``, its verdict and the numbers of its citations."""

    start: int
    end: int
    supported: bool
    reason: str | None = None
    citations: tuple[int, ...] = ()


class Cost(Wire):
    """Money, as the price table says."""

    amount: float
    currency: str = "USD"


class Usage(Wire):
    """Tokens a model reported."""

    input_tokens: int = 0
    output_tokens: int = 0
    cost: Cost | None = None

    def __add__(self, other: Usage) -> Usage:
        costs = [one.cost for one in (self, other) if one.cost is not None]
        amount = sum(cost.amount for cost in costs)
        return Usage(
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            # Of one model, and so in one currency.
            cost=Cost(amount=amount, currency=costs[0].currency) if costs else None,
        )


class Timings(Wire):
    """Wall time by stage, in milliseconds; ``total`` also holds what loading models took, if it was done, and what a
    chat model took to complete the question or to name queries for it."""

    retrieve: float = 0.0
    generate: float = 0.0
    verify: float = 0.0
    total: float = 0.0


class Answer(Wire):
    """The answer contract: the same object from the command line, each batch row and the HTTP endpoint."""

    id: str
    question: str
    rewritten_question: str | None = None
    as_of: date
    text: str
    abstained: bool
    sentences: tuple[Sentence, ...] = ()
    citations: tuple[Citation, ...] = ()
    passages: tuple[Passage, ...] = ()
    date_range: DateRange | None = None
    model: str
    usage: Usage | None = None
    timings_ms: Timings = Timings()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage with the parts of its score, for ``search --explain``.

    ``dense_rank`` and ``lexical_rank`` count from 1, None when that side did not find it; ``fused`` is their
    relevance together (0 to 1), ``age_days`` the age at the as-of date (None when undated), ``age_weight`` what age
    takes it down by. ``reranked`` (0 to 1) is the relevance that takes the place of ``fused`` where a reranker was
    asked, ``rerank_score`` what it said (log-odds), None where it did not read the passage. ``language`` is the
    article's. ``highlights`` are where words of the query stand in the passage's text, as (start, end) in order; only a
    search marks them.
    """

    passage: Passage
    dense_rank: int | None
    lexical_rank: int | None
    similarity: float | None
    fused: float
    age_days: int | None
    age_weight: float
    rerank_score: float | None = None
    reranked: float | None = None
    language: str | None = None
    highlights: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Facets:
    """How many ``articles`` there are among all candidates for a question, not only the best of them.

    By source, most first, and by month of publication (``YYYY-MM``), in order; "" counts those without one.
    """

    articles: int = 0
    by_source: Mapping[str, int] = field(default_factory=dict)
    by_month: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Retrieved:
    """Everything retrieval found for one question, best first.

    ``weighting`` says in words what decided how much the age of a report counts.
    """

    hits: tuple[Hit, ...]
    filters: Filters
    date_range: DateRange | None = None
    rewritten_question: str | None = None
    notes: tuple[str, ...] = field(default=())
    weighting: str = ""
    facets: Facets = field(default_factory=Facets)

    @property
    def passages(self) -> tuple[Passage, ...]:
        """The passages alone, best first."""
        return tuple(hit.passage for hit in self.hits)
