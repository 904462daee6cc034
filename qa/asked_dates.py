"""The publication range that a question speaks of, as pure code: ``read_range``.

No date parser of others is used: they are made to find a date in nearly anything, and so guess at just the words that
are traps in a question ("May", "second", "the march", "5 km", "1984"); none knows ranges, or what "only" demands.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date, timedelta

from qa.asked_demand import is_demanded
from qa.asked_periods import Period, periods
from qa.asked_text import Asked
from qa.calendar import Days, in_words, week, year

Span = tuple[int, int]

MOST_READ = 10_000
"""Code points of a question in which a time is looked for; what is longer holds pasted text."""


@dataclass(frozen=True, slots=True)
class AskedRange:
    """The days of publication that a question speaks of, both inclusive; ``start`` None = open.

    ``words`` are the spans of the question that say so, ``reason`` tells people how they were read. ``demanded`` when
    the words leave no choice ("only", "published in"); else the range is a preference.
    """

    start: date | None
    end: date | None
    reason: str
    demanded: bool
    words: tuple[Span, ...]


def read_range(question: str, as_of: date) -> AskedRange | None:
    """The range that ``question`` speaks of on ``as_of``; None when it speaks of none, or only of what is to come.

    Weeks run from Monday to Sunday. A day, weekday, month or quarter without a year is the latest one that had begun by
    ``as_of``. The range never ends after ``as_of``. Of several stretches of time, those joined ("between", "to", "and")
    are taken from the first to the last; of separate ones the shortest counts, and the first of equal ones.

    Never raises; costs in proportion to the question's length, of which ``MOST_READ`` code points are read.
    """
    text, offsets = _single_spaced(question[:MOST_READ])
    asked = Asked(text)
    groups = _groups(asked)
    try:
        latest = _framed(asked, groups, as_of)
        found = [one for group in groups if (one := _read(asked, group, as_of, latest))]
    except OverflowError:  # at the end of the calendar
        return None
    if not found:
        return None
    best = min(_bounded(found), key=_length)
    start, end = best.span
    said = text[start:end]
    return AskedRange(
        start=best.start,
        end=best.end,
        reason=f'"{said if len(said) <= _MOST_SHOWN else said[:_MOST_SHOWN] + "…"}" read as {_told(best)}',
        demanded=is_demanded(asked, start, best.core, end),
        words=((offsets[start], offsets[end - 1] + 1),),
    )


_MOST_SHOWN = 80


def _single_spaced(text: str) -> tuple[str, list[int]]:
    """``text`` with one space for each run of white space, and where each of its characters comes from."""
    kept = [n for n, one in enumerate(text) if not (one.isspace() and n and text[n - 1].isspace())]
    return "".join(" " if text[n].isspace() else text[n] for n in kept), kept


@dataclass(frozen=True, slots=True)
class _Found:
    """A range and the words that say it; from ``core`` on they are words for days.

    ``limit`` is the kind of word before those that leaves an end open ("since"), "" when none does.
    """

    span: Span
    core: int
    start: date | None
    end: date
    limit: str = ""


def _length(found: _Found) -> int:
    return (found.end - found.start).days if found.start else date.max.toordinal()


def _told(found: _Found) -> str:
    if found.start is None:
        return f"up to {found.end}"
    return in_words((found.start, found.end))


# -- which stretches of time belong together ---------------------------------------------------------------------------

_Link = str
"""How a stretch of time belongs to the one before it: "to", "and", or "in" where the one lies in the other."""

_TO = re.compile(r" ?- ?|,? (?:to|through|thru|until|till|up to|al|ate|hasta|bis)(?: the| el| o| la)? ")
_AND = re.compile(
    r" ?[&/] ?|, |,? (?:and|or|y|e|o|ou|a|und|et|vs\.?|versus|(?:as )?compared? (?:with|to)|than)"
    r"(?: (?:in|on|the|em|en)){0,2} "
)
_IN = re.compile(r",? (?:in|on|of|during) |, ")


@dataclass(frozen=True, slots=True)
class _Group:
    """Stretches of time that make one range; ``links[n]`` stands between ``periods[n]`` and the next."""

    periods: tuple[Period, ...]
    links: tuple[_Link, ...] = ()


def _groups(asked: Asked) -> list[_Group]:
    groups: list[_Group] = []
    for period in periods(asked):
        link = _link(asked, groups[-1].periods[-1], period) if groups else None
        if link is None:
            groups.append(_Group((period,)))
        else:
            groups[-1] = _Group((*groups[-1].periods, period), (*groups[-1].links, link))
    return groups


def _link(asked: Asked, left: Period, right: Period) -> _Link | None:
    gap = asked.folded[left.end : min(right.start, left.end + 30)]
    if right.start - left.end > 30 or not gap.strip(" "):
        return None
    if _TO.fullmatch(gap):
        return "to"
    if _IN.fullmatch(gap) and left.floating != right.floating:
        return "in"
    return "and" if _AND.fullmatch(gap) else None


def _framed(asked: Asked, groups: list[_Group], as_of: date) -> date:
    """The day up to which "March" is read: the end of 2022 in "In 2022, who resigned in March?", else ``as_of``."""
    if len(groups) < 2 or len(groups[0].periods) > 1 or groups[0].periods[0].floating:
        return as_of
    frame = groups[0].periods[0]
    days = frame.days(as_of)
    opens = _OPENING.fullmatch(asked.folded[: frame.start][:20]) and asked.after(frame.end).startswith(",")
    return min(days[1], as_of) if opens and days else as_of


_OPENING = re.compile(r"\W{0,3}(?:(?:back )?in|during|en|em|im|no|na)? ?(?:the )?")


def _hull(group: _Group, as_of: date, latest: date, *, between: bool) -> Days | None:
    """From the first day to the last of a group; None when it means no days.

    A year said once holds for both: in "between March and May 2022" March is read by May's, in "from March 2022 to May"
    May is the one that follows.
    """
    known = group.periods
    days = [None if one.floating else one.days(as_of) for one in known]
    dated = [not one.floating for one in known]
    for n in reversed(range(len(known))):
        if known[n].floating:
            days[n] = known[n].days(_read_by(group, n, days, dated, latest, between=between))
            dated[n] = dated[n + 1] if n + 1 < len(known) else False
    kept: list[Days] = []
    for n, one in enumerate(days):
        if one and kept and group.links[n - 1] == "to" and one[1] < kept[-1][0]:
            return None  # "from 2000 to 1900" are no years
        if one and kept and group.links[n - 1] == "in":
            kept[-1] = min(kept[-1], one, key=lambda pair: pair[1] - pair[0])
        elif one:
            kept.append(one)
    return (min(first for first, _ in kept), max(last for _, last in kept)) if kept else None


def _read_by(group: _Group, n: int, days: list[Days | None], dated: list[bool], latest: date, *, between: bool) -> date:
    """The day up to which the floating ``periods[n]`` is read, given what those after it and those with a year mean."""
    before = days[n - 1] if n else None
    after = days[n + 1] if n + 1 < len(days) else None
    if after and (group.links[n] in ("to", "in") or between):
        return after[1]
    if after and dated[n + 1]:
        return (week if group.periods[n].of_week else year)(after[1])[1]
    if before:
        return before[1] if group.links[n - 1] == "in" else min(latest, before[0] + timedelta(days=364))
    return latest


# -- the words around them ---------------------------------------------------------------------------------------------

_BEFORE_RANGE = re.compile(
    r"""(?<![\w-])(?:
      (?P<since>since|on\ or\ after|starting(?:\ in|\ on|\ from)?|(?:no|not)\ (?:older|earlier)\ than|not\ before
        |desde|a\ partir\ del?|a\ partir\ d[oa]|seit|depuis)
    | (?P<before>before|prior\ to|older\ than|earlier\ than|antes\ del?|antes\ d[oa]|avant|vor)
    | (?P<after>after|later\ than|newer\ than|more\ recent\ than|despues\ del?|tras|depois\ d[eoa]|apos|apres|nach)
    | (?P<until>until|till|on\ or\ before|up\ until|up\ to|by|as\ of|as\ at|(?:no|not)\ later\ than|hasta|ate|bis)
    | (?P<pair>between|from|entre|del?|von|zwischen|da|do)
    )(?:\ (?:the|el|la|o|a))?\ \Z""",
    re.VERBOSE,
)
_ONWARDS = re.compile(
    r"(?:,? onwards?|,? (?:and|or) later|,? to date| on(?= ?\Z| ?[?.,])"
    r"|,? (?:and|to|until|till|up to|through|y|hasta|e|ate)"
    r" (?:now|the present|present|this day|date|ahora|hoy|hoje|agora))(?!\w)"
)


def _read(asked: Asked, group: _Group, as_of: date, latest: date) -> _Found | None:
    """The range of a group with the words around it; None when it is yet to come, or leaves both ends open."""
    first, last = group.periods[0], group.periods[-1]
    before = _BEFORE_RANGE.search(asked.before(first.start))
    onwards = _ONWARDS.match(asked.after(last.end))
    limit = before.lastgroup if before else None
    if "to" in group.links:
        limit = "pair" if limit in ("since", "pair") else None
    elif onwards and limit in (None, "pair"):
        limit = "since"
    between = before is not None and before["pair"] in ("between", "entre", "zwischen")
    days = _edges(group, as_of, latest) if limit in _LIMITS else None
    days = days or _hull(group, as_of, latest, between=between)
    if days is None or days[0] > as_of or (_floats_ahead(asked, group) and not days[0] <= as_of <= days[1]):
        return None
    start, end = _limited(days, limit, as_of, of_event=_of_event(asked, last))
    if (start is None and end >= as_of) or (start is not None and start > as_of):
        return None
    span = (
        first.start - (len(before[0]) if before and (limit in _LIMITS or (limit == "pair" and group.links)) else 0),
        last.end + (onwards.end() if onwards and limit == "since" else 0),
    )
    return _Found(span, first.start, start, min(end, as_of), limit or "")


_LIMITS = ("since", "before", "after", "until")


def _floats_ahead(asked: Asked, group: _Group) -> bool:
    """Whether the question is about what will be: then "on Friday" is the coming one."""
    return any(one.floating and asked.ahead(one.start, one.end) for one in group.periods)


def _edges(group: _Group, as_of: date, latest: date) -> Days | None:
    """For "since the start of March": that day; None for all else."""
    one = group.periods[0]
    if len(group.periods) > 1 or one.part is None or one.part.edge is None:
        return None
    days = replace(one, part=None).days(latest if one.floating else as_of)
    return (days[one.part.edge], days[one.part.edge]) if days else None


def _of_event(asked: Asked, period: Period) -> bool:
    """Whether an event of that time limits the range: "after Tuesday's debate" begins on Tuesday."""
    return "'s" in (asked.folded[period.end : period.end + 2], asked.folded[period.end - 2 : period.end])


def _limited(days: Days, limit: str | None, as_of: date, *, of_event: bool) -> tuple[date | None, date]:
    day = timedelta(0 if of_event else 1)
    if limit == "since":
        return days[0], as_of
    if limit == "after":
        return (days[0] if of_event else days[1] + day), as_of
    if limit == "before":
        return None, days[1] if of_event else days[0] - day
    return (None if limit == "until" else days[0]), days[1]


def _bounded(found: list[_Found]) -> list[_Found]:
    """``found`` with each "since ..." and the "until ..." right after it made one range."""
    kept: list[_Found] = []
    for one in found:
        left = kept[-1] if kept else None
        if (
            left and left.limit in ("since", "after") and one.limit in ("before", "until")
            and left.start and left.start <= one.end and one.span[0] - left.span[1] <= len(", and ")
        ):  # fmt: skip
            kept[-1] = _Found((left.span[0], one.span[1]), left.core, left.start, one.end)
        else:
            kept.append(one)
    return kept
