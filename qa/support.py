"""Pure: whether the passages that a sentence cites support it, and if not why.

A sentence is *attributable* when its source says it (AIS, Rashkin et al. 2023), and is judged against the passages it
cites (ALCE, Gao et al. 2023); here by code instead of an entailment model. Each date, number, name, quotation and "not"
in it must stand in its source, and in the place that the words around it point to; most of the remaining words must
stand there, too, or the whole must mean the same.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import cached_property

from qa.additions import additions
from qa.evidence import Facts, Field, Place, Source, Span, facts
from qa.figures import Figure, agree
from qa.moments import Moment, bears_out, moments, published_on
from qa.names import Name, headline_sentences, kin, missing, names, other_nation
from qa.opposition import Opposition
from qa.polarity import related
from qa.speech import misattributed, places_of, quotations, speakers
from qa.text import STOPWORDS
from qa.verdicts import Kind, Verdict
from qa.wording import SPEECH

MIN_OVERLAP = 0.45
"""Least share of a sentence's content words that its source must hold, when nothing else tells what they mean."""
_OVERLAP_OF_FEW = ((3, 0.66), (5, 0.6))
"""The same for a sentence of at most so many content words, and no number or date: the one missing may be its point."""
_HEADLINE_OVERLAP = 0.75
"""The same for a sentence that is all capitalised, in which names cannot be told from words."""
_FEW_WORDS, _SAME = 3, 0.8
"""Of so few content words besides names one at least must be quoted, unless the quote is this similar."""

_DECISIVE = (0.25, 0.6)
"""Below and above these shares words decide; between them similarity of meaning does, where it can be had."""
_MIN_SIMILARITY = 0.57
"""Headlines and their own first paragraphs are this near in the bundled model, those of other articles seldom."""

_MARGIN = 0.07
"""By how much a place of the source must fit better than those that agree before what it says contradicts."""
_LEAST = {"date": 0.65, "number": 0.65, "name": 0.7}
"""How well it must fit at least."""
_LEAST_UNSURE = 0.78
"""The same for a name that may be none."""
_VERBATIM = 0.7
"""A sentence of which the source says so much is taken from it: what it adds is wrong, not worded otherwise."""
_STRAY_FIT, _STRAY_SHARE = 0.15, 0.6
"""A number in a place that fits no better is said of something else, when one sentence says so much of the claim."""

_HEDGES = frozenset("may might could allegedly reportedly possibly perhaps supposedly".split())
_LONGEST = 4000
MOST_FACTS = 60
"""A sentence with more dates, numbers and names than this is not checked: it would wear the check out."""
_SHOWN = 40


Objections = Iterator[tuple[Place, Verdict]]
"""What is wrong with a sentence, and where in it."""
Check = Callable[["Case"], Objections]


def wanted(said: Facts) -> frozenset[str]:
    """The roots of the content words of a text, those of its dates and numbers left out."""
    return frozenset(
        token.root
        for i, token in enumerate(said.told.tokens)
        if i not in said.covered and token.word not in STOPWORDS and token.says_something
    )


