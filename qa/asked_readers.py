"""What each kind of expression in a question means on an as-of date: the functions behind ``qa.asked_periods``.

Each takes the match of its rule over the folded question and gives days that are not cut off at the as-of date, or None
where the calendar has no such days. OverflowError beyond the calendar.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta

from qa.calendar import (
    COUNTS,
    MONTH_NUMBERS,
    ORDINALS,
    UNITS,
    WEEKDAY_NUMBERS,
    Days,
    day_of,
    latest_day,
    latest_month,
    latest_weekday,
    month,
    months,
    one,
    shifted,
    unit_of,
    week,
    years,
)

Match = re.Match[str]
Reader = Callable[[Match, date], Days | None]


def iso(match: Match, as_of: date) -> Days | None:
    """2023-04-13, 2023/04/13."""
    return _one(day_of(int(match["y"]), int(match["month"]), int(match["d"])))


def iso_month(match: Match, as_of: date) -> Days | None:
    """2023-04."""
    return months(int(match["y"]), int(match["month"]), 1)


def slashed(match: Match, as_of: date) -> Days | None:
    """13/04/2023, 04/13/2023: whichever order gives a day up to the as-of date; None when both do. 13.04.2023."""
    in_year, first, second = int(match["y"]), int(match["first"]), int(match["second"])
    readings = {day_of(in_year, second, first)}
    if match["sep"] != ".":
        readings.add(day_of(in_year, first, second))
    days = [day for day in readings if day is not None and day <= as_of]
    return one(days[0]) if len(days) == 1 else None


def day_and_month(match: Match, as_of: date) -> Days | None:
    """13 April, April 13-15, 13 April 2023, the second of April last year."""
    first_number, in_month = _number(_said(match, "d")), _month_number(match)
    last_number = _number(_said(match, "d2")) or first_number
    in_year = _year(match, as_of)
    last = latest_day(last_number, in_month, as_of) if in_year is None else day_of(in_year, in_month, last_number)
    first = day_of(last.year, in_month, first_number) if last else None
    return (first, last) if first and last and first <= last else None


def month_alone(match: Match, as_of: date) -> Days | None:
    """March, March 2022, March last year."""
    in_year = _year(match, as_of)
    if in_year is None:
        return month(latest_month(_month_number(match), as_of))
    return months(in_year, _month_number(match), 1)


def relative_month(match: Match, as_of: date) -> Days | None:
    """Last March, the latest that is over; this March, of this year; next March."""
    number, first, which = _month_number(match), as_of.replace(day=1), match["which"]
    if which == "this":
        return months(as_of.year, number, 1)
    if which in ("next", "coming", "this coming"):
        return month(latest_month(number, shifted(first, 12, "month")))
    return month(latest_month(number, first - timedelta(days=1)))


def day_of_month(match: Match, as_of: date) -> Days | None:
    """The 8th, the latest one; the 20th of last month."""
    number, first = _number(_said(match, "d")), as_of.replace(day=1)
    if match["month"]:
        first = shifted(first, -1 if match["month"] == "last" else 0, "month")
        return _one(day_of(first.year, first.month, number))
    # Of three months running, one at least has a 31st.
    for back in range(3):
        of = shifted(first, -back, "month")
        day = day_of(of.year, of.month, number)
        if day is not None and day <= as_of:
            return one(day)
    return None


HOLIDAYS = {
    "new year's eve": (12, 31), "nochevieja": (12, 31), "new year's day": (1, 1), "christmas eve": (12, 24),
    "nochebuena": (12, 24), "christmas day": (12, 25), "boxing day": (12, 26), "halloween": (10, 31),
    "valentine's day": (2, 14),
}  # fmt: skip
"""Folded name -> month and day; only those that fall on the same day everywhere and every year."""


def holiday(match: Match, as_of: date) -> Days | None:
    """New Year's Eve, Christmas Day 2022."""
    in_month, number = HOLIDAYS[match["name"]]
    in_year = _year(match, as_of)
    return _one(latest_day(number, in_month, as_of) if in_year is None else day_of(in_year, in_month, number))


