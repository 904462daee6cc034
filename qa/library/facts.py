"""Facts about a home as a whole, kept in the catalogue by name.

``revision`` counts up with every change of what can be found. ``embedding_model``, ``embedding_backend`` (what computed
the vectors; more than one, comma-separated, where that was changed by setting) and ``vectors`` (the generation of the
vector store, unset: the first) say whose vectors serve. ``reembedding`` is there while others are made to replace them
(see ``qa.library.staging``), ``retired`` while generations that serve no more have yet to be removed.
"""

from __future__ import annotations

from sqlalchemy import Connection, delete, insert, select, update

from qa.library.tables import facts

MODEL = "embedding_model"
BACKEND = "embedding_backend"
VECTORS = "vectors"
REEMBEDDING = "reembedding"
RETIRED = "retired"
REVISION = "revision"


def read_facts(connection: Connection) -> dict[str, str]:
    """All facts by name, as of one moment."""
    return {row.name: row.value for row in connection.execute(select(facts.c.name, facts.c.value))}


def set_fact(connection: Connection, name: str, value: str) -> None:
    """Record a fact, in place of what was recorded under its name."""
    if connection.execute(update(facts).where(facts.c.name == name).values(value=value)).rowcount == 0:
        connection.execute(insert(facts).values(name=name, value=value))


def drop_fact(connection: Connection, name: str) -> None:
    """Forget a fact; unknown ones are passed over."""
    connection.execute(delete(facts).where(facts.c.name == name))


def bump_revision(connection: Connection) -> None:
    """Tell readers that what can be found has changed."""
    found = connection.execute(select(facts.c.value).where(facts.c.name == REVISION)).scalar()
    set_fact(connection, REVISION, str(int(found or 0) + 1))
