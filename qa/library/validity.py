"""Pure: which of an article's versions is the newer, and whether a text met again is news or an old file."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from itertools import groupby
from typing import Any


def precedes(one: str | None, other: str | None) -> bool:
    """Whether the instant ``one`` is before ``other``; False where either is unknown.

    Instants are ISO 8601. One with an offset from UTC and one without cannot be compared.
    """
    first, second = _instant(one), _instant(other)
    return first is not None and second is not None and _alike(first, second) and first < second


def begins(version: Any) -> date:
    """The first day of a version: of its publication; undated, the day it came in, or for the first no day at all."""
    if version.published is not None:
        return version.published  # type: ignore[no-any-return]
    return date.min if version.number == 1 else version.ingested_at.date()


def in_order(versions: Iterable[Any]) -> list[Any]:
    """Versions of one article, oldest first; the last is the current one.

    Days decide, within a day the instants of publication where all of that day's can be compared, else which came in
    first.
    """
    by_day = sorted(versions, key=lambda version: (begins(version), version.number))
    return [version for _, group in groupby(by_day, begins) for version in _within_day(list(group))]


def comes_back(text_hash: str, published: date | None, published_at: str | None, current: Any, today: date) -> bool:
    """Whether a text that an earlier version had, met again with this date, is newer than the current version.

    Dates decide, the day it came in where there is none. Of two of one day the later instant of publication is the
    newer; where they cannot be compared, that which came in last.
    """
    if current.text_hash == text_hash:
        return False
    day = published or today
    if day == begins(current):
        return not precedes(published_at, current.published_at)
    return day > begins(current)


def _within_day(versions: list[Any]) -> list[Any]:
    instants = {version.number: _instant(version.published_at) for version in versions}
    known = [instant for instant in instants.values() if instant is not None]
    if len(known) == len(versions) and all(_alike(known[0], instant) for instant in known):
        versions.sort(key=lambda version: (instants[version.number], version.number))
    return versions


def _instant(text: str | None) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError:
        return None


def _alike(one: datetime, other: datetime) -> bool:
    return (one.utcoffset() is None) == (other.utcoffset() is None)
