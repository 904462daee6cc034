"""The embedded reader: answers by quoting the sentences that fit the question best. Needs no model server.

What makes a sentence fit: its similarity to the question, that of its neighbours included; the share of the question's
words it holds, rare words counting more, and words that only its article or title holds counting less; whether it
holds the kind of thing asked for (a number, a date, a name, a reason); and whether it names something the question
does not, the more so the more of the articles name it, too (redundancy: Dumais, Banko, Brill, Lin and Ng 2002, "Web
question answering: is more always better?"). The weights were chosen on the first quarter's questions and the sample
collection. It quotes, it does not invent; below a threshold of confidence it abstains.
"""

from __future__ import annotations

import math
import re
import threading
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cachetools import LRUCache

from qa.citations import Quote
from qa.library.encoders import Embedder
from qa.models import Passage
from qa.text import STOPWORDS, content_stems, fold, sentences

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MAX_SENTENCES = 3
_MAX_EMBEDDED = 24
"""So many sentences, those that look best before their similarity is known, are embedded: that is most of the time a
question takes, and more change nothing (16: two answers in a hundred lost, 32: none won)."""
_REMEMBERED = 20_000
"""So many sentences' vectors are kept, 30 MB: what is in the news is asked about again and again."""
_MIN_WORDS = 4

_SIMILARITY_SHARE, _COVERAGE_SHARE, _KIND_SHARE, _NEWS_SHARE, _VOTE_SHARE = 0.33, 0.33, 0.17, 0.085, 0.085
_NEIGHBOUR_SHARE = 0.3
"""How much of a sentence's similarity is that of the better of its neighbours: answers often stand beside the topic."""
_CONTEXT_CREDIT = 0.7
"""What a word of the question counts that the sentence lacks, but its passage or title holds."""
_RANK_COST = 0.01
"""What each place of its passage in the ranking costs a sentence."""

_NEAR_SHARE, _NAMED_SHARE = 0.37, 0.08
"""How much of the confidence is how near the nearest passage is, and how many of the question's names the best one has;
the rest is the best sentence's score. A logistic regression on the first quarter put them in this proportion."""

_NAME = re.compile(r"[^\W\d_a-z][\w’'-]+")
_TELLING = re.compile(r"\b(?:[^\W\d_a-z][\w’'-]+|\d[\d.,]*%?)")
"""What can be an answer by itself: a name, a number."""
_LEANS = re.compile(
    r"(?:he|she|it|they|this|that|these|those|his|her|their|its|but|so|then|there|instead|however|both"
    r"|the (?:former|latter|two|three|pair))\b",
    re.IGNORECASE,
)
"""How a sentence begins that cannot be understood without the one before it."""

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
    """A sentence to quote (with the one before it, where it needs that) and its score, 0 to 1."""

    quote: Quote
    score: float


@dataclass(frozen=True, slots=True)
class Reading:
    """One to three sentences, best first, and how sure it is that they answer the question, 0 to 1; none: 0."""

    picked: tuple[Picked, ...]
    confidence: float


