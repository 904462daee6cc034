"""Pure work on dates: what "this Monday" in an article means, and how much the age of a report counts."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

WEEKDAYS = "monday tuesday wednesday thursday friday saturday sunday".split()
MONTHS = "january february march april may june july august september october november december".split()

_WEEKDAY = "|".join(WEEKDAYS)
_SMALL = {word: n for n, word in enumerate("zero one two three four five six seven eight nine ten".split())} | {
    "a": 1,
    "an": 1,
}
_COUNT = r"\d{1,2}|" + "|".join(_SMALL)


@dataclass(frozen=True, slots=True)
class Resolved:
    """A relative expression ``text[start:end]`` and the days it means, both inclusive."""

    start: int
    end: int
    first: date
    last: date

    @property
    def label(self) -> str:
        """The days as short as they can be said: "2023-04-17", "2023-03", "2023-04-10 to 2023-04-16".

        Never digits alone: in brackets those would read as a citation's number.
        """
        first, last = self.first, self.last
        if first == last:
            return first.isoformat()
        if (first.month, first.day, last.month, last.day) == (1, 1, 12, 31) and first.year == last.year:
            return f"{_year_month(first)} to {_year_month(last)}"
        if first.day == 1 and last == _month(first)[1]:
            return _year_month(first)
        return f"{first} to {last}"


def resolve_relative(text: str, published: date | None) -> list[Resolved]:
    """The relative expressions of time in an article of that day, in order, not overlapping; [] when undated.

    Weeks run from Monday to Sunday. "This" weekday is the one of the week of publication, "last" the one before the
    day of publication, "next" the one of the week after; a weekday alone ("on Friday") is the latest one up to the
    day of publication, as news reports use it. Absolute dates are left alone.
    """
    if published is None:
        return []
    found = []
    for match in _EXPRESSION.finditer(text):
        kind = match.lastgroup or ""
        try:
            days = _RULES[kind](match, published)
        except OverflowError:
            continue
        found.append(Resolved(match.start(), match.end(), *days))
    return found


def annotate(text: str, published: date | None) -> str:
    """``text`` with what its relative expressions mean behind them: "this Monday [2023-04-17]"."""
    pieces: list[str] = []
    position = 0
    for one in resolve_relative(text, published):
        pieces += [text[position : one.end], f" [{one.label}]"]
        position = one.end
    return "".join([*pieces, text[position:]])


def age_weight(published: date | None, as_of: date, *, half_life: float, floor: float) -> float:
    """The factor in floor..1 by which a report's score is weighed on ``as_of``.

    Exponential decay above a floor: 1 on the day itself, halfway to the floor after ``half_life`` days, the floor for
    undated reports (exponential time-based language models, Li and Croft 2003, with a floor so that an old report can
    still win when nothing new is said). A report from after ``as_of`` counts as published that day.
    """
    if published is None:
        return floor
    age = max((as_of - published).days, 0)
    weight: float = floor + (1 - floor) * 0.5 ** (age / half_life)
    return weight


def _year_month(day: date) -> str:
    return day.isoformat()[:7]  # strftime does not pad years everywhere


Days = tuple[date, date]
_Match = re.Match[str]


def _one(day: date) -> Days:
    return day, day


def _week(day: date) -> Days:
    monday = day - timedelta(days=day.weekday())
    return monday, monday + timedelta(days=6)


def _month(day: date) -> Days:
    first = day.replace(day=1)
    return first, _later_month(first, 1) - timedelta(days=1)


def _year(day: date) -> Days:
    return date(day.year, 1, 1), date(day.year, 12, 31)


def _later_month(day: date, months: int) -> date:
    """The first of the month ``months`` after ``day``'s."""
    total = day.year * 12 + day.month - 1 + months
    try:
        return date(total // 12, total % 12 + 1, 1)
    except ValueError:
        raise OverflowError("beyond the calendar") from None


def _relative_weekday(match: _Match, day: date) -> Days:
    wanted = WEEKDAYS.index(match["weekday"].lower())
    monday = _week(day)[0]
    which = match["which"].lower()
    if which == "last":
        return _one(day - timedelta(days=(day.weekday() - wanted - 1) % 7 + 1))
    return _one(monday + timedelta(days=wanted + (7 if which == "next" else 0)))


def _bare_weekday(match: _Match, day: date) -> Days:
    wanted = WEEKDAYS.index(match["on"].lower())
    return _one(day - timedelta(days=(day.weekday() - wanted) % 7))


def _relative_period(match: _Match, day: date) -> Days:
    shift = {"last": -1, "past": -1, "previous": -1, "this": 0, "next": 1, "coming": 1}[match["whose"].lower()]
    unit = match["period"].lower()
    if unit == "week":
        return _week(day + timedelta(weeks=shift))
    if unit == "month":
        return _month(_later_month(day, shift))
    return _year(_later_month(day, 12 * shift))


def _ago(match: _Match, day: date) -> Days:
    count = match["count"].lower()
    n = _SMALL[count] if count in _SMALL else int(count)
    unit = match["unit"].lower()
    if unit == "day":
        return _one(day - timedelta(days=n))
    if unit == "week":
        return _week(day - timedelta(weeks=n))
    if unit == "month":
        return _month(_later_month(day, -n))
    return _year(_later_month(day, -12 * n))


def _part_of_month(match: _Match, day: date) -> Days:
    named = (match["named"] or "").lower()
    # A month without a year is the latest one that had begun by the day of publication.
    month = _month(day)[0] if not named else _latest_month(MONTHS.index(named) + 1, day)
    first, last = _month(month)
    if match["part"].lower() in ("beginning", "start"):
        return first, first + timedelta(days=9)
    if match["part"].lower() == "middle":
        return first + timedelta(days=10), first + timedelta(days=19)
    return first + timedelta(days=20), last


def _bare_month(match: _Match, day: date) -> Days:
    return _month(_latest_month(MONTHS.index(match["month"].lower()) + 1, day))


def _latest_month(month: int, day: date) -> date:
    return _later_month(day, month - day.month - (12 if month > day.month else 0))


_MONTH_NAMES = "|".join(name.capitalize() for name in MONTHS)
_EXPRESSION = re.compile(
    rf"""\b(?:
      (?P<before_yesterday>the\ day\ before\ yesterday)
    | (?P<yesterday>yesterday)
    | (?P<tomorrow>tomorrow)
    | (?P<today>today|tonight|this\ (?:morning|afternoon|evening))
    | (?P<relative_weekday>(?P<which>this|last|next)\ (?P<weekday>{_WEEKDAY}))
    | (?P<bare_weekday>on\ (?P<on>{_WEEKDAY}))
    | (?P<part_of_month>at\ the\ (?P<part>beginning|start|middle|end)\ of
        \ (?:(?:the|this)\ month|(?P<named>{_MONTH_NAMES}))(?!,?\ \d{{4}}))
    | (?P<relative_period>(?P<whose>this|last|next|previous|coming)\ (?P<period>week|month|year)(?!'s|’s|end))
    | (?P<ago>(?P<count>{_COUNT})\ (?P<unit>day|week|month|year)s?\ ago)
    | (?P<bare_month>in\ (?P<month>{_MONTH_NAMES})(?!,?\ \d))
    )\b""",
    # ASCII: otherwise "ſunday" would match "sunday" and be found in no list.
    re.VERBOSE | re.IGNORECASE | re.ASCII,
)
_RULES: dict[str, Callable[[_Match, date], Days]] = {
    "before_yesterday": lambda _match, day: _one(day - timedelta(days=2)),
    "yesterday": lambda _match, day: _one(day - timedelta(days=1)),
    "tomorrow": lambda _match, day: _one(day + timedelta(days=1)),
    "today": lambda _match, day: _one(day),
    "relative_weekday": _relative_weekday,
    "bare_weekday": _bare_weekday,
    "part_of_month": _part_of_month,
    "relative_period": _relative_period,
    "ago": _ago,
    "bare_month": _bare_month,
}
