"""Files and folders in, articles and failures out, one at a time."""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from ingest.published import DateOrder
from ingest.readers.archives import read_tar, read_zip
from ingest.readers.beside import Beside
from ingest.readers.decoding import READ_ERRORS, open_binary
from ingest.readers.feeds import read_feed
from ingest.readers.items import Item, ReadArticle, Reader, ReadFailure, ReadWarning, Source, Url, Web
from ingest.readers.json_file import read_json
from ingest.readers.jsonl import read_jsonl
from ingest.readers.newsml import read_xml
from ingest.readers.page import read_page
from ingest.readers.parquet import read_parquet
from ingest.readers.pdf import read_pdf
from ingest.readers.plain import read_plain
from ingest.readers.remote import read_url
from ingest.readers.rows import parse_map
from ingest.readers.stdin import STDIN, read_stdin
from ingest.readers.tables import read_csv, read_tsv
from ingest.readers.warc import read_warc

__all__ = ["SUFFIXES", "Item", "ReadArticle", "ReadFailure", "ReadWarning", "Url", "parse_map", "read"]

_log = logging.getLogger(__name__)


def _read_named(source: Source, name: str) -> Iterator[Item] | None:
    """Reads a source by the format that a file's name says; None when that is no known one."""
    reader = _reader(Path(name))
    return None if reader is None else _guarded(reader, source)


def _guarded(reader: Reader, source: Source) -> Iterator[Item]:
    """What ``reader`` yields, and a failure for whatever it raises: one bad file never stops a run."""
    try:
        yield from reader(source)
    except READ_ERRORS as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        yield ReadFailure(source.where, f"cannot be read: {reason}")
    except Exception as error:  # noqa: BLE001 - what parsers raise on files made to break them is without end
        _log.debug("%s: the reader failed", source.where, exc_info=True)
        yield ReadFailure(source.where, f"cannot be read: {type(error).__name__}: {error}")


_READERS: dict[str, Reader] = {
    ".txt": read_plain,
    ".md": read_plain,
    ".html": read_page,
    ".htm": read_page,
    ".pdf": read_pdf,
    ".jsonl": read_jsonl,
    ".json": read_json,
    ".csv": read_csv,
    ".tsv": read_tsv,
    ".parquet": read_parquet,
    ".xml": read_xml,
    ".nitf": read_xml,
    ".newsml": read_xml,
    ".rss": read_feed,
    ".atom": read_feed,
    ".warc": partial(read_warc, read_page=partial(_guarded, read_page)),
    ".zip": partial(read_zip, read_named=_read_named),
    ".tar": partial(read_tar, read_named=_read_named),
    ".tgz": partial(read_tar, read_named=_read_named),
}

SUFFIXES = tuple(_READERS)
"""Formats read, by suffix in lower case; each may be followed by ``.gz``."""


def read(
    paths: Iterable[Path | Url],
    *,
    today: date,
    fields: Mapping[str, str] | None = None,
    date_order: DateOrder = "auto",
    web: Web | None = None,
) -> Iterator[Item]:
    """Every article in ``paths``, in order, with the warnings before it, and a failure for all that cannot be read.

    Folders are read with all that is in them, by name, hidden files and unknown formats left out; a file that is
    named itself must be of a known format; the path ``-`` is standard input. ``today`` is what publication dates are
    held against, ``date_order`` how numeric ones are read that could have day or month first, ``fields`` says what
    fields of records are called in the files (``{"text": "body"}``). URLs are fetched from ``web``, which files never
    are the cause of. Holds one article at a time; never raises for what is on disk or in the web.
    """
    make = partial(Source, today=today, fields=fields or {}, date_order=date_order)
    for path in paths:
        if isinstance(path, Url):
            source = make(path.address, BytesIO)
            yield from read_url(path, source, web, _read_named)
            continue
        if path == STDIN:
            yield from read_stdin(make)
            continue
        try:
            is_folder = stat.S_ISDIR(path.stat().st_mode)
        except FileNotFoundError:
            yield ReadFailure(_shown(path), "there is no such file or folder")
            continue
        except OSError as error:
            yield ReadFailure(_shown(path), f"cannot be read: {error.strerror}")
            continue
        if is_folder:
            beside = Beside(partial(_files, path), today)
            for found in _walk(path):
                yield from [found] if isinstance(found, ReadFailure) else _read_file(found, make, beside)
        elif _reader(path) is None:
            known = ", ".join(SUFFIXES)
            kind = f"unknown format {path.suffix!r}" if path.suffix else "no suffix to tell the format by"
            yield ReadFailure(_shown(path), f"{kind}; known are {known}, each also with .gz")
        else:
            yield from _read_file(path, make)


def _reader(path: Path) -> Reader | None:
    name = path.name.lower().removesuffix(".gz")
    return _READERS.get(Path(name).suffix)


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in _walk(folder) if isinstance(path, Path))


def _walk(folder: Path) -> Iterator[Path | ReadFailure]:
    failures: list[ReadFailure] = []

    def unreadable(error: OSError) -> None:
        failures.append(ReadFailure(_shown(Path(error.filename)), f"cannot be listed: {error.strerror}"))

    for here, folders, files in os.walk(folder, onerror=unreadable):
        yield from failures
        failures.clear()
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            path = Path(here) / name
            if not name.startswith(".") and _reader(path) is not None:
                yield path
    yield from failures


def _read_file(
    path: Path, make: Callable[[str, Callable[[], BinaryIO]], Source], beside: Beside | None = None
) -> Iterator[Item]:
    reader = _reader(path)
    if reader is None or not path.is_file():
        # A pipe or a device would never end.
        yield ReadFailure(_shown(path), "not a regular file")
        return
    source = make(_shown(path), partial(open_binary, path))
    yield from _guarded(reader, replace(source, beside=beside.day_first) if beside else source)


def _shown(path: Path) -> str:
    """The path as text that can be printed, whatever bytes its name has."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")
