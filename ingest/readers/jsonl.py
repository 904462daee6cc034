"""``.jsonl``: one article a line, read line by line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ingest.clean import MAX_TEXT
from ingest.readers.decoding import bounded_lines, mend, open_lines, read_as
from ingest.readers.items import Item, ReadFailure, ReadWarning, Source
from ingest.readers.rows import Row, read_rows
from qa.errors import InputError

# JSON may write a code point of text as six, twice that beyond the BMP.
MAX_RECORD = 6 * MAX_TEXT + 64_000
"""Longest record read, in code points."""


def read_jsonl(source: Source) -> Iterator[Item]:
    """The articles of a JSON Lines file. A line that cannot be read is one failure; blank lines are skipped."""
    yield from read_rows(source, _rows)


def load(text: str) -> tuple[Any, str | None]:
    """The JSON value that ``text`` (of ``decoding.open_lines``) is, and the encoding its bytes were mended by, if any.

    Raises ``InputError`` with the reason when it is none.
    """
    text, guessed = mend(text)
    try:
        return json.loads(text), guessed
    except json.JSONDecodeError as error:
        raise InputError(f"not valid JSON: {error.msg} (column {error.colno})") from None
    except (ValueError, RecursionError):
        # Numbers of thousands of digits, brackets nested thousands deep.
        raise InputError("not JSON that can be read: a number too long or brackets too deep") from None


def as_row(value: object, where: str, guessed: str | None = None) -> Row | ReadFailure:
    """A JSON value as a row; a failure when it is no object."""
    if isinstance(value, dict):
        return Row(where, value, guessed)
    return ReadFailure(where, "not a JSON object")


def _rows(source: Source) -> Iterator[Row | ReadFailure | ReadWarning]:
    with source.open() as stream:
        try:
            lines, encoding = open_lines(stream)
        except InputError as error:
            yield ReadFailure(source.where, error.reason)
            return
        if encoding.guessed:
            yield ReadWarning(source.where, read_as(encoding.name))
        for number, line in bounded_lines(lines, MAX_RECORD):
            where = f"{source.where}:{number}"
            if line is None:
                yield ReadFailure(where, f"the line is longer than {MAX_RECORD:,} characters")
            elif line.strip():
                try:
                    value, guessed = load(line)
                except InputError as error:
                    yield ReadFailure(where, error.reason)
                else:
                    yield as_row(value, where, guessed)
