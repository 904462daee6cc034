"""Pure work on what a model writes: sentences with citation markers, cut out of a reply as it streams in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from qa.markers import LONGEST, UNFINISHED, Definitions, canonical, numbers
from qa.text import LOOK_AHEAD, SHORT_LINE, sentences, visible

LONGEST_CLAIM = 2000
"""A sentence that runs on for longer, in characters, is cut there."""

_PATIENCE = 400
"""So many characters without any final punctuation are waited for before a reply is looked at again."""
_SHARE = 8
"""Nor is it before it has grown by one part in so many of what has come without a finished sentence."""
_MARKER = re.compile(r"\[\d{1,3}(?:, \d{1,3})*\]")
_MARKERS_AFTER_END = re.compile(
    rf"((?<![.!?\u2026])[.!?\u2026]++[\"\u201d'\u2019)\u00bb\u300d*_]*)[ \t]*((?:{_MARKER.pattern}[ \t]*)+)"
)
_LOOKED_BACK = 50
_MOST_SPACE = 100
_SPACES = re.compile(r"\s{100,}")
_ENDS = re.compile(r"[.!?\u2026\n]")
_STEP = re.compile(r"\S{0,63}\s|\S{64}")
"""A reply is looked at again after each word, or as much of one that does not end."""
_RUN = re.compile(r"\S+")
_LETTERS = re.compile(r"[^\W\d_]+")
_ENUMERATOR = re.compile(r"(?:[-*+\u2022\u2013]\s+)?(?:\d{1,3}|[a-zA-Z])[.)]|[-*+\u2022\u2013]")
_OWN_BRACKETS = re.compile(r"[\[\u3010](\s*\^?\d[\d\s,;\u2013-]*+)[\]\u3011]")
_MARKS = re.compile(
    r"^\s*(?:>\s*)*(?:\#{1,6}\s+|[-*+\u2022\u2013]\s+)?(?:(?:\d{1,3}|[a-zA-Z])[.)]\s+)?|\*+|`+|~~|(?<!\w)_+|_+(?!\w)"
)


@dataclass(frozen=True, slots=True)
class Claim:
    """One sentence of a model's answer: its text with the markers taken out, and which passages it names.

    ``gap`` is the white space before it: "", " ", a line break or a blank line. ``markers`` are (offset in ``text``,
    passage numbers from 1) in order.
    """

    gap: str
    text: str
    markers: tuple[tuple[int, tuple[int, ...]], ...]


def round_brackets(text: str) -> str:
    """Brackets that look like markers made round: "[3]" is "(3)", "[2023]" is "(2023)"; the length stays."""
    return _OWN_BRACKETS.sub(r"(\1)", text)


def neutralise(text: str) -> str:
    """An article's own words as an answer may show them: what can be seen, white space folded, "[3]" as "(3)"."""
    return round_brackets(" ".join(visible(text).split()))


def unmarked(text: str, offsets: Sequence[int] = ()) -> tuple[str, list[int]]:
    """``text`` without Markdown's marks for headings, lists, quotations and emphasis: what is said.

    Beside it where the offsets asked for have moved to.
    """
    marks = [mark.span() for mark in _MARKS.finditer(text)]
    bare = _MARKS.sub("", text)
    lead = len(bare) - len(bare.lstrip())
    said = bare.strip()
    gone = (sum(min(end, at) - start for start, end in marks if start < at) + lead for at in offsets)
    return said, [min(max(at - less, 0), len(said)) for at, less in zip(offsets, gone, strict=True)]


