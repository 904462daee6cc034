"""Files and folders in, articles and failures out, one at a time."""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
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
from ingest.readers.parallel import Workers
from ingest.readers.parquet import read_parquet
from ingest.readers.pdf import read_pdf
from ingest.readers.plain import read_plain
from ingest.readers.remote import read_url
from ingest.readers.rows import parse_map
from ingest.readers.stdin import STDIN, read_stdin
from ingest.readers.tables import read_csv, read_tsv
from ingest.readers.warc import read_warc

__all__ = ["SUFFIXES", "Item", "ReadArticle", "ReadFailure", "ReadWarning", "Url", "files_in", "parse_map", "read"]

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
    jobs: int = 1,
    home: Path | None = None,
) -> Generator[Item, None, None]:
    """Every article in ``paths``, in order, with the warnings before it, and a failure for all that cannot be read.

    Folders are read with all that is in them, by name, hidden files, unknown formats and the ``home`` that articles are
    kept in left out; a file that is named itself must be of a known format; the path ``-`` is standard input. ``today``
    is what publication dates are held against, ``date_order`` how numeric ones are read that could have day or month
    first, ``fields`` says what fields of records are called in the files (``{"text": "body"}``). URLs are fetched from
    ``web``, which files never are the cause of. With ``jobs`` above 1 so many processes read the files that hold one
    article each, pages and PDF above all, a few ahead of what is taken; the articles and their order are the same.
    Holds one article at a time, or a few for each process; never raises for what is on disk or in the web.
    """
    make = partial(Source, today=today, fields=dict(fields or {}), date_order=date_order)
    steps = _steps(paths, make, web, home and Path(os.path.realpath(home)))
    if jobs <= 1:
        for step in steps:
            yield from step() if callable(step) else _read_file(step)
        return
    workers: Workers[_File, Iterable[Item]] = Workers(jobs, _read_apart, _died)
    with workers:
        for items in workers.map(_apart_or_here(step) for step in steps):
            yield from items


_Make = Callable[[str, Callable[[], BinaryIO]], Source]
"""Makes the source of a name for messages and a way to open its content."""


@dataclass(frozen=True, slots=True)
class _File:
    """A file to be read; ``beside`` when it was found in a folder."""

    path: Path
    make: _Make
    beside: Beside | None = None


_Step = _File | Callable[[], Iterable[Item]]


def _steps(paths: Iterable[Path | Url], make: _Make, web: Web | None, home: Path | None) -> Iterator[_Step]:
    """What there is to read, in order."""
    for path in paths:
        if isinstance(path, Url):
            yield partial(read_url, path, make(path.address, BytesIO), web, _read_named)
        elif path == STDIN:
            yield partial(read_stdin, make)
        else:
            yield from _found(path, make, home)


def _found(path: Path, make: _Make, home: Path | None) -> Iterator[_Step]:
    try:
        is_folder = stat.S_ISDIR(path.stat().st_mode)
    except FileNotFoundError:
        yield _failing(path, "there is no such file or folder")
        return
    except OSError as error:
        yield _failing(path, f"cannot be read: {error.strerror}")
        return
    if is_folder:
        beside = Beside(path, partial(files_in, path, home))
        for found in _walk(path, home):
            yield _File(found, make, beside) if isinstance(found, Path) else partial(_only, found)
    elif _reader(path) is None:
        known = ", ".join(SUFFIXES)
        kind = f"unknown format {path.suffix!r}" if path.suffix else "no suffix to tell the format by"
        yield _failing(path, f"{kind}; known are {known}, each also with .gz")
    else:
        yield _File(path, make)


def _failing(path: Path, reason: str) -> Callable[[], Iterable[Item]]:
    return partial(_only, ReadFailure(_shown(path), reason))


def _only(item: Item) -> Iterable[Item]:
    return [item]


def _reader(path: Path) -> Reader | None:
    name = path.name.lower().removesuffix(".gz")
    return _READERS.get(Path(name).suffix)


def files_in(folder: Path, home: Path | None = None) -> Iterator[Path]:
    """The files of a folder that :func:`read` reads, with those below it, by name."""
    return (path for path in _walk(folder, home) if isinstance(path, Path))


def _walk(folder: Path, home: Path | None) -> Iterator[Path | ReadFailure]:
    failures: list[ReadFailure] = []

    def unreadable(error: OSError) -> None:
        failures.append(ReadFailure(_shown(Path(error.filename)), f"cannot be listed: {error.strerror}"))

    for here, folders, files in os.walk(folder, onerror=unreadable):
        yield from failures
        failures.clear()
        inside = home is not None and home.parent == Path(os.path.realpath(here)) and home.name
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name != inside)
        for name in sorted(files):
            path = Path(here) / name
            if not name.startswith(".") and _reader(path) is not None:
                yield path
    yield from failures


def _apart_or_here(step: _Step) -> _Step:
    # What another process reads is held whole: hence only files that hold one article at most.
    if callable(step) or _reader(step.path) in (read_plain, read_page, read_pdf):
        return step
    return partial(_read_file, step)


_besides: dict[Path, Beside] = {}
"""In a process that reads apart, and does so for one run: what a folder's files prove is looked up once."""


def _read_apart(file: _File) -> list[Item]:
    known = file.beside and _besides.setdefault(file.beside.folder, file.beside)
    return list(_read_file(replace(file, beside=known)))


def _died(file: _File) -> list[Item]:
    return [ReadFailure(_shown(file.path), "cannot be read: the process that read it died")]


def _read_file(file: _File) -> Iterator[Item]:
    path, reader = file.path, _reader(file.path)
    if reader is None or not path.is_file():
        # A pipe or a device would never end.
        yield ReadFailure(_shown(path), "not a regular file")
        return
    source = file.make(_shown(path), partial(open_binary, path))
    if file.beside is not None:
        source = replace(source, beside=partial(file.beside.day_first, today=source.today))
    yield from _guarded(reader, source)


def _shown(path: Path) -> str:
    """The path as text that can be printed, whatever bytes its name has."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")
