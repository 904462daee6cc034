"""Pure cleaning: text and metadata as stored, canonical URLs, stable article ids, publication dates."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal
from urllib.parse import quote, urlsplit, urlunsplit

MAX_TEXT = 5_000_000
"""Longest article text taken in, in code points; a longer one is a dump, not an article."""

REPLACEMENT = "\ufffd"
_NEWLINE = re.compile(r"\r\n?")
# NUL and its kin break terminals, PostgreSQL and SQLite's substr(); lone surrogates cannot be written as UTF-8 at all.
_UNSTORABLE = re.compile(r"[\x00-\x08\x0e-\x1f\x7f\ud800-\udfff]")


def clean_text(text: str) -> str:
    """``text`` as it is stored: line ends as ``\\n``, surrounding white space off, nothing else moved.

    Control characters and lone surrogates become U+FFFD one for one. Idempotent; "" for blank text.
    """
    return _UNSTORABLE.sub(REPLACEMENT, _NEWLINE.sub("\n", text)).strip()


def clean_line(text: str) -> str | None:
    """A title, name or other one-line value with its white space collapsed; None when nothing is left."""
    return " ".join(clean_text(text).split()) or None


# URLs and ids

_TRACKING = re.compile(
    r"utm_\w+|fbclid|gclid|gclsrc|dclid|gbraid|wbraid|msclkid|yclid|twclid|ttclid|igshid|li_fat_id|mc_cid|mc_eid|_ga|_gl"
    r"|mkt_tok|vero_id|oly_anon_id|oly_enc_id|_hsenc|_hsmi|ref_src|ref_url|cmpid|ncid|s_cid|ocid|smid|at_medium|at_campaign",
    re.IGNORECASE,
)
_DEFAULT_PORT = {"http": 80, "https": 443}
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_ID_LENGTH = 24
_SAFE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_MADE_ID = re.compile(rf"[uic]-[0-9a-f]{{{_ID_LENGTH}}}")


def canonical_url(url: str) -> str:
    """The form of ``url`` that is the same for every way of writing the same address. Idempotent, no network.

    Scheme and host in lower case (host as punycode), no default port, no user name, no tracking parameters, the other
    parameters ordered by name, escapes as RFC 3986 has them, no fragment unless it is a route (``#!x``, ``#/x``).
    Scheme, ``www.`` and a final slash are kept: they can tell apart what is not the same.

    Raises ``ValueError`` with the reason for anything that is not an absolute http(s) URL.
    """
    stripped = url.strip()
    if re.search(r"[\s\x00-\x1f\x7f\ud800-\udfff]", stripped):
        raise ValueError("the URL holds white space or control characters")
    try:
        parts = urlsplit(stripped)
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError as error:
        raise ValueError(f"not a URL ({error})") from None
    scheme = parts.scheme.lower()
    if scheme not in _DEFAULT_PORT or not host:
        raise ValueError("not an absolute http or https URL")
    netloc = f"[{host}]" if ":" in host else _ascii_host(host)
    if port is not None and port != _DEFAULT_PORT[scheme]:
        netloc += f":{port}"
    fragment = _normal_escapes(parts.fragment) if parts.fragment.startswith(("!", "/")) else ""
    return urlunsplit((scheme, netloc, _normal_escapes(parts.path) or "/", _query(parts.query), fragment))


def _ascii_host(host: str) -> str:
    try:
        return host.encode("idna").decode("ascii").lower()
    except UnicodeError:
        return quote(host, safe="-._~")


def _query(query: str) -> str:
    pairs = [pair for pair in query.split("&") if pair and not _TRACKING.fullmatch(pair.partition("=")[0])]
    return "&".join(sorted(map(_normal_escapes, pairs), key=lambda pair: pair.partition("=")[0]))


def _normal_escapes(part: str) -> str:
    def rewrite(match: re.Match[str]) -> str:
        byte = int(match[1], 16)
        return chr(byte) if byte in _UNRESERVED else match[0].upper()

    # "%" is safe here because what escapes there are stay escapes.
    return quote(_ESCAPE.sub(rewrite, part), safe="%/:?@!$&'()*+,;=~[]|")


def source_from_url(url: str | None) -> str | None:
    """The host of ``url`` without ``www.``: the source's name when none is given. None when there is no host."""
    try:
        host = urlsplit(url or "").hostname
    except ValueError:
        return None
    return host.removeprefix("www.") or None if host else None


def article_id(url: str | None, own_id: str | None, text: str) -> str:
    """The stable id: ``u-`` and the canonical URL's hash, else its own id, else ``c-`` and the text's hash.

    An own id is used as it is when it is a plain token (letters, digits, ``._-``, at most 64) that cannot be mistaken
    for a made one; otherwise it becomes ``i-`` and a hash. Raises ``ValueError`` as ``canonical_url`` does.
    """
    if url:
        return f"u-{_short_hash(canonical_url(url))}"
    if own_id:
        plain = _SAFE_ID.fullmatch(own_id) and not _MADE_ID.fullmatch(own_id)
        return own_id if plain else f"i-{_short_hash(own_id)}"
    return f"c-{_short_hash(text)}"


def _short_hash(value: str) -> str:
    # 96 bits: among a billion articles the odds of one collision are below one in ten billion.
    return hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()[:_ID_LENGTH]


# Publication dates

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
_ZONE = r"(?:\s*(?:Z\b|[+-]\d{2}:?\d{2}|\(?\b(?:UTC|GMT|[ECMPB]S?T|[ECMP]DT|CES?T|MES?Z|BST)\b\)?))*"
_TIME = (
    r"(?:(?:T|,?\s+(?:(?:at|à|às|a las|alle(?: ore)?|ore|um|-)\s+)?)"
    r"(?:\d{1,2}[:h]\d{2}(?::\d{2}(?:[.,]\d+)?)?|(?<=T)\d{4}(?:\d{2}(?:[.,]\d+)?)?)"
    rf"(?:\s*[ap]\.?m\b\.?|\s*uhr\b|\s*h\b)?{_ZONE})?"
)
_FORMS = tuple(
    re.compile(form + r"(?![\d/]|[-.]\d)", re.IGNORECASE)
    for form in (
        r"(?P<year>\d{4})(?P<mark>[-/.])(?P<month>\d{1,2})(?P=mark)(?P<day>\d{1,2})" + _TIME,
        r"(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})" + _TIME,
        rf"{_WEEKDAY}{_MONTH}\s+{_DAY}(?:,\s*|\s+){_YEAR}" + _TIME,
        rf"{_WEEKDAY}{_DAY}[\s-]*(?:\b(?:of|de)\s+)?{_MONTH}(?:\s+de[l]?\b)?[,\s-]+{_YEAR}" + _TIME,
        rf"(?P<first>\d{{1,2}})(?P<mark>[-/.])(?P<second>\d{{1,2}})(?P=mark){_YEAR}" + _TIME,
        # As Unix and Java write it: Tue Mar 05 10:15:00 UTC 2024.
        rf"{_WEEKDAY}{_MONTH}\s+{_DAY}\s+\d{{1,2}}:\d{{2}}:\d{{2}}{_ZONE}\s+{_YEAR}",
    )
)


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


def leading_date(text: str, *, today: date, day_first: bool | None = None) -> LeadingDate | None:
    """The date that ``text`` begins with, a time of day and zone included; None when it begins with none.

    Reads ISO dates and date-times, ``April 17, 2023``, ``17 Apr 2023``, ``17 de abril de 2023`` (month names of six
    languages) and RFC 2822, each as the calendar day written, whatever the zone. Numeric dates whose day and month
    could be confused are read by ``day_first``, and not at all when that is None.
    """
    for form in _FORMS:
        if match := form.match(text):
            try:
                return LeadingDate(match.end(), _checked(_calendar_day(match, day_first), today))
            except ValueError as error:
                return LeadingDate(match.end(), None, str(error), isinstance(error, AmbiguousDateError))
    return None


def parse_published(text: str, *, today: date, day_first: bool | None = None) -> date | None:
    """The publication day ``text`` names, read as ``leading_date`` reads it; None when it is blank.

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
    return found.day


def proved_order(text: str) -> bool | None:
    """Whether the numeric date that ``text`` begins with can only be day first (True) or month first (False).

    None when it is no such date or could be both.
    """
    match = _FORMS[4].match(text.strip())
    if match is None:
        return None
    first, second = int(match["first"]), int(match["second"])
    return first > 12 if (first > 12) != (second > 12) and max(first, second) <= 31 else None


def _calendar_day(match: re.Match[str], day_first: bool | None) -> date:
    parts = match.groupdict()
    written = _shown(match[0])
    if "first" in parts:
        first, second = int(parts["first"]), int(parts["second"])
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


def _checked(day: date, today: date) -> date:
    if day < _EARLIEST:
        raise ValueError(f"{day.isoformat()} is before 1800")
    if day > today + timedelta(days=1):
        raise ValueError(f"{day.isoformat()} is in the future")
    return day


def _shown(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:39] + "\u2026")
