"""Which clusters may hold near duplicates of an article, by the bands they share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from sqlalchemy import Select, bindparam, func, select, union_all

from qa.library.database import Database
from qa.library.tables import bands, texts, versions

_MOST_LOOKED_AT = 4_096
"""Versions looked at for near duplicates of one article, the newest of each of its bands."""
_MOST_NEAR = 16
"""Clusters a long text is compared with. Comparing short ones costs little, and each day has its own."""


@dataclass(frozen=True, slots=True)
class Member:
    """A version in a cluster, as it is compared with new articles."""

    cluster: str
    text: str
    published: date | None


def alike(database: Database, keys: Sequence[str], *, article_id: str) -> dict[str, list[Member]]:
    """The clusters of other articles that share one of the bands ``keys``, by cluster id; each text of one once.

    Only those that share the most: a page that a site prints in place of hundreds of articles ("log in to read
    on") would else be compared with all of them every time.
    """
    if not keys:
        return {}
    found: dict[str, list[Member]] = {}
    with database.begin() as connection:
        named = {f"band_{number}": key for number, key in enumerate(keys)}
        near = list(connection.execute(_near(len(keys)), {**named, "article": article_id}).scalars())
        # A text that many print counts once, dated by the first to print it, and once more for those undated.
        undated = versions.c.published.is_(None)
        first = select(func.min(versions.c.key).label("key"), func.min(versions.c.published).label("published"))
        first = first.where(versions.c.cluster.in_(near))
        one = first.group_by(versions.c.cluster, versions.c.text_hash, undated).subquery()
        query = select(versions.c.cluster, texts.c.text, one.c.published).select_from(one)
        query = query.join(versions, versions.c.key == one.c.key).join(texts, texts.c.version_key == one.c.key)
        for row in connection.execute(query.order_by(one.c.key)):
            found.setdefault(row.cluster, []).append(Member(row.cluster, row.text, row.published))
    return found


@lru_cache(maxsize=4)
def _near(count: int) -> Select[tuple[str]]:
    """Clusters that share the most of ``count`` bands (``band_0``, ``band_1``, ...), but for those of ``article``.

    Made once: making it costs more than asking.
    """
    looked_at = [
        select(bands.c.version_key)
        .where(bands.c.band == bindparam(f"band_{number}"))
        .order_by(bands.c.version_key.desc())
        .limit(_MOST_LOOKED_AT // count)
        .subquery()
        for number in range(count)
    ]
    each = union_all(*(select(one.c.version_key) for one in looked_at)).subquery()
    shared = select(each.c.version_key, func.count().label("count")).group_by(each.c.version_key).subquery()
    near = select(versions.c.cluster).join(shared, shared.c.version_key == versions.c.key)
    near = near.where(versions.c.article_id != bindparam("article")).group_by(versions.c.cluster)
    near = near.order_by(func.max(shared.c.count).desc(), func.max(versions.c.key).desc())
    return near.limit(_MOST_NEAR) if count > 1 else near
