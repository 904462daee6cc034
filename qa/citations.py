"""Pure work on citations: the quotes behind a sentence, and whether it is supported by what it cites.

The check itself, and where its method is from, is in :mod:`qa.support`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from qa.evidence import Source, facts, source
from qa.figures import agree
from qa.models import Passage
from qa.moments import bears_out
from qa.polarity import AFFIRMED
from qa.support import MIN_OVERLAP, MOST_FACTS, Case, wanted
from qa.verdicts import Kind, Similarity, Verdict
from qa.wording import SPEECH

__all__ = ["ATTRIBUTE_OVERLAP", "Kind", "Quote", "Similarity", "Verdict", "best_quote", "find_support", "judge"]

ATTRIBUTE_OVERLAP = 0.6
"""Least share for giving a source to a sentence that named none: here a mistake would be ours."""

_MOST_SENTENCES = 3
_LENGTH_COST = 0.06
"""What each further sentence must add to the share of the claim that a quote covers."""
_FACT_WEIGHT = 2.0
"""How much a number or date counts beside a word when a quote is chosen."""
_LONG = 160
"""A quote shorter than this, in characters, is not cut down to a clause."""
_WORTH_CUTTING = 40
_TRIED = 4
"""So many passages, those that cover most, are tried for a sentence that its own do not support."""
_PAIRS = {"(": ")", "[": "]", "\u201c": "\u201d", "\u00ab": "\u00bb"}


@dataclass(frozen=True, slots=True)
class Quote:
    """A verbatim piece of a passage, ``passage.text[start - passage.start : end - passage.start]``.

    ``start`` and ``end`` are offsets into the article. ``overlap`` is the share of the sentence's content words in it.
    """

    passage: Passage
    start: int
    end: int
    overlap: float

    @property
    def text(self) -> str:
        """The quoted words."""
        return self.passage.text[self.start - self.passage.start : self.end - self.passage.start]


def best_quote(claim: str, passage: Passage) -> Quote:
    """The smallest piece of ``passage`` that covers ``claim`` best: one to three sentences, or clauses of a long one.

    A further sentence is taken in only when it adds numbers, dates or words that the others lack. A passage without
    words is quoted whole.
    """
    origin = source(passage)
    places = origin.told.places
    if not places:
        return Quote(passage, passage.start, passage.end, 0.0)
    needs = _needs(claim, origin)
    total = sum(weight for weight, _ in needs)

    def worth(run: tuple[int, int]) -> tuple[float, int]:
        inside = (2 << run[1]) - (1 << run[0])
        covered = sum(weight for weight, held in needs if held & inside)
        share = covered / total if total else 0.0
        # Longer quotes must earn their length.
        return round(share - _LENGTH_COST * (run[1] - run[0]), 6), places[run[0]][0] - places[run[1]][1]

    count = len(places)
    first, last = max(((i, j) for i in range(count) for j in range(i, min(i + _MOST_SENTENCES, count))), key=worth)
    start, end = _without_idle_clauses(claim, origin, places[first][0], places[last][1])
    need = wanted(facts(claim, passage.published))
    overlap = len(need & _roots(origin, start, end)) / len(need) if need else 0.0
    return Quote(passage, passage.start + start, passage.start + end, overlap)


def judge(
    claim: str,
    quotes: Sequence[Quote],
    *,
    cited_at: Sequence[Collection[int]] = (),
    min_overlap: float = MIN_OVERLAP,
    similarity: Similarity | None = None,
) -> Verdict:
    """Whether the passages behind ``quotes`` support ``claim``, and if not why.

    ``cited_at`` are the offsets in ``claim`` of each quote's markers, where it has any. What stands before a marker may
    rest on the passages cited there alone: "23 killed [2], up from 12 [1]" when passage 1 says no more than 12.

    Dates, numbers, names, quotations and what is denied are held against the whole passages; content words against the
    quotes together, at least ``min_overlap`` of them. Between few and many, ``similarity`` decides, where it is given;
    it never outweighs what contradicts. A date may also be the day of publication. No quotes: not supported.
    """
    if not quotes:
        return Verdict(False, "no passage says this", "none")
    sources = [source(quote.passage) for quote in quotes]
    held: set[str] = set()
    for quote, origin in zip(quotes, sources, strict=True):
        held |= _roots(origin, quote.start - quote.passage.start, quote.end - quote.passage.start)

    def similar() -> float:
        return max(similarity(claim, quote.text) for quote in quotes) if similarity else 0.0

    return Case(claim, sources, cited_at).verdict(
        held, min_overlap=min_overlap, similar=similar if similarity else None
    )


def find_support(claim: str, passages: Sequence[Passage], *, similarity: Similarity | None = None) -> tuple[Quote, ...]:
    """The quote that supports a sentence which names no passage, or a wrong one; else two that do together; else ()."""
    quotes = sorted((best_quote(claim, passage) for passage in passages), key=lambda quote: -quote.overlap)
    tried = [quote for quote in quotes[:_TRIED] if quote.overlap > 0]
    parts = []
    for quote in tried:
        verdict = judge(claim, [quote], min_overlap=ATTRIBUTE_OVERLAP, similarity=similarity)
        if verdict.supported:
            return (quote,)
        if verdict.lacking:
            parts.append(quote)
    for quote in parts[1:]:
        # Words alone decide here: two passages that each mean something like it do not yet say it together.
        if judge(claim, [parts[0], quote], min_overlap=ATTRIBUTE_OVERLAP).supported:
            return (parts[0], quote)
    return ()


def _needs(claim: str, origin: Source) -> list[tuple[float, int]]:
    """What a quote is to hold: the weight of each word, number and date, and the sentences that have it as bits."""
    said = facts(claim, origin.published)
    tokens = origin.told.tokens
    found = [(1.0, _bits(tokens[i].sentence for i in origin.told.by_root.get(word, ()))) for word in wanted(said)]
    for figure in said.figures[:MOST_FACTS]:
        there = (theirs for theirs in origin.facts.figures if agree(figure, theirs))
        found.append((_FACT_WEIGHT, _bits(tokens[theirs.first].sentence for theirs in there)))
    for moment in said.moments[:MOST_FACTS]:
        then = (theirs for theirs in origin.facts.moments if bears_out(moment, theirs))
        found.append((_FACT_WEIGHT, _bits(tokens[theirs.first].sentence for theirs in then)))
    return [need for need in found if need[1]] or found


def _bits(sentences: Iterable[int]) -> int:
    bits = 0
    for sentence in sentences:
        bits |= 1 << sentence
    return bits


def _roots(origin: Source, start: int, end: int) -> frozenset[str]:
    first, last = origin.told.between(start, end)
    return frozenset(token.root for token in origin.told.tokens[first:last])


def _without_idle_clauses(claim: str, origin: Source, start: int, end: int) -> tuple[int, int]:
    """The span without clauses at its ends that hold nothing of the claim.

    Kept is whatever could turn what is quoted round: who says it, a "not", a quotation or bracket cut in two.
    """
    if end - start < _LONG:
        return start, end
    said = facts(claim, origin.published)
    needed = {token.root for token in said.told.tokens if token.says_something}
    tokens = origin.told.tokens
    first, last = origin.told.between(start, end)

    def idle(i: int) -> bool:
        token = tokens[i]
        weighty = token.root in needed or token.root in SPEECH or token.number or origin.facts.denials[i] != AFFIRMED
        return not weighty

    cut = next((i for i in range(last - 1, first, -1) if not idle(i)), first) + 1
    while cut < last and not (tokens[cut].apart and _is_comma(origin.told.text, tokens[cut - 1].end)):
        cut += 1
    if (
        cut < last
        and end - tokens[cut - 1].end >= _WORTH_CUTTING
        and _whole(origin.told.text[start : tokens[cut - 1].end])
    ):
        end, last = tokens[cut - 1].end, cut
    cut = next((i for i in range(first, last) if not idle(i)), first)
    while cut > first and not (tokens[cut].apart and _is_comma(origin.told.text, tokens[cut - 1].end)):
        cut -= 1
    if (
        cut > first
        and tokens[cut].start - start >= _WORTH_CUTTING
        and _whole(origin.told.text[tokens[cut].start : end])
    ):
        start = tokens[cut].start
    return start, end


def _is_comma(text: str, at: int) -> bool:
    return text[at : at + 1] in (",", ";", ":")


def _whole(text: str) -> bool:
    """Whether no quotation or bracket is cut in two."""
    return text.count('"') % 2 == 0 and all(text.count(one) == text.count(other) for one, other in _PAIRS.items())