def quarter_of_year(match: Match, as_of: date) -> Days | None:
    """Q3, the third quarter of 2022, el tercer trimestre."""
    number, in_year = _number(match["nth"]), _year(match, as_of)
    days = months(as_of.year if in_year is None else in_year, number * 3 - 2, 3)
    if in_year is None and days[0] > as_of:
        return months(as_of.year - 1, number * 3 - 2, 3)
    return days


def half_of_year(match: Match, as_of: date) -> Days | None:
    """H1 2022, el primer semestre de 2022."""
    return months(int(match["y"]), _number(match["nth"]) * 6 - 5, 6)


def days_away(days: int) -> Reader:
    """A reader of words for the day so many days after the as-of date."""
    return lambda _match, as_of: one(as_of + timedelta(days=days))


def relative_weekday(match: Match, as_of: date) -> Days | None:
    """Last Monday, the latest before the as-of date; this Monday, of this week; next Monday, of the next."""
    number, which = WEEKDAY_NUMBERS[match["w"]], match["which"]
    if re.search("next|coming|proxim", which):
        return one(week(as_of + timedelta(weeks=1))[0] + timedelta(days=number))
    if which == "this":
        return one(week(as_of)[0] + timedelta(days=number))
    return one(latest_weekday(number, as_of - timedelta(days=1)))


def weekday_of_week(match: Match, as_of: date) -> Days | None:
    """Monday last week, Monday of this week."""
    away = {"last": -1, "this": 0, "next": 1}[match["which"]]
    return one(week(as_of + timedelta(weeks=away))[0] + timedelta(days=WEEKDAY_NUMBERS[match["w"]]))


def weekday_before_last(match: Match, as_of: date) -> Days | None:
    """The Monday before last."""
    return one(latest_weekday(WEEKDAY_NUMBERS[match["w"]], as_of - timedelta(days=1)) - timedelta(weeks=1))


def weekday_alone(match: Match, as_of: date) -> Days | None:
    """Monday."""
    return one(latest_weekday(WEEKDAY_NUMBERS[match["w"]], as_of))


def weekend(match: Match, as_of: date) -> Days | None:
    """The weekend, the latest that had begun; last weekend, the latest over; this weekend, from Wednesday on ahead."""
    which = match["which"]
    if re.search("next|coming", which):
        return unit_of(as_of + timedelta(weeks=1), "weekend")
    if which == "this" and as_of.weekday() > 1:
        return unit_of(as_of, "weekend")
    saturday = latest_weekday(5, as_of)
    if re.search("last|past", which) and saturday > as_of - timedelta(days=2):
        saturday -= timedelta(weeks=1)
    return saturday, saturday + timedelta(days=1)


def relative_unit(match: Match, as_of: date) -> Days | None:
    """Last week, this year, the previous month: by the calendar. The last week, the past year: up to the as-of date."""
    which, unit = match["which"], UNITS[match["u"]]
    if re.search("next|coming|proxim|que v", which):
        return unit_of(shifted(as_of if unit == "week" else as_of.replace(day=1), 1, unit), unit)
    if re.search("this(?! past)|current|est[ea]", which):
        return unit_of(as_of, unit)
    rolling = re.search("past$|past |ultim|the last", which) and unit not in ("quarter", "century")
    if rolling or unit == "fortnight":
        return shifted(as_of, -1, unit), as_of
    return unit_of(shifted(as_of, -1, unit), unit)


def before_last(match: Match, as_of: date) -> Days | None:
    """The week before last."""
    return unit_of(shifted(as_of, -2, match["u"]), match["u"])


def rolling_units(match: Match, as_of: date) -> Days | None:
    """The last two weeks, up to the as-of date."""
    return shifted(as_of, -_count(match), UNITS[match["u"]]), as_of


