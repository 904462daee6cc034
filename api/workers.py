"""Several processes that answer for one collection, whose vectors and catalogue are on servers.

The process that comes first holds the home and writes: it runs the ingest jobs. The others read, and note deletions in
the catalogue. If the writer dies, the process that takes its place takes up its work. What the word index needs is in
the home's directory, so all are on one machine.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from uvicorn import Config
from uvicorn.supervisors import Multiprocess

from qa.errors import DatelineError, HomeInUseError, SettingsError
from qa.settings import Settings, load_settings

if TYPE_CHECKING:
    import socket

    from fastapi import FastAPI

    from qa.library.home import Home

_SHARED = "PROMETHEUS_MULTIPROC_DIR"
_PATIENCE = 10.0


def check_workers(settings: Settings) -> None:
    """Raise ``SettingsError`` when several processes could not share the collection."""
    if settings.workers == 1 or (settings.chroma_url and settings.database_url):
        return
    raise SettingsError(
        f"{settings.workers} workers cannot share an embedded collection: one process opens it",
        hint="Leave --workers at 1, or set DATELINE_CHROMA_URL and DATELINE_DATABASE_URL (PostgreSQL).",
    )


def open_worker(settings: Settings) -> Home:
    """The home for one of several workers: for writing when no other has it, else for reading beside the one that has.

    Raises ``HomeInUseError`` when something else than a service holds it.
    """
    from qa.library.home import open_home

    end = time.monotonic() + _PATIENCE
    while True:
        try:
            return open_home(settings, write="serve")
        except HomeInUseError:
            try:
                return open_home(settings, beside="serve")
            except HomeInUseError:
                # Whoever took it this instant has yet to say who it is.
                if time.monotonic() >= end:
                    raise
                time.sleep(0.1)


def worker_app() -> FastAPI:
    """The application of one worker. Its settings come from the environment, as :func:`run_workers` left it."""
    from api.app import create_app
    from api.cli.logs import log_to_stderr

    settings = load_settings()
    log_to_stderr(settings.log_level, as_json=settings.log_format == "json")
    return create_app(settings)


class _Supervisor(Multiprocess):
    """Calls ``on_ready`` once, when a worker answers."""

    def __init__(self, config: Config, sockets: list[socket.socket], on_ready: Callable[[], None]) -> None:
        super().__init__(config, sockets)
        self._on_ready = on_ready
        self.was_ready = False

    def keep_subprocess_alive(self) -> None:
        super().keep_subprocess_alive()
        if not self.was_ready and any(process.is_ready(timeout=1) for process in self.processes):
            self.was_ready = True
            self._on_ready()


def run_workers(settings: Settings, listener: socket.socket, on_ready: Callable[[], None], **told: object) -> None:
    """Serve with ``settings.workers`` processes until SIGINT or SIGTERM; ``told`` are options for uvicorn.

    What would keep every worker from starting is raised here, before there is any.
    """
    from qa.engine import Engine
    from qa.library.home import open_home

    with open_home(settings, write="serve") as home:
        Engine(home)
    shared = tempfile.mkdtemp(prefix="dateline-metrics-")
    os.environ[_SHARED] = shared
    for name in ("home", "host", "port", "workers", "log_level"):
        os.environ[f"DATELINE_{name.upper()}"] = str(getattr(settings, name))
    try:
        config = Config(
            "api.workers:worker_app",
            factory=True,
            workers=settings.workers,
            # A worker that computes may be slow to say that it is there.
            timeout_worker_healthcheck=60,
            **told,  # type: ignore[arg-type]  # as serve() gives them
        )
        supervisor = _Supervisor(config, [listener], on_ready)
        supervisor.run()
        if not supervisor.was_ready:
            raise DatelineError("no worker could be started", hint="What was wrong is said above.")
    finally:
        del os.environ[_SHARED]
        shutil.rmtree(shared, ignore_errors=True)
