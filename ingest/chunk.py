"""Pure: whole sentences packed into chunks that the embedding model can read in full."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from qa.models import Chunk

_FULL_ENOUGH = 0.6
"""A chunk this full (as a share of ``max_tokens``) ends early where a paragraph does."""

_TINY = 0.25
"""A last chunk emptier than this shares out the sentences of the one before it."""

_CHARS_PER_TOKEN = 12
"""Most code points a chunk may have for each token it may have. Prose has 4 to 5; a tokenizer that makes one "unknown"
token of any endless word would let a chunk grow without bound."""

_AFTER_CLAUSE = re.compile(r"[,;:\u2014\u2013\u3001\uff0c\uff1b]\s")

Span = tuple[int, int]


def chunk(text: str, token_spans: Sequence[Span], sentence_spans: Sequence[Span], max_tokens: int) -> list[Chunk]:
    """Cut ``text`` into chunks of whole sentences, each of at most ``max_tokens`` tokens.

    ``token_spans`` and ``sentence_spans`` are code-point spans in order (tokens: starts and ends never decrease;
    sentences: apart, without surrounding white space, covering all the rest). Chunks come in reading order and do not
    overlap; every character that is not white space is in exactly one. A chunk that is 60% full ends where a
    paragraph ends; a last one under 25% is joined to or balanced with the one before. A sentence that is too long is
    cut after a clause, a word, or a token, in that order of preference; only a single code point of more than
    ``max_tokens`` tokens can exceed the limit. [] for no sentences. Linear in the text up to a logarithm.

    Raises ``ValueError`` when ``max_tokens`` is less than 1.
    """
    if max_tokens < 1:
        raise ValueError("max_tokens must be at least 1")
    ruler = _Ruler(text, token_spans, max_tokens)
    units = [piece for span in sentence_spans for piece in ruler.pieces(*span)]
    spans = [(units[first][0], units[last - 1][1]) for first, last in _pack(ruler, units)]
    return [Chunk(ordinal, start, end, ruler.tokens(start, end)) for ordinal, (start, end) in enumerate(spans)]


class _Ruler:
    """Measures spans of one text in tokens."""

    def __init__(self, text: str, token_spans: Sequence[Span], max_tokens: int) -> None:
        self.text = text
        self.max_tokens = max_tokens
        self._max_chars = max_tokens * _CHARS_PER_TOKEN
        self._starts = [start for start, _ in token_spans]
        self._ends = [end for _, end in token_spans]

    def tokens(self, start: int, end: int) -> int:
        """How many tokens lie in the span, those cut by its ends included."""
        return max(0, bisect_left(self._starts, end) - bisect_right(self._ends, start))

    def fits(self, start: int, end: int) -> bool:
        return end - start <= self._max_chars and self.tokens(start, end) <= self.max_tokens

    def pieces(self, start: int, end: int) -> list[Span]:
        """The span itself when it fits, else pieces of it that do, without surrounding white space."""
        found: list[Span] = []
        while end - start > 1 and not self.fits(start, end):
            cut = self._cut(start, end)
            stop = cut
            while self.text[stop - 1].isspace():
                stop -= 1
            found.append((start, stop))
            start = cut
            while self.text[start].isspace():
                start += 1
        found.append((start, end))
        return found

    def _cut(self, start: int, end: int) -> int:
        """Where to end the piece that begins at ``start``: always past it, at most ``end``."""
        limit = min(end, start + self._max_chars)
        first_excess = bisect_right(self._ends, start) + self.max_tokens
        if first_excess < len(self._starts):
            limit = min(limit, self._starts[first_excess])
        if limit <= start:
            return start + 1
        # A clause end is worth a piece that is less than full, but not a tiny one.
        clauses = list(_AFTER_CLAUSE.finditer(self.text, start + int((limit - start) * _FULL_ENOUGH), limit))
        if clauses:
            return clauses[-1].end()
        if self.text[limit].isspace() or self.text[limit - 1].isspace():
            return limit
        for position in range(limit - 1, start, -1):
            if self.text[position].isspace():
                return position
        # One word alone is too long: cut between two of its tokens if that makes a piece at all.
        boundary = bisect_left(self._starts, limit)
        if boundary < len(self._starts) and self._starts[boundary] == limit:
            return limit
        before = self._starts[boundary - 1] if boundary else 0
        return before if before > start else limit


def _pack(ruler: _Ruler, units: Sequence[Span]) -> list[Span]:
    """Ranges of ``units`` that make up the chunks."""
    ranges: list[Span] = []
    first = 0
    while first < len(units):
        last = first + 1
        while last < len(units) and ruler.fits(units[first][0], units[last][1]):
            last += 1
        if last < len(units):
            last = _paragraph_end(ruler, units, first, last)
        ranges.append((first, last))
        first = last
    if len(ranges) > 1:
        ranges[-2:] = _share_out(ruler, units, ranges[-2], ranges[-1])
    return ranges


def _paragraph_end(ruler: _Ruler, units: Sequence[Span], first: int, last: int) -> int:
    for stop in range(last, first, -1):
        if ruler.tokens(units[first][0], units[stop - 1][1]) < _FULL_ENOUGH * ruler.max_tokens:
            break
        if "\n" in ruler.text[units[stop - 1][1] : units[stop][0]]:
            return stop
    return last


def _share_out(ruler: _Ruler, units: Sequence[Span], left: Span, right: Span) -> list[Span]:
    first, middle, last = left[0], left[1], right[1]
    start, end = units[first][0], units[last - 1][1]
    if ruler.tokens(units[middle][0], end) >= _TINY * ruler.max_tokens:
        return [left, right]
    if ruler.fits(start, end):
        return [(first, last)]

    def fuller_half(cut: int) -> int:
        return max(ruler.tokens(start, units[cut - 1][1]), ruler.tokens(units[cut][0], end))

    cuts = [
        cut
        for cut in range(first + 1, middle + 1)
        if ruler.fits(start, units[cut - 1][1]) and ruler.fits(units[cut][0], end)
    ]
    best = min(cuts, key=lambda cut: (fuller_half(cut), -cut))
    return [(first, best), (best, last)]
