"""What a question may see: of each article the version valid at its as-of date, if published by then as filters say."""

from __future__ import annotations

from datetime import date
from typing import Any, Protocol

from sqlalchemy import and_, or_

from qa.library.tables import versions
from qa.models import Filters


class Dated(Protocol):
    """What the rule looks at: a version, a row of one, or a chunk that bears its version's facts."""

    @property
    def article_id(self) -> str:
        """The article."""

    @property
    def published(self) -> date | None:
        """The day of publication, None for an undated article."""

    @property
    def source(self) -> str | None:
        """The outlet."""

    @property
    def valid_from(self) -> date | None:
        """The first day, None for ever."""

    @property
    def valid_to(self) -> date | None:
        """The first day no more, None for ever."""


def visible(filters: Filters) -> Any:
    """The SQL condition on ``versions`` for what ``filters`` may see (the version valid at the as-of date)."""
    day = filters.as_of
    conditions = [
        or_(versions.c.valid_from.is_(None), versions.c.valid_from <= day),
        or_(versions.c.valid_to.is_(None), versions.c.valid_to > day),
    ]
    dated = versions.c.published <= filters.latest
    if filters.start is not None:
        dated = and_(dated, versions.c.published >= filters.start)
    conditions.append(dated if filters.dated_only else or_(versions.c.published.is_(None), dated))
    if filters.sources:
        conditions.append(versions.c.source.in_(filters.sources))
    if filters.articles:
        conditions.append(versions.c.article_id.in_(filters.articles))
    return and_(*conditions)


def admits(found: Dated, filters: Filters) -> bool:
    """The same of a chunk or a row that was found by its id.

    Not said in SQL there: SQLite would rather go through all versions of a source than look up some hundred ids.
    """
    begun = found.valid_from is None or found.valid_from <= filters.as_of
    over = found.valid_to is not None and found.valid_to <= filters.as_of
    return begun and not over and filters.admits(found.published, found.source, found.article_id)
