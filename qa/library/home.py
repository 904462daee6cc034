"""``open_home``: everything a collection needs, opened once and closed once."""

from __future__ import annotations

import json
import os
import socket
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from qa.errors import HomeError, HomeInUseError, HomeVersionError, StoreError, StoreUnreachableError
from qa.library.catalog import Catalog
from qa.library.database import HEAD, Database
from qa.library.encoders import MEASURED, Embedder, make_embedder
from qa.library.facts import BACKEND, MODEL, REVISION, VECTORS, versions_revision
from qa.library.index import Index
from qa.library.jobs import JobStore
from qa.library.lexical import LexicalIndex
from qa.library.recording import Recorder
from qa.library.sessions import Sessions
from qa.library.snapshot import Snapshots, View
from qa.library.staging import Staging, change_of
from qa.library.store import VectorStore
from qa.settings import Settings

_SERVE = "serve"
_CATALOGUE = "catalogue.sqlite"


class Home:
    """An open collection. Made by :func:`open_home`; close it, or use it as a context manager."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        lock: WriterLock | None,
        embedder: Embedder,
        *,
        any_model: bool = False,
    ) -> None:
        self.settings = settings
        self.path = settings.home
        self.embedder = embedder
        self.catalog = Catalog(database)
        self.sessions = Sessions(
            database,
            turns=settings.session_turns,
            chars=settings.session_chars,
            days=settings.session_days,
            most=settings.sessions,
        )
        self.jobs = JobStore(database)
        self.lexical = LexicalIndex(self.path / "lexical")
        self.store = VectorStore(self.path / "chroma", settings.chroma_url, self.catalog.fact(VECTORS) or "")
        self.index = Index(
            self.path, self.catalog, self.lexical, self.store, lambda: self.embedder, writable=lock is not None
        )
        self._snapshots = Snapshots(self.catalog)
        self._database = database
        self._staging = Staging(database)
        self._lock = lock
        self._any_model = any_model
        self._seen_revision: int | None = None
        self._warm = False
        self._refreshing = threading.Lock()

    @property
    def writable(self) -> bool:
        """Whether this process holds the writer's lock."""
        return self._lock is not None

    def refresh(self) -> int:
        """See what a writer in another process has committed since the last call; returns the revision.

        Chroma shows another process's writes only to a client opened after them, so a reader opens it anew. Raises
        ``EmbeddingMismatchError`` when the writer has changed over to another embedding model.
        """
        return int(self._refreshed().get(REVISION, 0))

    def view(self) -> View:
        """What says which chunks a question may see, after a :meth:`refresh`."""
        return self._snapshots.at(versions_revision(self._refreshed()))

    def _refreshed(self) -> Mapping[str, str]:
        with self._refreshing:
            known = self.catalog.facts()
            revision = int(known.get(REVISION, 0))
            if not self.writable and revision != self._seen_revision:
                self.check_model()
                self.store.use(known.get(VECTORS, ""))
                if self._seen_revision is not None:
                    self.store.close()
                    self.lexical.refresh()
                self._seen_revision = revision
            return known

    def check_model(self) -> None:
        """Raise ``EmbeddingMismatchError`` when the vectors are not of the embedder's model, unless any will do."""
        if not self._any_model:
            self._staging.check(self.path, self.embedder.name)

    def warm(self) -> None:
        """Load what searching needs, so that the first search is as quick as the next; at once when it is loaded."""
        if not self._warm:
            self.embedder.embed(["warm"], query=True)
            if not self.store.count() and self.catalog.any_embedded():
                raise StoreError(
                    "the vector store is empty, but the catalogue says it is not",
                    hint="Run `dateline status --check --repair`; it embeds what is missing.",
                )
            self.lexical.search("warm", 1)
            self._warm = True

    def close(self) -> None:
        """Close every store and give the lock back. Closing twice is harmless."""
        self.store.close()
        self.lexical.close()
        self._database.close()
        if self._lock is not None:
            self._lock.release()

    def __enter__(self) -> Home:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class WriterLock:
    """The one writer's lock on a home: a file lock, and beside it a note that names the holder."""

    def __init__(self, home: Path) -> None:
        from filelock import FileLock

        # Any thread of this process may close the home, not only the one that opened it.
        self._file = FileLock(home / "lock", thread_local=False)
        self._note = home / "lock.json"

    def holder(self) -> dict[str, Any]:
        """What the note says: ``command``, ``pid``, ``host``, ``since``; {} when there is none."""
        try:
            note = json.loads(self._note.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return note if isinstance(note, dict) else {}

    def acquire(self, command: str) -> None:
        """Take the lock. Raises ``HomeInUseError`` naming the holder when another process has it."""
        from filelock import Timeout

        try:
            # A reader that looks whether the lock is stale holds it for an instant: hence not 0.
            self._file.acquire(timeout=0.5)
        except Timeout:
            raise self._in_use() from None
        except OSError as error:
            raise HomeError(f"{self._file.lock_file} cannot be written: {error.strerror}") from error
        note = {
            "command": command,
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "since": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        self._note.write_text(json.dumps(note), encoding="utf-8")

    def release(self) -> None:
        """Give the lock back."""
        if self._file.is_locked:
            self._note.unlink(missing_ok=True)
            self._file.release()

    def held_by(self) -> dict[str, Any] | None:
        """Who holds the lock, as :meth:`holder` says; None when nobody does, whatever the note says."""
        from filelock import Timeout

        holder = self.holder()
        if not holder:
            return None
        try:
            self._file.acquire(timeout=0)
        except Timeout:
            return holder
        self._file.release()
        return None

    def check_readable(self) -> None:
        """Raise ``HomeInUseError`` when a service holds the home: it is to be asked instead."""
        # A service that died without clearing its note holds nothing.
        if self.holder().get("command") == _SERVE and self.held_by() is not None:
            raise self._in_use()

    def check_held_by(self, command: str) -> None:
        """Raise ``HomeInUseError`` unless ``command`` says that it holds the home."""
        if self.holder().get("command") != command:
            raise self._in_use()

    def _in_use(self) -> HomeInUseError:
        holder = self.holder()
        who = (
            f"`dateline {holder['command']}` (process {holder.get('pid')}, since {holder.get('since')})"
            if holder
            else "another process"
        )
        hint = None if holder.get("command") == _SERVE else "Wait for it to finish, then try again."
        return HomeInUseError(f"{self._note.parent} is in use by {who}", hint=hint)


def open_home(
    settings: Settings,
    *,
    write: str | None = None,
    beside: str | None = None,
    embedder: Embedder | None = None,
    any_model: bool = False,
) -> Home:
    """Open the collection in ``settings.home``.

    ``write`` names the command that wants to write (``"ingest"``, ``"serve"``, ...): the home is made when it is not
    there, its schema brought up to date, and what a killed predecessor left undone in the lexical index is done. None
    opens for reading. ``embedder`` replaces the one the settings name. With ``any_model`` its vectors may be of another
    model than that; then nothing can be embedded or searched by meaning, but everything else can be done. ``beside``
    names the command that this process is one more of, and that must hold the home: a service may have several.

    Raises ``HomeInUseError`` (a writer when any other process holds the lock, a reader when a service does),
    ``EmbeddingMismatchError``, ``HomeVersionError``, and ``HomeError`` when there is no collection or no access.
    """
    path = settings.home
    url = settings.database_url.get_secret_value() if settings.database_url else None
    # Only a writer makes a collection: connecting alone would leave an empty catalogue in whatever directory was named.
    if write is None and not (path.is_dir() if url else (path / _CATALOGUE).is_file()):
        raise _no_collection(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise HomeError(f"{path} cannot be used: {error.strerror}") from error
    # Made before anything is locked, so that a setting that makes no sense is refused first; it loads nothing yet.
    asked = embedder or _embedder(settings, settings.embedding_backend)
    lock = _admitted(path, write, beside)
    database = None
    try:
        database = Database(path / _CATALOGUE, url)
        _prepare_or_say_why(database, path, writing=write is not None)
        home = Home(settings, database, lock if write is not None else None, asked, any_model=any_model)
        home.check_model()
        known = home.catalog.facts()
        if home.writable and MODEL not in known:
            Recorder(database).set_fact(MODEL, asked.name)
        if embedder is None:
            home.embedder = _as_before(settings, asked, known)
        if write is not None:
            home.index.catch_up()
        return home
    except BaseException:
        if database is not None:
            database.close()
        lock.release()
        raise


def _admitted(path: Path, write: str | None, beside: str | None) -> WriterLock:
    """The lock of the home, held for who wants to write; see :func:`open_home`. Raises ``HomeInUseError``."""
    lock = WriterLock(path)
    if write is not None:
        lock.acquire(write)
    elif beside is not None:
        lock.check_held_by(beside)
    else:
        lock.check_readable()
    return lock


def _prepare_or_say_why(database: Database, path: Path, *, writing: bool) -> None:
    try:
        _prepare(database, path, writing=writing)
    except StoreUnreachableError:
        raise
    except StoreError as error:
        hint = "Is it a Dateline home? Restore it from a copy, or ingest anew into another with --home."
        raise HomeError(f"{path} cannot be used: {error.message}", hint=hint) from error


def _embedder(settings: Settings, backend: str) -> Embedder:
    return make_embedder(settings.embedding_model, backend=backend, batch_size=settings.embedding_batch)


def _as_before(settings: Settings, asked: Embedder, known: Mapping[str, str]) -> Embedder:
    """``asked``; by what was used before, where that is left open: it is measured once in the life of a home."""
    used_before = _backend_of(asked.name, known)
    measured = settings.embedding_backend == "auto" and used_before in MEASURED
    return _embedder(settings, used_before) if measured else asked


def _no_collection(path: Path) -> HomeError:
    hint = "Make one with `dateline ingest PATH`, or name another with --home."
    return HomeError(f"there is no collection in {path}", hint=hint)


def _prepare(database: Database, path: Path, *, writing: bool) -> None:
    if writing:
        database.migrate()
        return
    found = database.schema_version()
    if found is None:
        raise _no_collection(path)
    if found != HEAD:
        older = found < HEAD
        writer = "an older" if older else "a newer"
        raise HomeVersionError(
            f"{path} was written by {writer} Dateline (schema {found}, this one reads {HEAD})",
            hint="Run `dateline status --repair` once to bring it up to date." if older else None,
        )


def _backend_of(model: str, known: Mapping[str, str]) -> str:
    """What first computed vectors of ``model``, those that serve or those of a re-embedding; "" when nothing did."""
    change = change_of(known)
    used = known.get(BACKEND, "") if known.get(MODEL) == model else ""
    if not used and change is not None and change.target.model == model:
        used = change.used
    return used.split(", ")[0]