def ago(match: Match, as_of: date) -> Days | None:
    """Two weeks ago, that calendar week; a year ago today, that day; a few days ago, from two days back to five."""
    unit, exact = UNITS[match["u"]], match.groupdict().get("today")
    far = shifted(as_of, -_count(match), unit)
    if exact:
        return one(far)
    if unit == "hour":
        return far, as_of
    near = shifted(as_of, -2, unit) if re.search("few|several", match["n"]) else far
    of = {"decade": "year", "century": "decade", "fortnight": "week"}.get(unit, unit)
    return unit_of(far, of)[0], unit_of(near, of)[1]


def to_date(match: Match, as_of: date) -> Days | None:
    """Year to date, earlier this month, so far this week; "ytd" without a unit."""
    return unit_of(as_of, UNITS[match.groupdict().get("u") or "year"])


def later(match: Match, as_of: date) -> Days | None:
    """Later this year, in the coming days: from tomorrow on."""
    return one(as_of + timedelta(days=1))


def same_unit_last_year(match: Match, as_of: date) -> Days | None:
    """The same month last year; "this time last year" is that month."""
    return unit_of(shifted(as_of, -1, "year"), UNITS[match["u"]] if match["u"] else "month")


def year_alone(match: Match, as_of: date) -> Days | None:
    """2022."""
    return years(int(match["y"]), int(match["y"]))


def year_span(match: Match, as_of: date) -> Days | None:
    """2019-2021, 2021-22."""
    first, last = int(match["y"]), int(match["until"])
    last += first // 100 * 100 if last < 100 else 0
    return years(first, last) if first < last else None


_TENS = "twenties thirties forties fifties sixties seventies eighties nineties".split()
TENS = {word: n for n, word in enumerate(_TENS, start=2)}
"""Folded word for the years of a decade -> its tens."""


def decade(match: Match, as_of: date) -> Days | None:
    """The 1990s; the '90s, the nineties: the latest that had begun. "The 1800s" are a century."""
    tens = TENS[match["word"]] if match["word"] else int(match["tens"])
    if match["century"]:
        first = int(match["century"]) * 100 + tens * 10
    else:
        first = as_of.year // 100 * 100 + tens * 10
        first -= 100 if first > as_of.year else 0
    return years(first, first + (99 if tens == 0 and first < 2000 else 9))


_ROMAN = {"xviii": 18, "xix": 19, "xx": 20, "xxi": 21}


def century(match: Match, as_of: date) -> Days | None:
    """The 19th century, from 1801 to 1900; el siglo XIX."""
    number = _ROMAN[match["roman"]] if match["roman"] else _number(_said(match, "n"))
    return years(number * 100 - 99, number * 100)


def nothing(match: Match, as_of: date) -> Days | None:
    """Words that are understood, and name no certain time: "the winter of 2022"."""
    return None


def _said(match: Match, group: str) -> str:
    """What the group holds; "" where the rule has no such group or it took no part."""
    return match.groupdict().get(group) or ""


def _one(day: date | None) -> Days | None:
    return one(day) if day else None


def _count(match: Match) -> int:
    word = re.sub(r"^a (?=[cf])| of$", "", _said(match, "n"))
    return COUNTS[word] if word in COUNTS else int(word)


_QUARTERS = {
    "primer": 1, "primeiro": 1, "segundo": 2, "tercer": 3, "terceiro": 3, "cuarto": 4, "quarto": 4,
    "final": 4, "last": 4,
}  # fmt: skip


def _number(word: str) -> int:
    """ "13", "13th", "thirteenth", "tercer" as a number; 0 for ""."""
    if word in ORDINALS:
        return ORDINALS[word]
    return _QUARTERS[word] if word in _QUARTERS else int(re.sub(r"\D", "", word) or 0)


def _month_number(match: Match) -> int:
    return MONTH_NUMBERS[match["m"].removesuffix(".")]


def _year(match: Match, as_of: date) -> int | None:
    """The year that is said, or that "last year" or "this year" beside a month means; None when neither is there."""
    if said := _said(match, "y"):
        return int(said)
    relative = _said(match, "relative")
    if not relative:
        return None
    return as_of.year if re.search("this|este", relative) else as_of.year - 1
