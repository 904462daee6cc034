"""From a question to passages: dense and lexical search, fusion, weight by age, diversity. Plain sync code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from qa.dates import AskedRange
from qa.errors import StoreError
from qa.joining import Place, joined
from qa.library.catalog import StoredChunk
from qa.library.encoders import common_words
from qa.library.home import Home
from qa.library.reranking import Reranking
from qa.library.search import Scope, matching, nearest
from qa.models import Facets, Filters, Hit, Passage, Retrieved
from qa.naming import named
from qa.ranking import best_of, by_score, led, rerank, score_of
from qa.repair import search_text
from qa.weighting import Weighting, weigh

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LEXICAL_SHARE = 0.7
"""How much of a chunk's relevance is its words, the rest is its meaning: the best of 0.3, 0.5, 0.7 in our trials."""


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


def diversify(hits: Sequence[Hit], k: int, *, per_article: int, whole: Collection[str] = ()) -> list[Hit]:
    """The first ``k`` of ``hits`` (best first) with at most ``per_article`` of any article but those in ``whole``.

    Of articles that print one story (one cluster) only the one that comes first is taken.
    """
    taken: Counter[str] = Counter()
    printed_by: dict[str, str] = {}
    chosen: list[Hit] = []
    for hit in hits:
        if len(chosen) == k:
            break
        article = hit.passage.article_id
        room = article in whole or taken[article] < per_article
        if room and printed_by.setdefault(hit.cluster or article, article) == article:
            taken[article] += 1
            chosen.append(hit)
    return chosen


def facets_of(chunks: Iterable[StoredChunk]) -> Facets:
    """The articles that ``chunks`` are of, counted by source and by month."""
    articles = {chunk.article_id: chunk for chunk in chunks}.values()
    sources = Counter(sorted(chunk.source or "" for chunk in articles))
    months = Counter(f"{chunk.published:%Y-%m}" if chunk.published else "" for chunk in articles)
    return Facets(len(articles), by_source=dict(sources.most_common()), by_month=dict(sorted(months.items())))


@dataclass(frozen=True, slots=True)
class _Found:
    """What one query found: cosine similarities and BM25 scores by chunk id, both best first."""

    dense: Mapping[str, float]
    lexical: Mapping[str, float]


