"""Whether a question demands its range or prefers it: "only articles from March", "What happened in March?"."""

from __future__ import annotations

import re

from qa.asked_text import Asked

_REPORTS = (
    "(?:articles?|reports?|news|stories|story|coverage|reporting|pieces?|dispatches|headlines|publications|articulos"
    "|noticias|artigos|reportagens|informes)"
)
_ONLY = (
    "(?:only|exclusively|solely|strictly|(?:limit|restrict|confine)(?:ed|d)?(?: (?:it|this|the search|yourself))? to"
    "|solo|solamente|unicamente|apenas|somente)"
)
_FROM = "from|between|since|del?|d[oa]|desde|entre"
_BEFORE = "before|after|until|prior to|up to|as of|by|(?:no|not) (?:older|later|earlier) than"
_IN = "in|on|of|during|over|within|for|at|en|em|el|na|no"
_DEMANDING = re.compile(
    rf"(?<!\w)(?:(?:{_ONLY}|just (?=use|{_REPORTS}))(?: (?:use|consider|cite|search))?"
    rf"(?: (?:{_REPORTS}|sources|documents)(?: (?:{_BEFORE}))?)?"
    rf"|{_REPORTS} (?:(?:that (?:were|are|was) )?(?:published|dated|printed|posted|publicad[oa]s?)(?: (?:{_BEFORE}))?"
    rf"|{_FROM}|{_BEFORE})"
    rf"|(?P<published>(?:published|dated|publicad[oa]s?)(?: (?:{_BEFORE}))?))"
    rf"(?: (?:{_FROM}|{_IN}))?(?: (?:the|el|la|o|a))? \Z"
)
# What is published besides reports: a book of 2019 is no report of 2019.
_OTHER_WORKS = re.compile(
    r"(?<!\w)(?:books?|novels?|stud(?:y|ies)|papers?|memoirs?|albums?|films?|surveys?|polls?|data|figures|research|songs?"
    r"|poems?|libros?|livros?)(?: \w{1,12}){0,2} \Z"
)
_NO_OLDER = re.compile("(?:no|not) (?:older|earlier|later) than|not before")
_ONLY_AFTER = re.compile(r",? (?:only|alone|exclusively|solamente|unicamente|apenas|somente)(?!\w| \w)")


def is_demanded(asked: Asked, start: int, core: int, end: int) -> bool:
    """Whether the words around ``start`` to ``end`` leave no choice; those from ``core`` on are words for days."""
    if _NO_OLDER.match(asked.folded, start) or _ONLY_AFTER.match(asked.after(end)):
        return True
    before = asked.folded[max(core - 80, 0) : core]
    match = _DEMANDING.search(before)
    return match is not None and not (match["published"] and _OTHER_WORKS.search(before[: match.start("published")]))
