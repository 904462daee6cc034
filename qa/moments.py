"""Pure: the dates a text says, absolute and relative, and whether one is borne out by another."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from qa.dates import MONTHS, WEEKDAYS, Days, resolve_relative
from qa.wording import Token, Told

_SHORT_MONTHS = {name[:3]: n for n, name in enumerate(MONTHS, start=1)} | {"sept": 9}
_MONTHS = {name: n for n, name in enumerate(MONTHS, start=1)} | _SHORT_MONTHS
_WEEKDAYS = {name: n for n, name in enumerate(WEEKDAYS)} | {"tues": 1, "thurs": 3}
_ENDINGS = ("st", "nd", "rd", "th")
_SEASONS = frozenset("spring summer fall autumn winter".split())
_DAYS = {"yesterday": -1, "today": 0, "tonight": 0, "tomorrow": 1}
_VERBS_TOO = frozenset({"may", "march", "mar", "jan", "jun", "dec"})
"""Months that are words or names as well: they need something beside them that makes them one."""
_BEFORE_YEAR = frozenset(
    """
    in since by of from during until till before after late early mid and to through than the for between year fy
    """.split()
)


_POSSESSIVE = re.compile(r"(?<=\w)['\u2019]s\b")


@dataclass(frozen=True, slots=True)
class Moment:
    """A date said by the tokens ``first`` to ``last`` (one past it): what is said of it, None where nothing is.

    ``means`` are the days it can mean, given the day of publication; () when that cannot be told. ``words`` is the
    expression itself, for those that mean no days: "last summer".
    """

    first: int
    last: int
    year: int | None = None
    month: int | None = None
    day: int | None = None
    weekday: int | None = None
    means: tuple[Days, ...] = ()
    words: str = ""


def moments(told: Told, published: date | None) -> list[Moment]:
    """The dates of a text published on that day, in order."""
    found: list[Moment] = []
    i = 0
    while i < len(told.tokens):
        token = told.tokens[i]
        moment = _absolute(told, i, published) if token.capital or token.number else None
        if moment is None:
            i += 1
        else:
            found.append(moment)
            i = moment.last
    taken = {i for moment in found for i in range(moment.first, moment.last)}
    found += [one for one in _relative(told, published) if taken.isdisjoint(range(one.first, one.last))]
    taken |= {i for moment in found for i in range(moment.first, moment.last)}
    found += [one for one in _spoken(told, published) if taken.isdisjoint(range(one.first, one.last))]
    return sorted(found, key=lambda moment: moment.first)


def bears_out(said: Moment, source: Moment) -> bool:
    """Whether a date of a source is the one that is said, or lies within it, in all that is said of it."""
    if said.words or source.words:
        return said.words == source.words
    if said.weekday is not None and said.weekday not in _weekdays(source):
        return False
    if said.means and source.means:
        wanted = _parts(said)
        return any(_within(inner, outer) for inner in source.means for outer in said.means) or (
            any(wanted) and any(_has(days, wanted) for days in source.means)
        )
    return all(mine is None or mine == theirs for mine, theirs in zip(_parts(said), _parts(source), strict=True))


def published_on(day: date) -> Moment:
    """The day of publication as a date a source says."""
    return Moment(0, 0, day.year, day.month, day.day, day.weekday(), ((day, day),))


def _parts(moment: Moment) -> tuple[int | None, int | None, int | None]:
    return moment.year, moment.month, moment.day


def _has(days: Days, parts: tuple[int | None, int | None, int | None]) -> bool:
    """Whether all that is said is true of every one of the days."""
    year, month, day = parts
    return (
        all(year in (None, one.year) and month in (None, one.month) and day in (None, one.day) for one in days)
        # A day cannot be told from a week or a month.
        and (day is None or days[0] == days[1])
    )


def _within(inner: Days, outer: Days) -> bool:
    return outer[0] <= inner[0] and inner[1] <= outer[1]


def _weekdays(moment: Moment) -> set[int]:
    if moment.weekday is not None:
        return {moment.weekday}
    return {first.weekday() for first, last in moment.means if first == last}


def _absolute(told: Told, i: int, published: date | None) -> Moment | None:
    """The date that begins at token ``i``: a weekday, a date, both, a month or a year."""
    tokens = told.tokens
    token = tokens[i]
    word = token.word.removesuffix("'s")
    if word in _WEEKDAYS and token.capital:
        date_after = _day_or_month(told, i + 1, published) if i + 1 < len(tokens) else None
        near = date_after is not None and tokens[i + 1].start - token.end <= 3 and date_after.day is not None
        if near and date_after is not None:
            return _moment(i, date_after.last, date_after, _WEEKDAYS[word], published)
        return _moment(i, i + 1, None, _WEEKDAYS[word], published)
    found = _day_or_month(told, i, published)
    return found if found is None else _moment(i, found.last, found, None, published)


def _moment(first: int, last: int, said: Moment | None, weekday: int | None, published: date | None) -> Moment:
    year, month, day = _parts(said) if said else (None, None, None)
    means = said.means if said and said.means else tuple(_meant(year, month, day, weekday, published))
    return Moment(first, last, year, month, day, weekday, means)


def _day_or_month(told: Told, i: int, published: date | None) -> Moment | None:
    """The date or month or year at token ``i``; its ``means`` only where they are more than a date's own."""
    tokens = told.tokens
    token = tokens[i]
    if token.number:
        return _iso(told, i) or _day_first(tokens, i) or _year(told, i)
    if not _is_month(tokens, i):
        return None
    month = _MONTHS[token.word.removesuffix("'s")]
    last, day = i + 1, None
    if last < len(tokens) and _is_day(tokens[last]) and not tokens[last].apart:
        day, last = int(tokens[last].word), last + 1
        if last < len(tokens) and tokens[last].word in _ENDINGS and tokens[last].start == tokens[last - 1].end:
            last += 1
    year, last = _year_behind(tokens, last)
    return Moment(i, last, year, month, day)


