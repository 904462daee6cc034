"""``.xml``, ``.nitf`` and ``.newsml``: NewsML-G2 and NITF, read without entities or anything from outside the file."""

from __future__ import annotations

import html.entities
import re
from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING

from ingest.readers.blocks import html_text, local_name, xml_text
from ingest.readers.feeds import read_feed
from ingest.readers.items import NOTHING, Item, ReadFailure, ReadWarning, Source
from ingest.readers.records import build
from qa.errors import InputError

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_MAX_BYTES = 64_000_000
_BLOCK = 64 * 1024
_FEEDS = ("rss", "feed", "rdf")
_XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_NO_ELEMENT = re.compile(rb"<\?.*?\?>|<!--.*?-->", re.DOTALL)
_ELEMENT = re.compile(rb"<(?:[\w.-]+:)?([A-Za-z_][\w.-]*)")


def read_xml(source: Source) -> Iterator[Item]:
    """The articles of a NewsML-G2 or NITF file, or of a feed; a failure for any other XML.

    Several items of a file are at ``PATH#1``, ``PATH#2`` and so on. Files that declare entities, or refer to any
    outside of them, are refused.
    """
    with source.open() as stream:
        head = stream.read(_BLOCK)
    if not head.strip():
        yield ReadFailure(source.where, "no text")
        return
    # Good enough for UTF-16, too, of which every second byte is zero.
    element = _ELEMENT.search(_NO_ELEMENT.sub(b"", head.replace(b"\0", b"")))
    if element and element[1].decode().lower() in _FEEDS:
        yield from read_feed(source)
        return
    try:
        yield from _articles(_parse(source), source)
    except InputError as error:
        yield ReadFailure(source.where, error.reason)
    except RecursionError:
        yield ReadFailure(source.where, "elements nested too deep")


def _articles(root: Element, source: Source) -> Iterator[Item]:
    name = local_name(root)
    if name == "nitf":
        yield from _build(_nitf(root), source, source.where, "nitf")
    elif name in ("newsmessage", "newsitem"):
        yield from _newsml(root, source)
    else:
        reason = f"unknown XML: its root is <{name[:60]}>; read are NewsML-G2, NITF, RSS and Atom"
        yield ReadFailure(source.where, reason)


def _parse(source: Source) -> Element:
    from xml.etree.ElementTree import ParseError

    from defusedxml import DefusedXmlException, EntitiesForbidden
    from defusedxml.ElementTree import DefusedXMLParser

    parser = DefusedXMLParser()
    # Those of the DTD that NITF files name, which is not read.
    parser.entity.update({name: chr(code) for name, code in html.entities.name2codepoint.items()})
    with source.open() as stream:
        data = stream.read(_MAX_BYTES + 1)
    if len(data) > _MAX_BYTES:
        raise InputError(f"larger than {_MAX_BYTES:,} bytes")
    try:
        # At once: in pieces, expat would look at an endless tag from its beginning with every piece.
        parser.feed(data)
        root: Element = parser.close()
    except EntitiesForbidden:
        raise InputError("declares entities of its own, which can be made to fill the memory; refused") from None
    except DefusedXmlException:
        raise InputError("refers to entities outside of the file; refused") from None
    except ParseError as error:
        raise InputError(f"not valid XML: {error}") from None
    except (LookupError, ValueError) as error:
        raise InputError(f"not XML in an encoding that can be read: {error}") from None
    return root


def _build(fields: dict[str, object], source: Source, where: str, dated_by: str) -> Iterator[Item]:
    return build(fields, where=where, today=source.today, dated_by=dated_by, day_first=lambda _: source.day_first)


# NewsML-G2


def _newsml(root: Element, source: Source) -> Iterator[Item]:
    items = [root] if local_name(root) == "newsitem" else list(_all(root, "newsitem"))
    if not items:
        yield ReadWarning(source.where, NOTHING)
    for number, item in enumerate(items, 1):
        where = source.where if len(items) == 1 else f"{source.where}#{number}"
        status = _code(_first(item, "pubstatus"))
        kind = _code(_first(item, "itemclass"))
        if status in ("canceled", "withheld"):
            yield ReadWarning(where, f"{status} by its provider; left out")
        elif kind not in ("", "text", "composite"):
            yield ReadWarning(where, f"no text but: {kind}; left out")
        else:
            yield from _build(_item(item), source, where, "newsml")


