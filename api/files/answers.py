"""Answer files: JSON lines, from which every other format is made; replaced as a whole."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from pydantic import BaseModel, ConfigDict, ValidationError

from api.files.html import write_html
from api.files.markdown import write_markdown
from api.files.sheets import write_csv, write_xlsx
from api.files.view import Shown, shown
from qa.batch import Result
from qa.errors import InputError, UsageError

_RENDERED: dict[str, Callable[[Sequence[Shown], IO[bytes]], None]] = {
    ".csv": write_csv,
    ".md": write_markdown,
    ".xlsx": write_xlsx,
    ".html": write_html,
}
SUPPORTED = (".jsonl", *_RENDERED)
"""Suffixes that :func:`write_answers` knows."""


class _Error(BaseModel):
    code: str
    message: str


class _Row(BaseModel):
    """A row as :func:`write_answers` writes it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    id: str
    question: str
    answer: dict[str, Any] | None
    error: _Error | None
    key: str


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

    Raises ``InputError`` when it cannot be written, and for an answer of a form not known here where it must be read.
    """
    render = _RENDERED.get(path.suffix.lower())
    try:
        with _replacing(path) as file:
            if render is not None:
                render(shown(rows), file)
                return
            for row in rows:
                line = json.dumps(row.to_json(), ensure_ascii=False, separators=(",", ":")) + "\n"
                # A lone surrogate, which a broken article can hold, has no UTF-8: written as its JSON escape.
                file.write(line.encode("utf-8", "backslashreplace"))
    except OSError as error:
        raise InputError(f"cannot be written: {error.strerror}", where=str(path)) from error


def read_answers(path: Path) -> list[Result]:
    """The rows of a file of answers (``.jsonl``), in its order. Raises ``InputError`` naming the line at fault."""
    rows = []
    try:
        with path.open(encoding="utf-8", newline="\n") as file:
            for number, line in enumerate(file, start=1):
                try:
                    # Not pydantic's own JSON, which refuses the escape of a lone surrogate.
                    row = _Row.model_validate(json.loads(line))
                except (ValueError, RecursionError) as error:
                    first = error.errors(include_url=False)[0]["msg"] if isinstance(error, ValidationError) else error
                    reason = " ".join(str(first).split())
                    raise InputError(f"this line is no row of answers: {reason}", where=f"{path}:{number}") from None
                error_told = row.error.model_dump() if row.error else None
                rows.append(Result(row.id, row.question, row.answer, error_told, row.key))
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", where=str(path)) from error
    except UnicodeDecodeError:
        raise InputError("the file is not UTF-8", where=str(path)) from None
    return rows


@contextmanager
def _replacing(path: Path) -> Iterator[IO[bytes]]:
    """A file that takes the place of ``path`` when the block ends without an error."""
    # Where a link points: the link itself is to stay.
    path = path.resolve()
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
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