def _is_month(tokens: Sequence[Token], i: int) -> bool:
    token = tokens[i]
    word = token.word.removesuffix("'s")
    if not token.capital or word not in _MONTHS:
        return False
    if word not in _VERBS_TOO:
        return True
    before = tokens[i - 1].word if i else ""
    behind = tokens[i + 1] if i + 1 < len(tokens) else None
    digits = behind is not None and behind.number and not behind.apart
    return digits or before in _BEFORE_YEAR or before in ("last", "this", "next") or before.isdecimal()


def _is_day(token: Token) -> bool:
    return token.word.isdecimal() and len(token.word) <= 2 and 1 <= int(token.word) <= 31


def _is_year(token: Token) -> bool:
    return token.word.isdecimal() and len(token.word) == 4 and 1500 <= int(token.word) <= 2199


def _year_behind(tokens: Sequence[Token], i: int) -> tuple[int | None, int]:
    """The year right behind a date, and where it ends."""
    if i < len(tokens) and _is_year(tokens[i]) and tokens[i].start - tokens[i - 1].end <= 2:
        return int(tokens[i].word), i + 1
    return None, i


def _day_first(tokens: Sequence[Token], i: int) -> Moment | None:
    """ "17 April 2023", "17th of April"."""
    if not _is_day(tokens[i]):
        return None
    j = i + 1
    if j < len(tokens) and tokens[j].word in _ENDINGS and tokens[j].start == tokens[i].end:
        j += 1
    if j < len(tokens) and tokens[j].word == "of":
        j += 1
    if j >= len(tokens) or tokens[j].apart or not tokens[j].capital or tokens[j].word not in _MONTHS:
        return None
    year, last = _year_behind(tokens, j + 1)
    return Moment(i, last, year, _MONTHS[tokens[j].word], int(tokens[i].word))


def _iso(told: Told, i: int) -> Moment | None:
    tokens = told.tokens[i : i + 3]
    if len(tokens) < 3 or not _is_year(tokens[0]) or told.text[tokens[0].end : tokens[1].start] != "-":
        return None
    month, day = tokens[1].word, tokens[2].word
    if told.text[tokens[1].end : tokens[2].start] != "-" or not (month.isdecimal() and _is_day(tokens[2])):
        return None
    return Moment(i, i + 3, int(tokens[0].word), int(month), int(day)) if 1 <= int(month) <= 12 else None


