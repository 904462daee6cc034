"""Alembic migrations of the catalogue, run when a home of an older schema is opened for writing."""
