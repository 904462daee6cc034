"""Files and folders in, articles and failures out, one at a time."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from datetime import date
from functools import partial
from pathlib import Path

from ingest.readers.decoding import READ_ERRORS, open_binary
from ingest.readers.items import Item, ReadArticle, Reader, ReadFailure, ReadWarning, Source
from ingest.readers.jsonl import read_jsonl
from ingest.readers.plain import read_plain
from ingest.readers.tables import read_csv

__all__ = ["SUFFIXES", "Item", "ReadArticle", "ReadFailure", "ReadWarning", "read"]

_READERS: dict[str, Reader] = {".txt": read_plain, ".md": read_plain, ".jsonl": read_jsonl, ".csv": read_csv}

SUFFIXES = tuple(_READERS)
"""Formats read, by suffix in lower case; each may be followed by ``.gz``."""


def read(paths: Iterable[Path], *, today: date) -> Iterator[Item]:
    """Every article in ``paths``, in order, with the warnings before it, and a failure for all that cannot be read.

    Folders are read with all that is in them, by name, hidden files and unknown formats left out; a file that is
    named itself must be of a known format. ``today`` is what publication dates are held against. Holds one article
    at a time; never raises for what is on disk.
    """
    for path in paths:
        try:
            is_folder = stat.S_ISDIR(path.stat().st_mode)
        except FileNotFoundError:
            yield ReadFailure(_shown(path), "there is no such file or folder")
            continue
        except OSError as error:
            yield ReadFailure(_shown(path), f"cannot be read: {error.strerror}")
            continue
        if is_folder:
            for found in _walk(path):
                yield from [found] if isinstance(found, ReadFailure) else _read_file(found, today)
        elif _reader(path) is None:
            known = ", ".join(SUFFIXES)
            kind = f"unknown format {path.suffix!r}" if path.suffix else "no suffix to tell the format by"
            yield ReadFailure(_shown(path), f"{kind}; known are {known}, each also with .gz")
        else:
            yield from _read_file(path, today)


def _reader(path: Path) -> Reader | None:
    name = path.name.lower().removesuffix(".gz")
    return _READERS.get(Path(name).suffix)


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


def _read_file(path: Path, today: date) -> Iterator[Item]:
    reader = _reader(path)
    if reader is None or not path.is_file():
        # A pipe or a device would never end.
        yield ReadFailure(_shown(path), "not a regular file")
        return
    try:
        yield from reader(Source(_shown(path), partial(open_binary, path), today))
    except READ_ERRORS as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        yield ReadFailure(_shown(path), f"cannot be read: {reason}")


def _shown(path: Path) -> str:
    """The path as text that can be printed, whatever bytes its name has."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")
