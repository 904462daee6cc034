"""An article as the readers of its dates look at it: folded, with its day of publication and its direct speech."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from qa.calendar import Days, fold_letters
from qa.tense import Tense, tense_of

Match = re.Match[str]

_SPEECH = re.compile(r"“[^“”]{1,1500}”|\"[^\"\n]{1,1500}\"|«[^«»]{1,1500}»")


@dataclass(frozen=True)
class Article:
    """A text and its day of publication, as the rules look at them."""

    text: str
    published: date

    @cached_property
    def folded(self) -> str:
        """The text folded, as long as it was."""
        return fold_letters(self.text)

    @cached_property
    def _speech(self) -> list[tuple[int, int]]:
        return [match.span() for match in _SPEECH.finditer(self.text)]

    def spoken(self, position: int) -> bool:
        """Whether direct speech stands there."""
        return any(start < position < end for start, end in self._speech)

    def tense(self, match: Match) -> Tense | None:
        """The tense of the clause around the expression."""
        return tense_of(self.text, *match.span())

    def before(self, match: Match) -> str:
        """The 40 code points before the expression, folded."""
        return self.folded[max(match.start() - 40, 0) : match.start()]

    def after(self, match: Match) -> str:
        """The 40 code points after it, folded."""
        return self.folded[match.end() : match.end() + 40]

    def written_as_name(self, match: Match, group: str) -> bool:
        """Whether the word is written like an English name: "May", not "may" or "MAY"."""
        word = self.text[match.start(group) : match.end(group)]
        return word[:1].isupper() and not word[1:2].isupper()


Reader = Callable[[Article, Match], Days | None]
"""Turns a match in the folded text into days, None where they are not sure; OverflowError beyond the calendar."""
