"""``.html`` and ``.htm``: the one article of a saved web page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from ingest.clean import canonical_url, source_from_url
from ingest.readers.decoding import Encoding, decode, has_mark, is_utf8, read_as
from ingest.readers.items import Item, ReadFailure, ReadWarning, Source
from ingest.readers.page_dates import date_orders, page_date
from ingest.readers.page_parts import headline, text_of
from ingest.readers.quiet import quiet
from ingest.readers.records import build
from qa.boilerplate import without_boilerplate
from qa.errors import InputError

if TYPE_CHECKING:
    from trafilatura.settings import Document

_MAX_BYTES = 20_000_000
"""Larger pages are no articles; some saved ones are large with pictures inside."""
_SENTENCE = 20
"""Code points. Lines shorter than this are no sentences, but in Chinese hardly any line of an article is shorter."""
_DECLARED = re.compile(
    rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([A-Za-z0-9_.:-]{2,40})|<\?xml[^>]{0,100}encoding=[\"']([A-Za-z0-9_.:-]{2,40})",
    re.IGNORECASE,
)
_LABELS = {
    "iso-8859-1": "cp1252", "latin1": "cp1252", "latin-1": "cp1252", "us-ascii": "cp1252", "ascii": "cp1252",
    "iso-8859-9": "cp1254", "iso-8859-11": "cp874", "tis-620": "cp874", "gb2312": "gb18030", "gbk": "gb18030",
    "shift_jis": "cp932", "shift-jis": "cp932", "x-sjis": "cp932", "euc-kr": "cp949", "ks_c_5601-1987": "cp949",
    "utf8": "utf-8",
}  # fmt: skip
"""What browsers take a declared encoding for, where it is not what it says (WHATWG Encoding Standard)."""
_SAVED_FROM = re.compile(r"<!--\s*(?:saved from url=\(\d+\)|\s*url:\s*)(https?://\S+?)\s*(?:-->|\n)", re.IGNORECASE)


def read_page(source: Source) -> Iterator[Item]:
    """The article of a web page: its text without what surrounds it, and what the page says about it."""
    with source.open() as stream:
        data = stream.read(_MAX_BYTES + 1)
    if len(data) > _MAX_BYTES:
        yield ReadFailure(source.where, f"larger than a page may be ({_MAX_BYTES:,} bytes)")
        return
    if not data.strip():
        yield ReadFailure(source.where, "no text")
        return
    try:
        text, encoding = decode_page(data, source.charset)
    except InputError as error:
        yield ReadFailure(source.where, error.reason)
        return
    if encoding.guessed:
        yield ReadWarning(source.where, read_as(encoding.name))
    yield from _read_text(text, source)


def decode_page(data: bytes, charset: str | None = None) -> tuple[str, Encoding]:
    """The text of a page: by its byte-order mark, as UTF-8 when it is that, by what is declared, else as a guess.

    Declared is what the server said (``charset``), else what the page says itself.

    UTF-8 goes before what the page declares because browsers save pages in UTF-8 without rewriting the declaration.
    Raises ``InputError`` for what is no text.
    """
    match = _DECLARED.search(data[:8192])
    label = (charset or ((match[1] or match[2]).decode("ascii") if match else "")).strip().lower()
    name = _LABELS.get(label, label)
    if not name or has_mark(data) or (is_utf8(data) and not name.startswith("iso-2022")):
        return decode(data)
    try:
        "".encode(name)
    except (LookupError, ValueError):
        name = ""
    if not name or name.startswith("utf"):
        return decode(data)
    if b"\x00" in data:
        raise InputError("looks like a binary file (holds NUL bytes)")
    return data.decode(name, "replace"), Encoding(name)


def _read_text(text: str, source: Source) -> Iterator[Item]:
    try:
        document, tree = _extract(text)
    except Exception as error:  # noqa: BLE001  (a page may be anything, and so is what parsers raise on it)
        yield ReadFailure(source.where, f"cannot be read as a page: {type(error).__name__}")
        return
    title = _title(document.title if document else None, text_of(headline(tree)) if tree is not None else "")
    body = _body(document.text or "", title) if document else ""
    if document is None or not body:
        yield ReadFailure(source.where, "no article text found on the page")
        return
    address = _address(tree, source.url, fetched=True) if source.url else _own_address(text, tree)
    dated = page_date(tree, address, today=source.today, day_first=source.day_first)
    if dated.ambiguous and dated.day is None:
        beside = source.day_first_at(source_from_url(address))
        dated = dated if beside is None else page_date(tree, address, today=source.today, day_first=beside)
    for doubt in dated.doubts:
        yield ReadWarning(source.where, f"date passed over: {doubt}")
    if dated.day is None:
        yield ReadWarning(source.where, "no publication date found on the page; kept without a date")
    fields = {
        "text": body,
        "title": title,
        "authors": [name.strip() for name in (document.author or "").split(";") if name.strip()],
        "source": document.sitename,
        "url": address,
        "published": dated.at or dated.day,
        "language": tree.get("lang") or tree.get("xml:lang"),
    }
    yield from build(fields, where=source.where, today=source.today, dated_by=dated.origin or "")


def page_orders(data: bytes) -> tuple[str | None, set[bool]]:
    """The host of a page's address, if it names one, and the orders that numeric dates on it prove.

    Raises ``InputError`` for what is no text.
    """
    from trafilatura.utils import load_html

    text, _ = decode_page(data)
    with quiet("trafilatura"):
        tree = load_html(text)
    if tree is None:
        return None, set()
    return source_from_url(_own_address(text, tree)), date_orders(tree)


def _own_address(text: str, tree: Any) -> str | None:
    saved = _SAVED_FROM.search(text[:4096])
    return _address(tree, saved[1] if saved else None, fetched=False)


def _extract(text: str) -> tuple[Document | None, Any]:
    """What trafilatura makes of the page, and the page parsed, which trafilatura does not change."""
    from trafilatura import bare_extraction
    from trafilatura.utils import load_html

    with quiet("trafilatura", "htmldate", "courlan"):
        tree = load_html(text)
        if tree is None:
            return None, None
        document = bare_extraction(
            text,
            include_comments=False,
            with_metadata=True,
            date_extraction_params={"extensive_search": False, "original_date": True},
        )
    return document if not isinstance(document, dict) else None, tree


def _title(found: str | None, printed: str) -> str | None:
    """The title found, or the headline as printed when that is what the other was cut off from."""
    return printed or None if not found or printed.startswith(found) else found


def _body(text: str, title: str | None) -> str:
    """The article's text without boilerplate and without the headline, which is kept as the title.

    "" when no line is long enough for a sentence: that is navigation.
    """
    lines = [line.rstrip() for line in without_boilerplate(text).split("\n")]
    if title and lines[0].casefold() == title.casefold():
        del lines[0]
    if all(len(line) < _SENTENCE for line in lines):
        return ""
    return "\n".join(lines).strip()


def _address(tree: Any, known: str | None, *, fetched: bool) -> str | None:
    """The page's canonical URL as it says itself, else ``known``.

    A page that was ``fetched`` from ``known`` can only say so of its own site: articles are told apart by their URLs,
    and nobody's page may replace another site's article.
    """
    base = next((one.get("href") for one in tree.iter("base") if one.get("href")), None) or known or ""
    said = [one.get("href") for one in tree.iter("link") if (one.get("rel") or "").lower() == "canonical"]
    said += [
        one.get("content")
        for one in tree.iter("meta")
        if (one.get("property") or one.get("name") or "").lower() == "og:url"
    ]
    for value in said:
        try:
            url = str(urljoin(base, (value or "").strip()))
            canonical_url(url)
        except ValueError:
            continue
        if not fetched or _site(url) == _site(known or ""):
            return url
    return known


def _site(url: str) -> str:
    """The host without what only tells apart the versions of one site."""
    host = (urlsplit(url).hostname or "").rstrip(".")
    return re.sub(r"^(?:www|m|mobile|amp)\.", "", host)
