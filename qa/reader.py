"""The embedded reader: answers by quoting the sentences that fit the question best. Needs no model server.

Three things make a sentence fit: its similarity to the question, that of its neighbours included; the share of the
question's words it holds, rare words counting more, and words that only its article or title holds counting less;
and whether it holds the kind of thing asked for (a number, a date, a name, a reason). The weights were chosen on the
first quarter's questions and the sample collection. It quotes, it does not invent; below a threshold it abstains.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from qa.citations import Quote
from qa.library.encoders import Embedder
from qa.models import Passage
from qa.text import content_stems, fold, sentences

MAX_SENTENCES = 3
_MAX_CANDIDATES = 64
_MIN_WORDS = 4

_SIMILARITY_SHARE, _COVERAGE_SHARE, _KIND_SHARE = 0.4, 0.4, 0.2
_NEIGHBOUR_SHARE = 0.3
"""How much of a sentence's similarity is that of the better of its neighbours: answers often stand beside the topic."""
_CONTEXT_CREDIT = 0.7
"""What a word of the question counts that the sentence lacks, but its passage or title holds."""
_RANK_COST = 0.01
"""What each place of its passage in the ranking costs a sentence."""

_KINDS: tuple[tuple[re.Pattern[str], re.Pattern[str]], ...] = tuple(
    (re.compile(asks), re.compile(holds))
    for asks, holds in (
        (
            r"\bhow (much|many|long|old|far|large|high|big|tall)\b"
            r"|\bwhat (percentage|share|number|amount|price|figure)\b",
            r"\d|\b(one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|half|twice)\b"
            r"|\b(dozen|hundred|thousand|million)s?\b",
        ),
        (
            r"\bwhen\b|\b(what|which) (date|day|year|month|time)\b",
            r"\d{4}|\b(january|february|march|april|may|june|july|august|september|october|november|december)\b"
            r"|\b(monday|tuesday|wednesday|thursday|friday|saturday|sunday|yesterday|today|tomorrow)\b"
            r"|\b(last|next) (week|month|year)\b",
        ),
        (
            r"\b(who|whom|whose)\b"
            r"|\b(which|what) (\w+ )?(person|minister|president|company|country|city|team|leader)\b",
            r"(?<=\w )[A-Z]",
        ),
        (r"\bwhy\b", r"\b(because|due to|after|since|so that|in order to|owing to|as a result|caused)\b"),
        (r"\bwhere\b", r"\b(in|at|near|on|from|to) (the )?[A-Z]"),
    )
)
"""What a question asks for, and what a sentence that gives it looks like."""


@dataclass(frozen=True, slots=True)
class Picked:
    """A sentence to quote and its score, 0 to 1."""

    quote: Quote
    score: float


class ExtractiveReader:
    """Picks sentences out of passages. Safe to use from several threads."""

    def __init__(self, embedder: Embedder, *, abstain_below: float) -> None:
        self._embedder = embedder
        self._abstain_below = abstain_below

    def pick(self, question: str, passages: Sequence[Passage]) -> list[Picked]:
        """One to three sentences that answer ``question``, best first; [] when none is good enough: abstain."""
        candidates = _candidates(passages)[:_MAX_CANDIDATES]
        if not candidates:
            return []
        texts = [quote.text for quote, _ in candidates]
        question_vector = self._embedder.embed([question], query=True)[0]
        similarity = _with_neighbours([quote for quote, _ in candidates], self._embedder.embed(texts) @ question_vector)
        coverage = _coverage(question, [quote for quote, _ in candidates])
        kind = _asked_kind(question)
        ranked = sorted(
            (
                Picked(quote, _score(similarity[i], coverage[i], kind(texts[i]), rank))
                for i, (quote, rank) in enumerate(candidates)
            ),
            key=lambda picked: (-picked.score, picked.quote.passage.chunk_id, picked.quote.start),
        )
        if ranked[0].score < self._abstain_below:
            return []
        return _without_repeats(ranked, [content_stems(picked.quote.text) for picked in ranked])


def _candidates(passages: Sequence[Passage]) -> list[tuple[Quote, int]]:
    """Every sentence long enough to say something, with the rank (from 0) of its passage."""
    found = []
    for rank, passage in enumerate(passages):
        for start, end in sentences(passage.text):
            if len(passage.text[start:end].split()) >= _MIN_WORDS:
                found.append((Quote(passage, passage.start + start, passage.start + end, overlap=1.0), rank))
    return found


def _with_neighbours(quotes: Sequence[Quote], similarity: Sequence[float]) -> list[float]:
    """Each similarity mixed with the better of those of the sentences right before and after in the same passage."""
    mixed = []
    for i, own in enumerate(similarity):
        beside = [j for j in (i - 1, i + 1) if 0 <= j < len(quotes) and quotes[j].passage is quotes[i].passage]
        best = max((float(similarity[j]) for j in beside), default=float(own))
        mixed.append((1 - _NEIGHBOUR_SHARE) * float(own) + _NEIGHBOUR_SHARE * best)
    return mixed


def _coverage(question: str, quotes: Sequence[Quote]) -> list[float]:
    """For each sentence the share of the question's content words it holds, 0 to 1."""
    wanted = set(content_stems(question))
    if not wanted:
        return [0.0] * len(quotes)
    held = [wanted & set(content_stems(quote.text)) for quote in quotes]
    around = {
        quote.passage.chunk_id: wanted & set(content_stems(f"{quote.passage.title or ''} {quote.passage.text}"))
        for quote in quotes
    }
    frequency = Counter(word for words in held for word in words)
    weight = {word: math.log(1 + len(quotes) / (1 + frequency[word])) for word in wanted}
    total = sum(weight.values())

    def share(words: set[str], context: set[str]) -> float:
        near = sum(weight[word] for word in context - words)
        return (sum(weight[word] for word in words) + _CONTEXT_CREDIT * near) / total

    return [share(words, around[quote.passage.chunk_id]) for words, quote in zip(held, quotes, strict=True)]


def _asked_kind(question: str) -> Callable[[str], bool]:
    """Whether a sentence holds the kind of thing ``question`` asks for; always so when it asks for none we know."""
    folded = fold(question)
    patterns = [holds for asks, holds in _KINDS if asks.search(folded)]

    def fits(sentence: str) -> bool:
        return not patterns or any(holds.search(sentence) or holds.search(sentence.lower()) for holds in patterns)

    return fits


def _score(similarity: float, coverage: float, fits: bool, rank: int) -> float:
    score = _SIMILARITY_SHARE * similarity + _COVERAGE_SHARE * coverage + _KIND_SHARE * fits - _RANK_COST * rank
    return min(max(score, 0.0), 1.0)


def _without_repeats(ranked: Sequence[Picked], stems: Sequence[list[str]]) -> list[Picked]:
    """The best, and up to two more that come close and say something else."""
    chosen = [0]
    for i in range(1, len(ranked)):
        if len(chosen) == MAX_SENTENCES or ranked[i].score < 0.85 * ranked[0].score:
            break
        mine = set(stems[i])
        if all(len(mine & set(stems[j])) < 0.7 * max(1, min(len(mine), len(set(stems[j])))) for j in chosen):
            chosen.append(i)
    return [ranked[i] for i in chosen]
