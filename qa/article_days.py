"""Readers of days in articles: "today", "on Friday", "last Monday", "este lunes", "over the weekend"."""

from __future__ import annotations

import re
from datetime import date, timedelta

from qa.article_text import Article, Match, Reader
from qa.calendar import MONTHS, WEEKDAY_NUMBERS, Days, latest_weekday, one, week
from qa.tense import Tense

_SURE_OF_WEEKDAY = 5
"""Days on either side of publication. Six back is tomorrow's name: in a report that was mended later it is tomorrow."""

_NO_TODAY_BEFORE = re.compile(r"(?:(?<!\w)(?:of|even|until|till|to|than|as|the|ago) |[\"'])\Z")
_NO_TODAY_AFTER = re.compile(r"[\"'-]| (?:show|programme|program|en dia|em dia)(?!\w)")
_NO_TOMORROW_BEFORE = re.compile(r"(?:(?<!\w)(?:after|of|no|about|for) |[\"'])\Z")


def day_away(days: int) -> Reader:
    """A reader of words for the day so many days after publication."""
    return lambda article, _match: one(article.published + timedelta(days=days))


def today(article: Article, match: Match) -> Days | None:
    """ "Today", where something happened or will: without such a verb it is these times, or "USA Today"."""
    before, word = article.before(match), match[0]
    if word in ("today", "hoy", "hoje"):
        named = article.text[match.start()].isupper() and re.search(r"\w['’]?s? \Z", before)
        if named or _NO_TODAY_BEFORE.search(before) or _NO_TODAY_AFTER.match(article.after(match)):
            return None
        if article.tense(match) is None:
            return None
    return one(article.published)


def tomorrow(article: Article, match: Match) -> Days | None:
    """ "Tomorrow", but not "the world of tomorrow"."""
    if _NO_TOMORROW_BEFORE.search(article.before(match)):
        return None
    return one(article.published + timedelta(days=1))


def relative_weekday(article: Article, match: Match) -> Days | None:
    """ "This Friday" of the week of publication, or of the next when it is to come; "last Friday", "next Friday"."""
    wanted, day = WEEKDAY_NUMBERS[match["weekday"]], article.published
    if not article.written_as_name(match, "weekday") or _DATE_AFTER.match(article.after(match)):
        return None
    if match["which"] == "last":
        return one(latest_weekday(wanted, day - timedelta(days=1)))
    found = week(day)[0] + timedelta(days=wanted + (7 if match["which"] == "next" else 0))
    if match["which"] == "this" and found < day and article.tense(match) == "future":
        found += timedelta(weeks=1)
    return one(found)


_NO_WEEKDAY_BEFORE = re.compile(
    r"(?<!\w)(?:an?|every|each|one|any|some|recent|most|many|by|until|till|through|before|to|from|and|or|between|than|of"
    r"|(?<!scheduled )(?<!planned )(?<!slated )(?<!set )(?<!expected )for|next|previous|following|first|second"
    r"|third|fourth|alternate|consecutive|that|ahead of|all-star|black|good|bloody|super|ash|holy|maundy"
    r"|cyber|giving|palm|easter|sheffield|fat|the) \Z"
)
_NO_WEEKDAY_AFTER = re.compile(
    r" ?[-/&]|,? (?:through|thru|until) |(?:,|,? (?:to|and|or)) (?:on )?\w{2,7}days?(?!\w)| (?:live|lights|football"
    r"|fever|times|telegraph|mail|mirror|express|post|herald|star|brunch|mass|school|concerts?)(?!\w)"
)
_DATE_AFTER = re.compile(
    rf",? (?:the )?(?:\d{{1,2}}(?:st|nd|rd|th)?(?: of)? (?:{'|'.join(MONTHS)})|(?:{'|'.join(MONTHS)}) \d)(?!\d{{3}})"
)
""""On Tuesday 24 June": the date says which Tuesday it is."""


def bare_weekday(article: Article, match: Match) -> Days | None:
    """ "On Friday", "said Friday", "Friday's vote", "Friday night": as the tense has it."""
    before = article.before(match)
    if (
        not article.written_as_name(match, "w")
        or _NO_WEEKDAY_BEFORE.search(before)
        or _NO_WEEKDAY_AFTER.match(article.after(match))
        or _DATE_AFTER.match(article.after(match))
    ):
        return None
    tense = "past" if re.search(r"(?<!\w)since \Z", before) else article.tense(match)
    return _nearest_weekday(WEEKDAY_NUMBERS[match["w"]], article.published, tense)


def _nearest_weekday(wanted: int, day: date, tense: Tense | None) -> Days | None:
    """The latest such weekday for the past, the coming one for the future; the day itself counts for both."""
    ahead = (wanted - day.weekday()) % 7
    back = -ahead % 7
    if tense == "past" and back <= _SURE_OF_WEEKDAY:
        return one(day - timedelta(days=back))
    if tense == "future" and ahead <= _SURE_OF_WEEKDAY:
        return one(day + timedelta(days=ahead))
    return None


def romance_weekday(article: Article, match: Match) -> Days | None:
    """Spanish and Portuguese: "este lunes", "el lunes pasado", "nesta segunda-feira (17)"."""
    wanted, day = WEEKDAY_NUMBERS[match["dia"]], article.published
    if match["dia_del_mes"]:
        near = (day + timedelta(days=n) for n in range(-6, 7))
        found = [one(d) for d in near if d.weekday() == wanted and d.day == int(match["dia_del_mes"])]
        return found[0] if len(found) == 1 else None
    said = f"{match['cual']} {match['cual_es'] or ''}"
    if re.search("pas+ad|ultim", said):
        return one(latest_weekday(wanted, day - timedelta(days=1)))
    if re.search("proxim", said):
        return one(latest_weekday(wanted, day + timedelta(days=7)))
    if day.weekday() == wanted and "est" in said:
        return one(day)
    return _nearest_weekday(wanted, day, article.tense(match))


def weekend(article: Article, match: Match) -> Days | None:
    """ "Last weekend", the latest that is over; "this weekend" and "over the weekend" as the tense has it."""
    published, which, tense = article.published, match["which_weekend"], article.tense(match)
    if re.search(r"(?<!\w)(?:to|the) \Z", article.before(match)):
        return None  # "the second to last weekend"
    saturday = latest_weekday(5, published)
    on_weekend = published.weekday() > 4
    if which == "last":
        saturday -= timedelta(weeks=on_weekend)
    elif tense == "future" and which == "this" and 0 < published.weekday() < 5:
        saturday += timedelta(weeks=1)
    elif not on_weekend and (tense != "past" or published.weekday() > 2):
        return None
    return saturday, saturday + timedelta(days=1)
