"""Pure: a text taken apart into all that the check asks of it, and how well places of a source fit those of a claim.

A place of a source fits one of a claim as its sentence shares words with the claim, rare ones counting more, and as the
same words stand around both. A number, date or name that is wrong is found so: the source has another one in the place
that fits.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property, lru_cache
from typing import Protocol, TypeVar

from qa.counted import NOTHING, Counted, counted
from qa.figures import Figure, figures
from qa.models import Passage
from qa.moments import Moment, moments
from qa.names import Known, Name, names, pronouns
from qa.polarity import denials
from qa.wording import Told, likeness, told

_NEAR_SHARE = 0.5
"""How much of a fit is likeness of what stands around; the rest is the share of the claim's words in the sentence."""
_UNKNOWN_WEIGHT = 0.5
"""What a word of the claim that no source says takes from every fit, beside 1 for one that a single sentence says."""

_TIE = 0.05
"""Fits no further apart than this are alike."""


class Place(Protocol):
    """Something said by the tokens ``first`` to ``last`` (one past it)."""

    @property
    def first(self) -> int:
        """The first token."""
        ...

    @property
    def last(self) -> int:
        """One past the last token."""
        ...


P = TypeVar("P", bound=Place)


@dataclass(frozen=True, slots=True)
class Span:
    """The tokens ``first`` to ``last`` (one past it)."""

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Facts:
    """What a text says that can be checked: its dates, numbers and names in order, and whether each token is denied."""

    told: Told
    moments: tuple[Moment, ...]
    figures: tuple[Figure, ...]
    names: tuple[Name, ...]
    denials: tuple[int, ...]
    covered: frozenset[int]
    """The tokens of dates and numbers."""
    counted: Mapping[Figure, Counted]
    """What is said of each number, where something is."""

    def counts(self, figure: Figure) -> Counted:
        """What is said of one of the numbers."""
        return self.counted.get(figure, NOTHING)

    def subject(self, i: int) -> Name | None:
        """The name before the verb at token ``i`` in its sentence; None where there is none, or it is passive."""
        if self.told.is_passive(i):
            return None
        before = bisect_right(self.names, i, key=lambda name: name.last)
        name = self.names[before - 1] if before else None
        here = self.told.tokens[i].sentence
        return name if name is not None and self.told.tokens[name.first].sentence == here else None

    def text(self, place: Place) -> str:
        """The words of a place."""
        tokens = self.told.tokens
        return self.told.text[tokens[place.first].start : tokens[place.last - 1].end]


@lru_cache(maxsize=256)
def facts(text: str, published: date | None) -> Facts:
    """The facts of a text as told on that day."""
    apart = told(text)
    dates = moments(apart, published)
    days = {i for one in dates for i in range(one.first, one.last)}
    numbers = figures(apart, days)
    taken = days | {i for one in numbers for i in range(one.first, one.last)}
    return Facts(
        apart,
        tuple(dates),
        tuple(numbers),
        tuple(names(apart, taken)),
        tuple(denials(apart)),
        frozenset(taken),
        counted(apart.tokens, numbers),
    )


def named(said: Facts) -> frozenset[int]:
    """The tokens of what a text surely names."""
    return frozenset(i for name in said.names if name.sure for i in range(name.first, name.last))


class Source:
    """A passage as evidence."""

    def __init__(self, facts: Facts, published: date | None, heading: str) -> None:
        self.facts = facts
        self.told = facts.told
        self.published = published
        self._heading = heading

    @cached_property
    def named(self) -> frozenset[int]:
        """The tokens of what is surely a name."""
        return named(self.facts)

    @cached_property
    def known(self) -> Known:
        """The words by which it names things."""
        return Known(self.told, self.facts.names)

    @cached_property
    def heading(self) -> Known:
        """The words of its title and its publisher, which the model is shown, too."""
        return Known(Told(self._heading))

    @cached_property
    def heading_roots(self) -> frozenset[str]:
        """The roots of those words."""
        return frozenset(token.root for token in told(self._heading).tokens)

    @cached_property
    def persons(self) -> tuple[Name, ...]:
        """Its names, and its pronouns as names that may be any of those before."""
        return (*self.facts.names, *pronouns(self.told, self.facts.names))

    @cached_property
    def names(self) -> frozenset[str]:
        """The words of what is surely a name."""
        return frozenset(word for name in self.facts.names if name.sure for word in name.words)


def source(passage: Passage) -> Source:
    """``passage`` taken apart; kept for a while, since every sentence of an answer asks for it again."""
    heading = " \u00b7 ".join(part for part in (passage.title, passage.source) if part)
    return _source(passage.text, passage.published, heading[:500])


@lru_cache(maxsize=128)
def _source(text: str, published: date | None, heading: str) -> Source:
    return Source(facts(text, published), published, heading)


