"""From a question to passages: dense and lexical search, fusion, weight by age, diversity. Plain sync code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING

from qa.candidates import Candidate, VersionFacts, place_of
from qa.dates import AskedRange
from qa.errors import StoreError
from qa.joining import joined
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


def diversify(found: Sequence[Candidate], k: int, *, per_article: int, whole: Collection[str] = ()) -> list[Candidate]:
    """The first ``k`` of ``found`` (best first) with at most ``per_article`` of any article but those in ``whole``.

    Of articles that print one story (one cluster) only the one that comes first is taken.
    """
    taken: Counter[str] = Counter()
    printed_by: dict[str, str] = {}
    chosen: list[Candidate] = []
    for one in found:
        if len(chosen) == k:
            break
        article = one.version.article_id
        room = article in whole or taken[article] < per_article
        if room and printed_by.setdefault(one.version.cluster, article) == article:
            taken[article] += 1
            chosen.append(one)
    return chosen


def facets_of(found: Iterable[VersionFacts]) -> Facets:
    """The articles that ``found`` are of, counted by source and by month."""
    articles = {version.article_id: version for version in found}.values()
    sources = Counter(sorted(version.source or "" for version in articles))
    months = Counter(f"{version.published:%Y-%m}" if version.published else "" for version in articles)
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
        versions = scope.view.versions_of(list(seen), filters)
        weighting = weigh(question, asked, filters, self._weighting)
        ranked, notes = self._reranked(question, _weigh(versions, found, filters, weighting))
        whole = filters.articles or _named_articles(question, versions.values())
        chosen = self._chosen(ranked, k, whole)
        return Retrieved(
            hits=self._complete(chosen, found, scope),
            filters=filters,
            notes=notes,
            weighting=weighting.reason,
            facets=facets_of(versions.values()),
        )

    def highlighted(self, question: str, found: Retrieved) -> Retrieved:
        """The same with the words of ``question`` marked in every passage."""
        texts = [(hit.passage.text, hit.language) for hit in found.hits]
        marked = zip(found.hits, self._home.lexical.matches(question, texts), strict=True)
        return replace(found, hits=tuple(replace(hit, highlights=spans) for hit, spans in marked))

    def _chosen(self, ranked: Sequence[Candidate], k: int, whole: Collection[str]) -> list[Candidate]:
        """The best ``k`` passages; a place that joining neighbours leaves free goes to the next best."""
        wanted = k
        while True:
            best = diversify(ranked, wanted, per_article=self._per_article, whole=whole)
            passages = joined(best)
            if len(passages) >= k or len(best) < wanted:
                return passages
            wanted += k - len(passages)

    def _search(self, query: str, scope: Scope, depth: int) -> _Found:
        return _Found(dict(self._dense(query, scope, depth)), dict(matching(self._home.lexical, scope, query, depth)))

    def _reranked(self, question: str, ranked: list[Candidate]) -> tuple[list[Candidate], tuple[str, ...]]:
        """``ranked`` in the reranker's order; or as it is where there is none or it has no time, with a note of it."""
        if self._reranking is None or not ranked:
            return ranked, ()
        first, rest = ranked[: self._reranking.candidates], ranked[self._reranking.candidates :]
        texts = self._home.catalog.chunks_by_id([one.chunk_id for one in first])
        # An article may have been deleted this instant.
        first = [one for one in first if one.chunk_id in texts]
        read = [search_text(texts[one.chunk_id].text, common_words().__contains__) for one in first]
        scores, why_not = self._reranking.scores(question, read)
        if scores is None:
            return ranked, (f"passages are not reranked: {why_not}",)
        return rerank([*first, *rest], scores), ()

    def _complete(self, chosen: Sequence[Candidate], found: Sequence[_Found], scope: Scope) -> tuple[Hit, ...]:
        """The hits: with their passages' texts and the other outlets that print them, as far as filters admit.

        One whose article was deleted this instant is left out.
        """
        ends = {f"{one.version.name}.{ordinal}": None for one in chosen for ordinal in (one.first, one.last)}
        chunks = self._home.catalog.chunks_by_id(list(ends))
        reporters = scope.view.reporters({one.version.cluster for one in chosen}, scope.filters)
        ranks = _best_ranks([each.dense for each in found]), _best_ranks([each.lexical for each in found])
        hits = []
        for one in chosen:
            first, last = (chunks.get(f"{one.version.name}.{ordinal}") for ordinal in (one.first, one.last))
            if first is None or last is None:
                continue
            text = first.text
            if last is not first:
                text = self._home.catalog.text_between(first.version_key, first.start, last.end)
            similarity = max((each.dense[one.chunk_id] for each in found if one.chunk_id in each.dense), default=None)
            outlets = {
                outlet for article, outlet in reporters[one.version.cluster] if article != one.version.article_id
            }
            passage = _passage(one, text, first.start, last.end, outlets, similarity)
            dense_rank, lexical_rank = (rank.get(one.chunk_id) for rank in ranks)
            hits.append(_hit(one, passage, dense_rank, lexical_rank, scope.filters.as_of))
        return tuple(hits)

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


def _weigh(
    versions: Mapping[str, VersionFacts], found: Sequence[_Found], filters: Filters, weighting: Weighting
) -> list[Candidate]:
    """What may be seen of what was found, best first."""
    relevance = best_of([fuse(each.dense, each.lexical) for each in found])
    # Many are of one day.
    weights = {day: weighting.weight(day, filters.as_of) for day in {one.published for one in versions.values()}}
    candidates = []
    for one, version in versions.items():
        _, ordinal = place_of(one)
        relevant, weight = led(relevance[one], ordinal), weights[version.published]
        candidates.append(
            Candidate(one, version, ordinal, ordinal, score_of(relevant, weight), fused=relevant, age_weight=weight)
        )
    return by_score(candidates)


def _named_articles(question: str, versions: Iterable[VersionFacts]) -> set[str]:
    """Ids of the articles among those of ``versions`` that ``question`` names: of them it wants all that fits."""
    asked = named(question)
    articles = {one.article_id: one for one in versions}.values()
    return {one.article_id for one in articles if asked.holds(one.article_id, url=one.url, title=one.title)}


def _best_ranks(found: Sequence[Mapping[str, float]]) -> dict[str, int]:
    """The best rank (from 1) of each id in any of the searches."""
    ranks: dict[str, int] = {}
    for scores in found:
        for rank, one in enumerate(scores, start=1):
            ranks[one] = min(rank, ranks.get(one, rank))
    return ranks


def _passage(
    one: Candidate, text: str, start: int, end: int, outlets: Collection[str], similarity: float | None
) -> Passage:
    version = one.version
    return Passage(
        chunk_id=one.chunk_id,
        article_id=version.article_id,
        score=one.score,
        text=text,
        start=start,
        end=end,
        published=version.published,
        title=version.title,
        url=version.url,
        source=version.source,
        published_from=version.published_from,
        also_reported_by=tuple(sorted(outlet for outlet in outlets if outlet != version.source)),
        similarity=similarity,
    )


def _hit(one: Candidate, passage: Passage, dense_rank: int | None, lexical_rank: int | None, as_of: date) -> Hit:
    return Hit(
        passage=passage,
        dense_rank=dense_rank,
        lexical_rank=lexical_rank,
        similarity=passage.similarity,
        fused=one.fused,
        age_days=(as_of - passage.published).days if passage.published else None,
        age_weight=one.age_weight,
        rerank_score=one.rerank_score,
        reranked=one.reranked,
        language=one.version.language,
    )
