"""What all files of records share: named fields of a row, whatever their names, to an article.

Entities such as ``&amp;`` or ``&#8217;`` that an export left in titles, sources and names are read as the characters
they stand for. Texts are kept as written, here as everywhere: offsets point into them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ingest.clean import source_from_url
from ingest.published import proved_order
from ingest.readers.decoding import read_as
from ingest.readers.items import NOTHING, Item, ReadFailure, ReadWarning, Source
from ingest.readers.records import FIELDS, build
from qa.errors import UsageError
from qa.repair import unescaped

_UNESCAPED = ("title", "source", "authors")
_MOST_SOURCES = 10_000
"""How many sources' dates are remembered; a file with more sources than that has something else in that field."""


@dataclass(frozen=True, slots=True)
class Row:
    """One record at ``where``, its fields named as in the file; ``guessed`` is the encoding it was mended by."""

    where: str
    fields: Mapping[str, object]
    guessed: str | None = None


Rows = Callable[[Source], Iterator[Row | ReadFailure | ReadWarning]]
"""The rows of a source, from its beginning."""


def parse_map(pairs: Sequence[str]) -> dict[str, str]:
    """``["text=body"]`` as ``{"text": "body"}``: our field and the name it has in the files.

    Raises ``UsageError`` for what is not ``FIELD=NAME``, an unknown field, and a field given twice.
    """
    found: dict[str, str] = {}
    for pair in pairs:
        field, mark, name = (part.strip() for part in pair.partition("="))
        if not mark or not name:
            raise UsageError(f"{pair!r} does not say which field is which", hint="Write FIELD=NAME, e.g. text=body.")
        if field not in FIELDS:
            raise UsageError(f"there is no field {field!r}", hint=f"Fields are {', '.join(FIELDS)}.")
        if field in found:
            raise UsageError(f"field {field!r} is given twice")
        found[field] = name
    return found


def read_rows(source: Source, rows: Rows) -> Iterator[Item]:
    """The articles of a file of records. A row without text is one failure."""
    orders = _Orders(source, rows)
    empty = True
    for row in rows(source):
        if isinstance(row, ReadWarning):
            yield row
            continue
        empty = False
        if isinstance(row, ReadFailure):
            yield row
            continue
        fields = named(row.fields, source.fields)
        if "text" not in fields:
            yield ReadFailure(row.where, f"field {source.fields.get('text', 'text')!r} is missing")
            continue
        if row.guessed:
            yield ReadWarning(row.where, read_as(row.guessed))
        yield from build(fields, where=row.where, today=source.today, dated_by="field", day_first=orders.day_first)
    if empty:
        yield ReadWarning(source.where, NOTHING)


def named(record: Mapping[str, object], names: Mapping[str, str]) -> dict[str, object]:
    """The fields of ``record`` under our names; those it does not have are left out.

    A name with dots that is no field itself is a path: ``body.text`` is ``text`` in the object ``body``.
    """
    found: dict[str, object] = {}
    for field in FIELDS:
        name = names.get(field, field)
        value: object = record
        for part in [name] if name in record else name.split("."):
            if not isinstance(value, Mapping) or part not in value:
                break
            value = value[part]
        else:
            found[field] = _unescaped(value) if field in _UNESCAPED else value
    return found


def _unescaped(value: object) -> object:
    if isinstance(value, str):
        return unescaped(value)
    return [_unescaped(one) for one in value] if isinstance(value, list) else value


class _Orders:
    """Which of day and month comes first in a source's numeric dates, by the source's other dates in the file.

    The file is read a second time for it, and only once the first date turns up that could be either.
    """

    def __init__(self, source: Source, rows: Rows) -> None:
        self._source = source
        self._rows = rows
        self._proved: dict[str | None, set[bool]] | None = None

    def day_first(self, name: str | None) -> bool | None:
        """True or False when all dates of the source that prove one prove the same; None otherwise."""
        if self._source.date_order != "auto":
            return self._source.day_first
        if self._proved is None:
            self._proved = self._read()
        orders = self._proved.get(name, set())
        return next(iter(orders)) if len(orders) == 1 else None

    def _read(self) -> dict[str | None, set[bool]]:
        proved: dict[str | None, set[bool]] = {}
        for row in self._rows(self._source):
            if not isinstance(row, Row):
                continue
            fields = named(row.fields, self._source.fields)
            published = fields.get("published")
            order = proved_order(published) if isinstance(published, str) else None
            if order is None:
                continue
            name, url = fields.get("source"), fields.get("url")
            key = " ".join(name.split()) if isinstance(name, str) else ""
            source = key or source_from_url(url if isinstance(url, str) else None)
            if source in proved or len(proved) < _MOST_SOURCES:
                proved.setdefault(source, set()).add(order)
        return proved
