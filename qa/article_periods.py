"""Readers of dates without a year, of months, weeks and years in articles: "April 13", "in December", "last week"."""

from __future__ import annotations

import re
from datetime import date, timedelta

from qa.article_text import Article, Match
from qa.calendar import (
    COUNTS,
    MONTH_NUMBERS,
    MONTHS,
    UNITS,
    WEEKDAY_NUMBERS,
    Days,
    day_of,
    in_thirds,
    latest_month,
    month,
    months,
    one,
    shifted,
    unit_of,
)

_FURTHEST = timedelta(days=183)
"""A day of a month that is further from publication is as likely one of another year."""
_NEAR = timedelta(days=30)
"""So near, it needs no tense."""
_MOST_MONTHS = 9
"""A month that is further from publication is as likely one of another year."""
_NEAR_MONTHS = 3
"""So near, it needs no tense."""

_YEAR = re.compile(r"(?<![\w.,$€£-])(?:1[5-9]|20)\d\d(?![\w%]|[.,]\d)")
_OF_OTHER_YEARS = re.compile(
    r",? (?:of|in) (?:that|each|every|any|last|this|the (?:same|following|next|previous))(?!\w)"
    r"|,? (?:each|every|that|next|last|this|the (?:same|following|next|previous)) year|,? annually|'"
)
_NAMED_AFTER_DAY = re.compile(
    r" (?:terror(?:ist)? )?(?:attack|committee|riot|rioter|insurrection|hearing|panel|defendant|massacre|probe)s?(?!\w)"
)
_WELL_KNOWN = frozenset({(1, 6), (9, 11)})
"""Days that are names of what happened on them, years ago."""
_ENGLISH = frozenset([*MONTHS, *(name[:3] for name in MONTHS), "sept"])


def _of_this_time(article: Article, match: Match, found: date) -> bool:
    """Whether nothing around says that a day or month is one of another year."""
    if _OF_OTHER_YEARS.match(article.after(match)):
        return False
    paragraph = article.folded[max(match.start() - 250, 0) : match.start()]
    cut = article.text.rfind("\n", max(match.start() - 250, 0), match.start())
    if cut >= 0:
        paragraph = article.folded[cut : match.start()]
    return all(int(said[0]) == found.year for said in _YEAR.finditer(paragraph))


def date_without_year(article: Article, match: Match) -> Days | None:
    """A day of a month: in the year in which it falls on the weekday said, else in the tense's direction."""
    name = "month" if match["month"] else "month2"
    if match[name] in _ENGLISH and not article.written_as_name(match, name):
        return None
    if _NAMED_AFTER_DAY.match(article.after(match)):
        return None
    number = int(re.sub(r"\D", "", match["day"] or match["day2"]))
    in_month, published = MONTH_NUMBERS[match[name]], article.published
    if (in_month, number) in _WELL_KNOWN and not re.search(r"(?<!\w)(?:on|by|until|since) \Z", article.before(match)):
        return None
    near = [
        day
        for in_year in (published.year - 1, published.year, published.year + 1)
        if (day := day_of(in_year, in_month, number)) and abs(day - published) <= _FURTHEST
    ]
    if match["date_weekday"]:
        near = [day for day in near if day.weekday() == WEEKDAY_NUMBERS[match["date_weekday"]]]
    elif (tense := article.tense(match)) is not None:
        near = [day for day in near if (day <= published if tense == "past" else day >= published)]
    else:
        near = [day for day in near if abs(day - published) <= _NEAR]
    return one(near[0]) if len(near) == 1 and _of_this_time(article, match, near[0]) else None


def bare_month(article: Article, match: Match) -> Days | None:
    """A month after "in" or "since", its early or late part, or the same with "last year" behind it."""
    word = article.text[match.start("m") : match.end("m")]
    if match["m"] in _ENGLISH and not article.written_as_name(match, "m"):
        return None
    if match["m"] == "marco" and "\u00e7" not in word.lower():
        return None  # Marco, not março
    number, published = MONTH_NUMBERS[match["m"]], article.published
    if match["year"]:
        found = date(published.year - (match["year"] == "last"), number, 1)
    else:
        tense = "past" if match["since"] else article.tense(match)
        found = latest_month(number, published)
        if tense == "future" and found != published.replace(day=1):
            found = shifted(found, 1, "year")
        away = abs((found.year - published.year) * 12 + found.month - published.month)
        if away > (_MOST_MONTHS if tense else _NEAR_MONTHS) or not _of_this_time(article, match, found):
            return None
    return in_thirds(month(found), ["early", "mid", "late"].index(match["third"])) if match["third"] else month(found)


