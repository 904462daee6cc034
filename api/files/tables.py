"""Tables of questions: ``.csv``, ``.tsv`` and ``.xlsx``, whose first row names the columns, in any case."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time
from typing import IO, Any

from qa.errors import DatelineError, InputError

Record = tuple[int, str, dict[str, Any]]
"""Line or row (from 1), the id where the record gives none, fields."""

_MOST_COLUMNS = 1000
_LONGEST_FIELD = 1_000_000


def read_delimited(where: str, text: str, delimiters: str, column: str) -> Iterator[Record]:
    """The rows of a table in text, delimited by whichever of ``delimiters`` makes a column called ``column``.

    Without an id a row is called by its number below the header. Raises ``InputError`` naming the line.
    """
    first = next((line for line in text.split("\n") if line.strip()), "")
    delimiter = max(delimiters, key=lambda mark: (column in _names(first.split(mark)), first.count(mark)))
    csv.field_size_limit(_LONGEST_FIELD)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        yield from _records(where, _lines_of(reader), column, delimiter)
    except csv.Error as error:
        raise InputError(f"this is not CSV: {error}", where=f"{where}:{reader.line_num}") from None


def _lines_of(reader: Any) -> Iterator[tuple[int, list[str]]]:
    """Each row with the line it begins on: a quoted value may hold line feeds."""
    begins = 1
    for values in reader:
        line, begins = begins, reader.line_num + 1
        yield line, values


def read_xlsx(where: str, file: IO[bytes], column: str) -> Iterator[Record]:
    """The rows of a workbook's first sheet; formulas count as the values that were saved with them.

    Raises ``InputError`` naming the row, and for what is no workbook.
    """
    from openpyxl import load_workbook

    try:
        # Read row by row; without links to other workbooks, which nobody asked to be followed.
        book = load_workbook(file, read_only=True, data_only=True, keep_links=False)
        try:
            rows = enumerate(book.worksheets[0].iter_rows(values_only=True, max_col=_MOST_COLUMNS), start=1)
            yield from _records(where, ((row, [_cell(value) for value in values]) for row, values in rows), column)
        finally:
            book.close()
    except DatelineError:
        raise
    except Exception as error:  # noqa: BLE001 - openpyxl lets through whatever a broken part of the file leads to
        what = " ".join(str(error).split())[:200] or type(error).__name__
        raise InputError(
            f"this is no workbook that can be read: {what}", where=where, hint="Save it as .xlsx or .csv."
        ) from None


def _cell(value: Any) -> str:
    """A cell as it would be written in CSV: whole numbers without a point, days as YYYY-MM-DD."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(sep=" ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _names(values: Iterable[str]) -> list[str]:
    return [value.strip().strip('"').strip().lower() for value in values]


def _records(
    where: str, rows: Iterator[tuple[int, Sequence[str]]], column: str, delimiter: str = ""
) -> Iterator[Record]:
    given = ((line, values) for line, values in rows if any(value.strip() for value in values))
    line, header = next(given, (1, []))
    names = _names(header)
    while names and not names[-1]:
        # A sheet is as wide as its widest row.
        names.pop()
    if column not in names:
        found = ", ".join(name for name in names if name)[:500] or "none"
        raise InputError(
            f"there is no column {column!r} (found: {found})",
            where=f"{where}:{line}",
            hint="Name the column of questions with --question-column.",
        )
    if names.count(column) > 1:
        raise InputError(f"two columns are called {column!r}", where=f"{where}:{line}")
    for number, (line, values) in enumerate(given, start=1):
        filled = max((at for at, value in enumerate(values, start=1) if value.strip()), default=0)
        if filled > len(names):
            raise InputError(
                f"{filled} fields, the header has {len(names)}",
                where=f"{where}:{line}",
                hint=f"Put a text with {delimiter!r} in double quotes." if delimiter else "Name that column.",
            )
        yield line, str(number), dict(zip(names, (value.strip() for value in values), strict=False))
