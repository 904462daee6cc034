"""Facts about a home as a whole, kept in the catalogue by name.

``revision`` counts up with every change of what can be found; ``versions_revision`` is the last one at which articles
or their versions changed, not only what the derived stores hold of them. ``embedding_model``, ``embedding_backend``
(what computed the vectors; more than one, comma-separated, where that was changed by setting) and ``vectors`` (the
generation of the vector store, unset: the first) say whose vectors serve. ``reembedding`` is there while others are
made to replace them (see ``qa.library.staging``), ``retired`` while generations that serve no more have yet to be
removed.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, delete, insert, select, update

from qa.library.tables import facts

MODEL = "embedding_model"
BACKEND = "embedding_backend"
VECTORS = "vectors"
REEMBEDDING = "reembedding"
RETIRED = "retired"
REVISION = "revision"
VERSIONS_REVISION = "versions_revision"


_ALL = select(facts.c.name, facts.c.value)


def read_facts(connection: Connection) -> dict[str, str]:
    """All facts by name, as of one moment."""
    return {row.name: row.value for row in connection.execute(_ALL)}


def set_fact(connection: Connection, name: str, value: str) -> None:
    """Record a fact, in place of what was recorded under its name."""
    if connection.execute(update(facts).where(facts.c.name == name).values(value=value)).rowcount == 0:
        connection.execute(insert(facts).values(name=name, value=value))


def drop_fact(connection: Connection, name: str) -> None:
    """Forget a fact; unknown ones are passed over."""
    connection.execute(delete(facts).where(facts.c.name == name))


def bump_revision(connection: Connection, *, versions_changed: bool = True) -> None:
    """Tell readers that what can be found has changed.

    Not ``versions_changed``: only what the derived stores hold of the articles is another; what was read of their
    versions stays true.
    """
    found = connection.execute(select(facts.c.value).where(facts.c.name == REVISION)).scalar()
    revision = str(int(found or 0) + 1)
    set_fact(connection, REVISION, revision)
    if versions_changed:
        set_fact(connection, VERSIONS_REVISION, revision)


def versions_revision(known: Mapping[str, str]) -> int:
    """The revision at which articles or their versions last changed, going by the facts ``known``; 0 for none."""
    return int(known.get(VERSIONS_REVISION) or known.get(REVISION) or 0)
