"""What readers yield, one by one, and what they read from."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import BinaryIO, Protocol

from ingest.published import DateOrder
from qa.models import Article


@dataclass(frozen=True, slots=True)
class ReadArticle:
    """An article found at ``where`` (``PATH`` or ``PATH:LINE``).

    ``declared`` is the language that its source says it is in, in whatever way; None when it does not.
    """

    where: str
    article: Article
    declared: str | None = None


@dataclass(frozen=True, slots=True)
class ReadFailure:
    """Something at ``where`` that did not become an article."""

    where: str
    reason: str


@dataclass(frozen=True, slots=True)
class ReadWarning:
    """Something at ``where`` that was read otherwise than written, or left out; the article itself follows."""

    where: str
    reason: str


NOTHING = "holds no articles"
"""The warning for a file of records that has none."""

Item = ReadArticle | ReadFailure | ReadWarning


@dataclass(frozen=True, slots=True)
class Url:
    """An address to read; ``feed`` when it is said to be one, whatever type its server gives it."""

    address: str
    feed: bool = False


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a URL gave: ``url`` is the one that answered, after redirects.

    ``content_type`` is in lower case without parameters, "" when not said; ``charset`` is as the server says it, None
    when it does not. ``content`` is decompressed.
    """

    url: str
    content_type: str
    charset: str | None
    content: bytes


class Web(Protocol):
    """Where URLs are fetched from; see :class:`ingest.fetch.Fetcher`."""

    def get(self, address: str, *, accept: Collection[str] | None = None) -> Fetched:
        """The content at ``address``, of one of the types in ``accept`` unless None. Raises ``InputError``."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a reader reads: a name for messages, and how to open the (decompressed) content from its beginning."""

    where: str
    open: Callable[[], BinaryIO]
    today: date
    """The day that publication dates are held against."""
    fields: Mapping[str, str] = field(default_factory=dict)
    """For records: the name that a field (see ``records.FIELDS``) has in the file, where that is another."""
    date_order: DateOrder = "auto"
    """How numeric dates are read that could have day or month first."""
    url: str | None = None
    """The address the content came from; None when it did not come from one."""
    charset: str | None = None
    """The encoding that the server of ``url`` named, if any. It may be wrong or unknown."""
    beside: Callable[[str | None], bool | None] | None = None
    """Whether numeric dates of a site have the day first, as the files beside this one prove; None where none are."""
    follow: Callable[[str], Iterator[Item]] | None = None
    """Reads the page at a further URL, for feeds that give only summaries; None where nothing may be fetched."""

    @property
    def day_first(self) -> bool | None:
        """``date_order`` as ``ingest.published`` wants it: None for ``auto``."""
        return None if self.date_order == "auto" else self.date_order == "dmy"

    def day_first_at(self, site: str | None) -> bool | None:
        """Whether numeric dates of ``site`` have the day first: as set, else as the files beside prove."""
        return self.beside(site) if self.date_order == "auto" and self.beside else self.day_first


Reader = Callable[[Source], Iterator[Item]]
"""Reads one source. Yields failures rather than raising, except for the errors in ``decoding.READ_ERRORS``."""
