"""From a question to passages: dense and lexical search, rank fusion, weight by age, diversity. Plain sync code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qa.dates import age_weight
from qa.errors import StoreError
from qa.library.catalog import StoredChunk
from qa.library.home import Home
from qa.models import Filters, Hit, Passage, Retrieved

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

RRF_K = 60
"""The constant of reciprocal rank fusion, as its authors chose it."""

_SELECTIVE = 10_000
"""Up to so many visible chunks Chroma is handed their ids; above, it searches all and the surplus is dropped."""

_OVERSAMPLING = 4


def reciprocal_rank_fusion(rankings: Iterable[Sequence[str]], *, k: int = RRF_K) -> dict[str, float]:
    """Fuse rankings (each best first, no id twice) into one score an id: the sum of 1 / (k + rank), ranks from 1.

    Empty rankings add nothing. Source: Cormack, Clarke and Buettcher 2009.
    """
    scores: dict[str, float] = {}
    for ranking in rankings:
        for rank, one in enumerate(ranking, start=1):
            scores[one] = scores.get(one, 0.0) + 1.0 / (k + rank)
    return scores


def diversify(hits: Sequence[Hit], k: int, *, per_article: int) -> list[Hit]:
    """The first ``k`` of ``hits`` (best first) with at most ``per_article`` of any article."""
    taken: Counter[str] = Counter()
    chosen: list[Hit] = []
    for hit in hits:
        if len(chosen) == k:
            break
        if taken[hit.passage.article_id] < per_article:
            taken[hit.passage.article_id] += 1
            chosen.append(hit)
    return chosen


@dataclass(frozen=True, slots=True)
class Weighting:
    """How much age counts: half-life in days, and the least weight an old or undated report keeps (1: age is off)."""

    half_life: float = 30.0
    floor: float = 0.3


class Retriever:
    """Finds passages in an open home. Safe to use from several threads."""

    def __init__(self, home: Home, *, candidates: int, per_article: int, weighting: Weighting) -> None:
        self._home = home
        self._candidates = candidates
        self._per_article = per_article
        self._weighting = weighting

    def retrieve(self, question: str, filters: Filters, k: int) -> Retrieved:
        """The ``k`` best passages that ``filters`` admit, best first; fewer or none when there are no more.

        Scores are relative to the best possible for this question: 1 for a passage first in both searches and
        published on the as-of date.
        """
        self._home.refresh()
        depth = max(self._candidates, k)
        lexical = [one for one, _ in self._home.lexical.search(question, depth, filters)]
        dense = self._dense(question, filters, depth)
        fused = reciprocal_rank_fusion([[one for one, _ in dense], lexical])
        # The catalogue has the last word on what may be seen: the two indexes may lag behind it.
        chunks = self._home.catalog.chunks_by_id(list(fused), filters)
        hits = self._weigh(fused, chunks, dict(dense), [one for one, _ in dense], lexical, filters)
        return Retrieved(hits=tuple(diversify(hits, k, per_article=self._per_article)), filters=filters)

    def _weigh(
        self,
        fused: Mapping[str, float],
        chunks: Mapping[str, StoredChunk],
        similarity: Mapping[str, float],
        dense: Sequence[str],
        lexical: Sequence[str],
        filters: Filters,
    ) -> list[Hit]:
        best_possible = 2.0 / (RRF_K + 1)
        dense_rank = {one: rank for rank, one in enumerate(dense, start=1)}
        lexical_rank = {one: rank for rank, one in enumerate(lexical, start=1)}
        hits = []
        for one, chunk in chunks.items():
            weight = age_weight(
                chunk.published, filters.as_of, half_life=self._weighting.half_life, floor=self._weighting.floor
            )
            score = fused[one] / best_possible
            hits.append(
                Hit(
                    passage=_passage(chunk, score * weight),
                    dense_rank=dense_rank.get(one),
                    lexical_rank=lexical_rank.get(one),
                    similarity=similarity.get(one),
                    fused=score,
                    age_days=(filters.as_of - chunk.published).days if chunk.published else None,
                    age_weight=weight,
                )
            )
        # Ids break ties, so that one question over one collection has one answer.
        return sorted(hits, key=lambda hit: (-hit.passage.score, hit.passage.chunk_id))

    def _dense(self, question: str, filters: Filters, depth: int) -> list[tuple[str, float]]:
        visible = self._home.catalog.visible_chunk_count(filters)
        if visible == 0:
            return []
        vector = self._home.embedder.embed([question], query=True)[0]
        if visible == self._home.catalog.chunk_count():
            return self._home.store.nearest(vector, depth)
        if visible > _SELECTIVE:
            found = self._home.store.nearest(vector, depth * _OVERSAMPLING)
            admitted = self._home.catalog.chunks_by_id([one for one, _ in found], filters)
            kept = [(one, score) for one, score in found if one in admitted]
            if len(kept) >= depth:
                return kept[:depth]
        return self._among(vector, filters, depth)

    def _among(self, vector: NDArray[np.float32], filters: Filters, depth: int) -> list[tuple[str, float]]:
        try:
            return self._home.store.nearest(vector, depth, among=self._home.catalog.embedded_chunk_ids(filters))
        except StoreError:
            # An article may be deleted between the two calls; Chroma refuses the whole list for one unknown id.
            self._home.refresh()
            return self._home.store.nearest(vector, depth, among=self._home.catalog.embedded_chunk_ids(filters))


def _passage(chunk: StoredChunk, score: float) -> Passage:
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
    )