class ExtractiveReader:
    """Picks sentences out of passages. Safe to use from several threads."""

    def __init__(self, embedder: Embedder, *, abstain_below: float) -> None:
        self._embedder = embedder
        self._abstain_below = abstain_below
        self._known: LRUCache[str, NDArray[np.float32]] = LRUCache(_REMEMBERED)
        self._lock = threading.Lock()

    def pick(self, question: str, passages: Sequence[Passage]) -> list[Picked]:
        """The sentences of :meth:`read`; [] when it is not sure enough of them: abstain."""
        reading = self.read(question, passages)
        return list(reading.picked) if reading.confidence >= self._abstain_below else []

    def read(self, question: str, passages: Sequence[Passage]) -> Reading:
        """What answers ``question`` best, however well that is."""
        asked = _Asked(question, passages)
        candidates = asked.candidates()
        if not candidates:
            return Reading((), 0.0)
        vector = self._embedder.embed([question], query=True)[0]
        quotes = [candidate.quote for candidate in candidates]
        similarity = [float(one @ vector) for one in self._vectors([quote.text for quote in quotes])]
        mixed = _with_neighbours(quotes, similarity)
        ranked = sorted(
            (
                Picked(candidate.quote, min(max(candidate.score + _SIMILARITY_SHARE * near, 0.0), 1.0))
                for candidate, near in zip(candidates, mixed, strict=True)
            ),
            key=lambda picked: (-picked.score, picked.quote.passage.chunk_id, picked.quote.start),
        )
        nearest = max((one.similarity for one in passages if one.similarity is not None), default=max(similarity))
        best = ranked[0]
        confidence = (1 - _NEAR_SHARE - _NAMED_SHARE) * best.score + _NEAR_SHARE * min(max(nearest, 0.0), 1.0)
        confidence += _NAMED_SHARE * asked.named_in(best.quote.passage)
        return Reading(tuple(_understandable(_without_repeats(ranked))), confidence)

    def _vectors(self, texts: Sequence[str]) -> list[NDArray[np.float32]]:
        """The vectors of sentences, in their order; only those not met lately are computed."""
        with self._lock:
            found = {text: self._known[text] for text in texts if text in self._known}
        fresh = [text for text in dict.fromkeys(texts) if text not in found]
        if fresh:
            found |= dict(zip(fresh, self._embedder.embed(fresh), strict=True))
            with self._lock:
                self._known.update((text, found[text]) for text in fresh)
        return [found[text] for text in texts]


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A sentence and what its score is without its similarity."""

    quote: Quote
    score: float


class _Asked:
    """A question and the passages that may answer it."""

    def __init__(self, question: str, passages: Sequence[Passage]) -> None:
        self._passages = passages
        self._stems = frozenset(content_stems(question))
        self._said = frozenset(re.findall(r"\w+", fold(question)))
        self._names = {fold(name[0]) for name in _NAME.finditer(question, 1)} - STOPWORDS
        self._fits = _asked_kind(question)

    def candidates(self) -> list[_Candidate]:
        """The best of the sentences long enough to say something, in the order of their passages."""
        quotes, ranks = [], []
        for rank, passage in enumerate(self._passages):
            for start, end in sentences(passage.text):
                if len(passage.text[start:end].split()) >= _MIN_WORDS:
                    quotes.append(Quote(passage, passage.start + start, passage.start + end, overlap=1.0))
                    ranks.append(rank)
        coverage, votes = self._coverage(quotes), self._votes(quotes)
        found = [
            _Candidate(
                quote,
                _COVERAGE_SHARE * covered
                + _KIND_SHARE * self._fits(quote.text)
                + _NEWS_SHARE * (vote > 0)
                + _VOTE_SHARE * vote
                - _RANK_COST * rank,
            )
            for quote, covered, vote, rank in zip(quotes, coverage, votes, ranks, strict=True)
        ]
        best = sorted(range(len(found)), key=lambda i: -found[i].score)[:_MAX_EMBEDDED]
        return [found[i] for i in sorted(best)]

    def named_in(self, passage: Passage) -> float:
        """The share of the question's names that stand in a passage or its title; 1 where it names nothing."""
        text = fold(f"{passage.title or ''} {passage.text}")
        return sum(name in text for name in self._names) / len(self._names) if self._names else 1.0

    def _coverage(self, quotes: Sequence[Quote]) -> list[float]:
        """For each sentence the share of the question's content words it holds, 0 to 1."""
        wanted = self._stems
        if not wanted:
            return [0.0] * len(quotes)
        held = [wanted & set(content_stems(quote.text)) for quote in quotes]
        around = {
            passage.chunk_id: wanted & set(content_stems(f"{passage.title or ''} {passage.text}"))
            for passage in self._passages
        }
        frequency = Counter(word for words in held for word in words)
        weight = {word: math.log(1 + len(quotes) / (1 + frequency[word])) for word in wanted}
        total = sum(weight.values())

        def share(words: Collection[str], context: Collection[str]) -> float:
            near = sum(weight[word] for word in set(context) - set(words))
            return (sum(weight[word] for word in words) + _CONTEXT_CREDIT * near) / total if total else 0.0

        return [share(words, around[quote.passage.chunk_id]) for words, quote in zip(held, quotes, strict=True)]

    def _votes(self, quotes: Sequence[Quote]) -> list[float]:
        """For each sentence the greatest share of the articles that name one of the things it names; 0: nothing new."""
        by_article: dict[str, set[str]] = {}
        for passage in self._passages:
            told = self._told(f"{passage.title or ''} {passage.text}")
            by_article.setdefault(passage.article_id, set()).update(told)
        counts = Counter(one for told in by_article.values() for one in told)
        return [max((counts[one] for one in self._told(quote.text)), default=0) / len(by_article) for quote in quotes]

    def _told(self, text: str) -> set[str]:
        """Names and numbers in ``text`` that are not in the question."""
        found = {fold(match[0]).removesuffix("'s").rstrip(".,") for match in _TELLING.finditer(text)}
        return {one for one in found if one not in STOPWORDS and one not in self._said}


