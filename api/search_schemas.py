"""The wire models of ``/search``: passages, and how they came by their scores."""

from __future__ import annotations

from datetime import date

from qa.models import DateRange, Hit, Passage, Retrieved, Wire


class ScoreParts(Wire):
    """How a passage came by its score; see :class:`qa.models.Hit`. A rank is null where that side did not find it,
    ``reranked`` where there is no reranker, and ``rerank_score`` where it did not read the passage."""

    dense_rank: int | None
    lexical_rank: int | None
    similarity: float | None
    fused: float
    age_days: int | None
    age_weight: float
    reranked: float | None = None
    rerank_score: float | None = None


class Span(Wire):
    """A word of the passage, ``text[start:end]``; offsets count code points."""

    start: int
    end: int


class SearchResult(Passage):
    """A passage found; ``explain`` is null unless asked for.

    ``highlights`` are the words of ``text`` that the query holds, in any form that has the same stem, in order.
    """

    highlights: tuple[Span, ...] = ()
    explain: ScoreParts | None = None

    @classmethod
    def of(cls, hit: Hit, *, explain: bool) -> SearchResult:
        """The wire form of one hit."""
        parts = ScoreParts(
            dense_rank=hit.dense_rank,
            lexical_rank=hit.lexical_rank,
            similarity=hit.similarity,
            fused=hit.fused,
            age_days=hit.age_days,
            age_weight=hit.age_weight,
            reranked=hit.reranked,
            rerank_score=hit.rerank_score,
        )
        return cls(
            **hit.passage.model_dump(),
            highlights=tuple(Span(start=start, end=end) for start, end in hit.highlights),
            explain=parts if explain else None,
        )


class FacetCounts(Wire):
    """How many articles there are among the candidates, `""` for those without a source or a month.

    Candidates are the DATELINE_CANDIDATES best chunks by meaning and as many by words, which ``results`` are the best
    of: a search by meaning has no end, so there is no whole to count.
    """

    articles: int
    by_source: dict[str, int]
    by_month: dict[str, int]


class SearchResponse(Wire):
    """What was found, best first; ``results`` is empty when nothing fits.

    ``weighting`` says what decided how much age counts, null unless scores are to be explained.
    """

    query: str
    as_of: date
    date_range: DateRange | None
    weighting: str | None = None
    results: tuple[SearchResult, ...]
    facets: FacetCounts
    warnings: tuple[str, ...]

    @classmethod
    def of(cls, query: str, found: Retrieved, *, explain: bool) -> SearchResponse:
        """The wire form of a whole search."""
        return cls(
            query=query,
            as_of=found.filters.as_of,
            date_range=found.date_range,
            weighting=found.weighting if explain else None,
            results=tuple(SearchResult.of(hit, explain=explain) for hit in found.hits),
            facets=FacetCounts(
                articles=found.facets.articles,
                by_source=dict(found.facets.by_source),
                by_month=dict(found.facets.by_month),
            ),
            warnings=found.notes,
        )
