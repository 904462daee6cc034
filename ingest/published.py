"""Pure: when an article was published, as people and machines write it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from typing import Literal

_EARLIEST = date(1800, 1, 1)
DateOrder = Literal["auto", "dmy", "mdy"]
"""How numeric dates such as 03/04/2024 are read: day first, month first, or as other dates of the source prove."""

# English, Spanish, Portuguese, French, German, Italian: what one language writes means no other month in another.
_MONTH_NAMES = (
    "jan january janvier janv januar jänner janeiro enero ene gennaio gen",
    "feb february février fevrier févr fevr fév febrero febr februar fevereiro fev febbraio",
    "mar march mars marzo março marco märz maerz mär mrz",
    "apr april avril avr abril abr aprile",
    "may mai mayo maio maggio mag",
    "jun june juin junio juni junho giugno giu",
    "jul july juillet juil julio juli julho luglio lug",
    "aug august août aout agosto ago",
    "sep sept september septembre septiembre setiembre setembro settembre set sett",
    "oct october octobre octubre oktober okt outubro out ottobre ott",
    "nov november novembre noviembre novembro",
    "dec december décembre decembre déc diciembre dic dezember dez dezembro dicembre",
)
_MONTH_NUMBER = {name: number for number, names in enumerate(_MONTH_NAMES, 1) for name in names.split()}
_MONTH = rf"(?P<month>{'|'.join(sorted(_MONTH_NUMBER, key=len, reverse=True))})\b\.?"
_WEEKDAYS = (
    r"(?:mon|tue|tues|wed|wednes|thu|thur|thurs|fri|sat|satur|sun)(?:day)?"
    r"|lunes|martes|mi[eé]rcoles|jueves|viernes|s[aá]bado|domingo|(?:segunda|ter[cç]a|quarta|quinta|sexta)(?:-feira)?"
    r"|lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche|montag|dienstag|mittwoch|donnerstag|freitag|samstag|sonnabend"
    r"|sonntag|luned[iì]|marted[iì]|mercoled[iì]|gioved[iì]|venerd[iì]|sabato|domenica"
)
_WEEKDAY = rf"(?:(?:{_WEEKDAYS})\b\.?,?\s+)?"
_DAY = r"(?P<day>\d{1,2})(?:st\b|nd\b|rd\b|th\b|er\b|[.ºª°])?"
_YEAR = r"(?P<year>\d{4})"
_ZONES = {
    "UTC": 0, "GMT": 0, "BST": 1, "CET": 1, "CEST": 2, "MEZ": 1, "MESZ": 2,
    "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7,
}  # fmt: skip
"""Hours from UTC of the zones of RFC 2822 and of Europe; not of ET and its like, which change with the season."""
_ZONE = r"(?P<zone>(?:\s*(?:Z\b|[+-]\d{2}:?\d{2}|\(?\b(?:UTC|GMT|[ECMPB]S?T|[ECMP]DT|CES?T|MES?Z|BST)\b\)?))*)"
_TIME = (
    r"(?:(?:T|,?\s+(?:(?:at|à|às|a las|alle(?: ore)?|ore|um|-)\s+)?)"
    r"(?:(?P<hour>\d{1,2})[:h](?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,]\d+)?)?"
    r"|(?<=T)(?P<packed>\d{4}(?:\d{2})?)(?:(?<=\d{6})[.,]\d+)?)"
    rf"(?:\s*(?P<half>[ap])\.?m\b\.?|\s*uhr\b|\s*h\b)?{_ZONE})?"
)
_FORMS = tuple(
    re.compile(form + r"(?![\d/]|[-.]\d)", re.IGNORECASE)
    for form in (
        r"(?P<year>\d{4})(?P<mark>[-/.])(?P<month>\d{1,2})(?P=mark)(?P<day>\d{1,2})" + _TIME,
        r"(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})" + _TIME,
        rf"{_WEEKDAY}{_MONTH}\s+{_DAY}(?:,\s*|\s+){_YEAR}" + _TIME,
        rf"{_WEEKDAY}{_DAY}[\s-]*(?:\b(?:of|de)\s+)?{_MONTH}(?:\s+de[l]?\b)?[,\s-]+{_YEAR}" + _TIME,
        rf"(?P<first>\d{{1,2}})(?P<mark>[-/.])(?P<other>\d{{1,2}})(?P=mark){_YEAR}" + _TIME,
        # As Unix and Java write it: Tue Mar 05 10:15:00 UTC 2024.
        rf"{_WEEKDAY}{_MONTH}\s+{_DAY}\s+(?P<hour>\d{{1,2}}):(?P<minute>\d{{2}}):(?P<second>\d{{2}}){_ZONE}\s+{_YEAR}",
    )
)
_OFFSET = re.compile(r"(?P<sign>[+-])(?P<hours>\d{2}):?(?P<minutes>\d{2})")


class AmbiguousDateError(ValueError):
    """Day and month of a numeric date could be either of two numbers."""


@dataclass(frozen=True, slots=True)
class LeadingDate:
    """A date at the start of a text, ``text[:end]``: ``day``, or None and the ``reason`` it cannot be trusted."""

    end: int
    day: date | None
    reason: str = ""
    ambiguous: bool = False
    """Whether ``reason`` is that day and month could be confused."""
    at: str | None = None
    """As :attr:`Published.at`."""


@dataclass(frozen=True, slots=True)
class Published:
    """The calendar day of a publication as written, and the instant.

    ``at`` is ISO 8601 to the second; it begins with ``day`` and has the offset from UTC where one was written. None
    when only a day is known; midnight without an offset is how many programs write that.
    """

    day: date
    at: str | None = None

    @property
    def iso(self) -> str:
        """The instant, else the day, in ISO 8601."""
        return self.at or self.day.isoformat()


def leading_date(text: str, *, today: date, day_first: bool | None = None) -> LeadingDate | None:
    """The date that ``text`` begins with, a time of day and zone included; None when it begins with none.

    Reads ISO dates and date-times, ``April 17, 2023``, ``17 Apr 2023``, ``17 de abril de 2023`` (month names of six
    languages) and RFC 2822, each as the calendar day written, whatever the zone. Numeric dates whose day and month
    could be confused are read by ``day_first``, and not at all when that is None.
    """
    for form in _FORMS:
        if match := form.match(text):
            try:
                day = _checked(_calendar_day(match, day_first), today)
                return LeadingDate(match.end(), day, at=_instant(match, day))
            except ValueError as error:
                return LeadingDate(match.end(), None, str(error), isinstance(error, AmbiguousDateError))
    return None


def parse_published(text: str, *, today: date, day_first: bool | None = None) -> Published | None:
    """The publication date that ``text`` is, read as ``leading_date`` reads it; None when it is blank.

    Raises ``ValueError`` with the reason when it cannot be read and when the day lies before 1800 or after tomorrow
    (tomorrow may already be today where the article was written); ``AmbiguousDateError`` when day and month could be
    confused.
    """
    stripped = text.strip()
    if not stripped:
        return None
    found = leading_date(stripped, today=today, day_first=day_first)
    if found is None or found.end != len(stripped):
        raise ValueError(f"cannot read {_shown(stripped)} as a date")
    if found.day is None:
        raise (AmbiguousDateError if found.ambiguous else ValueError)(found.reason)
    return Published(found.day, found.at)


def proved_order(text: str) -> bool | None:
    """Whether the numeric date that ``text`` begins with can only be day first (True) or month first (False).

    None when it is no such date or could be both.
    """
    match = _FORMS[4].match(text.strip())
    if match is None:
        return None
    first, second = int(match["first"]), int(match["other"])
    return first > 12 if (first > 12) != (second > 12) and max(first, second) <= 31 else None


def _calendar_day(match: re.Match[str], day_first: bool | None) -> date:
    parts = match.groupdict()
    written = _shown(match[0])
    if "first" in parts:
        first, second = int(parts["first"]), int(parts["other"])
        if first != second and first <= 12 and second <= 12:
            if day_first is None:
                raise AmbiguousDateError(
                    f"{written} could be {first}/{second} or {second}/{first}: write it as YYYY-MM-DD,"
                    " or set DATELINE_DATE_ORDER"
                )
        else:
            day_first = first > 12
        day, month = (first, second) if day_first else (second, first)
    else:
        name = parts["month"]
        month = int(name) if name.isdecimal() else _MONTH_NUMBER[name.lower()]
        day = int(parts["day"])
    try:
        return date(int(parts["year"]), month, day)
    except ValueError:
        raise ValueError(f"{written} is not a day of the calendar") from None


def _instant(match: re.Match[str], day: date) -> str | None:
    parts = match.groupdict()
    if packed := parts.get("packed"):
        hour, minute, second = packed[:2], packed[2:4], packed[4:]
    elif parts["hour"]:
        hour, minute, second = parts["hour"], parts["minute"], parts["second"]
    else:
        return None
    hours = int(hour)
    if (half := parts.get("half")) and hours <= 12:
        hours = hours % 12 + (12 if half.lower() == "p" else 0)
    try:
        clock = time(hours, int(minute), int(second or 0), tzinfo=_zone(parts["zone"]))
    except ValueError:
        return None
    return None if clock == time(0) else datetime.combine(day, clock).isoformat()


def _zone(written: str) -> timezone | None:
    """None when no zone is written, or one that has no one offset. Raises ``ValueError`` for an impossible one."""
    if offset := _OFFSET.search(written):
        minutes = 60 * int(offset["hours"]) + int(offset["minutes"])
        return timezone(timedelta(minutes=-minutes if offset["sign"] == "-" else minutes))
    names = re.findall(r"[A-Z]+", written.upper())
    hours = next((_ZONES.get("UTC" if name == "Z" else name) for name in names), None)
    return None if hours is None else timezone(timedelta(hours=hours))


def _checked(day: date, today: date) -> date:
    if day < _EARLIEST:
        raise ValueError(f"{day.isoformat()} is before 1800")
    if day > today + timedelta(days=1):
        raise ValueError(f"{day.isoformat()} is in the future")
    return day


def _shown(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:39] + "\u2026")
