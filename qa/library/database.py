"""The catalogue's database: engine, schema version, migrations, and the one boundary where SQL errors are renamed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.exc import ArgumentError, InterfaceError, NoSuchModuleError, OperationalError, SQLAlchemyError

from qa.errors import HomeVersionError, SettingsError, StoreError, StoreUnreachableError

HEAD = "0005"
"""The newest schema version; the last migration's revision."""

T = TypeVar("T")

_IN_LIMIT = 500
"""Values in one IN list; SQLite allows 32,766 variables, smaller lists plan faster."""


def batches(items: Sequence[T], size: int = _IN_LIMIT) -> Iterable[Sequence[T]]:
    """``items`` in runs of at most ``size``."""
    return (items[i : i + size] for i in range(0, len(items), size))


class Database:
    """One engine and its transactions. ``path`` is SQLite's file; ``url`` names another database instead."""

    def __init__(self, path: Path, url: str | None = None) -> None:
        self._engine = _create(url or f"sqlite:///{path}")

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """A transaction: committed when the block ends, rolled back when it raises.

        Raises ``StoreError`` (``StoreUnreachableError`` when a server does not answer) for what the database refuses.
        """
        try:
            with self._engine.begin() as connection:
                yield connection
        except SQLAlchemyError as error:
            raise _renamed(error) from error

    def schema_version(self) -> str | None:
        """The schema version found, None for an empty database."""
        with self.begin() as connection:
            if not inspect(connection).has_table("alembic_version"):
                return None
            version: str | None = connection.execute(text("select version_num from alembic_version")).scalar()
            return version

    def migrate(self) -> None:
        """Bring the schema up to ``HEAD``; nothing to do when it is there.

        Raises ``HomeVersionError`` when the schema is newer than this Dateline.
        """
        found = self.schema_version()
        if found == HEAD:
            return
        if found is not None and found > HEAD:
            raise HomeVersionError(f"the catalogue's schema is {found}, this Dateline knows up to {HEAD}")
        # Alembic is needed only here, when a home is made or upgraded.
        from alembic import command
        from alembic.config import Config

        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
        with self.begin() as connection:
            if connection.dialect.name == "sqlite":
                # Python's sqlite3 begins no transaction for DDL, and half a schema could not be upgraded again.
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            config.attributes["connection"] = connection
            command.upgrade(config, "head")


def _create(url: str) -> Engine:
    try:
        engine = create_engine(url)
    except (ArgumentError, NoSuchModuleError, ImportError) as error:
        raise SettingsError(
            f"DATELINE_DATABASE_URL: {error}",
            hint="For PostgreSQL install dateline[postgres] and write postgresql+psycopg://...",
        ) from None
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    # WAL lets readers read while a batch is being written; 10 s is far more than a batch's transaction takes.
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "busy_timeout=10000", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _renamed(error: SQLAlchemyError) -> StoreError:
    reason = str(getattr(error, "orig", None) or error).splitlines()[0]
    if isinstance(error, OperationalError | InterfaceError) and "connect" in reason.lower():
        return StoreUnreachableError(f"the catalogue's database does not answer: {reason}")
    return StoreError(f"the catalogue's database failed: {reason}", hint="Check the disk's free space and permissions.")
