"""``.jsonl``: one article a line, read line by line."""

from __future__ import annotations

import json
from collections.abc import Iterator

from ingest.clean import MAX_TEXT
from ingest.readers.decoding import bounded_lines, mend, open_lines
from ingest.readers.items import NOTHING, Item, ReadFailure, ReadWarning, Source
from ingest.readers.records import build
from qa.errors import InputError

# JSON may write a code point of text as six, twice that beyond the BMP.
_MAX_LINE = 6 * MAX_TEXT + 64_000


def read_jsonl(source: Source) -> Iterator[Item]:
    """The articles of a JSON Lines file. A line that cannot be read is one failure; blank lines are skipped."""
    with source.open() as stream:
        try:
            lines, encoding = open_lines(stream)
        except InputError as error:
            yield ReadFailure(source.where, error.reason)
            return
        if encoding.guessed:
            yield ReadWarning(source.where, f"not UTF-8; read as {encoding.name}")
        empty = True
        for number, line in bounded_lines(lines, _MAX_LINE):
            where = f"{source.where}:{number}"
            if line is None:
                yield ReadFailure(where, f"the line is longer than {_MAX_LINE:,} characters")
            elif line.strip():
                yield from _read_line(line, where, source)
            else:
                continue
            empty = False
        if empty:
            yield ReadWarning(source.where, NOTHING)


def _read_line(line: str, where: str, source: Source) -> Iterator[Item]:
    try:
        line, guessed = mend(line)
        record = json.loads(line)
    except InputError as error:
        yield ReadFailure(where, error.reason)
        return
    except json.JSONDecodeError as error:
        yield ReadFailure(where, f"not valid JSON: {error.msg} (column {error.colno})")
        return
    except (ValueError, RecursionError):
        # Numbers of thousands of digits, brackets nested thousands deep.
        yield ReadFailure(where, "not JSON that can be read: a number too long or brackets too deep")
        return
    if not isinstance(record, dict):
        yield ReadFailure(where, "not a JSON object with a field 'text'")
    elif "text" not in record:
        yield ReadFailure(where, "field 'text' is missing")
    else:
        if guessed:
            yield ReadWarning(where, f"not UTF-8; read as {guessed}")
        yield from build(record, where=where, today=source.today, dated_by="field")