def _item(item: Element) -> dict[str, object]:
    inner: dict[str, object] = {}
    text = ""
    for content in chain(_all(item, "inlinexml"), _all(item, "inlinedata")):
        if (nitf := _first(content, "nitf")) is not None:
            inner = _nitf(nitf)
            text = str(inner["text"])
        else:
            body = _first(content, "body")
            text = xml_text(content if body is None else body)
            if local_name(content) == "inlinedata" and "html" in content.get("contenttype", ""):
                text = html_text("".join(content.itertext()))
        if text:
            break
    version = item.get("version", "1")
    dates = ("contentcreated", "firstcreated", "versioncreated")
    # A later version is news of its own day.
    created = dates if version in ("", "0", "1") else dates[::-1]
    provider = _first(item, "provider")
    creators = [_named(by) for by in _all(item, "creator")] or [_line(by) for by in _all(item, "by")]
    return {
        "text": text,
        "title": _line(_first(item, "headline")) or inner.get("title"),
        "source": (_named(provider) if provider is not None else "") or inner.get("source"),
        "authors": [name for name in creators if name] or inner.get("authors"),
        "published": next((day for day in (_line(_first(item, name)) for name in created) if day), "")
        or inner.get("published"),
        "url": inner.get("url"),
        "id": item.get("guid"),
        "language": _language(item) or inner.get("language"),
    }


def _language(item: Element) -> str:
    """The language that the content is said to be in, else the item as a whole."""
    said = _first(item, "language")
    return ("" if said is None else said.get("tag", "")) or _own_language(item)


def _own_language(element: Element) -> str:
    return element.get(_XML_LANG, "") or element.get("lang", "")


def _named(party: Element) -> str:
    """A party's name, else its literal, else the second half of its code."""
    return _line(_first(party, "name")) or party.get("literal", "") or _code(party)


def _code(element: Element | None) -> str:
    """``text`` of the code ``ninat:text``; "" when there is none."""
    return "" if element is None else element.get("qcode", "").rpartition(":")[2].lower()


# NITF


def _nitf(root: Element) -> dict[str, object]:
    pubdata = _first(root, "pubdata")
    published = [_attribute(root, name, "norm") for name in ("date.release", "date.issue", "story.date")]
    published.append("" if pubdata is None else pubdata.get("date.publication", ""))
    address = "" if pubdata is None else pubdata.get("ex-ref", "")
    content = _first(root, "body.content")
    byline = _first(root, "byline")
    authors = [] if byline is None else [_line(one) for one in _all(byline, "person")] or [_line(byline)]
    return {
        "text": "" if content is None else xml_text(content),
        "title": _line(_first(root, "hl1")) or _line(_first(root, "title")),
        "source": ("" if pubdata is None else pubdata.get("name", "")) or _line(_first(root, "distributor")),
        "authors": [re.sub(r"^by\s+", "", name, flags=re.IGNORECASE) for name in authors if name],
        "published": next((date for date in published if date), ""),
        "url": address if address.startswith(("http://", "https://")) else None,
        "id": _attribute(root, "doc-id", "id-string") or None,
        "language": _own_language(root) or ("" if content is None else _own_language(content)),
    }


# Trees, by names in lower case whatever their namespaces


def _all(root: Element, name: str) -> Iterator[Element]:
    return (element for element in root.iter() if element is not root and local_name(element) == name)


def _first(root: Element, name: str) -> Element | None:
    return next(_all(root, name), None)


def _attribute(root: Element, name: str, attribute: str) -> str:
    return next((value for element in _all(root, name) if (value := element.get(attribute, ""))), "")


def _line(element: Element | None) -> str:
    return "" if element is None else " ".join("".join(element.itertext()).split())
