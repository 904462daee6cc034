"""Pure: clauses put into a sentence of which no source says anything: "Smith, who is a spy, met the minister"."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from qa.evidence import Facts, Source, Span
from qa.polarity import related
from qa.wording import SPEECH, root

_OPENINGS = {"who": 1, "which": 1, "whose": 1, "where": 1, "a": 1, "an": 1, "and": 2, "but": 2}
"""How a clause behind a comma begins that may add something, and so many words it must say: "A, B, and C" lists."""
_SLIGHT = frozenset(
    root(word)
    for word in """
    be become come do get give go have keep make put see take use work happen occur know one thing way time day part
    case result fact new old first last year month week people person man woman meanwhile later earlier recently also
    """.split()
)
"""Words that say too little for their absence to tell."""


def additions(said: Facts, sources: Sequence[Source]) -> Iterator[Span]:
    """The clauses behind a comma, up to the next, that say something of which no word stands in a source.

    Neither dates and numbers nor words of saying count, which are checked elsewhere, and may well be put otherwise.
    """
    for clause in _clauses(said):
        content = [
            token.root
            for i, token in enumerate(said.told.tokens[clause.first : clause.last], start=clause.first)
            if token.says_something and i not in said.covered and token.root not in SPEECH | _SLIGHT
        ]
        least = _OPENINGS[said.told.tokens[clause.first].word]
        if len(content) >= least and not any(_known(word, one) for word in content for one in sources):
            yield clause


def _clauses(said: Facts) -> Iterator[Span]:
    tokens = said.told.tokens
    for i, token in enumerate(tokens):
        if token.apart and token.word in _OPENINGS:
            last = i + 1
            while last < len(tokens) and not tokens[last].apart and tokens[last].sentence == token.sentence:
                last += 1
            yield Span(i, last)


def _known(word: str, one: Source) -> bool:
    """Whether a source, its title or its publisher's name has a root, or another that says the same."""
    same = [other for other, alike in related(word) if alike]
    return any(other in one.told.by_root for other in same) or word in one.heading_roots
