"""Pure: what a conversation has spoken of so far, as far as capitals and prepositions of English tell: names, places,
days, and what its last question was about. The conversation may be long or hostile: what is read of it is bounded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from qa.calendar import MONTHS, WEEKDAYS
from qa.text import STOPWORDS

MAX_TURN_CHARS = 1_000
"""What is read of one turn: a question whole, and of an answer what it says first."""
_LONGEST_NAME = 60
_MAX_NAMES = 12

WH = frozenset("who whom whose what which when where why how".split())
AUXILIARIES = frozenset(
    "is are was were am be been being do does did has have had will would can could shall should may might must".split()
)
QUANTITIES = frozenset("many much long old far often big tall high large soon fast late".split())
PREPOSITIONS = frozenset(
    "in on at from to for with by about near during since before after until under over against of".split()
)
_PLACE = frozenset("in near into across outside inside around visit visits visited visiting reach reached".split())
_MOTION = frozenset(
    """arrive arrives arrived come comes came fly flies flew go goes going went travel travels travelled traveled trip
    visit return returns returned head headed heading move moved tour""".split()
)
_JOINS = frozenset("of de da do dos das del di la el van von der den bin ibn al le".split())
_CALENDAR = frozenset([*WEEKDAYS, *MONTHS])

_WORD = re.compile(r"[^\W_]+(?:['\u2019.&-][^\W_]+)*")
_MARKER = re.compile(r"\s*\[\d{1,3}(?:\s*,\s*\d{1,3})*\]")
_SENTENCE_END = re.compile(r"[.!?\u2026:;\n\u201c\"]\W*$")
_DAY = re.compile(
    r"\b[0-9]{4}-[0-9]{2}-[0-9]{2}\b|\b[0-9]{1,2} (?:MONTH)(?: [0-9]{4})?\b|\b(?:MONTH) [0-9]{1,2}(?:, [0-9]{4})?\b"
    r"|\b(?:MONTH) [0-9]{4}\b|\b(?:19|20)[0-9]{2}\b".replace("MONTH", "|".join(MONTHS)),
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Token:
    """A word of a text: ``text[start:end]``; ``opens`` when it is the first of a sentence."""

    text: str
    start: int
    end: int
    opens: bool

    @property
    def low(self) -> str:
        """In lower case, with a straight apostrophe."""
        return self.text.lower().replace("\u2019", "'")

    @property
    def is_capital(self) -> bool:
        """Whether it begins with a capital letter."""
        return self.text[0].isupper()


@dataclass(frozen=True, slots=True)
class Name:
    """A run of capitalised words. ``place`` when a preposition makes it one; ``sure`` unless only the beginning of a
    sentence may have made it a capital."""

    text: str
    start: int
    end: int
    place: bool
    sure: bool


@dataclass(frozen=True, slots=True)
class Context:
    """What the last exchange was about, each list as it came up: ``people`` are all names that are not places."""

    question: str = ""
    people: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    days: tuple[str, ...] = ()


def tokens(text: str) -> list[Token]:
    """The words of ``text`` in order."""
    found: list[Token] = []
    before = 0
    for match in _WORD.finditer(text):
        between = text[before : match.start()]
        found.append(Token(match[0], match.start(), match.end(), not found or bool(_SENTENCE_END.search(between))))
        before = match.end()
    return found


def is_content(token: Token) -> bool:
    """Whether a word carries meaning of its own."""
    return token.low not in STOPWORDS and token.low not in AUXILIARIES and token.low not in QUANTITIES


def names(text: str) -> list[Name]:
    """The names in ``text``, in order, at most a dozen; none in a text of capitals. Weekdays and months are none."""
    letters = [character for character in text if character.isalpha()]
    if sum(map(str.isupper, letters)) > len(letters) / 2:
        return []
    words = tokens(text)
    found: list[Name] = []
    for first, last in _runs(text, words):
        run = text[words[first].start : words[last].end].removesuffix("'s").removesuffix("\u2019s")
        alone = first == last and words[first].opens
        if len(run) <= _LONGEST_NAME:
            start = words[first].start
            found.append(Name(run, start, start + len(run), _is_place(words, first), sure=not alone))
        if len(found) == _MAX_NAMES:
            break
    return found


def _runs(text: str, words: Sequence[Token]) -> Iterator[tuple[int, int]]:
    """First and last word of each name."""
    i = 0
    while i < len(words):
        if not _is_capital(words[i]):
            i += 1
            continue
        last = i
        while not words[last].text.endswith(("'s", "\u2019s")):
            after = last + 1
            while after <= last + 2 and after + 1 < len(words) and words[after].text in _JOINS:
                after += 1
            if after >= len(words) or not _is_capital(words[after]):
                break
            if any(text[a.end : b.start] != " " for a, b in pairwise(words[last : after + 1])):
                break
            last = after
        yield i, last
        i = last + 1


def _is_capital(word: Token) -> bool:
    return word.is_capital and is_content(word) and word.low not in WH | PREPOSITIONS | _CALENDAR


def _is_place(words: Sequence[Token], first: int) -> bool:
    before = [word.low for word in words[max(first - 2, 0) : first]]
    if not before:
        return False
    return before[-1] in _PLACE or (before[-1] in ("to", "from", "at") and before[0] in _MOTION)


def days(text: str) -> tuple[str, ...]:
    """The days, months and years that ``text`` spells out, each once, in order."""
    return tuple(dict.fromkeys(found[0] for found in _DAY.finditer(text)))


def context_of(question: str, answer: str) -> Context:
    """What an exchange was about: the names of the question come first, for it said what the talk is of."""
    question = question[:MAX_TURN_CHARS]
    told = _MARKER.sub("", answer[:MAX_TURN_CHARS])
    asked_names, told_names = names(question), names(told)
    known = {word for name in asked_names + told_names if name.sure for word in name.text.split()}
    both = [name for name in asked_names + told_names if name.sure or name.text in known]
    # The beginning of a sentence is taken for a name where there is no other.
    both = both or told_names
    places = {name.text for name in both if name.place}
    return Context(
        question=question,
        people=_distinct([name.text for name in both if name.text not in places]),
        places=_distinct([name.text for name in both if name.text in places]),
        days=days(question) + days(told),
    )


def _distinct(found: Sequence[str]) -> tuple[str, ...]:
    """Each once; of "Lavrov" and "Sergey Lavrov" the longer, in the place of the first."""
    kept: list[str] = []
    for name in found:
        words = set(name.split())
        for i, other in enumerate(kept):
            if words <= set(other.split()):
                break
            if set(other.split()) <= words:
                kept[i] = name
                break
        else:
            kept.append(name)
    return tuple(dict.fromkeys(kept))


def topic_words(question: str) -> tuple[str, ...]:
    """The words of ``question`` that carry meaning, as they are written, each once."""
    found = (word.text for word in tokens(question) if is_content(word) and word.low not in WH)
    return tuple(dict.fromkeys(word for word in found if len(word) <= _LONGEST_NAME))
