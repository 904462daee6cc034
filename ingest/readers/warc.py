"""``.warc``: web archives, each page in them read as a saved page is."""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, BinaryIO

from ingest.clean import MAX_TEXT
from ingest.readers.items import NOTHING, Item, Reader, ReadFailure, ReadWarning, Source

if TYPE_CHECKING:
    from warcio.recordloader import ArcWarcRecord

_PAGES = ("text/html", "application/xhtml+xml")
_MAX_BYTES = 4 * MAX_TEXT
_MAX_HEADERS = 1_000_000
_BLOCK = 64 * 1024


def read_warc(source: Source, read_page: Reader) -> Iterator[Item]:
    """The articles in a WARC file's HTML responses with status 200, each at ``FILE!URL``; other records are skipped.

    Damage ends the file with a failure.
    """
    from warcio.archiveiterator import ArchiveIterator
    from warcio.exceptions import ArchiveLoadFailed
    from warcio.statusandheaders import StatusAndHeadersParserException

    empty = True
    with source.open() as stream:
        guard = _Guard(stream)
        try:
            records = iter(ArchiveIterator(guard))
            while record := guard.next_of(records):
                if page := _page(record, source):
                    empty = False
                    yield from page if isinstance(page, tuple) else read_page(page)
                while record.raw_stream.read(_BLOCK):
                    pass
        except (ArchiveLoadFailed, StatusAndHeadersParserException, EOFError, OSError, zlib.error, ValueError) as error:
            reason = " ".join(str(error).split())[:200] or "it ends early"
            yield ReadFailure(source.where, f"not a WARC file that can be read: {reason}")
            return
    if empty:
        yield ReadWarning(source.where, NOTHING)


class _Guard:
    """The file as warcio reads it, which would put up with a header line as long as the file, piece by slow piece."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._left: int | None = None

    def next_of(self, records: Iterator[ArcWarcRecord]) -> ArcWarcRecord | None:
        """The next record, its content not yet read; None at the end. Raises ``ValueError`` for over-long headers."""
        self._left = _MAX_HEADERS
        record = next(records, None)
        self._left = None
        return record

    def read(self, size: int = -1) -> bytes:
        """As a file's."""
        data = self._stream.read(size)
        if self._left is not None:
            self._left -= len(data)
            if self._left < 0:
                raise ValueError("a header is too long")
        return data

    def tell(self) -> int:
        """As a file's."""
        return self._stream.tell()


def _page(record: ArcWarcRecord, source: Source) -> Source | tuple[ReadFailure] | None:
    """The record as a saved page, a failure if it is too large, None when it is something else."""
    headers = record.http_headers
    if record.rec_type != "response" or headers is None or headers.get_statuscode() != "200":
        return None
    kind, _, parameters = (headers.get_header("Content-Type") or "").partition(";")
    if kind.strip().lower() not in _PAGES:
        return None
    url = record.rec_headers.get_header("WARC-Target-URI") or ""
    url = url.strip().strip("<>")
    where = f"{source.where}!{url}"
    content = record.content_stream().read(_MAX_BYTES + 1)
    if len(content) > _MAX_BYTES:
        return (ReadFailure(where, f"larger than {_MAX_BYTES:,} bytes"),)
    charset = parameters.partition("charset=")[2].strip(" \"'") or None
    opened: Callable[[], io.BytesIO] = partial(io.BytesIO, content)
    return replace(source, where=where, open=opened, url=url or None, charset=charset)
