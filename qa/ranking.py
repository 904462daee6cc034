"""Pure: how relevance and age make a score, and what further queries and a reranker make of relevance."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from qa.candidates import Candidate

SHARPNESS = 1.5
"""Exponent of the relevance before age is weighed in: a clear match in an old report outdoes a vague one in a new."""

LEAD = 0.15
"""By how much the opening of an article is more relevant than the rest at an equal match: reports say first what they
are about. Among the best of 0 to 0.3 on the first quarter's questions (MRR@10 0.835 without, 0.866 with 0.15)."""

FURTHER_SHARE = 0.9
"""What a match of a further query counts beside one of the question itself: others named those queries."""

RERANK_SPAN = 16.0
"""So many log-odds below the reranker's best a passage's relevance is 1/e. An old report at the floor of 0.5 then comes
before a new one that is 7.4 log-odds less relevant. In trials with made-up scores (a model that knows what answers, and
errs) anything from 12 to 30 did better than smaller spans, a sigmoid, or the range of a question's scores."""


def score_of(relevance: float, age_weight: float) -> float:
    """What hits are ordered by, 0 to 1."""
    score: float = relevance**SHARPNESS * age_weight
    return round(score, 6)


def led(relevance: float, ordinal: int) -> float:
    """``relevance``, 0 to 1, as it counts for an article's chunk of that number, from 0."""
    return relevance if ordinal == 0 else relevance / (1 + LEAD)


def by_score(found: Iterable[Candidate]) -> list[Candidate]:
    """Best first. Ids break ties, so that one question over one collection has one answer."""
    return sorted(found, key=lambda one: (-one.score, one.chunk_id))


def best_of(found: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """One relevance an id from its relevance to the question (first in ``found``) and to each further query about it.

    The best that an id has anywhere, a further query's counting ``FURTHER_SHARE``: each part of a question can bring in
    what answers it, and what fits the question itself best stays before it. Summing ranks would instead favour what is
    middling for all parts.
    """
    best: dict[str, float] = {}
    for number, relevance in enumerate(found):
        share = FURTHER_SHARE if number else 1.0
        for one, value in relevance.items():
            best[one] = max(best.get(one, 0.0), share * value)
    return best


def rerank(found: Sequence[Candidate], scores: Sequence[float]) -> list[Candidate]:
    """``found`` (best first) in the order that a reranker's ``scores`` of the first of them make, best first.

    Relevance by the reranker takes the place of ``fused``; age weighs on it as before. Its log-odds become a relevance
    of 1 for the best, and e times less for each ``RERANK_SPAN`` below: so the order of two passages depends neither on
    the others nor on where a model has its zero, and a model that tells little apart decides little. Those without a
    score are less relevant than all that have one, and keep their own order of relevance.
    """
    best = max(scores, default=0.0)
    judged = [math.exp((score - best) / RERANK_SPAN) for score in scores]
    least = min(judged, default=1.0)
    ordered = [
        _judged(one, judged[i], scores[i]) if i < len(scores) else _judged(one, least * one.fused, None)
        for i, one in enumerate(found)
    ]
    return by_score(ordered)


def _judged(one: Candidate, relevance: float, score: float | None) -> Candidate:
    return replace(one, score=score_of(relevance, one.age_weight), rerank_score=score, reranked=relevance)
