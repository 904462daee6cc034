"""Files of questions: ``.txt`` (a question a line), ``.csv``, ``.tsv``, ``.xlsx`` and ``.jsonl``, text in UTF-8; or
standard input.

Tables and ``.jsonl`` have the fields ``question`` and, where wanted, ``id``, ``as_of``, ``from``, ``to``, ``source``,
``article``, ``model``, ``top_k``; ``.jsonl`` also ``history``. Other fields are passed over, so an evaluation set can
be asked too. Without an id a question is called by its number: that of its line in ``.txt`` and ``.jsonl``, of its row
below the header in tables.
"""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field, ValidationError, field_validator, model_validator

from api.files.tables import Record, read_delimited, read_xlsx
from api.schemas import Day, HistoryTurn
from qa.batch import Row
from qa.errors import InputError, UsageError
from qa.models import Ask, Turn

SUPPORTED = (".txt", ".csv", ".tsv", ".xlsx", ".jsonl")
"""Suffixes that :func:`read_questions` knows."""

STDIN = Path("-")
"""Stands for standard input, where a file is named."""

_QUESTION = "question"


class _Question(BaseModel):
    question: str = Field(min_length=1)
    id: str | None = None
    as_of: Day | None = None
    start: Day | None = Field(None, alias="from")
    end: Day | None = Field(None, alias="to")
    source: list[str] = []
    article: str | None = None
    model: str | None = None
    top_k: int | None = Field(None, ge=1, le=50)
    history: list[HistoryTurn] = []

    @field_validator("id", "article", mode="before")
    @classmethod
    def _number_is_an_id(cls, value: Any) -> Any:
        return str(value) if type(value) is int else value

    @field_validator("source", mode="before")
    @classmethod
    def _one_source(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value

    @model_validator(mode="after")
    def _range_is_not_empty(self) -> _Question:
        if self.start and self.end and self.start > self.end:
            raise ValueError(f"from {self.start} is after to {self.end}")
        return self

    def ask(self) -> Ask:
        return Ask(
            question=self.question,
            history=tuple(Turn(role=turn.role, content=turn.content) for turn in self.history),
            as_of=self.as_of,
            start=self.start,
            end=self.end,
            sources=tuple(self.source),
            article=self.article,
            top_k=self.top_k,
            model=self.model,
        )


def read_questions(path: Path, *, column: str | None = None) -> list[Row]:
    """The questions of a file, in its order; ``column`` is the field that holds them, if it is not ``question``.

    Standard input is JSON lines where its first line is an object, a table where ``column`` is given, and else a
    question a line. Raises ``UsageError`` for a kind of file that is not known and for an id used twice, ``InputError``
    naming file, line and field for what cannot be read, and for a file without questions.
    """
    where = "standard input" if path == STDIN else str(path)
    rows: list[Row] = []
    lines: dict[str, int] = {}
    for line, number, fields in _records(path, where, column):
        row = _row(where, line, number, _renamed(fields, column))
        if row.id in lines:
            raise UsageError(f"{where}: the id {row.id!r} is on line {lines[row.id]} and again on line {line}")
        lines[row.id] = line
        rows.append(row)
    if not rows:
        raise InputError("the file holds no questions", where=where)
    return rows


def _records(path: Path, where: str, column: str | None) -> Iterator[Record]:
    suffix = path.suffix.lower()
    if path != STDIN and suffix not in SUPPORTED:
        raise UsageError(f"{path}: questions are read from {', '.join(SUPPORTED)}, not from {suffix or 'this'!r}")
    if column is not None and suffix == ".txt":
        raise UsageError(f"{path}: a .txt file is a question a line; it has no column {column!r}")
    data = _bytes(path, where)
    wanted = (column or _QUESTION).strip().lower()
    if suffix == ".xlsx":
        return read_xlsx(where, io.BytesIO(data), wanted)
    text = _decoded(data, where)
    if path == STDIN:
        json_lines = text.lstrip().startswith("{")
        suffix = ".jsonl" if json_lines else ".txt" if column is None else ".csv"
    if suffix == ".jsonl":
        return _read_jsonl(where, text)
    if suffix == ".txt":
        return ((number, str(number), {_QUESTION: line}) for number, line in _lines(text))
    return read_delimited(where, text, "\t" if suffix == ".tsv" else ",;\t", wanted)


def _renamed(fields: dict[str, Any], column: str | None) -> dict[str, Any]:
    """``fields`` with the question under its own name; tables have theirs in lower case."""
    if column is None:
        return fields
    name = column if column in fields else column.strip().lower()
    return {**fields, _QUESTION: fields.get(name)}


def _row(where: str, line: int, number: str, fields: dict[str, Any]) -> Row:
    given = {name: value for name, value in fields.items() if value not in (None, "")}
    try:
        question = _Question.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        reason = "is missing" if first["type"] == "missing" else first["msg"].removeprefix("Value error, ")
        raise InputError(f"{field}: {reason}" if field else reason, where=f"{where}:{line}") from None
    return Row(question.id or number, question.ask())


def _bytes(path: Path, where: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if path == STDIN else path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", where=where) from error


def _decoded(data: bytes, where: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError("this line is not UTF-8", where=f"{where}:{line}", hint="Save the file as UTF-8.") from None


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines that are not blank, with their numbers. Only line feeds end a line: a question may hold U+2028."""
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield number, line.strip()


def _read_jsonl(where: str, text: str) -> Iterator[Record]:
    for number, line in _lines(text):
        try:
            fields = json.loads(line)
        except ValueError as error:
            raise InputError(f"this line is not JSON: {error}", where=f"{where}:{number}") from None
        except RecursionError:
            raise InputError("this line is not JSON that can be read: too deep", where=f"{where}:{number}") from None
        if not isinstance(fields, dict):
            raise InputError("this line is not a JSON object", where=f"{where}:{number}")
        yield number, str(number), fields
