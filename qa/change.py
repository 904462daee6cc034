"""Pure: whether a newer report gives another number for what an older one counts.

A wrong "superseded" is worse than none, so two sentences are about one thing only if everything says so: they count
the same of the same (:mod:`qa.counts`), share a name, speak of the same places and days, and of one event that happens
once, or the newer says that its number is the latest of a series ("the toll rose to 15"). Numbers that may be one
rounded differently do not differ. A report of the same day, or of one that is not known, supersedes none.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby

from qa.citations import Quote
from qa.evidence import facts
from qa.figures import Figure, agree
from qa.models import Passage
from qa.moments import bears_out
from qa.names import Name
from qa.statements import Statement, is_one_day, side_by_side, statements
from qa.wording import root

_LONGEST = timedelta(days=60)
"""A report is not replaced by one that came later than this after it."""
_EVENT = timedelta(days=7)
"""So long after a report another is of the same event if both name its kind and place."""
_RECENT = timedelta(days=30)

_CORRECTED = frozenset(root(word) for word in "revise correct lower reduce recount".split())
_GROWING = frozenset("dead injured destroyed ill displaced arrested rescued burned".split())
_OF_SUBJECT = frozenset("rate contained burned".split())
"""Kinds that are said of what is named before them, not of where it happened."""
_NOW = frozenset("burning dark grounded".split())
"""Kinds that tell how things stand, whatever brought them about."""
_MOST_GROWTH = 10
_GENERIC = frozenset("fire creek county city state river island north south east west new".split())
"""Words of names that do not tell one from another."""


@dataclass(frozen=True, slots=True)
class Report:
    """A quote, and the later one that supersedes it; None where none does."""

    quote: Quote
    newer: Quote | None = None


def newest_report(quote: Quote, passages: Iterable[Passage], said: str | None = None) -> Quote | None:
    """The sentence of the newest of ``passages`` that speaks of what ``quote`` counts, if it gives another number.

    None when none does, or when the newest of them give the same. With ``said``, a sentence that rests on the quote,
    only the numbers that it says are looked at. What is found is published later, and superseded by none.
    """
    mine = statements(quote) if quote.passage.published else []
    if mine and said is not None:
        figures = facts(said, quote.passage.published).figures
        mine = [one for one in mine if any(agree(figure, one.count.figure) for figure in figures)]
    found = [report for one in mine if not one.is_one_of_several and (report := _newest(one, passages))]
    if not found:
        return None
    newest = max(found, key=lambda one: _published(one.passage))
    return newest_report(newest, passages) or newest


def newest_first(quotes: Sequence[Quote], passages: Iterable[Passage], most: int) -> list[Report]:
    """``quotes`` in their order, but each behind what supersedes it, which is put in where it is not among them.

    Those that come last are left out when there are more than ``most``.
    """
    passages = list(passages)
    reports: list[Report] = []

    def add(quote: Quote) -> None:
        if any(report.quote == quote for report in reports):
            return
        newer = newest_report(quote, passages)
        if newer is not None:
            newer = next((one for one in quotes if overlap(one, newer)), newer)
            add(newer)
        reports.append(Report(quote, newer))

    for quote in quotes:
        add(quote)
    return reports[:most]


def overlap(one: Quote, other: Quote) -> bool:
    """Whether two quotes share words of one article."""
    return one.passage.article_id == other.passage.article_id and one.start < other.end and other.start < one.end


def tells(said: str, newer: Quote) -> bool:
    """Whether a sentence says a number that ``newer`` counts."""
    figures = facts(said, newer.passage.published).figures
    return any(agree(figure, one.count.figure) for figure in figures for one in statements(newer))


def _newest(older: Statement, passages: Iterable[Passage]) -> Quote | None:
    day = _published(older.passage)
    later = [one for one in passages if one.published and day < one.published <= day + _LONGEST]
    later = [one for one in later if one.article_id != older.passage.article_id]
    for _, of_day in groupby(sorted(later, key=_published, reverse=True), _published):
        found = [newer for passage in of_day for newer in _all(passage) if objection(older, newer) is None]
        if found:
            return None if any(_leaves_open(older, newer) for newer in found) else found[0].quote
    return None


def _all(passage: Passage) -> list[Statement]:
    return statements(Quote(passage, passage.start, passage.end, overlap=1.0))


def _leaves_open(older: Statement, newer: Statement) -> bool:
    """Whether a count of the same may give the same number, or a part of it."""
    return same_number(older.count.figure, newer.count.figure) or newer.is_one_of_several


def objection(older: Statement, newer: Statement) -> str | None:
    """Why two counts may not be of one thing, in a word or two; None when they are."""
    mine, theirs = older.count, newer.count
    if (mine.kind, mine.figure.unit, mine.who) != (theirs.kind, theirs.figure.unit, theirs.who):
        return "counted"
    for check in (_growth, _times, _where, _event):
        if why := check(older, newer):
            return why
    return None


def same_number(one: Figure, other: Figure) -> bool:
    """Whether two figures may be one number, rounded: 41,000 and "more than 41,200", but not 12 and "at least 15"."""
    if not (_is_exact(one) and _is_exact(other)) and (agree(one, other) or agree(other, one)):
        return True
    step = max(_step(one), _step(other))
    return abs(one.value - other.value) <= (step / 2 if step != 1 or one.unit else 1e-9)


def _growth(older: Statement, newer: Statement) -> str | None:
    """Tolls grow, but not without measure; they fall only where it is said that they were corrected."""
    if older.count.kind not in _GROWING:
        return None
    before, now = older.count.figure.value, newer.count.figure.value
    if now < before and _CORRECTED.isdisjoint(newer.source.told.roots[newer.sentence]):
        return "falls"
    return "grows too much" if now > _MOST_GROWTH * before else None


def _times(older: Statement, newer: Statement) -> str | None:
    """What both tell of was at one time; what one dates was shortly before the older was published."""
    mine, theirs = older.moments, newer.moments
    if older.count.kind == "rate":
        # The day on which it was set is another each time.
        mine, theirs = ([one for one in some if not is_one_day(one)] for some in (mine, theirs))
    if mine and theirs:
        few, many = sorted((mine, theirs), key=len)
        alike = (any(bears_out(one, other) or bears_out(other, one) for other in many) for one in few)
        return None if all(alike) else "times"
    day = older.passage.published
    for moment in (*mine, *theirs):
        if not any(day and day - _RECENT <= first <= last <= day for first, last in moment.means):
            return "time"
    return None


def _where(older: Statement, newer: Statement) -> str | None:
    """Both name the same: places, or what it is said of; "Turkey and Syria" is not Turkey."""
    if older.count.kind in _OF_SUBJECT:
        known = older.subject and newer.subject and _alike(older.subject, newer.subject)
        return None if known else "subject"
    pairs = [(one, other) for one in older.names for other in newer.names if _alike(one, other)]
    if not pairs:
        return "names"
    mine, theirs = older.places, newer.places
    if mine and theirs and not (_all_alike(mine, theirs) and _all_alike(theirs, mine)):
        return "places"
    if not (all(map(newer.says, mine)) and all(map(older.says, theirs))):
        return "places"
    for statement, shared in ((older, [one for one, _ in pairs]), (newer, [other for _, other in pairs])):
        others = [name for name in statement.names if name not in shared]
        if any(side_by_side(statement.source.told.tokens, one, other) for one in shared for other in others):
            return "more names"
    return None


def _event(older: Statement, newer: Statement) -> str | None:
    """It is one event, or the newer says that its number is the latest of what goes on."""
    apart = _days_apart(older, newer)
    if older.count.kind in _OF_SUBJECT:
        return None if older.count.kind == "rate" or apart <= _EVENT else "event"
    if older.count.kind in _NOW and apart <= _EVENT:
        return None
    if newer.is_latest and (newer.count.who or bool(older.places) == bool(newer.places)):
        return None
    if older.is_total and newer.is_total:
        return None
    if apart <= _EVENT and older.events & newer.events:
        return None
    return None if _is_of_one_day(older, newer) else "event"


def _is_of_one_day(older: Statement, newer: Statement) -> bool:
    """Whether both say on which day it was, and it is the same."""
    mine, theirs = ([one for one in some.moments if is_one_day(one)] for some in (older, newer))
    return any(bears_out(one, other) for one in mine for other in theirs)


def _days_apart(older: Statement, newer: Statement) -> timedelta:
    return _published(newer.passage) - _published(older.passage)


def _published(passage: Passage) -> date:
    return passage.published or date.min


def _alike(one: Name, other: Name) -> bool:
    """Whether two names are of one thing: all words of the one are words of the other."""
    mine, theirs = one.forms - _GENERIC, other.forms - _GENERIC
    return bool(mine and theirs) and (mine <= theirs or theirs <= mine)


def _all_alike(some: Iterable[Name], others: Sequence[Name]) -> bool:
    return all(any(_alike(one, other) for other in others) for one in some)


def _is_exact(figure: Figure) -> bool:
    return figure.bound != "about" and not figure.unit and _step(figure) == 1


def _step(figure: Figure) -> float:
    """What a figure may be rounded to: 100 for 1,200, 0.1 for 4.5, 1 for small counts unless they say "about"."""
    value = abs(figure.value)
    if value < 100 and value == int(value):
        return 10.0 if figure.bound == "about" and value % 10 == 0 else 1.0
    step = 1.0
    while value and value % (step * 10) == 0:
        step *= 10
    while abs(round(value / step) * step - value) > 1e-9 and step > 1e-6:
        step /= 10
    return step