def _with_neighbours(quotes: Sequence[Quote], similarity: Sequence[float]) -> list[float]:
    """Each similarity mixed with the better of those of the sentences before and after it in the same passage."""
    mixed = []
    for i, own in enumerate(similarity):
        beside = [j for j in (i - 1, i + 1) if 0 <= j < len(quotes) and quotes[j].passage is quotes[i].passage]
        best = max((similarity[j] for j in beside), default=own)
        mixed.append((1 - _NEIGHBOUR_SHARE) * own + _NEIGHBOUR_SHARE * best)
    return mixed


def _asked_kind(question: str) -> Callable[[str], bool]:
    """Whether a sentence holds the kind of thing ``question`` asks for; always so when it asks for none we know."""
    folded = fold(question)
    patterns = [holds for asks, holds in _KINDS if asks.search(folded)]

    def fits(sentence: str) -> bool:
        return not patterns or any(holds.search(sentence) or holds.search(sentence.lower()) for holds in patterns)

    return fits


def _without_repeats(ranked: Sequence[Picked]) -> list[Picked]:
    """The best, and up to two more that come close and say something else."""
    chosen = [ranked[0]]
    stems = [set(content_stems(ranked[0].quote.text))]
    for picked in ranked[1:]:
        if len(chosen) == MAX_SENTENCES or picked.score < 0.85 * ranked[0].score:
            break
        mine = set(content_stems(picked.quote.text))
        if all(len(mine & theirs) < 0.7 * max(1, min(len(mine), len(theirs))) for theirs in stems):
            chosen.append(picked)
            stems.append(mine)
    return chosen


def _understandable(chosen: Sequence[Picked]) -> list[Picked]:
    """``chosen`` with the sentence before taken in where one leans on it ("He said ..."), within ``MAX_SENTENCES``."""
    kept = list(chosen)
    for picked in chosen:
        quote = picked.quote
        if picked not in kept or not _LEANS.match(quote.text):
            continue
        offset = quote.passage.start
        before = [(offset + start, offset + end) for start, end in sentences(quote.passage.text)]
        before = [span for span in before if span[1] <= quote.start][-1:]
        if not before:
            continue
        # Chosen by itself, it need not stand there twice.
        twice = [
            one for one in kept if one.quote.passage is quote.passage and (one.quote.start, one.quote.end) == before[0]
        ]
        if twice or len(kept) < MAX_SENTENCES:
            kept[kept.index(picked)] = replace(picked, quote=replace(quote, start=before[0][0]))
            kept = [one for one in kept if one not in twice]
    return kept
