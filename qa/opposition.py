"""Pure: where a sentence says the opposite of its sources, or what they rule out, or denies what none of them does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from qa.evidence import Facts, Field, Source, Span, named
from qa.names import kin
from qa.polarity import AFFIRMED, DENIED, agreeing, converse, only_excludes, pronouns_of, related

_MARGIN = 0.07
"""By how much a place of the source must fit better than those that agree before what it says contradicts."""
_LEAST, _LEAST_EXCLUSIVE = 0.55, 0.7
"""How well it must fit at least, and where its word excludes the other without being its opposite."""
_MOST_PLACES = 100
"""So many places of one word in a passage are looked at."""
_PRONOUNS = frozenset((word,) for word in "he she they it".split())

Found = tuple[Source, Span]


class Opposition:
    """What a sentence, ``said``, denies and affirms beside what its sources do; ``field`` tells how well places fit."""

    def __init__(self, said: Facts, sources: Sequence[Source], field: Field) -> None:
        self._said = said
        self._told = said.told
        self._sources = sources
        self._field = field
        self._named = named(said)

    def contradicted(self) -> Iterator[Span]:
        """The words whose opposite a source says in their place."""
        for i, token in enumerate(self._told.tokens):
            # Of a number or date only itself can be denied: "12 months" is no opposite of "a year".
            alike = related(token.root) if i not in self._said.covered else ((token.root, True),)
            if len(alike) == 1 and not token.says_something:
                continue
            here = Span(i, i + 1)
            agreed, against = self._others(i, alike)
            worst = max((self._fit(here, one, there) for one, there in against), default=0.0)
            if worst < _LEAST:
                continue
            best = max((self._field.fit(here, one, there) for one, there in agreed), default=0.0)
            if worst > best + _MARGIN:
                yield here

    def _others(self, i: int, alike: Sequence[tuple[str, bool]]) -> tuple[list[Found], list[Found]]:
        """Where sources say the same as token ``i`` or its opposite: what agrees with it, and what does not."""
        found: tuple[list[Found], list[Found]] = ([], [])
        own = self._told.tokens[i].root
        for one in self._sources:
            for word, same in alike:
                for j in one.told.by_root.get(word, ())[:_MOST_PLACES]:
                    agreed = agreeing(same, self._said.denials[i], one.facts.denials[j])
                    if only_excludes(own, word) and not self._excludes(i, alike, one, j):
                        continue
                    if converse(own, word) and self._other_side(i, one, j):
                        continue
                    if agreed is not None and (word == own or j not in one.facts.covered):
                        found[not agreed].append((one, Span(j, j + 1)))
        return found

    def _excludes(self, i: int, alike: Sequence[tuple[str, bool]], one: Source, j: int) -> bool:
        """Whether a word in the source may rule out token ``i``.

        Neither is denied or a part of a name, and what says the word does not say ``i``, too: not the sentence, as one
        that tells of a man and a woman does, and not the next if it goes on with "he" or "they".
        """
        if self._said.denials[i] != AFFIRMED or one.facts.denials[j] != AFFIRMED:
            return False
        if i in self._named or j in one.named:
            return False
        sentence = one.told.tokens[j].sentence
        same_words = {word for word, same in alike if same}
        pronouns = pronouns_of(self._told.tokens[i].root)
        if not (same_words.isdisjoint(one.told.roots[sentence]) and pronouns.isdisjoint(one.told.words[sentence])):
            return False
        goes_on = sentence + 1 < len(one.told.places) and one.told.words[sentence + 1][:1] in _PRONOUNS
        return not goes_on or same_words.isdisjoint(one.told.roots[sentence + 1])

    def _other_side(self, i: int, one: Source, j: int) -> bool:
        """Whether "lost" is said of somebody else than "beat" is in the source."""
        mine, theirs = self._said.subject(i), one.facts.subject(j)
        return mine is not None and theirs is not None and not kin(mine, theirs)

    def _fit(self, here: Span, one: Source, there: Span) -> float:
        """How well a place fits; 0 when its sentence rules out that it contradicts."""
        near = self._field.near_enough(here, one, _LEAST)
        if one.told.tokens[there.first].sentence not in near:
            return 0.0
        fit = self._field.fit(here, one, there)
        excludes = only_excludes(self._told.tokens[here.first].root, one.told.tokens[there.first].root)
        return fit if fit >= _LEAST_EXCLUSIVE or not excludes else 0.0

    def denies_alone(self) -> bool:
        """Whether something is denied of which no source, whatever its words, denies anything."""
        if any(DENIED in one.facts.denials for one in self._sources):
            return False
        tokens = self._told.tokens
        denied = (i for i, value in enumerate(self._said.denials) if value == DENIED)
        return any(not self._others(i, related(tokens[i].root))[0] for i in denied)
