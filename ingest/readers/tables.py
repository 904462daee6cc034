"""``.csv``: one article a row, read row by row, columns found by their names."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator

from ingest.clean import MAX_TEXT
from ingest.readers.decoding import bounded_lines, mend, open_lines
from ingest.readers.items import NOTHING, Item, ReadFailure, ReadWarning, Source
from ingest.readers.records import build
from qa.errors import InputError

_DELIMITERS = ",;\t"
_MAX_LINE = MAX_TEXT + 64_000


def read_csv(source: Source) -> Iterator[Item]:
    """The articles of a CSV file whose first row names the columns (delimited by comma, semicolon or tab).

    A row that cannot be read is one failure; blank rows are skipped. Damage that shifts all that follows, such as a
    quote that is never closed, ends the file with a failure.
    """
    with source.open() as stream:
        try:
            text, encoding = open_lines(stream)
            if encoding.guessed:
                yield ReadWarning(source.where, f"not UTF-8; read as {encoding.name}")
            lines = _Lines(bounded_lines(text, _MAX_LINE))
            columns, delimiter = _header(lines)
        except InputError as error:
            yield ReadFailure(source.where, error.reason)
            return
        yield from _rows(source, lines, columns, delimiter)


class _Lines:
    """Lines for ``csv.reader``; remembers those of the current row."""

    def __init__(self, lines: Iterable[tuple[int, str | None]]) -> None:
        self._lines = iter(lines)
        self.row: list[str] = []
        self.first = 0
        self.ended = False
        self.guessed: str | None = None

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        try:
            number, line = next(self._lines)
        except StopIteration:
            self.ended = True
            raise
        if not self.row:
            self.first = number
        if line is None:
            raise InputError(f"the line is longer than {_MAX_LINE:,} characters")
        line, guessed = mend(line)
        self.guessed = guessed or self.guessed
        self.row.append(line + "\n")
        return self.row[-1]

    def next_row(self) -> None:
        self.row = []
        self.guessed = None


def _header(lines: _Lines) -> tuple[list[str], str]:
    """Column names in lower case, and the delimiter: the one that makes a ``text`` column, else most columns."""
    line = next((line for line in lines if line.strip()), "")
    lines.next_row()
    if not line:
        raise InputError("no text")
    readings = [(_names(line, mark), mark) for mark in _DELIMITERS]
    columns, delimiter = max(readings, key=lambda reading: ("text" in reading[0], len(reading[0])))
    if "text" not in columns:
        raise InputError(f"no column is named 'text'; the first row has: {', '.join(columns)[:200]}")
    if columns.count("text") > 1:
        raise InputError("two columns are named 'text'")
    return columns, delimiter


def _names(line: str, delimiter: str) -> list[str]:
    return [name.strip().lower() for name in next(csv.reader([line], delimiter=delimiter), [])]


def _rows(source: Source, lines: _Lines, columns: list[str], delimiter: str) -> Iterator[Item]:
    csv.field_size_limit(_MAX_LINE)
    reader = csv.reader(lines, delimiter=delimiter)
    empty = True
    while True:
        lines.next_row()
        try:
            row = next(reader)
        except StopIteration:
            if empty:
                yield ReadWarning(source.where, NOTHING)
            return
        except (csv.Error, InputError) as error:
            yield ReadFailure(f"{source.where}:{lines.first}", f"{error}; the rest of the file was not read")
            return
        empty = False
        where = f"{source.where}:{lines.first}"
        if lines.ended and _unclosed(lines.row, delimiter):
            yield ReadFailure(where, "a quote is opened here and never closed; the rest of the file was not read")
        elif len(row) > len(columns):
            reason = f"{len(row)} values for {len(columns)} columns: a value that holds {delimiter!r} needs quotes"
            yield ReadFailure(where, reason)
        elif any(value.strip() for value in row):
            if lines.guessed:
                yield ReadWarning(where, f"not UTF-8; read as {lines.guessed}")
            fields = dict(zip(columns, row, strict=False))
            yield from build(fields, where=where, today=source.today, dated_by="field")


def _unclosed(row: list[str], delimiter: str) -> bool:
    """Whether the file's last row ends inside quotes, which the lenient reader passes over."""
    try:
        list(csv.reader(row, delimiter=delimiter, strict=True))
    except csv.Error as error:
        return "unexpected end" in str(error)
    return False
