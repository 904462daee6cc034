"""URLs: fetched, then read by the format their server says."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from ingest.readers.archives import ReadNamed
from ingest.readers.feeds import read_feed
from ingest.readers.items import Fetched, Item, ReadFailure, Source, Url, Web
from qa.errors import InputError

_SUFFIX = {
    "text/html": ".html",
    "application/xhtml+xml": ".html",
    "text/plain": ".txt",
    "text/markdown": ".md",
    "application/pdf": ".pdf",
    "application/json": ".json",
    "application/x-ndjson": ".jsonl",
    "application/jsonl": ".jsonl",
    "text/csv": ".csv",
    "text/tab-separated-values": ".tsv",
    "application/xml": ".xml",
    "text/xml": ".xml",
    "application/rss+xml": ".rss",
    "application/rdf+xml": ".rss",
    "application/atom+xml": ".atom",
}
"""The format of each content type that is read."""
_VAGUE = ("", "text/plain", "application/octet-stream", "binary/octet-stream")
"""Types that servers give what they do not know: here the URL's own suffix tells more."""
_PAGES = ("text/html", "application/xhtml+xml")


def read_url(url: Url, source: Source, web: Web | None, read_named: ReadNamed) -> Iterator[Item]:
    """The articles at ``url``; the one failure when there is nothing to be had. ``source`` is filled with its content.

    A feed's entries are followed to their pages, which are followed no further.
    """
    if web is None:
        yield ReadFailure(url.address, "nothing may be fetched here")
        return
    try:
        found = web.get(url.address, accept=None if url.feed else (*_SUFFIX, *_VAGUE))
    except InputError as error:
        yield ReadFailure(url.address, error.reason)
        return
    filled = replace(_filled(source, found), follow=partial(_follow, source, web, read_named))
    if url.feed:
        yield from read_feed(filled)
        return
    yield from read_named(filled, f"content{_suffix(found)}") or [
        ReadFailure(url.address, f"neither its content type {found.content_type!r} nor its suffix is one that is read")
    ]


def _follow(source: Source, web: Web, read_named: ReadNamed, address: str) -> Iterator[Item]:
    try:
        found = web.get(address, accept=_PAGES)
    except InputError as error:
        yield ReadFailure(address, error.reason)
        return
    yield from read_named(replace(_filled(source, found), where=address), "page.html") or ()


def _filled(source: Source, found: Fetched) -> Source:
    return replace(source, open=partial(io.BytesIO, found.content), url=found.url, charset=found.charset)


def _suffix(found: Fetched) -> str:
    by_name = PurePosixPath(unquote(urlsplit(found.url).path)).suffix.lower()
    by_type = _SUFFIX.get(found.content_type, "")
    return (by_name or by_type) if found.content_type in _VAGUE and by_name in _SUFFIX.values() else by_type
