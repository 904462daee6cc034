"""``.txt`` and ``.md``: one article a file, with or without a header."""

from __future__ import annotations

from collections.abc import Iterator

from ingest.clean import MAX_TEXT, clean_text
from ingest.readers.decoding import decode, read_as
from ingest.readers.header import split_header
from ingest.readers.items import Item, ReadFailure, ReadWarning, Source
from ingest.readers.records import build
from qa.errors import InputError

# No encoding takes more than four bytes for a code point; what lies beyond need not be read to be refused.
_MAX_BYTES = 4 * MAX_TEXT + 64_000


def read_plain(source: Source) -> Iterator[Item]:
    """The one article of a text or Markdown file."""
    with source.open() as stream:
        data = stream.read(_MAX_BYTES + 1)
    if len(data) > _MAX_BYTES:
        yield ReadFailure(source.where, f"larger than an article may be ({MAX_TEXT:,} characters)")
        return
    if not data.strip():
        yield ReadFailure(source.where, "no text")
        return
    try:
        text, encoding = decode(data)
    except InputError as error:
        yield ReadFailure(source.where, error.reason)
        return
    if encoding.guessed:
        yield ReadWarning(source.where, read_as(encoding.name))
    header = split_header(clean_text(text), today=source.today)
    yield from build(
        {**header.fields, "text": header.body},
        where=source.where,
        today=source.today,
        dated_by="header",
        day_first=source.day_first_at,
    )