class Retriever:
    """Finds passages in an open home, reordered where there is ``reranking``. Safe to use from several threads."""

    def __init__(
        self,
        home: Home,
        *,
        candidates: int,
        per_article: int,
        weighting: Weighting,
        reranking: Reranking | None = None,
    ) -> None:
        self._home = home
        self._candidates = candidates
        self._per_article = per_article
        self._weighting = weighting
        self._reranking = reranking

    def warm(self) -> None:
        """Load what retrieving needs; at once when it is loaded. Raises ``ModelMissingError``, ``SettingsError``."""
        self._home.warm()
        if self._reranking is not None:
            self._reranking.load()

    def retrieve(
        self,
        question: str,
        filters: Filters,
        k: int,
        *,
        asked: AskedRange | None = None,
        further: Sequence[str] = (),
    ) -> Retrieved:
        """The ``k`` best passages that ``filters`` admit, best first; fewer or none when there are no more.

        ``asked`` are the days the question would rather hear from, ``further`` other queries about the same question.
        Neighbouring chunks that are both among the best make one passage. Scores are relative to the best possible for
        this question: 1 for the opening of an article that is best by both searches (or by the reranker) and was
        published on the as-of date, or on the days asked for.
        """
        scope = Scope.of(self._home.view(), filters)
        depth = max(self._candidates, k)
        found = [self._search(query, scope, depth) for query in dict.fromkeys((question, *further))]
        # The catalogue has the last word on what may be seen: the two indexes may lag behind it.
        seen = {one: None for each in found for one in (*each.dense, *each.lexical)}
        chunks = self._home.catalog.chunks_by_id(list(seen), filters, with_text=False)
        weighting = weigh(question, asked, filters, self._weighting)
        hits, notes = self._reranked(question, self._weigh(chunks, found, filters, weighting))
        whole = filters.articles or _named_articles(question, chunks.values())
        chosen = self._chosen(hits, k, whole, chunks)
        return Retrieved(
            hits=self._complete(chosen, filters),
            filters=filters,
            notes=notes,
            weighting=weighting.reason,
            facets=facets_of(chunks.values()),
        )

    def highlighted(self, question: str, found: Retrieved) -> Retrieved:
        """The same with the words of ``question`` marked in every passage."""
        texts = [(hit.passage.text, hit.language) for hit in found.hits]
        marked = zip(found.hits, self._home.lexical.matches(question, texts), strict=True)
        return replace(found, hits=tuple(replace(hit, highlights=spans) for hit, spans in marked))

    def _chosen(
        self, hits: Sequence[Hit], k: int, whole: Collection[str], chunks: Mapping[str, StoredChunk]
    ) -> list[Hit]:
        """The best ``k`` passages; a place that joining neighbours leaves free goes to the next best."""
        places = {one: Place(chunk.version_key, chunk.ordinal) for one, chunk in chunks.items()}
        wanted = k
        while True:
            best = diversify(hits, wanted, per_article=self._per_article, whole=whole)
            passages = joined(best, places)
            if len(passages) >= k or len(best) < wanted:
                return passages
            wanted += k - len(passages)

    def _search(self, query: str, scope: Scope, depth: int) -> _Found:
        return _Found(dict(self._dense(query, scope, depth)), dict(matching(self._home.lexical, scope, query, depth)))

    def _reranked(self, question: str, hits: Sequence[Hit]) -> tuple[Sequence[Hit], tuple[str, ...]]:
        """``hits`` in the reranker's order; or as they are where there is none or it has no time, with a note of it."""
        if self._reranking is None or not hits:
            return hits, ()
        first = hits[: self._reranking.candidates]
        texts = self._home.catalog.chunks_by_id([hit.passage.chunk_id for hit in first])
        # An article may have been deleted this instant.
        first = [hit for hit in first if hit.passage.chunk_id in texts]
        read = [search_text(texts[hit.passage.chunk_id].text, common_words().__contains__) for hit in first]
        scores, why_not = self._reranking.scores(question, read)
        if scores is None:
            return hits, (f"passages are not reranked: {why_not}",)
        return rerank([*first, *hits[self._reranking.candidates :]], scores), ()

    def _weigh(
        self, chunks: Mapping[str, StoredChunk], found: Sequence[_Found], filters: Filters, weighting: Weighting
    ) -> list[Hit]:
        relevance = best_of([fuse(each.dense, each.lexical) for each in found])
        dense_rank = _best_ranks([each.dense for each in found])
        lexical_rank = _best_ranks([each.lexical for each in found])
        hits = []
        for one, chunk in chunks.items():
            weight = weighting.weight(chunk.published, filters.as_of)
            relevant = led(relevance[one], chunk.ordinal)
            similarity = max((each.dense[one] for each in found if one in each.dense), default=None)
            hits.append(
                Hit(
                    passage=_passage(chunk, score_of(relevant, weight), similarity),
                    dense_rank=dense_rank.get(one),
                    lexical_rank=lexical_rank.get(one),
                    similarity=similarity,
                    fused=relevant,
                    age_days=(filters.as_of - chunk.published).days if chunk.published else None,
                    age_weight=weight,
                    cluster=chunk.cluster,
                    language=chunk.language,
                )
            )
        return by_score(hits)

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
                start, end = hit.passage.start, hit.passage.end
                text = (
                    chunk.text
                    if (start, end) == (chunk.start, chunk.end)
                    else self._home.catalog.text_between(chunk.version_key, start, end)
                )
                update = {"text": text, "also_reported_by": tuple(sorted(outlets))}
                complete.append(replace(hit, passage=hit.passage.model_copy(update=update)))
        return tuple(complete)

    def _dense(self, question: str, scope: Scope, depth: int) -> list[tuple[str, float]]:
        def embed() -> NDArray[np.float32]:
            vector: NDArray[np.float32] = self._home.embedder.embed([question], query=True)[0]
            return vector

        try:
            return nearest(self._home.store, scope, embed, depth)
        except StoreError:
            # A writer may delete an article between two calls, and Chroma refuses a whole list for one unknown id; or
            # it changes over to other vectors and removes those.
            return nearest(self._home.store, Scope.of(self._home.view(), scope.filters), embed, depth)


def _named_articles(question: str, chunks: Iterable[StoredChunk]) -> set[str]:
    """Ids of the articles among those of ``chunks`` that ``question`` names: of them it wants all that fits."""
    asked = named(question)
    return {one.article_id for one in chunks if asked.holds(one.article_id, url=one.url, title=one.title)}


def _best_ranks(found: Sequence[Mapping[str, float]]) -> dict[str, int]:
    """The best rank (from 1) of each id in any of the searches."""
    ranks: dict[str, int] = {}
    for scores in found:
        for rank, one in enumerate(scores, start=1):
            ranks[one] = min(rank, ranks.get(one, rank))
    return ranks


def _passage(chunk: StoredChunk, score: float, similarity: float | None) -> Passage:
    return Passage(
        chunk_id=chunk.id,
        article_id=chunk.article_id,
        score=score,
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
