"""Words for days, weeks, months and years, and the days they stand for; for the readers of questions and of articles.

Everything here works on folded text (``fold_letters``), which has the length of the text it comes from. Stretches of
time are pairs of days, both inclusive. Weeks run from Monday to Sunday.
"""

from __future__ import annotations

import re
import unicodedata
from calendar import monthrange
from collections.abc import Iterable
from datetime import date, timedelta

WEEKDAYS = "monday tuesday wednesday thursday friday saturday sunday".split()
MONTHS = "january february march april may june july august september october november december".split()

Days = tuple[date, date]
"""The first and the last day of a stretch of time."""

# Spanish, Portuguese, French, German, Italian; without accents. Abbreviations are English, and others where they are no
# English words ("ago", "set", "out").
_MONTHS_ELSEWHERE = """
    enero janeiro janvier januar gennaio jan ene|febrero fevereiro fevrier februar febbraio feb fev|
    marzo marco mars marz mar|abril avril aprile apr abr|mayo maio mai maggio|junio junho juin juni giugno jun|
    julio julho juillet juli luglio jul|agosto aout aug|septiembre setiembre setembro septembre settembre sept sep|
    octubre outubro octobre oktober ottobre oct|noviembre novembro novembre nov|
    diciembre dezembro decembre dezember dicembre dec dic dez
    """
_WEEKDAYS_ELSEWHERE = """
    lunes segunda-feira|martes terca-feira|miercoles quarta-feira|jueves quinta-feira|viernes sexta-feira|sabado|domingo
    """


def _numbered(english: list[str], elsewhere: str) -> dict[str, int]:
    others = [words.split() for words in elsewhere.split("|")]
    return {word: n for n, name in enumerate(english) for word in (name, *others[n])}


MONTH_NUMBERS = {word: n + 1 for word, n in _numbered(MONTHS, _MONTHS_ELSEWHERE).items()}
"""Folded name or abbreviation (without its stop) -> 1 for January to 12."""

WEEKDAY_NUMBERS = _numbered(WEEKDAYS, _WEEKDAYS_ELSEWHERE)
"""Folded name -> 0 for Monday to 6, as ``date.weekday`` counts."""

_COUNTS = """
    one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|
    eighteen|nineteen|twenty
    """.replace("\n", "").replace(" ", "")
COUNTS = (
    {word: n for n, word in enumerate(_COUNTS.split("|"), start=1)}
    | {word: n for n, word in enumerate("un dos tres cuatro cinco seis siete ocho nueve diez".split(), start=1)}
    | {word: n for n, word in enumerate("um dois tres quatro cinco seis sete oito nove dez".split(), start=1)}
    # The most that is commonly meant: too wide a stretch still holds what is asked for.
    | {"a": 1, "an": 1, "una": 1, "uma": 1, "duas": 2, "couple": 2, "few": 5, "several": 7}
)
"""Folded word for a number -> the number."""

_ORDINAL_WORDS = """
    first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth
    sixteenth seventeenth eighteenth nineteenth twentieth
    """.split()
ORDINALS = (
    {word: n for n, word in enumerate(_ORDINAL_WORDS, start=1)}
    | {f"twenty{join}{word}": n for join in " -" for n, word in enumerate(_ORDINAL_WORDS[:9], start=21)}
    | {"thirtieth": 30, "thirty-first": 31, "thirty first": 31}
)
"""Folded English ordinal -> the number, 1 to 31."""

_UNIT_WORDS = {
    "hour": "hour hora",
    "day": "day dia",
    "weekend": "weekend",
    "week": "week semana",
    "fortnight": "fortnight quincena quinzena",
    "month": "month mes",
    "quarter": "quarter trimestre",
    "year": "year ano",
    "decade": "decade decada",
    "century": "century siglo seculo",
}
UNITS = {
    form: unit
    for unit, words in _UNIT_WORDS.items()
    for word in words.split()
    for form in (word, f"{word}s", f"{word}es")
} | {"centuries": "century"}
"""Folded word, singular or plural -> its English singular."""

_PLAIN = {
    chr(code): base.lower()
    for code in range(0xC0, 0x250)
    if (base := unicodedata.normalize("NFD", chr(code))[0]).isascii() and base.isalpha()
}
_PLAIN |= dict.fromkeys("\u2018\u2019\u02bc", "'") | dict.fromkeys("\u201c\u201d\u201e\u00ab\u00bb", '"')
_PLAIN |= dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212", "-") | dict.fromkeys("\t\n\r\u00a0\u2009\u202f", " ")
_ODD = re.compile(f"[{''.join(_PLAIN)}]")


def fold_letters(text: str) -> str:
    """``text`` in lower case, its accents, quotes, dashes and white space made plain, character for character."""
    # What is left after the replacement is as long in lower case.
    return _ODD.sub(lambda match: _PLAIN[match[0]], text).lower()


def any_of(words: Iterable[str]) -> str:
    """A pattern for one of ``words``, the longest first; a space in one stands for white space."""
    return "(?:" + "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True)) + ")"


def one(day: date) -> Days:
    """That day alone."""
    return day, day


def week(day: date) -> Days:
    """The week of ``day``."""
    monday = day - timedelta(days=day.weekday())
    return monday, monday + timedelta(days=6)


