"""Pure: a text taken apart into tokens with their places, and what stands around each of them.

The check asks of everything that can be wrong, a number, a date, a name, a "not", what it is said of. What is said of
it is what stands around it: two places are alike (:func:`likeness`) when the same words stand about them, near ones
counting more. This is the idea of slot filling by context, kept to what code can do in a millisecond.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Mapping, Sequence
from functools import cached_property, lru_cache
from typing import NamedTuple

from qa.text import STOPWORDS, fold, sentences, stem

_TOKEN = re.compile(
    r"(?:[^\W\d_]\.){2,}|\d+(?:[.,:]\d+)*|[^\W\d_]+(?:['\u2019][^\W\d_]+)*|[%$\u00a3\u20ac\u00a5\u20b9#\u00b0]"
)
_APART = re.compile(r"[,;:()\u2014\u2013\u201c\u201d\"\n]|\s-\s")
_IRREGULAR = """
    arise arose arisen, beat beaten, become became, begin began begun, bend bent, bite bit bitten, bleed bled, blow
    blew blown, break broke broken, bring brought, build built, burn burnt, buy bought, catch caught, choose chose
    chosen, come came, deal dealt, draw drew drawn, drink drank drunk, drive drove driven, eat ate eaten, fall fell
    fallen, feed fed, feel felt, fight fought, find found, flee fled, fly flew flown, forbid forbade forbidden,
    forget forgot forgotten, forgive forgave forgiven, freeze froze frozen, get got gotten, give gave given, go went
    gone, grow grew grown, hang hung, hear heard, hide hid hidden, hold held, keep kept, know knew known, lay laid,
    lead led, learn learnt, leave left, lend lent, lose lost, make made, mean meant, meet met, mistake mistook
    mistaken, overcome overcame, overtake overtook overtaken, overthrow overthrew overthrown, pay paid, prove proved
    proven, ride rode ridden, ring rang rung, rise rose risen, run ran, say said, see saw seen, seek sought, sell
    sold, send sent, shake shook shaken, shine shone, shoot shot, show showed shown, shrink shrank shrunk, sing sang
    sung, sink sank sunk, sit sat, sleep slept, slide slid, speak spoke spoken, speed sped, spend spent, spin spun,
    stand stood, steal stole stolen, stick stuck, strike struck stricken, swear swore sworn, sweep swept, swim swam
    swum, swing swung, take took taken, teach taught, tear tore torn, tell told, think thought, throw threw thrown,
    undergo underwent undergone, understand understood, undertake undertook undertaken, uphold upheld, wake woke
    woken, wear wore worn, win won, withdraw withdrew withdrawn, withhold withheld, withstand withstood, write wrote
    written, man men, woman women, child children, person people persons, foot feet, life lives, wife wives
    """
_BASE = {form: verb.split()[0] for verb in _IRREGULAR.split(",") for form in verb.split()[1:]}
_SAME_WORDS = {
    "usa": "u.s", "u.s.a": "u.s", "uk": "u.k", "eu": "e.u", "un": "u.n",
    "percent": "%", "percentage": "%", "colour": "color", "labour": "labor", "defence": "defense", "centre": "center",
    "programme": "program", "favour": "favor", "honour": "honor", "neighbour": "neighbor", "harbour": "harbor",
}  # fmt: skip
FUNCTION = STOPWORDS - frozenset(
    "no nor not said same say says more most few against above below under over".split()
) | frozenset("also however will would may might must shall could can upon among per via s".split())
"""Words that say nothing by themselves."""
PREPOSITIONS = frozenset("by to from in at on against over under for with after before into between of than".split())
SPEECH = frozenset(
    stem(_BASE.get(word, word))
    for word in """
    say tell add announce note report claim warn explain argue state declare insist write ask reply suggest admit
    acknowledge confirm according estimate predict describe call believe think
    """.split()
)
"""Roots of words of saying: whoever says it may stand before or behind."""

_REACH = 12.0
"""So far from a place, in words, others still count as standing around it."""
_OTHER_SIDE = 0.45
"""What a word counts that stands on the other side."""
_LINK = 0.5
"""What a preposition right beside a place counts."""


class Token(NamedTuple):
    """A word, number or sign of a text, ``text[start:end]``.

    ``word`` is folded, ``root`` the stem of its base form: one for "met" and "meets". ``apart``: a comma, bracket or
    the like stands between it and the token before. ``sentence`` counts from 0.
    """

    word: str
    root: str
    start: int
    end: int
    sentence: int
    apart: bool
    capital: bool
    number: bool

    @property
    def says_something(self) -> bool:
        """Whether it is more than a function word."""
        return self.word not in FUNCTION


Around = Mapping[str, tuple[float, float]]
"""The roots around a place, each with what it counts before and behind it, 0 to 1."""


@lru_cache(maxsize=65_536)
def root(word: str) -> str:
    """The stem of a folded word's base form: "took" and "takes" have one, "U.S." and "US" too."""
    word = word.removesuffix("'s").rstrip(".'")
    word = _SAME_WORDS.get(word, word)
    return stem(_BASE.get(word, word))


