"""``.pdf``: the one article of a PDF with text in it."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ingest.clean import MAX_TEXT, clean_line, clean_text
from ingest.readers.header import split_header
from ingest.readers.items import Item, ReadFailure, ReadWarning, Source
from ingest.readers.printed_date import printed_date
from ingest.readers.quiet import quiet
from ingest.readers.records import build
from qa.errors import InputError

if TYPE_CHECKING:
    from pypdf import PdfReader

_MAX_BYTES = 100_000_000
_MAX_PAGES = 2_000
_TOP_LINES = 15
"""How far down the first page a date is looked for."""
_NO_TITLE = re.compile(
    r"microsoft (?:word|powerpoint|excel)\b.*|untitled.*|unknown|title|document\d*|(?:print|layout|page)\s*\d*"
    r"|.*\.(?:docx?|rtf|odt|indd|qxp|qxd|pdf|pptx?|xlsx?|tex|html?|pages|txt)|\S+|[\W\d_]+",
    re.IGNORECASE,
)
_NO_AUTHOR = re.compile(
    r"(?:admin|administrator|user|owner|author|unknown|anonymous|default|root|guest|windows|microsoft|adobe|scanner"
    r"|office|pc|hp|dell|lenovo|acer|asus|registered)(?: user)?\s*\d*|\S+@\S+|[\W\d_]+",
    re.IGNORECASE,
)


@dataclass(slots=True)
class _Content:
    text: str
    title: str | None
    author: str | None
    unreadable: list[int] = field(default_factory=list)


def read_pdf(source: Source) -> Iterator[Item]:
    """The article of a PDF: its pages' text, parted by blank lines, with title and author where they are sane.

    The date is one of a header or printed at the top of the first page. When the file was made says nothing about when
    the article was published; without another date it is kept undated.
    """
    with source.open() as stream:
        data = stream.read(_MAX_BYTES + 1)
    if len(data) > _MAX_BYTES:
        yield ReadFailure(source.where, f"larger than a PDF may be ({_MAX_BYTES:,} bytes)")
        return
    try:
        content = _extract(data)
    except InputError as error:
        yield ReadFailure(source.where, error.reason)
        return
    if content.unreadable:
        pages = ", ".join(map(str, content.unreadable[:10]))
        yield ReadWarning(source.where, f"pages that cannot be read are left out: {pages}")
    header = split_header(content.text, today=source.today)
    fields: dict[str, object] = {
        "title": content.title,
        "authors": content.author,
        **header.fields,
        "text": header.body,
    }
    dated_by = "header"
    if "published" not in fields:
        top = [line for line in header.body[:4000].split("\n") if line.strip()][:_TOP_LINES]
        printed = printed_date(top, today=source.today, day_first=source.day_first)
        fields["published"], dated_by = printed.at or printed.day, "text"
        if printed.day is None:
            why = printed.reason or "no date of publication stands at the top"
            yield ReadWarning(source.where, f"{why}; kept without a date")
    yield from build(
        fields,
        where=source.where,
        today=source.today,
        dated_by=dated_by,
        day_first=source.day_first_at,
    )


def _extract(data: bytes) -> _Content:
    """Raises ``InputError`` with the reason when there is no text to be had."""
    from pypdf import PdfReader
    from pypdf.errors import DependencyError, FileNotDecryptedError

    try:
        with quiet("pypdf"):
            reader = PdfReader(io.BytesIO(data))
            if reader.is_encrypted and not reader.decrypt(""):
                raise InputError("is encrypted and needs a password")
            return _content(reader)
    except InputError:
        raise
    except (FileNotDecryptedError, DependencyError):
        raise InputError("is encrypted in a way that cannot be read") from None
    except Exception as error:  # noqa: BLE001  (a damaged PDF can make the parser raise anything)
        reason = (str(error).splitlines() or [""])[0][:200]
        raise InputError(f"not a PDF that can be read: {reason or type(error).__name__}") from None


def _content(reader: PdfReader) -> _Content:
    count = len(reader.pages)
    if count > _MAX_PAGES:
        raise InputError(f"has {count:,} pages, more than the {_MAX_PAGES:,} a PDF may have")
    pages: list[str] = []
    unreadable: list[int] = []
    length = 0
    for number in range(count):
        try:
            text = clean_text(reader.pages[number].extract_text())
        except Exception:  # noqa: BLE001  (one damaged page must not cost the others)
            unreadable.append(number + 1)
            continue
        length += len(text)
        if length > MAX_TEXT:
            raise InputError(f"holds more text than an article may have ({MAX_TEXT:,} characters)")
        pages.append(text)
    whole = "\n\n".join(page for page in pages if page)
    if not whole:
        raise InputError("no page can be read" if unreadable else "no text in it: scanned pages need OCR first")
    title, author = _said(reader)
    return _Content(whole, title, author, unreadable)


def _said(reader: PdfReader) -> tuple[str | None, str | None]:
    """Title and author of the metadata, where people wrote them and not programs."""
    metadata = reader.metadata
    title = clean_line(str(metadata.title or "")) if metadata else None
    author = clean_line(str(metadata.author or "")) if metadata else None
    return (
        None if title is None or _NO_TITLE.fullmatch(title) else title,
        None if author is None or _NO_AUTHOR.fullmatch(author) else author,
    )
