"""``.csv`` and ``.tsv``: one article a row, read row by row, columns found by their names."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial

from ingest.clean import MAX_TEXT
from ingest.readers.decoding import bounded_lines, mend, open_lines, read_as
from ingest.readers.items import Item, ReadFailure, ReadWarning, Source
from ingest.readers.rows import Row, read_rows
from qa.errors import InputError

_MAX_LINE = MAX_TEXT + 64_000


def read_csv(source: Source) -> Iterator[Item]:
    """The articles of a CSV file whose first row names the columns, in any case, delimited by comma, semicolon or tab.

    A row that cannot be read is one failure; blank rows are skipped. Damage that shifts all that follows, such as a
    quote that is never closed, ends the file with a failure.
    """
    yield from read_rows(_in_lower_case(source), partial(_table, delimiters=",;\t"))


def read_tsv(source: Source) -> Iterator[Item]:
    """As ``read_csv``, delimited by tabs. Quotes mean what they mean in CSV, as spreadsheets write them."""
    yield from read_rows(_in_lower_case(source), partial(_table, delimiters="\t"))


def _in_lower_case(source: Source) -> Source:
    return replace(source, fields={field: name.lower() for field, name in source.fields.items()})


def _table(source: Source, delimiters: str) -> Iterator[Row | ReadFailure | ReadWarning]:
    with source.open() as stream:
        try:
            text, encoding = open_lines(stream)
            if encoding.guessed:
                yield ReadWarning(source.where, read_as(encoding.name))
            lines = _Lines(bounded_lines(text, _MAX_LINE))
            columns, delimiter = _header(lines, delimiters, source.fields.get("text", "text"))
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


def _header(lines: _Lines, delimiters: str, wanted: str) -> tuple[list[str], str]:
    """Column names in lower case, and the delimiter: the one that makes the ``wanted`` column, else most columns."""
    line = next((line for line in lines if line.strip()), "")
    lines.next_row()
    if not line:
        raise InputError("no text")
    readings = [(_names(line, mark), mark) for mark in delimiters]
    columns, delimiter = max(readings, key=lambda reading: (wanted in reading[0], len(reading[0])))
    if wanted not in columns:
        raise InputError(f"no column is named {wanted!r}; the first row has: {', '.join(columns)[:200]}")
    if columns.count(wanted) > 1:
        raise InputError(f"two columns are named {wanted!r}")
    return columns, delimiter


def _names(line: str, delimiter: str) -> list[str]:
    return [name.strip().lower() for name in next(csv.reader([line], delimiter=delimiter), [])]


def _rows(
    source: Source, lines: _Lines, columns: list[str], delimiter: str
) -> Iterator[Row | ReadFailure | ReadWarning]:
    csv.field_size_limit(_MAX_LINE)
    reader = csv.reader(lines, delimiter=delimiter)
    while True:
        lines.next_row()
        try:
            row = next(reader)
        except StopIteration:
            return
        except (csv.Error, InputError) as error:
            yield ReadFailure(f"{source.where}:{lines.first}", f"{error}; the rest of the file was not read")
            return
        where = f"{source.where}:{lines.first}"
        if lines.ended and _unclosed(lines.row, delimiter):
            yield ReadFailure(where, "a quote is opened here and never closed; the rest of the file was not read")
        elif len(row) > len(columns):
            reason = f"{len(row)} values for {len(columns)} columns: a value that holds {delimiter!r} needs quotes"
            yield ReadFailure(where, reason)
        elif any(value.strip() for value in row):
            yield Row(where, dict(zip(columns, row, strict=False)), lines.guessed)


def _unclosed(row: list[str], delimiter: str) -> bool:
    """Whether the file's last row ends inside quotes, which the lenient reader passes over."""
    try:
        list(csv.reader(row, delimiter=delimiter, strict=True))
    except csv.Error as error:
        return "unexpected end" in str(error)
    return False