class Case:
    """A sentence held against its sources, of which there is at least one.

    ``cited_at`` are the offsets in ``claim`` at which each source is cited: what stands there, back to the marker
    before, may be borne out by the sources cited there alone, whatever the others say of something like it.
    """

    def __init__(self, claim: str, sources: Sequence[Source], cited_at: Sequence[Collection[int]] = ()) -> None:
        self.sources = sources
        self._claim = claim
        self._cited_at = cited_at
        known = frozenset[str]().union(*(one.names for one in sources))
        apart = facts(claim, sources[0].published)
        self.said = replace(apart, names=tuple(names(apart.told, apart.covered, known)))
        self.field = Field(apart.told, sources)
        self._opposition = Opposition(self.said, sources, self.field)
        self._moments: dict[date | None, dict[tuple[int, int], Moment]] = {}

    def verdict(
        self, held: Collection[str], *, min_overlap: float = MIN_OVERLAP, similar: Callable[[], float] | None = None
    ) -> Verdict:
        """The first thing that is wrong.

        ``held`` are the roots of the words quoted; ``similar`` tells how near they are in meaning.
        """
        count = len(self.said.moments) + len(self.said.figures) + len(self.said.names)
        if len(self.said.told.text) > _LONGEST or count > MOST_FACTS:
            return Verdict(False, "the sentence is too long to be checked", "words")
        for check in (Case._dates, Case._numbers, Case._names, Case._quotations, Case._denials):
            for place, objection in check(self):
                if not self._holds_apart(check, place):
                    return objection
        return self._words(held, min_overlap, similar)

    def _holds_apart(self, check: Check, place: Place) -> bool:
        """Whether what is said at ``place`` passes a check when held against the sources cited for it alone.

        They must speak of it: a source that says nothing contradicts nothing.
        """
        marker = self._marker_behind(place)
        part = self._parts.get(marker)
        if part is None or len(part.sources) == len(self.sources) or not self._speaks_of(part, marker):
            return False
        return not any(other.first < place.last and place.first < other.last for other, _ in check(part))

    def _marker_behind(self, place: Place) -> int:
        """The offset of the nearest marker behind a place; -1 where none is."""
        end = self.said.told.tokens[place.last - 1].end
        return min((at for places in self._cited_at for at in places if at >= end), default=-1)

    def _speaks_of(self, part: Case, marker: int) -> bool:
        """Whether the sources of a part hold the content words before its marker, back to the marker before."""
        begin = max((at for places in self._cited_at for at in places if at < marker), default=0)
        wanted = [
            token.root
            for i, token in enumerate(self.said.told.tokens)
            if begin <= token.start and token.end <= marker and token.says_something and i not in self.said.covered
        ]
        held = sum(any(word in one.told.by_root for one in part.sources) for word in wanted)
        return held >= MIN_OVERLAP * len(wanted)

    @cached_property
    def _parts(self) -> Mapping[int, Case]:
        """For each offset of a marker the sentence held against the sources cited there."""
        offsets = {at for places in self._cited_at for at in places}
        cited = zip(self.sources, self._cited_at, strict=False)
        by_offset: dict[int, list[Source]] = {at: [] for at in offsets}
        for one, places in cited:
            for at in places:
                by_offset[at].append(one)
        return {at: Case(self._claim, sources) for at, sources in by_offset.items()}

    def _dates(self) -> Objections:
        def agrees(mine: Moment, theirs: Moment, one: Source) -> bool:
            return bears_out(self._meant(mine, one), theirs)

        for i, mine in enumerate(self.said.moments):
            there = any(agrees(mine, theirs, one) for one in self.sources for theirs in one.facts.moments)
            if not there and not self._is_day_of_publication(mine):
                yield self._refuse("date", mine, "is not in the passage", lacking=True)
            elif self.field.rival(
                self.said.moments, i, lambda one: one.facts.moments, agrees, lambda *_: True, _LEAST["date"], _MARGIN
            ):
                yield self._refuse("date", mine, "is not the one the passage gives")

    def _meant(self, said: Moment, one: Source) -> Moment:
        """What is said, as it is meant on the day of a source."""
        if one.published not in self._moments:
            found = moments(self.said.told, one.published)
            self._moments[one.published] = {(moment.first, moment.last): moment for moment in found}
        return self._moments[one.published].get((said.first, said.last), said)

    def _is_day_of_publication(self, said: Moment) -> bool:
        days = ((one, one.published) for one in self.sources if one.published)
        return any(bears_out(self._meant(said, one), published_on(day)) for one, day in days)

    def _numbers(self) -> Objections:
        def agrees(mine: Figure, theirs: Figure, one: Source) -> bool:
            return agree(mine, theirs) and not self.said.counts(mine).excludes(one.facts.counts(theirs))

        def rivals(mine: Figure, theirs: Figure, one: Source) -> bool:
            alike = mine.unit == theirs.unit and mine.ordinal == theirs.ordinal
            # 12 dead are no rival to 30 injured, but they are to 12 injured.
            return alike and (agree(mine, theirs) or not self.said.counts(mine).apart(one.facts.counts(theirs)))

        for i, mine in enumerate(self.said.figures):
            equal = [(one, theirs) for one in self.sources for theirs in one.facts.figures if agree(mine, theirs)]
            there = [(one, theirs) for one, theirs in equal if agrees(mine, theirs, one)]
            if not equal and not mine.soft:
                yield self._refuse("number", mine, "is not in the passage", lacking=True)
            elif equal and not there and (not mine.soft or self._fits_any(mine, equal, _LEAST["number"])):
                yield self._refuse("number", mine, "is said of something else in the passage")
            elif self.field.rival(
                self.said.figures, i, lambda one: one.facts.figures, agrees, rivals, _LEAST["number"], _MARGIN
            ):
                yield self._refuse("number", mine, "is not the one the passage gives")
            elif there and not mine.soft and self._stray(mine, there):
                yield self._refuse("number", mine, "is said of something else in the passage")

    def _fits_any(self, said: Place, there: Sequence[tuple[Source, Place]], least: float) -> bool:
        return any(self.field.fit(said, one, place) >= least for one, place in there)

    def _stray(self, said: Figure, there: Sequence[tuple[Source, Figure]]) -> bool:
        """Whether a number stands only far from the sentence that the claim is taken from, and counts nobody."""
        fates = self.said.counts(said).fates
        if any(fates & one.facts.counts(place).fates for one, place in there):
            return False
        if max(self.field.fit(said, one, place) for one, place in there) >= _STRAY_FIT:
            return False
        share, origin, sentence = max(
            ((self.field.share(one, i), one, i) for one in self.sources for i in range(len(one.told.places))),
            key=lambda found: found[0],
        )
        near = (abs(one.told.tokens[place.first].sentence - sentence) <= 1 for one, place in there if one is origin)
        return share >= _STRAY_SHARE and not any(near)

    def _names(self) -> Objections:
        known = [words for one in self.sources for words in (one.known, one.heading)]

        def agrees(mine: Name, theirs: Name, _one: Source) -> bool:
            return kin(mine, theirs)

        def rivals(mine: Name, theirs: Name, one: Source) -> bool:
            # What is done to somebody is not done in, from or with them.
            if self.said.told.introduced(mine.first) != one.told.introduced(theirs.first):
                return False
            return theirs.sure or (mine.sure and mine.opens and theirs.opens)

        for i, mine in enumerate(self.said.names):
            if not mine.sure and any(word in one.known.small for one in self.sources for word in mine.words):
                continue
            least = _LEAST["name"] if mine.sure else _LEAST_UNSURE
            if mine.sure and (lost := missing(mine, known)):
                why = f"the name {lost[:_SHOWN]!r} is not in the passage"
                yield mine, Verdict(False, why, "name", lacking=True)
            elif other_nation(mine, [name for one in self.sources for name in one.facts.names]):
                yield self._refuse("name", mine, "is not the one the passage gives")
            elif any(one.known.spells_out(mine) for one in self.sources):
                continue
            elif self.field.rival(self.said.names, i, lambda one: one.persons, agrees, rivals, least, _MARGIN):
                yield self._refuse("name", mine, "is not the one the passage gives")

    def _quotations(self) -> Objections:
        for quotation in quotations(self.said.told.text):
            first, last = self.said.told.between(quotation.start, quotation.end)
            here = Span(min(first, len(self.said.told.tokens) - 1), max(last, first + 1))
            found = [(one, at) for one in self.sources if (at := places_of(quotation, one.told))]
            if not found:
                why = "the words in quotation marks are not in the passage"
                yield here, Verdict(False, why, "quotation", lacking=True)
            for speaker in speakers(self.said, quotation):
                if all(misattributed(speaker, at, one) for one, at in found):
                    yield here, Verdict(False, f"the passage does not quote {self._shown(speaker)}", "quotation")

    def _denials(self) -> Objections:
        for here in self._opposition.contradicted():
            yield here, Verdict(False, f"the passage says the opposite of {self._shown(here)!r}", "negation")

    def _words(self, held: Collection[str], min_overlap: float, similar: Callable[[], float] | None) -> Verdict:
        need = wanted(self.said)
        said = {word for word in need if any(same and other in held for other, same in related(word))}
        share = len(said) / len(need) if need else float(bool(self.said.covered))
        if self._opposition.denies_alone():
            return Verdict(False, "the passage does not deny it", "negation" if share >= _VERBATIM else "words")
        if headline_sentences(self.said.told):
            min_overlap = max(min_overlap, _HEADLINE_OVERLAP)
        elif similar is not None and _DECISIVE[0] <= share < _DECISIVE[1]:
            if similar() < _MIN_SIMILARITY:
                return Verdict(False, "the passage does not mean the same", "words", lacking=True)
            min_overlap = 0.0
        elif not self.said.covered:
            min_overlap = max(min_overlap, next((least for most, least in _OVERLAP_OF_FEW if len(need) <= most), 0.0))
        if share < min_overlap:
            return Verdict(False, "too few of its words are in the passage", "words", lacking=True)
        if self._says_little_else(need, held) and (similar is None or similar() < _SAME):
            return Verdict(False, "a word it turns on is not in the passage", "words", lacking=True)
        for clause in additions(self.said, self.sources):
            why = f"nothing of {self._shown(clause)!r} is in the passage"
            return Verdict(False, why, "words", lacking=True)
        if self._only_possible():
            return Verdict(False, "the passage says it only as something possible", "words")
        return Verdict(True)

    def _says_little_else(self, need: frozenset[str], held: Collection[str]) -> bool:
        """Whether a few words are all that is said of the names, and none of them is quoted: "Brandt resigned"."""
        named = {self.said.told.tokens[i].root for name in self.said.names for i in range(name.first, name.last)}
        rest = need - named
        bare = not (self.said.figures or self.said.moments)
        return bare and 0 < len(rest) <= _FEW_WORDS and not rest & set(held)

    def _only_possible(self) -> bool:
        """Whether what is said as a fact is only "may", "could" or "allegedly" so in the sentence it is taken from."""
        own = [token for i, token in enumerate(self.said.told.tokens) if i not in self.said.covered]
        if any(token.word in _HEDGES or token.root in SPEECH for token in own):
            return False
        roots = {token.root for token in own if token.says_something}
        share, one, sentence = max(
            ((self.field.share(one, i), one, i) for one in self.sources for i in range(len(one.told.places))),
            key=lambda found: found[0],
            default=(0.0, self.sources[0], 0),
        )
        # The month of May is a date.
        own_words = (token for i, token in enumerate(one.told.tokens) if i not in one.facts.covered)
        tokens = [token for token in own_words if token.sentence == sentence]
        hedged = (i for i, token in enumerate(tokens) if token.word in _HEDGES)
        return share >= _VERBATIM and any(
            next((token.root for token in tokens[i + 1 : i + 4] if token.says_something), "") in roots for i in hedged
        )

    def _refuse(self, kind: Kind, place: Place, why: str, *, lacking: bool = False) -> tuple[Place, Verdict]:
        return place, Verdict(False, f"the {kind} {self._shown(place)} {why}", kind, lacking)

    def _shown(self, place: Place) -> str:
        return " ".join(self.said.text(place).split())[:_SHOWN]