class ClaimStream:
    """Cuts a model's reply, as it streams in, into finished :class:`Claim` values.

    A sentence is finished when the next has begun, because markers may still follow its full stop. ``round_markers``
    says that the model was asked to write "(1)". Lines that define footnotes and invisible characters are left out; an
    item's number belongs to the item's first sentence.

    The reply is taken in word by word, whatever the pieces it comes in, so that how it is cut makes no difference.
    """

    def __init__(self, *, round_markers: bool = False) -> None:
        self._round = round_markers
        self._definitions = Definitions()
        self._pending = ""
        self._buffer = ""
        self._seen = 0
        self._left = 0
        # How much of the buffer was given out, counted in characters that are not white space: unlike the number of
        # sentences, that stays the same when what follows changes how the buffer is cut.
        self._given = 0

    def feed(self, piece: str) -> Iterator[Claim]:
        """Take in a further piece; yields the sentences that are finished now."""
        self._pending += visible(piece)
        taken = 0
        for step in _STEP.finditer(self._pending):
            taken = step.end()
            yield from self._take(step[0])
        self._pending = self._pending[taken:]

    def end(self) -> Iterator[Claim]:
        """The reply is complete; yields what is left."""
        yield from self._take(self._pending)
        self._pending = ""
        self._buffer += self._definitions.end()
        yield from self._cut(last=True)

    def _take(self, step: str) -> Iterator[Claim]:
        self._buffer += self._folded(self._definitions.feed(step))
        fresh = self._buffer[max(self._seen - LOOK_AHEAD, 0) :]
        grown = len(self._buffer) - self._seen
        if grown < self._left // _SHARE or (grown < _PATIENCE and not _ENDS.search(fresh)):
            return
        if UNFINISHED.search(self._buffer[-LONGEST:]):
            # It may become a marker of the sentence before it.
            return
        yield from self._cut(last=False)

    def _folded(self, piece: str) -> str:
        """``piece`` without white space beyond so much in a row, counted together with what came before."""
        left = _MOST_SPACE - (len(self._buffer) - len(self._buffer.rstrip()))
        lead = len(piece) - len(piece.lstrip())
        start = piece[: max(min(lead, left), 0)]
        return start + _SPACES.sub(lambda match: match[0][:_MOST_SPACE], piece[lead:])

    def _cut(self, *, last: bool) -> Iterator[Claim]:
        text = _markers_first(canonical(self._buffer, round_too=self._round))
        spans = _spans(text)
        position = _offset_after(text, self._given)
        for i, (start, end) in enumerate(spans):
            if end <= position:
                continue
            if not (last or _finished(text, spans, i)):
                break
            begin = max(start, position)
            begin += len(text[begin:end]) - len(text[begin:end].lstrip())
            if begin >= end:
                continue  # the space that a piece of an endless sentence ends with
            self._given += _solid(text[begin:end])
            yield _claim(_gap(text[position:begin]), text[begin:end])
            position = end
        self._seen, self._left = len(self._buffer), len(text) - position
        self._forget(text, [span for span in spans if span[1] <= position])

    def _forget(self, text: str, given: Sequence[tuple[int, int]]) -> None:
        """Let go of what cannot bear on the rest any more, lest a long reply cost its square.

        A line, or a whole one's worth of it, is kept: how long it is decides whether its break ends a sentence.
        """
        for (_, before), (start, _) in reversed(list(pairwise(given[-_LOOKED_BACK:]))):
            kept = text[start : given[-1][1]]
            if "\n" in text[before:start] or ("\n" not in kept and len(kept) >= SHORT_LINE):
                self._given -= _solid(text[:start])
                self._buffer = text[start:]
                self._seen = len(self._buffer)
                return


def _spans(text: str) -> list[tuple[int, int]]:
    """The sentences of ``text``, an item's number with its first, endless ones in pieces."""
    found: list[tuple[int, int]] = []
    joins = False
    for start, end in sentences(text):
        if joins:
            start = found.pop()[0]
        joins = _ENUMERATOR.fullmatch(text, start, end) is not None
        while end - start > LONGEST_CLAIM:
            found.append((start, start + LONGEST_CLAIM))
            start += LONGEST_CLAIM
        found.append((start, end))
    return found


def _solid(text: str) -> int:
    """How many characters are not white space."""
    return sum(len(word) for word in text.split())


def _offset_after(text: str, solid: int) -> int:
    """The offset right after so many characters that are not white space; 0 for none."""
    if not solid:
        return 0
    for word in _RUN.finditer(text):
        if solid <= len(word[0]):
            return word.start() + solid
        solid -= len(word[0])
    return len(text)


def _finished(text: str, spans: Sequence[tuple[int, int]], i: int) -> bool:
    """Whether nothing that may still stream in can move the end of sentence ``i``.

    Where a sentence ends depends on the first word of the next: "U.S. The" ends one, "U.S. Theodore" does not.
    """
    if i + 1 >= len(spans):
        return False
    begins = spans[i + 1][0]
    word = _LETTERS.search(text, begins, begins + LOOK_AHEAD)
    return (word is not None and word.end() < len(text)) or len(text) - begins > LOOK_AHEAD


def _markers_first(text: str) -> str:
    """Markers after a full stop put before it: "said so. [1]" becomes "said so [1]."."""
    return _MARKERS_AFTER_END.sub(lambda match: f" {match[2].strip()}{match[1]} ", text)


def _gap(space: str) -> str:
    breaks = space.count("\n")
    return "\n\n" if breaks > 1 else "\n" if breaks else " " if space else ""


def _claim(gap: str, text: str) -> Claim:
    kept = ""
    markers: list[tuple[int, tuple[int, ...]]] = []
    position = 0
    for match in _MARKER.finditer(text):
        kept = _joined(kept, text[position : match.start()].rstrip())
        named = numbers(match[0])
        if markers and markers[-1][0] == len(kept):
            markers[-1] = (len(kept), tuple(dict.fromkeys((*markers[-1][1], *named))))
        else:
            markers.append((len(kept), named))
        position = match.end()
    return Claim(gap=gap, text=_joined(kept, text[position:]).rstrip(), markers=tuple(markers))


def _joined(before: str, piece: str) -> str:
    """What stood on both sides of a marker, without it: two words stay two."""
    return f"{before} {piece}" if before[-1:].isalnum() and piece[:1].isalnum() else before + piece
