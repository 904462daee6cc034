"""Pure: the publication date that stands printed at the top of a page, taken only when there is no doubt."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from ingest.published import LeadingDate, leading_date, proved_order

_LONGEST = 160
"""Lines longer than this are prose."""
_PUBLISHED = re.compile(
    r"(?:(?:first\s+|originally\s+)?(?:published|posted|released|issued)|publication\s+date|release\s+date|date"
    r"|publi[ée]e?|paru|publicad[oa]|fecha|veröffentlicht|erschienen|stand|pubblicat[oa]|data)"
    r"(?:\s+(?:on|at|le|el|em|am|il|del))?\b\s*:?\s*",
    re.IGNORECASE,
)
_CHANGED = re.compile(
    r"(?:last\s+)?(?:updated|modified|edited|reviewed)|mis\s+à\s+jour|modifié|actualizad[oa]|atualizad[oa]|aktualisiert"
    r"|geändert|aggiornat[oa]|ultim[oa]\s+(?:modifica|aggiornamento)",
    re.IGNORECASE,
)
_PARTS = re.compile(r"\s+[|·•–—]\s+|\s*[|·•]\s*|\t+|\s{3,}|(?<=\d)\s*/\s+|\s+-\s+(?=\D)")
_ARTICLE = re.compile(r"(?:le|el|il|am|den|der)\s+(?=\w)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Printed:
    """The day found, or None with the ``reason``, which is "" when no date stands there at all.

    ``at`` is the instant where it is printed, too; see :class:`ingest.published.Published`. ``ambiguous`` when the
    reason is that day and month could be confused.
    """

    day: date | None
    reason: str = ""
    at: str | None = None
    ambiguous: bool = False


def printed_date(lines: Iterable[str], *, today: date, day_first: bool | None = None) -> Printed:
    """The date of publication printed on ``lines``, those around a headline.

    A date counts when it follows a word such as "Published", or makes up a line or a part of one by itself ("By A B |
    5 March 2024"). The former go before the latter. Dates of changes never count. Two different days, a refused one
    or one that could be two: none is taken. Day and month of a numeric date are told apart by ``day_first``, else by
    the other numeric dates on the lines.
    """
    parts = list(_parts(lines))
    if day_first is None:
        proofs = _proofs(parts)
        day_first = next(iter(proofs)) if len(proofs) == 1 else None
    named: list[LeadingDate] = []
    alone: list[LeadingDate] = []
    for part in parts:
        if _CHANGED.match(part):
            continue
        cue = _PUBLISHED.match(part)
        rest = part[cue.end() :] if cue else part
        rest = rest[found.end() :] if (found := _ARTICLE.match(rest)) else rest
        dated = leading_date(rest, today=today, day_first=day_first)
        if dated is None:
            continue
        after = rest[dated.end :].strip(" \t.,;:)")
        if cue and (not after or not after[0].islower() or _CHANGED.match(after)):
            named.append(dated)
        elif not after or _CHANGED.match(after) or re.match(r"by\s", after, re.IGNORECASE):
            alone.append(dated)
    return _agreed(named or alone)


def _parts(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        stripped = line.strip()
        if stripped and len(stripped) <= _LONGEST:
            yield from (part.strip(" \t()[],") for part in _PARTS.split(stripped))


def printed_orders(lines: Iterable[str]) -> set[bool]:
    """The orders that numeric dates on ``lines`` prove: True for day first, False for month first."""
    return _proofs(_parts(lines))


def _proofs(parts: Iterable[str]) -> set[bool]:
    found: set[bool] = set()
    for part in parts:
        cue = _CHANGED.match(part) or _PUBLISHED.match(part)
        order = proved_order(part[cue.end() :].lstrip(" :\t") if cue else part)
        found |= set() if order is None else {order}
    return found


def _agreed(found: list[LeadingDate]) -> Printed:
    days = {one.day for one in found}
    if len(days) == 1:
        at = next((one.at for one in found if one.at), None)
        return Printed(found[0].day, found[0].reason, at, any(one.ambiguous for one in found))
    if days:
        return Printed(None, "several dates stand at the top of the page")
    return Printed(None)
