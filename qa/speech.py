"""Pure: what a sentence puts in quotation marks, whether a source says it word for word, and who says it there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from qa.evidence import Facts, Source
from qa.names import Name, kin
from qa.wording import SPEECH, Told, told

_QUOTED = re.compile(
    # A quotation may run on into the next sentence, or come from the one before: then one of its marks is missing.
    r"[\u201c\u201e\u00ab]([^\u201c\u201d\u201e\u00ab\u00bb]{1,2000})(?:[\u201d\u201c\u00bb]|$)"
    r"|\A([^\u201c\u201d\u201e\u00ab\u00bb\"]{1,2000})\u201d"
    r"|(?<![\w.,!?;:])\"(?=\S)([^\"]{1,2000})(?:\"|$)"
    r"|\u2018([^\u2018\u2019]{2,400}(?:\u2019\w[^\u2018\u2019]{0,400}){0,8})\u2019(?!\w)"
)
_LEFT_OUT = re.compile(r"\u2026|\.\.\.|[\[(][^\])]{0,80}[\])]")
_BESIDE = 5
"""So many tokens from a word of saying stands who says it."""
_ABOUT = 2
"""So many sentences from a quotation its speaker may be named."""
_MOST_PLACES = 100
"""So many places where a quotation may begin are tried."""


@dataclass(frozen=True, slots=True)
class Quotation:
    """What stands between quotation marks, ``text[start:end]`` without them, in pieces where something is left out."""

    start: int
    end: int
    pieces: tuple[tuple[str, ...], ...]


def quotations(text: str) -> list[Quotation]:
    """The quotations of a text, in order. A single word in quotation marks is one, too."""
    found = []
    for match in _QUOTED.finditer(text):
        group = match.lastindex or 0
        pieces = (tuple(token.word for token in told(piece).tokens) for piece in _LEFT_OUT.split(match[group]))
        said = tuple(piece for piece in pieces if piece)
        if said:
            found.append(Quotation(*match.span(group), said))
    return found


def places_of(quotation: Quotation, source: Told) -> list[int]:
    """The tokens of ``source`` at which the words of a quotation stand, one after the other; [] when they do not."""
    words = [token.word for token in source.tokens]
    found = []
    first = quotation.pieces[0]
    for i in _starts(first, words, source):
        at = i + len(first)
        for piece in quotation.pieces[1:]:
            at = next((j + len(piece) for j in _starts(piece, words, source) if j >= at), -1)
            if at < 0:
                break
        else:
            found.append(i)
    return found


def _starts(piece: Sequence[str], words: Sequence[str], source: Told) -> Iterator[int]:
    return (
        i for i in source.by_word.get(piece[0], ())[:_MOST_PLACES] if tuple(words[i : i + len(piece)]) == tuple(piece)
    )


def speakers(said: Facts, quotation: Quotation) -> list[Name]:
    """Whom a sentence names beside a word of saying, outside the quotation; [] when it names nobody."""
    tokens = said.told.tokens
    first, last = said.told.between(quotation.start, quotation.end)
    saying = [i for i, token in enumerate(tokens) if token.root in SPEECH and not first <= i < last]
    return [
        name
        for name in said.names
        if name.sure
        and not first <= name.first < last
        and any(name.last <= i < name.last + _BESIDE or name.first - _BESIDE < i < name.first for i in saying)
    ]


def misattributed(speaker: Name, places: Sequence[int], source: Source) -> bool:
    """Whether the source names others about the words quoted, but not the one they are given to."""
    tokens = source.told.tokens
    for place in places:
        sentence = tokens[place].sentence
        near = [
            name for name in source.facts.names if name.sure and -_ABOUT <= tokens[name.first].sentence - sentence <= 1
        ]
        if not near or any(kin(speaker, name) for name in near):
            return False
    return True
