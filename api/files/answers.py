"""Answer files: JSON lines, one row a line, replaced as a whole."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from qa.batch import Result
from qa.errors import InputError, UsageError

SUPPORTED = (".jsonl",)
"""Suffixes that :func:`write_answers` knows."""


def check_answers_path(path: Path) -> None:
    """Fail before the first question is asked. Raises ``UsageError`` when answers cannot be written to ``path``."""
    if path.suffix.lower() not in SUPPORTED:
        raise UsageError(f"{path}: answers are written to {', '.join(SUPPORTED)}, not to {path.suffix or 'this'!r}")
    if path.is_dir():
        raise UsageError(f"{path} is a directory")
    if not path.parent.is_dir():
        raise UsageError(f"{path}: there is no directory {path.parent}")


def write_answers(path: Path, rows: Iterable[Result]) -> None:
    """Write the rows in the order given. Readers of ``path`` see the old file or the whole new one, nothing between.

    Raises ``InputError`` when it cannot be written.
    """
    try:
        with _replacing(path) as file:
            for row in rows:
                file.write(json.dumps(row.to_json(), ensure_ascii=False, separators=(",", ":")) + "\n")
    except OSError as error:
        raise InputError(f"cannot be written: {error.strerror}", where=str(path)) from error


@contextmanager
def _replacing(path: Path) -> Iterator[IO[str]]:
    """A file that takes the place of ``path`` when the block ends without an error."""
    # Where a link points: the link itself is to stay.
    path = path.resolve()
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        # A lone surrogate, which a broken article can hold, has no UTF-8: written as its JSON escape.
        with temporary.open("w", encoding="utf-8", errors="backslashreplace", newline="\n") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
