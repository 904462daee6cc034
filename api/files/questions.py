"""Question files: ``.txt`` (a question a line), ``.csv`` and ``.jsonl``, each in UTF-8.

``.csv`` and ``.jsonl`` have the fields ``question`` and, where wanted, ``id``, ``as_of``, ``from``, ``to``, ``source``,
``article``, ``model``, ``top_k``; ``.jsonl`` also ``history``. Other fields are passed over, so an evaluation set can
be asked too. Without an id a question is called by its number: that of its line in ``.txt`` and ``.jsonl``, of its row
below the header in ``.csv``.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field, ValidationError, field_validator, model_validator

from api.schemas import Day, HistoryTurn
from qa.batch import Row
from qa.errors import InputError, UsageError
from qa.models import Ask, Turn

Record = tuple[int, str, dict[str, Any]]
"""Line (from 1), the id where the record gives none, fields."""


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


def read_questions(path: Path) -> list[Row]:
    """The questions of a file, in its order.

    Raises ``UsageError`` for a kind of file that is not known and for an id used twice, ``InputError`` naming file,
    line and field for what cannot be read, and for a file without questions.
    """
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise UsageError(f"{path}: questions are read from {', '.join(_READERS)}, not from {path.suffix or 'this'!r}")
    rows: list[Row] = []
    lines: dict[str, int] = {}
    for line, number, fields in reader(path, _text(path)):
        row = _row(path, line, number, fields)
        if row.id in lines:
            raise UsageError(f"{path}: the id {row.id!r} is on line {lines[row.id]} and again on line {line}")
        lines[row.id] = line
        rows.append(row)
    if not rows:
        raise InputError("the file holds no questions", where=str(path))
    return rows


def _row(path: Path, line: int, number: str, fields: dict[str, Any]) -> Row:
    given = {name: value for name, value in fields.items() if value not in (None, "")}
    try:
        question = _Question.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        reason = "is missing" if first["type"] == "missing" else first["msg"].removeprefix("Value error, ")
        raise InputError(f"{field}: {reason}" if field else reason, where=f"{path}:{line}") from None
    return Row(question.id or number, question.ask())


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", where=str(path)) from error
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError("this line is not UTF-8", where=f"{path}:{line}", hint="Save the file as UTF-8.") from None


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines that are not blank, with their numbers. Only line feeds end a line: a question may hold U+2028."""
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield number, line.strip()


def _read_txt(_path: Path, text: str) -> Iterator[Record]:
    for number, line in _lines(text):
        yield number, str(number), {"question": line}


def _read_jsonl(path: Path, text: str) -> Iterator[Record]:
    for number, line in _lines(text):
        try:
            fields = json.loads(line)
        except ValueError as error:
            raise InputError(f"this line is not JSON: {error}", where=f"{path}:{number}") from None
        except RecursionError:
            raise InputError("this line is not JSON that can be read: too deep", where=f"{path}:{number}") from None
        if not isinstance(fields, dict):
            raise InputError("this line is not a JSON object", where=f"{path}:{number}")
        yield number, str(number), fields


def _read_csv(path: Path, text: str) -> Iterator[Record]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [name.strip().lower() for name in next(reader, [])]
        if "question" not in header:
            found = ", ".join(name for name in header if name) or "none"
            raise InputError(f"there is no column 'question' (found: {found})", where=f"{path}:1")
        number = 0
        begins = reader.line_num + 1
        for values in reader:
            line, begins = begins, reader.line_num + 1
            if not any(value.strip() for value in values):
                continue
            number += 1
            if len(values) > len(header):
                raise InputError(
                    f"{len(values)} fields, the header has {len(header)}",
                    where=f"{path}:{line}",
                    hint="Put a text with commas in double quotes.",
                )
            yield line, str(number), dict(zip(header, (value.strip() for value in values), strict=False))
    except csv.Error as error:
        raise InputError(f"this is not CSV: {error}", where=f"{path}:{reader.line_num}") from None


_READERS = {".txt": _read_txt, ".csv": _read_csv, ".jsonl": _read_jsonl}
