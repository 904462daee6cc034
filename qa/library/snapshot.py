"""What a question may see, answered from memory: the catalogue's versions as columns of numbers.

The catalogue answers the same in SQL, but reads every version for every question, which at 30,000 of them takes longer
than both searches together. A snapshot answers in well under a millisecond; it takes as long to read as some questions
take in SQL, so a process that asks only one never reads it.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Sequence
from dataclasses import fields, replace
from datetime import date
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy import Row, select

from qa.candidates import VersionFacts, place_of
from qa.library.catalog import Catalog
from qa.library.tables import articles, chunks, versions
from qa.models import Filters

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_FACTS = tuple(field.name for field in fields(VersionFacts))
_FOREVER = date.max.toordinal() + 1


class View(Protocol):
    """What filters admit. ``Catalog`` says it in SQL, ``Snapshot`` from memory."""

    def chunk_count(self) -> int:
        """All chunks kept, of every version."""

    def visible_chunk_count(self, filters: Filters) -> int:
        """How many chunks ``filters`` admit."""

    def chunk_ids(self, filters: Filters) -> list[str]:
        """Ids of the chunks that ``filters`` admit, in no order."""

    def embedded_chunk_ids(self, filters: Filters) -> list[str]:
        """The same of those that have a vector."""

    def versions_of(self, ids: Sequence[str], filters: Filters) -> dict[str, VersionFacts]:
        """Of those of ``ids``, chunks, that ``filters`` admit what is known of their versions, in no order."""

    def reporters(self, clusters: Collection[str], filters: Filters) -> dict[str, set[tuple[str, str]]]:
        """By cluster the (article id, outlet) of each article in it that ``filters`` admit, of any source and id."""


class Snapshot:
    """The versions that ``catalog`` keeps now. Never changed once made: any thread may ask it.

    Days are ordinals, 0 for none, as in the lexical index.
    """

    def __init__(self, catalog: Catalog) -> None:
        import numpy as np

        rows = _rows(catalog)
        self._catalog = catalog
        self._versions = [VersionFacts(*row[: len(_FACTS)]) for row in rows]
        self._names = [version.name for version in self._versions]
        self._place = {name: place for place, name in enumerate(self._names)}
        self._printed: dict[str, list[int]] = {}
        for place, version in enumerate(self._versions):
            self._printed.setdefault(version.cluster, []).append(place)
        self._sources = _Names([row.source for row in rows])
        self._articles = _Names([row.article_id for row in rows])
        self._counts = np.array([row.chunk_count for row in rows], dtype=np.int32)
        self._published = _ordinals([row.published for row in rows], 0)
        self._valid_from = _ordinals([row.valid_from for row in rows], 0)
        self._valid_to = _ordinals([row.valid_to for row in rows], _FOREVER)

    def chunk_count(self) -> int:
        """See ``View``."""
        return int(self._counts.sum())

    def visible_chunk_count(self, filters: Filters) -> int:
        """See ``View``."""
        return int(self._counts[self._visible(filters)].sum())

    def chunk_ids(self, filters: Filters) -> list[str]:
        """See ``View``."""
        counts = self._counts.tolist()
        places = self._visible(filters).nonzero()[0].tolist()
        return [f"{name}.{n}" for name, count in ((self._names[i], counts[i]) for i in places) for n in range(count)]

    def embedded_chunk_ids(self, filters: Filters) -> list[str]:
        """See ``View``. Which chunks have a vector is the catalogue's to say while some have none."""
        if _any_waiting(self._catalog):
            return self._catalog.embedded_chunk_ids(filters)
        return self.chunk_ids(filters)

    def versions_of(self, ids: Sequence[str], filters: Filters) -> dict[str, VersionFacts]:
        """See ``View``."""
        # How many chunks of each version may be seen: all or none.
        seen = self._counts * self._visible(filters)
        found = {}
        for one in ids:
            name, ordinal = place_of(one)
            place = self._place.get(name)
            if place is not None and ordinal < seen[place]:
                found[one] = self._versions[place]
        return found

    def reporters(self, clusters: Collection[str], filters: Filters) -> dict[str, set[tuple[str, str]]]:
        """See ``View``."""
        seen = self._visible(replace(filters, sources=(), articles=()))
        found = {}
        for cluster in clusters:
            versions = [self._versions[place] for place in self._printed.get(cluster, ()) if seen[place]]
            found[cluster] = {(version.article_id, version.outlet) for version in versions}
        return found

    def _visible(self, filters: Filters) -> NDArray[np.bool_]:
        """Of each version whether ``filters`` admit it; the rule of ``qa.library.visibility``."""
        as_of = filters.as_of.toordinal()
        seen: NDArray[np.bool_] = (self._valid_from <= as_of) & (self._valid_to > as_of)
        seen &= self._published <= filters.latest.toordinal()
        if filters.dated_only:
            seen &= self._published >= (filters.start.toordinal() if filters.start else 1)
        if filters.sources:
            seen &= self._sources.among(filters.sources)
        if filters.articles:
            seen &= self._articles.among(filters.articles)
        return seen


class _Names:
    """A column of names, kept as numbers."""

    def __init__(self, names: Sequence[str | None]) -> None:
        import numpy as np

        self._codes = {name: code for code, name in enumerate(dict.fromkeys(names))}
        self._column = np.array([self._codes[name] for name in names], dtype=np.int32)

    def among(self, names: Sequence[str]) -> NDArray[np.bool_]:
        """Of each place whether one of ``names`` stands there."""
        import numpy as np

        return np.isin(self._column, [self._codes[name] for name in names if name in self._codes])


class Snapshots:
    """The newest snapshot, kept for all threads."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._reading = threading.Lock()
        self._asked: int | None = None
        self._kept: tuple[int, Snapshot] | None = None

    def at(self, revision: int) -> View:
        """What answers for the catalogue whose versions are at ``revision`` or later: the snapshot, but the catalogue
        itself when asked the first time, as by a process that asks one question, and while the snapshot is read."""
        kept = self._kept
        if kept is not None and kept[0] == revision:
            return kept[1]
        if not self._reading.acquire(blocking=False):
            return self._catalog
        try:
            if self._asked != revision:
                self._asked = revision
                return self._catalog
            snapshot = Snapshot(self._catalog)
            self._kept = revision, snapshot
            return snapshot
        finally:
            self._reading.release()


def _rows(catalog: Catalog) -> Sequence[Row[Any]]:
    query = (
        select(*(versions.c[name] for name in (*_FACTS, "chunk_count")))
        .join(articles)
        .where(articles.c.deleted_at.is_(None))
    )
    with catalog.database.begin() as connection:
        return connection.execute(query).all()


def _any_waiting(catalog: Catalog) -> bool:
    with catalog.database.begin() as connection:
        return connection.execute(select(chunks.c.id).where(chunks.c.embedded.is_(False)).limit(1)).first() is not None


def _ordinals(days: Sequence[date | None], none: int) -> NDArray[np.int32]:
    import numpy as np

    return np.array([day.toordinal() if day else none for day in days], dtype=np.int32)
