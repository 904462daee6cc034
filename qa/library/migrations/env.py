"""Alembic's entry: runs the migrations on the connection that the catalogue hands over."""

from __future__ import annotations

from alembic import context

from qa.library.tables import metadata

connection = context.config.attributes["connection"]
# SQLite alters tables by copying them ("batch"); PostgreSQL ignores the flag.
context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
