"""From named values, as a header or a JSON or CSV record gives them, to an ``Article``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date

from ingest.clean import MAX_TEXT, article_id, canonical_url, clean_line, clean_text, source_from_url
from ingest.published import AmbiguousDateError, Published, parse_published
from ingest.readers.items import Item, ReadArticle, ReadFailure, ReadWarning
from qa.models import Article

FIELDS = ("text", "title", "url", "published", "source", "authors", "id", "language")
"""The fields of a record; others are ignored. Only ``text`` is needed; ``language`` is but a hint."""

_MAX_META = 2_000
"""Longest metadata value kept, in code points: longer ones are text that slipped into the wrong field."""


DayFirst = Callable[[str | None], bool | None]
"""Whether numeric dates of a source have the day first; None when that is not known."""


def build(
    fields: Mapping[str, object], *, where: str, today: date, dated_by: str, day_first: DayFirst = lambda source: None
) -> Iterator[Item]:
    """The warnings for ``fields``, then their article, or one failure when they make none.

    ``dated_by`` becomes ``published_from``. ``day_first`` is asked when day and month of the date could be confused.
    A value that makes no sense is left out with a warning, except ``text``.
    """
    text = fields.get("text")
    if text is not None and not isinstance(text, str):
        yield ReadFailure(where, f"field 'text': expected text, found {_kind(text)}")
        return
    body = clean_text(text or "")
    if not body:
        yield ReadFailure(where, "no text")
        return
    if len(body) > MAX_TEXT:
        yield ReadFailure(
            where, f"the text has {len(body):,} characters, more than the {MAX_TEXT:,} an article may have"
        )
        return
    values = _Values(fields, today)
    url, own_id = values.url(), values.line("id")
    source = values.line("source") or source_from_url(url)
    published = values.published(lambda: day_first(source))
    article = Article(
        id=article_id(url, own_id, body),
        text=body,
        title=values.line("title"),
        url=url,
        source=source,
        authors=values.authors(),
        published=published.day if published else None,
        published_from=dated_by if published else None,
        published_at=published.at if published else None,
    )
    language = fields.get("language")
    declared = clean_line(language) if isinstance(language, str) else None
    for warning in values.warnings:
        yield ReadWarning(where, warning)
    yield ReadArticle(where, article, declared)


def split_authors(text: str) -> tuple[str, ...]:
    """The names in one string: parted by semicolons, else by commas.

    Commas part names only when every part has two words or more, so that ``Brandt, Lena`` stays one person.
    """
    names = text.split(";")
    if len(names) == 1:
        parts = text.split(",")
        if all(len(part.split()) > 1 for part in parts):
            names = parts
    return _distinct(names)


def _distinct(names: list[str]) -> tuple[str, ...]:
    cleaned = (clean_line(name) for name in names)
    return tuple(dict.fromkeys(name for name in cleaned if name))


class _Values:
    """Reads fields one at a time and collects a warning for each that cannot be used."""

    def __init__(self, fields: Mapping[str, object], today: date) -> None:
        self._fields = fields
        self._today = today
        self.warnings: list[str] = []

    def line(self, name: str) -> str | None:
        value = self._fields.get(name)
        if isinstance(value, date):
            value = value.isoformat()
        if isinstance(value, int | float) and not isinstance(value, bool):
            value = str(value)
        if value is None or isinstance(value, str):
            found = clean_line(value or "")
            if found is None or len(found) <= _MAX_META:
                return found
            self._warn(name, f"longer than {_MAX_META:,} characters")
            return None
        self._warn(name, f"expected text, found {_kind(value)}")
        return None

    def url(self) -> str | None:
        url = self.line("url")
        if url is None:
            return None
        try:
            canonical_url(url)
        except ValueError as error:
            self._warn("url", str(error))
            return None
        return url

    def published(self, day_first: Callable[[], bool | None]) -> Published | None:
        value = self.line("published") or ""
        try:
            try:
                return parse_published(value, today=self._today)
            except AmbiguousDateError:
                return parse_published(value, today=self._today, day_first=day_first())
        except ValueError as error:
            self.warnings.append(f"field 'published': {error}; kept without a date")
            return None

    def authors(self) -> tuple[str, ...]:
        value = self._fields.get("authors")
        if isinstance(value, list | tuple):
            names = [name for name in value if isinstance(name, str)]
            if len(names) < len(value):
                self._warn("authors", "not every name is text")
            return _distinct(names)
        return split_authors(self.line("authors") or "")

    def _warn(self, name: str, reason: str) -> None:
        self.warnings.append(f"field {name!r}: {reason}; left out")


def _kind(value: object) -> str:
    kinds = {bool: "true or false", int: "a number", float: "a number", list: "a list", dict: "an object"}
    return kinds.get(type(value), type(value).__name__)