def _year(told: Told, i: int) -> Moment | None:
    """A year or, with an "s" behind, a decade. "2000 people" is none."""
    tokens = told.tokens
    if not _is_year(tokens[i]):
        return None
    year = int(tokens[i].word)
    behind = tokens[i + 1] if i + 1 < len(tokens) else None
    if behind is not None and behind.word == "s" and behind.start == tokens[i].end and year % 10 == 0:
        return Moment(i, i + 2, means=((date(year, 1, 1), date(year + 9, 12, 31)),))
    before = tokens[i - 1] if i else None
    if before is not None and before.word in ("$", "\u20ac", "\u00a3", "#", "no"):
        return None
    plural = behind is not None and not behind.apart and not behind.capital and behind.word.endswith("s")
    counted = plural or (behind is not None and behind.word in ("people", "%", "percent", "per", "men", "women"))
    if counted and (before is None or before.word not in _BEFORE_YEAR):
        return None
    return Moment(i, i + 1, year)


def _meant(
    year: int | None, month: int | None, day: int | None, weekday: int | None, published: date | None
) -> Iterable[Days]:
    """The days that can be meant; a date without a year is the one nearest to the day of publication."""
    if month is None and day is None and year is not None:
        return [(date(year, 1, 1), date(year, 12, 31))]
    if month is None:
        return _nearest_weekdays(weekday, published) if weekday is not None else []
    if year is None and published is None:
        return []
    years = [year] if year is not None else _years_about(published, month, day)
    return [days for days in (_days(one, month, day) for one in years) if days is not None]


def _days(year: int, month: int, day: int | None) -> Days | None:
    if not date.min.year <= year <= date.max.year:
        return None
    length = monthrange(year, month)[1]
    if day is None:
        return date(year, month, 1), date(year, month, length)
    return (date(year, month, day),) * 2 if day <= length else None


def _years_about(published: date | None, month: int, day: int | None) -> list[int]:
    """The year in which a date without one lies nearest to the day of publication; for a month also the one before."""
    if published is None:
        return []
    about = sorted(
        (abs((days[0] - published).days), year)
        for year in (published.year - 1, published.year, published.year + 1)
        if (days := _days(year, month, day)) is not None
    )
    return [year for _, year in about[: 1 if day else 2]]


def _nearest_weekdays(weekday: int, published: date | None) -> list[Days]:
    """The latest such day up to the day of publication, and the next one."""
    if published is None:
        return []
    back = (published.weekday() - weekday) % 7
    found = []
    for step in (-back, 7 - back):
        try:
            found.append((published + timedelta(days=step),) * 2)
        except OverflowError:
            continue
    return found


def _relative(told: Told, published: date | None) -> list[Moment]:
    """ "yesterday", "two weeks ago"; in an undated text they are known by their words alone."""
    anchor = published or date(2000, 1, 1)
    found = []
    # "Last year's" means what "last year" means.
    for one in resolve_relative(_POSSESSIVE.sub("  ", told.text), anchor):
        first, last = told.between(one.start, one.end)
        if first < last and not told.text[one.start : one.end].isupper():  # "USA TODAY"
            words = "" if published else told.text[one.start : one.end].lower()
            means = ((one.first, one.last),) if published else ()
            found.append(Moment(first, last, means=means, words=words))
    return found


def _spoken(told: Told, published: date | None) -> list[Moment]:
    """ "last summer", known by its words; "today" where an article may as well mean nowadays, its own day here."""
    tokens = told.tokens
    found = []
    for i, token in enumerate(tokens):
        word = token.word.removesuffix("'s")
        if i and word in _SEASONS and tokens[i - 1].word in ("last", "this", "next"):
            found.append(Moment(i - 1, i + 1, words=f"{tokens[i - 1].word} {word}"))
        elif word in _DAYS and not told.text[token.start : token.end].isupper():
            day = _shifted(published, _DAYS[word]) if published else None
            found.append(Moment(i, i + 1, means=((day, day),)) if day else Moment(i, i + 1, words=word))
    return found


def _shifted(day: date, days: int) -> date | None:
    try:
        return day + timedelta(days=days)
    except OverflowError:
        return None
