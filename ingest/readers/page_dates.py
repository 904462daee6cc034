"""Pure: when a web page was published, from the places that say so, the most trusted first.

1. ``json-ld``: ``datePublished`` of the page's article in schema.org data.
2. ``opengraph``, then ``meta``: ``<meta>`` names that publishing systems use.
3. ``time``: ``<time>`` or microdata marked as the publication's, else the one beside the headline.
4. ``url``: year, month and day in the address's path.
5. ``text``: a date printed beside the headline (see ``printed_date``).

A value that is refused (in the future, before 1800, day and month in doubt) is passed over for the next place, and
said. htmldate is not asked: it does not say where it found a date, and takes ambiguous ones for day first.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import unquote, urlsplit

from ingest.published import leading_date, proved_order
from ingest.readers.json_ld import published_values
from ingest.readers.page_parts import attribute, beside_headline, classes, lines_beside_headline, text_of
from ingest.readers.printed_date import printed_date, printed_orders

_OPENGRAPH = ("article:published_time", "og:article:published_time", "og:published_time", "article:published")
_META = (
    "datepublished", "parsely-pub-date", "sailthru.date", "dcterms.issued", "dc.date.issued", "dc.date.published",
    "dcterms.date", "dc.date", "dcterms.created", "dc.date.created", "publication_date", "publication-date",
    "published_date", "publish_date", "publish-date", "publishdate", "publisheddate", "pubdate", "pub_date",
    "cxenseparse:recs:publishtime", "cxenseparse:publishtime", "bt:pubdate", "article.published",
    "article_date_original",
    "originalpublicationdate", "dcsext.articlefirstpublished", "rnews:datepublished", "citation_publication_date",
    "date.issued", "dc.issued", "displaydate", "ptime", "date",
)  # fmt: skip
_PUBLISHES = re.compile(
    r"publi|posted|pub-?date|pubdate|issued|entry-date|dateline|(?:^|[\s_-])(?:post|article)-?date", re.IGNORECASE
)
_CHANGES = re.compile(r"updat|modif|edited|aktualis|revis", re.IGNORECASE)
_MONTHS = dict(zip("jan feb mar apr may jun jul aug sep oct nov dec".split(), range(1, 13), strict=True))
_IN_PATH = re.compile(
    r"(?:/|/[\w-]*?[_-])(?P<year>(?:19|20)\d\d)(?P<mark>[/_-])(?P<month>\d{1,2}|[a-z]{3})(?P=mark)(?P<day>\d{1,2})(?=[/_.-]|$)"
    r"|/(?P<compact>(?:19|20)\d{6})(?=/|$)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class PageDate:
    """The day and the place it was found in; both None when there is none. ``doubts`` are the values refused.

    ``at`` is the instant where that place has it; see :class:`ingest.published.Published`. ``ambiguous`` when day and
    month of one of the values refused could be confused.
    """

    day: date | None
    origin: str | None
    doubts: tuple[str, ...] = ()
    at: str | None = None
    ambiguous: bool = False


def page_date(tree: Any, url: str | None, *, today: date, day_first: bool | None = None) -> PageDate:
    """The publication date of the page parsed as ``tree`` (by lxml), whose address is ``url``.

    Numeric dates whose day and month could be confused are read by ``day_first``, else as the page's other numeric
    dates prove.
    """
    metas = _metas(tree)
    order = day_first if day_first is not None else _proved(tree, metas)
    doubts: list[str] = []
    ambiguous = False
    places: tuple[tuple[str, Callable[[], Iterator[str]]], ...] = (
        ("json-ld", lambda: iter(published_values(tree, url))),
        ("opengraph", lambda: (metas[name] for name in _OPENGRAPH if name in metas)),
        ("meta", lambda: (metas[name] for name in _META if name in metas)),
        ("time", lambda: _times(tree)),
        ("url", lambda: _in_path(url)),
    )
    for origin, values in places:
        for value in values():
            found = leading_date(value.strip(), today=today, day_first=order)
            if found is None:
                continue
            if found.day is not None:
                return PageDate(found.day, origin, tuple(doubts), found.at, ambiguous)
            doubts.append(f"{origin}: {found.reason}")
            ambiguous = ambiguous or found.ambiguous
    printed = printed_date(lines_beside_headline(tree), today=today, day_first=order)
    if printed.reason:
        doubts.append(f"text: {printed.reason}")
    return PageDate(
        printed.day,
        "text" if printed.day else None,
        tuple(dict.fromkeys(doubts)),
        printed.at,
        ambiguous or printed.ambiguous,
    )


def date_orders(tree: Any) -> set[bool]:
    """The orders that numeric dates on the page prove: True for day first, False for month first."""
    return _orders(tree, _metas(tree)) | printed_orders(lines_beside_headline(tree))


def _metas(tree: Any) -> Mapping[str, str]:
    """The content of the page's ``<meta>`` elements by name, property or itemprop in lower case; the first counts."""
    found: dict[str, str] = {}
    for element in tree.iter("meta"):
        content = attribute(element, "content").strip()
        for key in ("property", "name", "itemprop"):
            name = attribute(element, key).strip().lower()
            if name and content:
                found.setdefault(name, content)
    return found


