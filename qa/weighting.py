"""How much the time of a report counts, decided question by question. Pure.

A question about what is new or passing ("the latest", "current", "this week") wants the newest report; one about the
archive ("when was ... founded", "first ever") may want any; one that names days of its own wants reports from those.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date

from qa.dates import AskedRange, age_weight
from qa.models import Filters
from qa.text import fold

_NOW = re.compile(
    r"\b(?:latest|newest|most recent(?:ly)?|recent(?:ly)?|current(?:ly)?|now|nowadays|today|tonight|still"
    r"|at present|presently|these days|so far|up to date|at the moment|as of now|breaking|just (?:now|been)"
    r"|ultim[oa]s?|actual(?:mente)?|ahora|agora|hoy|hoje)\b"
)
"""Words that ask for what is new."""

_STATE = re.compile(
    r"^(?:who|what|which|how (?:much|many|high|low|large|big|old)) "
    r"(?:(?:\w+ ){0,4}(?:is|are|does|do|has|have)|(?:is|are)) .*\b"
    r"(?:president|minister|premier|chancellor|chief|head|leader|mayor|governor|ambassador|spokes\w+|chair\w*|ceo|coach"
    r"|captain|manager|owner|champion|holder|speaker|price|rate|toll|level|status|population|value|worth|cost|number|cases"
    r"|unemployed|unemployment|inflation|temperature|members|employees|staff|fare|fares|tax|wage|salary|pension)s?\b"
)
"""A question in the present about what passes: an office and who holds it, a figure that moves."""

_ARCHIVE = re.compile(
    r"\b(?:histor(?:y|ic|ical|ically)|ever|originally|archives?|over the (?:years|decades)|in the past|used to|back in"
    r"|timeline|when was|when were|when did|since when|founded|established|born|for the first time|first time)\b"
)
"""Words that ask what was, whenever it was reported."""

_SHORTER, _LOWER = 0.5, 0.6
"""What half-life and floor are multiplied by for a question about what is new."""

_LITTLE = 0.9
"""The floor for a question about the archive, or whose range decides already."""


@dataclass(frozen=True, slots=True)
class Weighting:
    """How much time counts.

    A report's weight falls from 1 by half its way to ``floor`` with every ``half_life`` days that it lies before the
    as-of date, or, where ``start`` or ``end`` are given, outside those days (both inclusive). A floor of 1 turns
    weighting off. ``reason`` says in words what decided.
    """

    half_life: float = 30.0
    floor: float = 0.5
    start: date | None = None
    end: date | None = None
    reason: str = ""

    def weight(self, published: date | None, as_of: date) -> float:
        """The factor in floor..1 for a report of that day; the floor for an undated one."""
        if published is not None and (self.start or self.end):
            if self.start and published < self.start:
                return age_weight(published, self.start, half_life=self.half_life, floor=self.floor)
            if self.end and published > self.end:
                return age_weight(self.end, published, half_life=self.half_life, floor=self.floor)
            return 1.0
        return age_weight(published, as_of, half_life=self.half_life, floor=self.floor)


def weigh(question: str, asked: AskedRange | None, filters: Filters, usual: Weighting) -> Weighting:
    """The weighting for one question.

    ``asked`` is the range the question speaks of, ``filters`` what it may see, ``usual`` what the settings say. The
    first that holds decides: weighting is off; a range is law already; the question has a range of its own; it asks
    for what is new; it asks for what was; none of these.
    """
    if usual.floor >= 1:
        return replace(usual, reason="weighting by age is off")
    little = replace(usual, floor=max(usual.floor, _LITTLE))
    if filters.start or filters.end:
        return replace(little, reason="the range given says when, age counts little")
    if asked is not None:
        return replace(usual, start=asked.start, end=asked.end, reason=asked.reason)
    folded = " ".join(fold(question).split())
    if new := _NOW.search(folded) or _STATE.search(folded):
        what = f"{new[0]!r} asks" if _NOW.search(folded) else "it asks"
        strong = replace(usual, half_life=usual.half_life * _SHORTER, floor=usual.floor * _LOWER)
        return replace(strong, reason=f"{what} for what is new, age counts much")
    if old := _ARCHIVE.search(folded):
        return replace(little, reason=f"{old[0]!r} asks for what was, age counts little")
    return replace(usual, reason="nothing in the question says when")
