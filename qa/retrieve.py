"""From a question to passages: dense and lexical search, fusion, weight by age, diversity. Plain sync code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from qa.dates import age_weight
from qa.errors import StoreError
from qa.library.catalog import StoredChunk
from qa.library.home import Home
from qa.models import Filters, Hit, Passage, Retrieved

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LEXICAL_SHARE = 0.7
"""How much of a chunk's relevance is its words, the rest is its meaning: the best of 0.3, 0.5, 0.7 in our trials."""

SHARPNESS = 1.5
"""Exponent of the relevance before age is weighed in: a clear match in an old report outdoes a vague one in a new."""

_SELECTIVE = 10_000
"""Up to so many visible chunks Chroma is handed their ids; above, it searches all and the surplus is dropped."""

_OVERSAMPLING = 4


def fuse(dense: Mapping[str, float], lexical: Mapping[str, float]) -> dict[str, float]:
    """One relevance in 0..1 an id from cosine similarities and BM25 scores: 1 for the best of both searches.

    Each score is divided by the best of its kind, and the two are averaged, words counting ``LEXICAL_SHARE``. An id
    only the lexical search found is taken to be as near as the farthest the dense search found; one only the dense
    search found has no words. Source: convex combination, Bruch, Gai and Ingber 2023. Unlike reciprocal rank fusion
    it keeps how much better one match is than the next, without which the weight of age would decide alone.
    """
    nearest = max([*dense.values(), 0.0])
    farthest = max(min(dense.values(), default=0.0), 0.0)
    strongest = max([*lexical.values(), 0.0])
    relevance = {}
    for one in {**dense, **lexical}:
        meaning = max(dense.get(one, farthest), 0.0) / nearest if nearest else 0.0
        words = max(lexical.get(one, 0.0), 0.0) / strongest if strongest else 0.0
        relevance[one] = (1 - LEXICAL_SHARE) * meaning + LEXICAL_SHARE * words
    return relevance


def diversify(hits: Sequence[Hit], k: int, *, per_article: int) -> list[Hit]:
    """The first ``k`` of ``hits`` (best first) with at most ``per_article`` of any article.

    Of articles that print one story (one cluster) only the one that comes first is taken.
    """
    taken: Counter[str] = Counter()
    printed_by: dict[str, str] = {}
    chosen: list[Hit] = []
    for hit in hits:
        if len(chosen) == k:
            break
        article = hit.passage.article_id
        if taken[article] < per_article and printed_by.setdefault(hit.cluster or article, article) == article:
            taken[article] += 1
            chosen.append(hit)
    return chosen


@dataclass(frozen=True, slots=True)
class Weighting:
    """How much age counts: half-life in days, and the least weight an old or undated report keeps (1: age is off)."""

    half_life: float = 30.0
    floor: float = 0.5


class Retriever:
    """Finds passages in an open home. Safe to use from several threads."""

    def __init__(self, home: Home, *, candidates: int, per_article: int, weighting: Weighting) -> None:
        self._home = home
        self._candidates = candidates
        self._per_article = per_article
        self._weighting = weighting

    def retrieve(self, question: str, filters: Filters, k: int) -> Retrieved:
        """The ``k`` best passages that ``filters`` admit, best first; fewer or none when there are no more.

        Scores are relative to the best possible for this question: 1 for a passage that is best by both searches and
        was published on the as-of date.
        """
        self._home.refresh()
        depth = max(self._candidates, k)
        lexical = dict(self._home.lexical.search(question, depth, filters))
        dense = dict(self._dense(question, filters, depth))
        # The catalogue has the last word on what may be seen: the two indexes may lag behind it.
        chunks = self._home.catalog.chunks_by_id([*{**dense, **lexical}], filters, with_text=False)
        hits = diversify(self._weigh(chunks, dense, lexical, filters), k, per_article=self._per_article)
        return Retrieved(hits=self._complete(hits, filters), filters=filters)

    def _weigh(
        self,
        chunks: Mapping[str, StoredChunk],
        dense: Mapping[str, float],
        lexical: Mapping[str, float],
        filters: Filters,
    ) -> list[Hit]:
        relevance = fuse(dense, lexical)
        dense_rank = {one: rank for rank, one in enumerate(dense, start=1)}
        lexical_rank = {one: rank for rank, one in enumerate(lexical, start=1)}
        hits = []
        for one, chunk in chunks.items():
            weight = age_weight(
                chunk.published, filters.as_of, half_life=self._weighting.half_life, floor=self._weighting.floor
            )
            hits.append(
                Hit(
                    passage=_passage(chunk, relevance[one] ** SHARPNESS * weight, dense.get(one)),
                    dense_rank=dense_rank.get(one),
                    lexical_rank=lexical_rank.get(one),
                    similarity=dense.get(one),
                    fused=relevance[one],
                    age_days=(filters.as_of - chunk.published).days if chunk.published else None,
                    age_weight=weight,
                    cluster=chunk.cluster,
                )
            )
        # Ids break ties, so that one question over one collection has one answer.
        return sorted(hits, key=lambda hit: (-hit.passage.score, hit.passage.chunk_id))

    def _complete(self, hits: Sequence[Hit], filters: Filters) -> tuple[Hit, ...]:
        """The hits with their passages' texts and the other outlets that print them, as far as ``filters`` admit.

        One whose article was deleted this instant is left out.
        """
        found = self._home.catalog.chunks_by_id([hit.passage.chunk_id for hit in hits])
        reporters = self._home.catalog.reporters([hit.cluster for hit in hits], filters)
        complete = []
        for hit in hits:
            if chunk := found.get(hit.passage.chunk_id):
                others = reporters.get(hit.cluster, set())
                outlets = {outlet for article, outlet in others if article != chunk.article_id} - {chunk.source}
                update = {"text": chunk.text, "also_reported_by": tuple(sorted(outlets))}
                complete.append(replace(hit, passage=hit.passage.model_copy(update=update)))
        return tuple(complete)

    def _dense(self, question: str, filters: Filters, depth: int) -> list[tuple[str, float]]:
        visible = self._home.catalog.visible_chunk_count(filters)
        if visible == 0:
            return []
        vector = self._home.embedder.embed([question], query=True)[0]
        try:
            return self._nearest(vector, filters, visible, depth)
        except StoreError:
            # A writer may delete an article between two calls, and Chroma refuses a whole list for one unknown id; or
            # it changes over to other vectors and removes those.
            self._home.refresh()
            return self._nearest(vector, filters, visible, depth)

    def _nearest(
        self, vector: NDArray[np.float32], filters: Filters, visible: int, depth: int
    ) -> list[tuple[str, float]]:
        if visible == self._home.catalog.chunk_count():
            return self._home.store.nearest(vector, depth)
        if visible > _SELECTIVE:
            found = self._home.store.nearest(vector, depth * _OVERSAMPLING)
            admitted = self._home.catalog.admitted([one for one, _ in found], filters)
            kept = [(one, score) for one, score in found if one in admitted]
            if len(kept) >= depth:
                return kept[:depth]
        return self._home.store.nearest(vector, depth, among=self._home.catalog.embedded_chunk_ids(filters))


def _passage(chunk: StoredChunk, score: float, similarity: float | None) -> Passage:
    return Passage(
        chunk_id=chunk.id,
        article_id=chunk.article_id,
        score=round(score, 6),
        text=chunk.text,
        start=chunk.start,
        end=chunk.end,
        published=chunk.published,
        title=chunk.title,
        url=chunk.url,
        source=chunk.source,
        published_from=chunk.published_from,
        similarity=similarity,
    )
