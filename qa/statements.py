"""Pure: a number that reports revise (:mod:`qa.counts`) with all that tells what it is said of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from qa.citations import Quote
from qa.counts import Count, counts
from qa.evidence import Place, Source, source
from qa.figures import Figure
from qa.models import Passage
from qa.moments import Moment
from qa.names import Name, missing
from qa.wording import SPEECH, Token, root

_ONCE = frozenset(
    root(word)
    for word in """
    earthquake quake tsunami cyclone hurricane typhoon tornado storm flood flooding wildfire blaze fire landslide
    mudslide avalanche eruption crash collision derailment collapse explosion blast sinking sink capsize shipwreck
    outbreak stampede shooting
    """.split()
)
"""What seldom happens twice in one place within a week; strikes, raids, clashes and protests do."""
_LATEST = frozenset(
    root(word)
    for word in "rise climb grow increase jump mount reach pass surpass top stand raise lower revise update".split()
)
"""A number behind these is the latest of its series."""
_CAMPAIGN = 1000
"""From so many on, "has killed" tells the total of a war or an epidemic."""
_PLACED = frozenset("in at near off across around from on".split())
_WIDE = frozenset("u.s u.k e.u u.n covid coronavirus salmonella listeria ebola mpox measles".split())
"""Names of what is everywhere: two reports that share no other may be of any two things."""


@dataclass(frozen=True)
class Statement:
    """A count in the sentence number ``sentence`` of a passage."""

    passage: Passage
    source: Source
    count: Count
    sentence: int

    @property
    def _tokens(self) -> Sequence[Token]:
        return self.source.told.tokens

    @property
    def quote(self) -> Quote:
        """The sentence."""
        start, end = self.source.told.places[self.sentence]
        return Quote(self.passage, self.passage.start + start, self.passage.start + end, overlap=1.0)

    @cached_property
    def names(self) -> list[Name]:
        """What the sentence surely names, speakers and what is everywhere left out."""
        return [
            name
            for name in self.source.facts.names
            if name.sure and self._is_here(name) and not name.forms <= _WIDE
            if self._is_placed(name) or not self._speaks(name)
        ]

    @cached_property
    def places(self) -> list[Name]:
        """Those of its names that say where."""
        found: list[Name] = []
        for name in self.names:
            listed = bool(found) and side_by_side(self._tokens, found[-1], name)
            if listed or self._is_placed(name):
                found.append(name)
        return found

    @property
    def subject(self) -> Name | None:
        """What is named last before the number."""
        return next((name for name in reversed(self.names) if name.last <= self.count.figure.first), None)

    @property
    def is_one_of_several(self) -> bool:
        """Whether the sentence counts the same more than once, as where it breaks a total down.

        So does a bare number beside it: "surpassed 4,000, about 2,800 in Gaza".
        """
        mine = self.count
        kinds = {one.figure: one for one in counts(self.source.facts, 0, len(self._tokens))}
        for figure in self.source.facts.figures:
            if figure == mine.figure or figure.unit != mine.figure.unit or not self._is_here(figure):
                continue
            one = kinds.get(figure)
            bare = not (figure.counts or figure.ordinal or figure.soft or figure.value != int(figure.value))
            if (one.kind, one.who) == (mine.kind, mine.who) if one else bare and not self._is_before(figure):
                return True
        return False

    @cached_property
    def is_latest(self) -> bool:
        """Whether the sentence says that its number is the latest of a series."""
        last = self.count.figure.first
        for i in range(last - 1, max(last - 6, -1), -1):
            if self._tokens[i].sentence != self.sentence or self._tokens[i + 1].apart:
                break
            if self._tokens[i].root in _LATEST or self._tokens[i].word == "toll":
                return True
        return False

    @property
    def is_total(self) -> bool:
        """Whether it tells what has come together so far: "has killed more than 34,000 Palestinians"."""
        first, last = self.count.figure.first, self.count.figure.last
        near = {token.word for token in self._tokens[max(first - 6, 0) : last + 5] if token.sentence == self.sentence}
        return self.count.figure.value >= _CAMPAIGN and bool(self.count.who) and not near.isdisjoint(("has", "have"))

    @cached_property
    def moments(self) -> list[Moment]:
        """The days and times of what it tells, those of telling it left out."""
        return [one for one in self.source.facts.moments if self._is_here(one) and not self._is_of_telling(one)]

    @property
    def events(self) -> frozenset[str]:
        """The kinds of event it speaks of; those of its passage and title where it names none."""
        here = self.source.told.roots[self.sentence] & _ONCE
        title = frozenset(root(word.lower()) for word in (self.passage.title or "").split())
        return here or (title | frozenset(self.source.told.by_root)) & _ONCE

    def says(self, name: Name) -> bool:
        """Whether its passage or title names ``name``."""
        return missing(name, [self.source.known, self.source.heading]) is None

    def _is_here(self, place: Place) -> bool:
        return self._tokens[place.first].sentence == self.sentence

    def _is_before(self, figure: Figure) -> bool:
        """Whether it is what the number was before: "from 12 to 15"."""
        return figure.first > 0 and self._tokens[figure.first - 1].word == "from"

    def _is_placed(self, name: Name) -> bool:
        return self.source.told.introduced(name.first) in _PLACED

    def _speaks(self, place: Place) -> bool:
        near = [*self._tokens[max(place.first - 3, 0) : place.first], *self._tokens[place.last : place.last + 2]]
        return any(token.root in SPEECH and token.sentence == self.sentence for token in near)

    def _is_of_telling(self, moment: Moment) -> bool:
        """Whether it was told then ("police said on Monday"), or was so by then ("as of Monday", "rose on Monday")."""
        before = [token.word for token in self._tokens[max(moment.first - 3, 0) : moment.first]]
        if "by" in before or "as of" in " ".join(before):
            return True
        behind = self._tokens[moment.last : moment.last + 2]
        clause = [token for i, token in enumerate(behind) if not any(one.apart for one in behind[: i + 1])]
        near = [*self._tokens[max(moment.first - 3, 0) : moment.first], *clause]
        if any(token.root in SPEECH and token.sentence == self.sentence for token in near):
            return True
        return self.is_latest and is_one_day(moment) and moment.first >= self.count.figure.first


def statements(quote: Quote) -> list[Statement]:
    """The counts in a quote, in order."""
    passage = quote.passage
    origin = source(passage)
    first, last = origin.told.between(quote.start - passage.start, quote.end - passage.start)
    return [
        Statement(passage, origin, count, origin.told.tokens[count.figure.first].sentence)
        for count in counts(origin.facts, first, last)
    ]


def side_by_side(tokens: Sequence[Token], one: Name, other: Name) -> bool:
    """Whether two names stand in a list: "Turkey and Syria"."""
    first, second = (one, other) if one.first < other.first else (other, one)
    between = tokens[first.last : second.first]
    return len(between) <= 1 and all(token.word in ("and", "or") for token in between)


def is_one_day(moment: Moment) -> bool:
    """Whether a moment means a single day, whichever."""
    return bool(moment.means) and all(first == last for first, last in moment.means)
