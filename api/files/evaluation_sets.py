"""Evaluation sets: ``.jsonl``, ``.csv`` as ``dateline eval --suggest`` writes it, and MultiHop-RAG's ``.json``.

A JSON line is ``{"id", "question", "as_of"?, "answers": [...], "choices"?: [...], "gold_urls"?: [...],
"unanswerable"?: bool, "type"?}``; other fields are passed over. In CSV several answers, choices or URLs are parted by
``|``, and where there is a column ``accept``, rows without yes in it are left out. ``gold_urls`` may also hold an
article's id, for articles without a URL.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, Field, ValidationError, field_validator, model_validator

from api.schemas import Day
from ingest.clean import canonical_url
from qa.errors import InputError, UsageError
from qa.evaluation.items import Item

COLUMNS = ("accept", "id", "question", "as_of", "answers", "choices", "gold_urls", "unanswerable", "type", "quote")
"""Those of the CSV form, in order. ``quote`` is there for whoever accepts."""
APART = " | "
_YES = frozenset({"1", "accept", "accepted", "ok", "true", "x", "y", "yes"})
_NO = frozenset({"", "0", "false", "n", "no", "reject", "rejected"})
_LISTS = ("answers", "choices", "gold_urls")


class _Record(BaseModel):
    question: str = Field(min_length=1)
    id: str | None = None
    as_of: Day | None = None
    answers: list[str] = []
    choices: list[str] = []
    gold_urls: list[str] = []
    unanswerable: bool = False
    type: str | None = None

    @field_validator("id", mode="before")
    @classmethod
    def _number_is_an_id(cls, value: Any) -> Any:
        return str(value) if type(value) is int else value

    @model_validator(mode="after")
    def _something_to_measure(self) -> _Record:
        if self.unanswerable and (self.answers or self.gold_urls):
            raise ValueError("a question that is unanswerable has neither answers nor gold_urls")
        if not (self.answers or self.gold_urls or self.unanswerable):
            raise ValueError("there are no answers; say unanswerable: true when there can be none")
        return self

    def item(self, number: str) -> Item:
        return Item(
            id=self.id or number,
            question=self.question,
            as_of=self.as_of,
            answers=tuple(self.answers),
            choices=tuple(self.choices),
            gold=tuple(dict.fromkeys(map(gold_name, self.gold_urls))),
            unanswerable=self.unanswerable,
            kind=self.type or None,
        )


class _Evidence(BaseModel):
    fact: str
    url: str | None = None


class _MultiHop(BaseModel):
    query: str = Field(min_length=1)
    answer: str
    question_type: str
    evidence_list: list[_Evidence]

    def item(self, number: str) -> Item:
        unanswerable = self.question_type == "null_query"
        return Item(
            id=number,
            question=self.query,
            answers=() if unanswerable else (self.answer,),
            gold=tuple(dict.fromkeys(gold_name(one.url) for one in self.evidence_list if one.url)),
            unanswerable=unanswerable,
            evidence=tuple(one.fact for one in self.evidence_list if one.fact.strip()),
            kind=self.question_type,
        )


Form = TypeVar("Form", _Record, _MultiHop)


def read_evaluation_set(path: Path) -> list[Item]:
    """The questions of a set, in its order. Those without an id are called by their line (row, place in the list).

    Raises ``UsageError`` for a kind of file that is not known and for an id used twice, ``InputError`` naming file,
    line and field for what cannot be read, and for a set without questions.
    """
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        known = ", ".join(_READERS)
        raise UsageError(f"{path}: evaluation sets are read from {known}, not from {path.suffix or 'this'!r}")
    items: list[Item] = []
    places: dict[str, str] = {}
    for where, item in reader(path, _text(path)):
        if item.id in places:
            raise UsageError(f"{path}: the id {item.id!r} is at {places[item.id]} and again at {where}")
        places[item.id] = where
        items.append(item)
    if not items:
        raise InputError("the file holds no questions to ask", where=str(path))
    return items


def gold_name(url: str) -> str:
    """The canonical URL; what is no URL is an article's id."""
    try:
        return canonical_url(url) if "://" in url else url
    except ValueError:
        return url


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", where=str(path)) from error
    except UnicodeDecodeError:
        raise InputError("the file is not UTF-8", where=str(path), hint="Save it as UTF-8.") from None


def _jsonl(path: Path, text: str) -> Iterator[tuple[str, Item]]:
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            where = f"{path}:{number}"
            yield f"line {number}", _validated(_Record, _parsed(line, where), where).item(str(number))


def _csv(path: Path, text: str) -> Iterator[tuple[str, Item]]:
    rows = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        for number, row in enumerate(rows, start=1):
            where = f"{path}:{rows.line_num}"
            # Too many fields come under None.
            if None in row:
                hint = "Put a text with commas in double quotes."
                raise InputError(f"more fields than the header's {len(row) - 1}", where=where, hint=hint)
            fields: dict[str, Any] = {name.strip().lower(): (value or "").strip() for name, value in row.items()}
            if not any(fields.values()) or not _accepted(fields.get("accept"), where):
                continue
            for name in _LISTS:
                fields[name] = [one.strip() for one in fields.get(name, "").split(APART.strip()) if one.strip()]
            told = {name: value for name, value in fields.items() if value}
            yield f"line {rows.line_num}", _validated(_Record, told, where).item(str(number))
    except csv.Error as error:
        raise InputError(f"this is not CSV: {error}", where=f"{path}:{rows.line_num}") from None


def _accepted(told: str | None, where: str) -> bool:
    if told is None or told.lower() in _YES:
        return True
    if told.lower() in _NO:
        return False
    raise InputError(f"accept: {told!r} is neither yes nor no", where=where)


def _multihop(path: Path, text: str) -> Iterator[tuple[str, Item]]:
    told = _parsed(text, str(path))
    if not isinstance(told, list):
        raise InputError("this is no list of questions, as MultiHopRAG.json is", where=str(path))
    for number, fields in enumerate(told, start=1):
        yield f"question {number}", _validated(_MultiHop, fields, f"{path}: question {number}").item(str(number))


def _parsed(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise InputError(f"this is not JSON: {error}", where=where) from None
    except RecursionError:
        raise InputError("this is not JSON that can be read: too deep", where=where) from None


def _validated(form: type[Form], fields: Any, where: str) -> Form:
    if isinstance(fields, dict):
        fields = {name: value for name, value in fields.items() if value is not None}
    try:
        return form.model_validate(fields)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        reason = "is missing" if first["type"] == "missing" else first["msg"].removeprefix("Value error, ")
        raise InputError(f"{field}: {reason}" if field else reason, where=where) from None


def suggestions_csv(rows: Sequence[Sequence[str]]) -> str:
    """A CSV file with :data:`COLUMNS`, which a spreadsheet opens without taking any cell for a formula."""
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([[_no_formula(cell) for cell in row] for row in rows])
    return file.getvalue()


def _no_formula(cell: str) -> str:
    # Article text is untrusted; a space before it changes no word.
    return f" {cell}" if cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell


_READERS = {".jsonl": _jsonl, ".csv": _csv, ".json": _multihop}
