"""The embedded reader: answers by quoting the sentences that fit the question best. Needs no model server.

Sentences are scored by cosine similarity to the question and by the share of the question's words they hold, weighed
by how rare each word is among the candidates; then by whether they hold the kind of thing asked for (a number, a
date, a name, a reason). It quotes, it does not invent; below a threshold it abstains.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qa.citations import Quote
from qa.library.encoders import Embedder
from qa.models import Passage
from qa.text import content_stems, fold, sentences

if TYPE_CHECKING:
    pass

MAX_SENTENCES = 3
_MAX_CANDIDATES = 64
_MIN_WORDS = 4

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
        vectors = self._embedder.embed([question], query=True), self._embedder.embed(texts)
        similarity = vectors[1] @ vectors[0][0]
        coverage = _coverage(question, texts, [passage.text for passage in passages])
        ranked = sorted(
            (
                Picked(quote, _score(question, quote.text, float(similarity[i]), coverage[i], rank))
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


def _coverage(question: str, texts: Sequence[str], contexts: Sequence[str]) -> list[float]:
    """For each text the share of the question's content words it holds, rare words counting more; 0 to 1."""
    wanted = set(content_stems(question))
    if not wanted:
        return [0.0] * len(texts)
    held = [set(content_stems(text)) for text in texts]
    frequency = Counter(word for words in held for word in words & wanted)
    weight = {word: math.log(1 + len(texts) / (1 + frequency[word])) for word in wanted}
    total = sum(weight.values())
    return [sum(weight[word] for word in words & wanted) / total for words in held]


def _score(question: str, sentence: str, similarity: float, coverage: float, rank: int) -> float:
    folded = fold(question)
    asked = [pattern for ask, pattern in _KINDS if ask.search(folded)]
    fits = any(pattern.search(sentence) or pattern.search(sentence.lower()) for pattern in asked) if asked else True
    return max(0.0, 0.55 * similarity + 0.35 * coverage + (0.1 if fits else 0.0) - 0.01 * rank)


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