class Told:
    """A text taken apart. ``places`` are the spans of its sentences, ``tokens`` are in order."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.places = sentences(text)
        self.tokens = _tokens(text, self.places)
        self._starts = [token.start for token in self.tokens]
        self._around: dict[tuple[int, int], Around] = {}

    def between(self, start: int, end: int) -> tuple[int, int]:
        """The tokens that lie in ``text[start:end]``, as first and one past the last."""
        return bisect_left(self._starts, start), bisect_left(self._starts, end)

    def sentence_of(self, offset: int) -> int:
        """The sentence that holds the character at ``offset``, or the one before it; 0 when there is none."""
        return max(bisect_right(self.places, (offset, len(self.text) + 1)) - 1, 0)

    @cached_property
    def roots(self) -> list[frozenset[str]]:
        """For each sentence the roots of its words that say something."""
        found: list[set[str]] = [set() for _ in self.places]
        for token in self.tokens:
            if token.says_something:
                found[token.sentence].add(token.root)
        return [frozenset(one) for one in found]

    @cached_property
    def words(self) -> list[tuple[str, ...]]:
        """The words of each sentence, in order."""
        found: list[list[str]] = [[] for _ in self.places]
        for token in self.tokens:
            found[token.sentence].append(token.word)
        return [tuple(one) for one in found]

    def is_passive(self, i: int) -> bool:
        """Whether token ``i`` is a participle of the passive."""
        return i in self._passive

    @cached_property
    def by_root(self) -> dict[str, list[int]]:
        """The places of each root among the tokens, in order."""
        found: dict[str, list[int]] = {}
        for i, token in enumerate(self.tokens):
            found.setdefault(token.root, []).append(i)
        return found

    @cached_property
    def by_word(self) -> dict[str, list[int]]:
        """The places of each word among the tokens, in order."""
        found: dict[str, list[int]] = {}
        for i, token in enumerate(self.tokens):
            found.setdefault(token.word, []).append(i)
        return found

    @cached_property
    def _passive(self) -> frozenset[int]:
        """Participles of the passive: whoever stands before them is who it is done to."""
        return frozenset(i for i in range(len(self.tokens)) if _is_passive(self.tokens, i))

    def introduced(self, first: int) -> str:
        """The preposition before the token ``first``, an article between them left out; "" for none and for "by"."""
        i = first - 1
        while i >= 0 and self.tokens[i].word in ("the", "a", "an"):
            i -= 1
        word = self.tokens[i].word if i >= 0 else ""
        return word if word in PREPOSITIONS and word != "by" else ""

    def around(self, first: int, last: int) -> Around:
        """What stands around the tokens ``first`` to ``last`` (one past it) in their sentence, function words left out.

        Words of saying count on both sides, and those of the passive are put on the side they have in the active.
        """
        if (first, last) not in self._around:
            self._around[first, last] = self._look_around(first, last)
        return self._around[first, last]

    def _look_around(self, first: int, last: int) -> Around:
        tokens = self.tokens
        found: dict[str, tuple[float, float]] = {}
        for step, begin in ((-1, first - 1), (1, last)):
            distance, i = 0.0, begin
            while 0 <= i < len(tokens) and tokens[i].sentence == tokens[first].sentence and distance < _REACH:
                token = tokens[i]
                barrier = token if step > 0 else tokens[i + 1]
                distance += 1.0 if barrier.apart else 0.0
                if token.word not in FUNCTION:
                    distance += 1.0
                    weight = 2 / (1 + distance)
                    self._count(found, token.root, weight, step * (-1 if i in self._passive else 1))
                else:
                    if token.word in PREPOSITIONS and abs(i - begin) == 0:
                        self._count(found, token.word, _LINK, step)
                    distance += 0.5
                i += step
        return found

    @staticmethod
    def _count(found: dict[str, tuple[float, float]], word: str, weight: float, side: int) -> None:
        before, behind = found.get(word, (0.0, 0.0))
        if side < 0 or word in SPEECH:
            before = max(before, weight)
        if side > 0 or word in SPEECH:
            behind = max(behind, weight)
        found[word] = (before, behind)


@lru_cache(maxsize=512)
def told(text: str) -> Told:
    """``text`` taken apart; the passages of an answer are asked about once for each of its sentences."""
    return Told(text)


def likeness(one: Around, other: Around, without: Collection[str] = ()) -> float:
    """How alike two places are by what stands around them, 0 to 1; 0 when nothing stands around the first.

    Roots ``without`` which the other's surroundings cannot but be, its own words, do not count.
    """
    total = shared = 0.0
    for word, (before, behind) in one.items():
        if word in without:
            continue
        total += max(before, behind)
        if word in other:
            their_before, their_behind = other[word]
            same_side = max(min(before, their_before), min(behind, their_behind))
            cross = _OTHER_SIDE * max(min(before, their_behind), min(behind, their_before))
            shared += max(same_side, cross)
    return shared / total if total else 0.0


def _tokens(text: str, places: Sequence[tuple[int, int]]) -> list[Token]:
    found: list[Token] = []
    sentence, previous = 0, 0
    last = len(places) - 1
    for match in _TOKEN.finditer(text):
        start, end = match.span()
        while sentence < last and start >= places[sentence][1]:
            sentence += 1
        surface = match[0]
        word = (surface.lower() if surface.isascii() else fold(surface)).rstrip(".")
        gap = text[previous:start]
        apart = gap not in (" ", "") and _APART.search(gap) is not None
        if surface == "US":
            word = "u.s"  # the pronoun is another word
        found.append(Token(word, root(word), start, end, sentence, apart, surface[0].isupper(), surface[0].isdecimal()))
        previous = end
    return found


_BE = frozenset("be is are was were been being am get gets got".split())
_PARTICIPLES = frozenset(verb.split()[-1] for verb in _IRREGULAR.split(",") if len(verb.split()) > 1)


def _is_passive(tokens: Sequence[Token], i: int) -> bool:
    token = tokens[i]
    if token.capital or not (token.word.endswith("ed") or token.word in _PARTICIPLES):
        return False
    following = tokens[i + 1].word if i + 1 < len(tokens) else ""
    before = {tokens[j].word for j in range(max(0, i - 3), i) if not tokens[j + 1].apart}
    return following == "by" or bool(before & _BE)
