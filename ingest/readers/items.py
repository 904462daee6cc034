"""What readers yield, one by one, and what they read from."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import BinaryIO

from qa.models import Article


@dataclass(frozen=True, slots=True)
class ReadArticle:
    """An article found at ``where`` (``PATH`` or ``PATH:LINE``)."""

    where: str
    article: Article


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
class Source:
    """Where a reader reads: a name for messages, and how to open the (decompressed) content from its beginning."""

    where: str
    open: Callable[[], BinaryIO]
    today: date
    """The day that publication dates are held against."""


Reader = Callable[[Source], Iterator[Item]]
"""Reads one source. Yields failures rather than raising, except for the errors in ``decoding.READ_ERRORS``."""