def month(day: date) -> Days:
    """The month of ``day``."""
    return day.replace(day=1), day.replace(day=monthrange(day.year, day.month)[1])


def quarter(day: date) -> Days:
    """The quarter of ``day``: January to March, and so on."""
    return months(day.year, (day.month - 1) // 3 * 3 + 1, 3)


def year(day: date) -> Days:
    """The year of ``day``."""
    return years(day.year, day.year)


def months(in_year: int, first: int, count: int) -> Days:
    """``count`` months of a year from number ``first`` on. OverflowError beyond the calendar."""
    return _day(in_year, first, 1), month(_day(in_year, first + count - 1, 1))[1]


def years(first: int, last: int) -> Days:
    """From one New Year's Day to another year's end. OverflowError beyond the calendar."""
    return _day(first, 1, 1), _day(last, 12, 31)


def unit_of(day: date, unit: str) -> Days:
    """The day, weekend, week, month, quarter, year, decade or century of ``day``; KeyError for other units.

    A decade begins with the year that ends in 0, a century with the one that ends in 01. The weekend is the week's.
    """
    if unit == "weekend":
        monday, sunday = week(day)
        return monday + timedelta(days=5), sunday
    if unit == "decade":
        return years(max(day.year // 10 * 10, 1), day.year // 10 * 10 + 9)
    if unit == "century":
        first = (day.year - 1) // 100 * 100 + 1
        return years(first, first + 99)
    return {"day": one, "week": week, "month": month, "quarter": quarter, "year": year}[unit](day)


_MONTHS_IN = {"month": 1, "quarter": 3, "year": 12, "decade": 120, "century": 1200}
_DAYS_IN = {"day": 1, "weekend": 7, "week": 7, "fortnight": 14}


def shifted(day: date, count: int, unit: str) -> date:
    """``day`` moved by so many units, to the month's last day where it has no such day; hours count as the days
    that they reach back into.

    OverflowError beyond the calendar.
    """
    if unit == "hour":
        return day + timedelta(days=count // 24)
    if unit in _DAYS_IN:
        return day + timedelta(days=count * _DAYS_IN[unit])
    total = day.year * 12 + day.month - 1 + count * _MONTHS_IN[unit]
    first = _day(total // 12, total % 12 + 1, 1)
    return first.replace(day=min(day.day, monthrange(first.year, first.month)[1]))


def latest_month(number: int, day: date) -> date:
    """The first of the latest month of that number (1 to 12) which has begun by ``day``."""
    return _day(day.year - (number > day.month), number, 1)


def latest_day(number: int, in_month: int, day: date) -> date | None:
    """The latest such day of such a month that is not after ``day``; None for a day no month has (31 June)."""
    for in_year in range(day.year, max(day.year - 9, 0), -1):
        found = day_of(in_year, in_month, number)
        if found is not None and found <= day:
            return found
    return None


def latest_weekday(number: int, day: date) -> date:
    """The latest such weekday (0 for Monday) that is not after ``day``."""
    return day - timedelta(days=(day.weekday() - number) % 7)


def day_of(in_year: int, in_month: int, number: int) -> date | None:
    """That day, or None where the calendar has no such day."""
    try:
        return date(in_year, in_month, number)
    except ValueError:
        return None


def in_thirds(days: Days, which: int) -> Days:
    """The early (0), middle (1) or late (2) part of ``days``; a single day is all three.

    Days 1 to 10, 11 to 20 and the rest of a month, months 1 to 4, 5 to 8 and 9 to 12 of a year; else a third of the
    years or days.
    """
    first, last = days
    if days == month(first):
        return [
            (first, first.replace(day=10)),
            (first.replace(day=11), first.replace(day=20)),
            (first.replace(day=21), last),
        ][which]
    if days == year(first):
        return months(first.year, which * 4 + 1, 4)
    if days == years(first.year, last.year):
        count = last.year - first.year + 1
        return years(first.year - (-count * which // 3), first.year - (-count * (which + 1) // 3) - 1)
    length = (last - first).days + 1
    cuts = [first + timedelta(days=-(-length * cut // 3)) for cut in range(4)]
    return cuts[which], max(cuts[which + 1] - timedelta(days=1), cuts[which])


def in_halves(days: Days, which: int) -> Days:
    """The first (0) or second (1) half of ``days``: by months in a year, by days else."""
    first, last = days
    if days == year(first):
        return months(first.year, which * 6 + 1, 6)
    middle = first + timedelta(days=((last - first).days + 1) // 2)
    return (first, max(middle - timedelta(days=1), first)) if which == 0 else (middle, last)


def in_words(days: Days) -> str:
    """The days as short as they can be said: "2023-04-17", "2023-03", "2023-04-10 to 2023-04-16".

    Never digits alone: in an article those would read as a citation's number.
    """
    first, last = days
    if first == last:
        return first.isoformat()
    if days == year(first):
        return f"{_year_month(first)} to {_year_month(last)}"
    if days == month(first):
        return _year_month(first)
    return f"{first} to {last}"


def _year_month(day: date) -> str:
    return day.isoformat()[:7]  # strftime does not pad years everywhere


def _day(in_year: int, in_month: int, number: int) -> date:
    try:
        return date(in_year, in_month, number)
    except ValueError:
        raise OverflowError("beyond the calendar") from None
