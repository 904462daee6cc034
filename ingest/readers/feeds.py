"""``.rss`` and ``.atom``, and feeds at URLs: one article an entry."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import date
from typing import Any

from ingest.published import parse_published, proved_order
from ingest.readers.blocks import html_text
from ingest.readers.items import NOTHING, Item, ReadArticle, ReadFailure, ReadWarning, Source
from ingest.readers.records import build

_MAX_BYTES = 32_000_000
_DATES = ("published", "created", "updated")
"""What an entry's date is taken from, the first that it has."""
_SUMMARY = 1_200
"""Fewer characters than this in a ``description`` are taken for a summary, not the article."""
_CUT_OFF = re.compile(r"(?:…|\.\.\.|\[…\]|\[\.\.\.\]|read more|continue reading)\W*\Z", re.IGNORECASE)


def read_feed(source: Source) -> Iterator[Item]:
    """The articles of an RSS or Atom feed, each at ``FEED#1``, ``FEED#2`` and so on.

    An entry that gives only a summary is read in full from its page where ``source.follow`` allows it; its summary is
    the article otherwise, with a warning. Never fetches anything by itself.
    """
    with source.open() as stream:
        data = stream.read(_MAX_BYTES + 1)
    if len(data) > _MAX_BYTES:
        yield ReadFailure(source.where, f"larger than {_MAX_BYTES:,} bytes")
        return
    if b"<!ENTITY" in data.replace(b"\0", b"").upper():
        yield ReadFailure(source.where, "declares entities of its own, which can be made to fill the memory; refused")
        return
    feed = _parsed(data, source)
    if not feed.get("version") and not feed.entries:
        yield ReadFailure(source.where, f"not a feed{_because(feed)}")
        return
    if feed.bozo and not feed.entries:
        yield ReadFailure(source.where, f"a feed that cannot be read{_because(feed)}")
        return
    if not feed.entries:
        yield ReadWarning(source.where, NOTHING)
    source = replace(source, beside=_proved(feed.entries))
    for number, entry in enumerate(feed.entries, 1):
        yield from _entry(entry, feed.feed, replace(source, where=f"{source.where}#{number}"))


def _parsed(data: bytes, source: Source) -> Any:
    import feedparser

    headers = {"content-location": source.url} if source.url else {}
    if source.charset:
        headers["content-type"] = f"application/xml; charset={source.charset}"
    # Bytes by themselves might be taken for a file's name.
    return feedparser.parse(io.BytesIO(data), response_headers=headers)


def _because(feed: Any) -> str:
    reason = " ".join(str(feed.get("bozo_exception") or "").split())
    return f": {reason[:200]}" if reason else ""


def _entry(entry: Any, feed: Any, source: Source) -> Iterator[Item]:
    text, whole = _text(entry)
    fields = {
        "text": text,
        "title": html_text(entry.get("title", "")),
        "url": entry.get("link"),
        "published": _published(entry, source.today),
        "source": entry.get("source", {}).get("title") or feed.get("title"),
        "authors": [str(one["name"]) for one in entry.get("authors", ()) if one.get("name")],
        "id": entry.get("id"),
        "language": entry.get("language") or entry.get("title_detail", {}).get("language") or feed.get("language"),
    }
    if whole or not fields["url"]:
        yield from _build(fields, source)
        return
    if source.follow is None:
        if text:
            yield ReadWarning(source.where, "the feed gives only a summary, which is taken for the article")
        yield from _build(fields, source)
        return
    yield from _followed(fields, source)


def _text(entry: Any) -> tuple[str, bool]:
    """The entry's longest text, and whether it looks like the whole article."""
    content = max((html_text(one.get("value", "")) for one in entry.get("content", ())), key=len, default="")
    summary = html_text(entry.get("summary", ""))
    text = content if len(content) >= len(summary) else summary
    whole = bool(content) or len(summary) >= _SUMMARY
    return text, whole and not _CUT_OFF.search(text)


def _published(entry: Any, today: date) -> str:
    """The date as written, as far as that can be read; else as feedparser understands it."""
    name, written = _written(entry)
    try:
        parse_published(written, today=today)
    except ValueError:
        moment = entry.get(f"{name}_parsed")
        return date(*moment[:3]).isoformat() if moment and 1 <= moment[0] <= 9999 else written
    return written


def _written(entry: Any) -> tuple[str, str]:
    """The first of the entry's dates, and its name; "" when it has none."""
    return next(((name, str(entry[name])) for name in _DATES if entry.get(name)), ("", ""))


def _build(fields: dict[str, Any], source: Source) -> Iterator[Item]:
    return build(fields, where=source.where, today=source.today, dated_by="feed", day_first=source.day_first_at)


def _proved(entries: Iterable[Any]) -> Callable[[str | None], bool | None]:
    """The order of day and month in the feed's numeric dates, whatever the site: one program wrote them all."""
    orders = {order for entry in entries if (order := proved_order(_written(entry)[1])) is not None}
    return lambda _site: next(iter(orders)) if len(orders) == 1 else None


def _followed(fields: dict[str, Any], source: Source) -> Iterator[Item]:
    """The article at the entry's page, with what the feed says of it; its summary when the page cannot be read."""
    assert source.follow is not None
    reason = "no article was found there"
    for item in source.follow(fields["url"]):
        if isinstance(item, ReadArticle):
            article = item.article
            page = {
                "text": article.text,
                "url": article.url or fields["url"],
                "title": fields["title"] or article.title,
                "source": article.source or fields["source"],
                "authors": fields["authors"] or list(article.authors),
                "language": item.declared or fields["language"],
            }
            if fields["published"] or not article.published:
                yield from _build({**fields, **page}, source)
            else:
                dated = {**fields, **page, "published": article.published_at or article.published.isoformat()}
                yield from build(
                    dated, where=source.where, today=source.today, dated_by=article.published_from or "feed"
                )
            return
        if isinstance(item, ReadFailure):
            reason = item.reason
    reason = f"{fields['url']} cannot be read: {reason}"
    if not fields["text"]:
        yield ReadFailure(source.where, reason)
        return
    yield ReadWarning(source.where, f"{reason}; the feed's summary is taken for the article")
    yield from _build(fields, source)
