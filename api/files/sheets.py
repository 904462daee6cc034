"""Answers as tables: CSV, and a workbook. What a spreadsheet would take for a formula is kept from being one."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import IO, TYPE_CHECKING, Any

from api.files.view import Shown, clean, flat, remarks, source_line, totals
from api.urls import web_url

if TYPE_CHECKING:
    from openpyxl import Workbook
    from openpyxl.cell.cell import Cell

    from qa.models import Citation

COLUMNS = (
    "id", "question", "outcome", "answer", "citations", "as_of", "model", "input_tokens", "output_tokens", "cost",
    "currency", "error_code", "error", "warnings",
)  # fmt: skip
"""The columns of CSV and of the workbook's first sheet."""

CITATION_COLUMNS = ("id", "n", "published", "source", "title", "quote", "url", "article_id", "supported", "remarks")
"""The columns of the workbook's second sheet."""

_LONGEST_CELL = 32_767
_STARTS_FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # the last as typed in East Asia
_WIDTHS = {"question": 50, "answer": 80, "citations": 80, "quote": 80, "title": 40, "error": 40, "url": 40}


def write_csv(rows: Sequence[Shown], file: IO[bytes]) -> None:
    """One row each, in UTF-8 with the mark that Excel looks for."""
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    writer.writerows([harmless(value) for value in _values(row)] for row in rows)
    text.detach()


def harmless(value: Any) -> Any:
    """``value`` as CSV may hold it: a text that a spreadsheet would compute begins with an apostrophe instead.

    After OWASP's "CSV injection". Numbers are left alone.
    """
    if not isinstance(value, str):
        return value
    text = clean(value)
    return f"'{text}" if text.lstrip(" ").startswith(_STARTS_FORMULAS) else text


def write_xlsx(rows: Sequence[Shown], file: IO[bytes]) -> None:
    """A workbook of three sheets: answers, citations, totals. Every text is a text, whatever it looks like."""
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    _sheet(book, "Answers", COLUMNS, [_values(row) for row in rows])
    _sheet(book, "Citations", CITATION_COLUMNS, [values for row in rows for values in _citation_values(row)])
    counts = totals(rows)
    _sheet(book, "Totals", ("what", "value"), [("questions", counts.rows), *counts.lines()])
    book.save(file)


def _sheet(book: Workbook, title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    from openpyxl.utils import get_column_letter

    sheet = book.create_sheet(title)
    sheet.freeze_panes = "A2"
    for number, name in enumerate(columns, start=1):
        sheet.column_dimensions[get_column_letter(number)].width = _WIDTHS.get(name, 16)
    sheet.append([_cell(sheet, name, bold=True) for name in columns])
    for values in rows:
        sheet.append(
            [_cell(sheet, value, link=name == "url") for name, value in zip(columns, values, strict=True)],
        )


def _cell(sheet: Any, value: Any, *, bold: bool = False, link: bool = False) -> Cell:
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Alignment, Font

    if not isinstance(value, str):
        return WriteOnlyCell(sheet, value)
    text = clean(value)
    cell = WriteOnlyCell(sheet, text if len(text) <= _LONGEST_CELL else text[: _LONGEST_CELL - 1] + "…")
    # Text, and still text when somebody edits the cell.
    cell.data_type = "s"
    cell.quotePrefix = True
    cell.alignment = Alignment(vertical="top", wrap_text=True)
    if bold:
        cell.font = Font(bold=True)
    elif link and (target := web_url(value)):
        cell.hyperlink = target
    return cell


def _values(row: Shown) -> tuple[Any, ...]:
    answer, (code, message) = row.answer, row.error or ("", "")
    usage = answer.usage if answer else None
    cost = usage.cost if usage else None
    return (
        row.id,
        row.question,
        row.outcome,
        answer.text if answer else "",
        "\n".join(map(_cited, row.citations)),
        answer.as_of.isoformat() if answer else "",
        answer.model if answer else "",
        usage.input_tokens if usage else None,
        usage.output_tokens if usage else None,
        cost.amount if cost else None,
        cost.currency if cost else "",
        code,
        message,
        "\n".join(answer.warnings) if answer else "",
    )


def _cited(one: Citation) -> str:
    return f"[{one.n}] {source_line(one)}: “{flat(one.quote)}” {one.url or ''}".strip()


def _citation_values(row: Shown) -> list[tuple[Any, ...]]:
    return [
        (
            row.id,
            one.n,
            one.published.isoformat() if one.published else "undated",
            one.source or "",
            one.title or "",
            one.quote,
            one.url or "",
            one.article_id,
            "yes" if one.supported else "no",
            "; ".join(remarks(one)),
        )
        for one in row.citations
    ]