def _proved(tree: Any, metas: Mapping[str, str]) -> bool | None:
    orders = _orders(tree, metas)
    return next(iter(orders)) if len(orders) == 1 else None


def _orders(tree: Any, metas: Mapping[str, str]) -> set[bool]:
    values = [*metas.values(), *(attribute(one, "datetime") or text_of(one) for one in tree.iter("time"))]
    return {order for value in values if (order := proved_order(value)) is not None}


def _times(tree: Any) -> Iterator[str]:
    marked = tree.xpath(
        '//*[contains(concat(" ", normalize-space(@itemprop), " "), " datePublished ")] | //time[@pubdate]'
    )
    # A teaser of another article has its own microdata; the page's comes first in its main part.
    for element in sorted(marked, key=_is_aside):
        if not _is_aside(element):
            yield from _values(element)
    times = [one for one in tree.iter("time") if not _is_aside(one) and not _is_change(one)]
    yield from (value for one in times if _PUBLISHES.search(classes(one)) for value in _values(one))
    beside = beside_headline(tree)
    candidates = [one for one in times if one in beside]
    # Two times without a word on which is which: neither is certain.
    if len({attribute(one, "datetime")[:10] or text_of(one) for one in candidates}) == 1:
        yield from _values(candidates[0])


def _values(element: Any) -> Iterator[str]:
    for value in (
        attribute(element, "datetime"),
        attribute(element, "content"),
        attribute(element, "title"),
        text_of(element),
    ):
        if value.strip():
            yield value


def _is_change(element: Any) -> bool:
    own = f"{classes(element)} {attribute(element, 'itemprop')} {classes(element.getparent())}"
    before = (element.getprevious().tail if element.getprevious() is not None else element.getparent().text) or ""
    previous = text_of(element.getprevious())[-30:] if element.getprevious() is not None and not before.strip() else ""
    return bool(_CHANGES.search(own) or _CHANGES.search(before[-40:]) or _CHANGES.search(previous))


def _is_aside(element: Any) -> bool:
    return any(
        one.tag in ("aside", "nav", "footer")
        or re.search(
            r"relat|sidebar|comment|recommend|teaser|most-?read|trending|promo",
            f"{classes(one)} {one.get('id') or ''}",
            re.I,
        )
        for one in element.iterancestors()
        if one.tag not in ("body", "html")
    )


def _in_path(url: str | None) -> Iterator[str]:
    try:
        path = unquote(urlsplit(url or "").path)
    except ValueError:
        return
    for match in _IN_PATH.finditer(path):
        if compact := match["compact"]:
            yield compact
            continue
        name = match["month"].lower()
        month = int(name) if name.isdecimal() else _MONTHS.get(name, 0)
        yield f"{match['year']}-{month:02}-{int(match['day']):02}"
