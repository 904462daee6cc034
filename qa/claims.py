"""Pure work on what a model writes: sentences with citation markers, cut out of a reply as it streams in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from qa.text import LOOK_AHEAD, SHORT_LINE, sentences

# [1]  [1, 2]  [1-3]  [^1]  【1】  【1†source】
_MARKER = re.compile(
    r"[\[\u3010]\^?\s*(\d{1,3}(?:\s*[,;\u2013-]\s*\^?\d{1,3})*)\s*(?:\u2020[^\]\u3011\n]{0,40})?[\]\u3011]"
)
_MARKERS_AFTER_END = re.compile(
    rf"((?<![.!?\u2026])[.!?\u2026]++[\"\u201d'\u2019)\u00bb\u300d]*)[ \t]*((?:{_MARKER.pattern}[ \t]*)+)"
)
_LONGEST_MARKER = 200
_OPEN_MARKER = re.compile(r"[\[\u3010][^\[\]\u3010\u3011\n]*$")
_RUN = re.compile(r"\S+")
_LETTERS = re.compile(r"[^\W\d_]+")
_OWN_BRACKETS = re.compile(r"[\[\u3010](\s*\^?\d[\d\s,;\u2013-]*+)[\]\u3011]")


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
    """An article's own words as an answer may show them: white space folded, "[3]" as "(3)"."""
    return round_brackets(" ".join(text.split()))


class ClaimStream:
    """Cuts a model's reply, as it streams in, into finished :class:`Claim` values.

    A sentence is finished when the next has begun, because markers may still follow its full stop.
    """

    def __init__(self) -> None:
        self._buffer = ""
        # How much of the buffer was given out, counted in characters that are not white space: unlike the number of
        # sentences, that stays the same when what follows changes how the buffer is cut.
        self._given = 0

    def feed(self, piece: str) -> Iterator[Claim]:
        """Take in a further piece; yields the sentences that are finished now."""
        self._buffer += piece
        # An open bracket at the end may become a marker of the sentence before it.
        if _OPEN_MARKER.search(self._buffer[-_LONGEST_MARKER:]):
            return
        yield from self._cut(last=False)

    def end(self) -> Iterator[Claim]:
        """The reply is complete; yields what is left."""
        yield from self._cut(last=True)

    def _cut(self, *, last: bool) -> Iterator[Claim]:
        text = _markers_first(self._buffer)
        spans = sentences(text)
        position = _offset_after(text, self._given)
        for i, (start, end) in enumerate(spans):
            if end <= position:
                continue
            if not (last or _finished(text, spans, i)):
                break
            begin = max(start, position)
            begin += len(text[begin:end]) - len(text[begin:end].lstrip())
            self._given += _solid(text[begin:end])
            yield _claim(_gap(text[position:begin]), text[begin:end])
            position = end
        self._forget(text, [span for span in spans if span[1] <= position])

    def _forget(self, text: str, given: Sequence[tuple[int, int]]) -> None:
        """Let go of what cannot bear on the rest any more, lest a long reply cost its square.

        One whole line's worth is kept: how long a line is decides whether its break ends a sentence.
        """
        for start, _ in reversed(given[1:]):
            kept = text[start : given[-1][1]]
            if "\n" in kept:
                return
            if len(kept) >= SHORT_LINE:
                self._given -= _solid(text[:start])
                self._buffer = text[start:]
                return


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
    word = _LETTERS.search(text, begins)
    return (word is not None and word.end() < len(text)) or len(text) - begins > LOOK_AHEAD


def _markers_first(text: str) -> str:
    """Markers after a full stop put before it: "said so. [1]" becomes "said so [1]."."""
    return _MARKERS_AFTER_END.sub(lambda match: f" {match[2].strip()}{match[1]} ", text)


def _gap(space: str) -> str:
    breaks = space.count("\n")
    return "\n\n" if breaks > 1 else "\n" if breaks else " " if space else ""


def _claim(gap: str, text: str) -> Claim:
    kept: list[str] = []
    markers: list[tuple[int, tuple[int, ...]]] = []
    position = length = 0
    for match in _MARKER.finditer(text):
        piece = text[position : match.start()].rstrip()
        kept.append(piece)
        length += len(piece)
        numbers = _numbers_in_marker(match[1])
        if markers and markers[-1][0] == length:
            markers[-1] = (length, tuple(dict.fromkeys((*markers[-1][1], *numbers))))
        else:
            markers.append((length, numbers))
        position = match.end()
    kept.append(text[position:])
    return Claim(gap=gap, text="".join(kept).rstrip(), markers=tuple(markers))


def _numbers_in_marker(inside: str) -> tuple[int, ...]:
    numbers: list[int] = []
    for part in re.split(r"\s*[,;]\s*", inside):
        first, *rest = (int(digits) for digits in re.findall(r"\d+", part))
        numbers += range(first, rest[-1] + 1) if rest and first < rest[-1] <= first + 20 else [first, *rest]
    return tuple(dict.fromkeys(numbers))