def relative_month(article: Article, match: Match) -> Days | None:
    """ "Last December" and "this May"; "last March" in April may be either of two, and is left alone."""
    if not article.written_as_name(match, "relative_m"):
        return None
    number, published = MONTH_NUMBERS[match["relative_m"]], article.published
    if match["which_m"] == "this":
        found = months(published.year, number, 1)
        return None if article.tense(match) == "past" and found[0] > published else found
    latest = latest_month(number, published.replace(day=1) - timedelta(days=1))
    return month(latest) if (published - latest).days > 62 else None


def part_of_month(article: Article, match: Match) -> Days | None:
    """ "At the end of March", "at the beginning of the month"."""
    named = match["named"]
    # A month without a year is the latest one that had begun by the day of publication.
    first = latest_month(MONTH_NUMBERS[named], article.published) if named else article.published
    if named and article.tense(match) == "future" and month(first) != month(article.published):
        return None
    return in_thirds(month(first), {"beginning": 0, "start": 0, "middle": 1, "end": 2}[match["part"]])


def day_of_month(article: Article, match: Match) -> Days | None:
    """ "The 14th of this month"."""
    first = shifted(article.published.replace(day=1), -1 if match["of_month"] == "last" else 0, "month")
    day = day_of(first.year, first.month, int(match["number"]))
    return one(day) if day else None


def period(article: Article, match: Match) -> Days | None:
    """ "Last week", "this month", "next year"; "earlier this year" ends with the day of publication."""
    if re.search(r"(?<!\w)(?:the|of|a|an) \Z", article.before(match)) and not match["side"]:
        return None
    first, last = _unit_away(article.published, match["period_unit"], _AWAY[match["whose"]])
    if match["side"] == "earlier":
        return first, article.published
    return (article.published if match["side"] == "later" else first), last


_AWAY = {"last": -1, "this": 0, "next": 1, "coming": 1}


def _unit_away(day: date, unit: str, away: int) -> Days:
    return unit_of(shifted(day if unit == "week" else day.replace(day=1), away, unit), unit)


_NOT_PLAINLY = re.compile(r"(?:\w-|[\d.,]|(?<!\w)(?:or|to|and|than|least|over|under|hundred|thousand) )\Z")


def ago(article: Article, match: Match) -> Days | None:
    """ "Three days ago", "hace dos semanas", "há um ano": that day, or the whole week, month or year."""
    if _NOT_PLAINLY.search(article.before(match)):
        return None  # "twenty-two", "2.5", "one or two", "more than two"
    word = match["count"] or match["cuantos"] or match["quantos"]
    unit = UNITS[match["unit"] or match["unidad"] or match["unidade"]]
    return unit_of(shifted(article.published, -_count(word), unit), unit)


def rolling(article: Article, match: Match) -> Days | None:
    """ "The past three days", up to the day of publication."""
    return shifted(article.published, -_count(match["many"]), UNITS[match["units"]]), article.published


def _count(word: str) -> int:
    return COUNTS[word] if word in COUNTS else int(word)


def since_start(article: Article, match: Match) -> Days | None:
    """ "Since the start of the year": that day."""
    return one(unit_of(article.published, match["since_unit"])[0])


def romance_period(article: Article, match: Match) -> Days | None:
    """Spanish and Portuguese: "la semana pasada", "este mes", "no próximo ano"."""
    said = match["romance_period"]
    away = -1 if re.search("pas+ad", said) else 1 if re.search("proxim|que v", said) else 0
    unit = "week" if "semana" in said else "month" if "mes" in said else "year"
    return _unit_away(article.published, unit, away)