class Field:
    """A claim laid over its sources."""

    def __init__(self, claim: Told, sources: Sequence[Source]) -> None:
        self.claim = claim
        self.sources = sources
        self.wanted = {token.root for token in claim.tokens if token.says_something}
        counts = dict.fromkeys(self.wanted, 0)
        for one in sources:
            for roots in one.told.roots:
                for word in self.wanted & roots:
                    counts[word] += 1
        self._weights = {word: 1 / count if count else _UNKNOWN_WEIGHT for word, count in counts.items()}
        self._total = sum(self._weights.values())
        self._shared = {id(one): [self._weight(roots) for roots in one.told.roots] for one in sources}
        self._fits: dict[tuple[int, int, int, int, int], float] = {}
        self._near_enough: dict[tuple[int, int, int, float], frozenset[int]] = {}

    def _weight(self, roots: Iterable[str]) -> float:
        return sum(self._weights[word] for word in self.wanted.intersection(roots))

    def share(self, one: Source, sentence: int) -> float:
        """How much of the claim a sentence of a source says, 0 to 1."""
        return self._shared[id(one)][sentence] / self._total if self._total else 0.0

    def fit(self, said: Place, one: Source, place: Place) -> float:
        """How well ``place`` of a source fits what is ``said``, 0 to 1; what both say themselves does not count."""
        key = (said.first, said.last, id(one), place.first, place.last)
        if key not in self._fits:
            self._fits[key] = self._fit(said, one, place)
        return self._fits[key]

    def _fit(self, said: Place, one: Source, place: Place, without: Collection[str] = ()) -> float:
        theirs = {token.root for token in one.told.tokens[place.first : place.last]}.union(without)
        near = likeness(self.claim.around(said.first, said.last), one.told.around(place.first, place.last), theirs)
        words = self._words_shared(said, one, one.told.tokens[place.first].sentence, without)
        return (1 - _NEAR_SHARE) * words + _NEAR_SHARE * near

    def _words_shared(self, said: Place, one: Source, sentence: int, without: Collection[str] = ()) -> float:
        """How much of the rest of the claim a sentence of a source says, 0 to 1."""
        own = {token.root for token in self.claim.tokens[said.first : said.last]}.union(without)
        rest = self._total - self._weight(own)
        shared = self._shared[id(one)][sentence] - self._weight(own & one.told.roots[sentence])
        return shared / rest if rest > 1e-9 else 0.0

    def near_enough(self, said: Place, one: Source, least: float) -> frozenset[int]:
        """The sentences of a source in which anything can fit what is ``said`` so well."""
        key = (said.first, said.last, id(one), least)
        if key not in self._near_enough:
            bar = (least - _NEAR_SHARE) / (1 - _NEAR_SHARE)
            self._near_enough[key] = frozenset(
                i for i in range(len(one.told.places)) if self._words_shared(said, one, i) >= bar - 1e-9
            )
        return self._near_enough[key]

    def rival(
        self,
        said: Sequence[P],
        i: int,
        places: Callable[[Source], Sequence[P]],
        agrees: Callable[[P, P, Source], bool],
        rivals: Callable[[P, P, Source], bool],
        least: float,
        margin: float,
    ) -> P | None:
        """What a source says in the place of ``said[i]`` that does not agree with it; None when nothing does.

        It must fit at least so well, better by ``margin`` than all that agrees, and fit nothing else that is said and
        agrees with it better: "12 dead and 30 injured" holds no rival to the 30 of "30 injured and 12 dead".
        """
        one = said[i]
        against: list[tuple[float, Source, P]] = []
        for origin in self.sources:
            near = self.near_enough(one, origin, least)
            for place in places(origin) if near else ():
                in_reach = origin.told.tokens[place.first].sentence in near
                if in_reach and rivals(one, place, origin) and not agrees(one, place, origin):
                    fit = self.fit(one, origin, place)
                    if fit >= least:
                        against.append((fit, origin, place))
        if not against:
            return None
        agreed = [(o, place) for o in self.sources for place in places(o) if agrees(one, place, o)]
        own = max(agreed, key=lambda found: self.fit(one, *found), default=None)
        best = self.fit(one, *own) if own else 0.0
        for fit, origin, place in sorted(against, key=lambda found: -found[0]):
            if fit < best + margin:
                return None
            meant = [other for j, other in enumerate(said) if j != i and agrees(other, place, origin)]
            if not any(
                self.fit(other, origin, place) >= fit - _TIE
                or self._listed(one, other)
                or (own is not None and own[0] is not origin and not self._crossed(one, own, other, (origin, place)))
                for other in meant
            ):
                return place
        return None

    def _crossed(self, one: Place, own: tuple[Source, Place], other: Place, its: tuple[Source, Place]) -> bool:
        """Whether of two things said, each in a source of its own, either fits the other's place clearly better.

        Neither counts for the other: a sentence that says both "12" and "23" is not nearer to 23 for that.
        """
        roots = {token.root for said in (one, other) for token in self.claim.tokens[said.first : said.last]}
        for origin, place in (own, its):
            roots.update(token.root for token in origin.told.tokens[place.first : place.last])
        straight = self._fit(one, *own, roots) + self._fit(other, *its, roots)
        return self._fit(one, *its, roots) + self._fit(other, *own, roots) > straight + _TIE

    def _listed(self, one: Place, other: Place) -> bool:
        """Whether two things stand side by side in a list, so that what is said of one is said of both."""
        first, second = (one, other) if one.first < other.first else (other, one)
        between = self.claim.tokens[first.last : second.first]
        return all(token.word in ("and", "or", "the", "both") for token in between) and len(between) <= 2
