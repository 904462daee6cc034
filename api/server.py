"""``serve``: runs the service in this process until it is told to stop."""

from __future__ import annotations

import errno
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from api.errors import ListenError
from api.keys import read_keys
from api.security import is_loopback
from qa.errors import SettingsError
from qa.settings import Settings

if TYPE_CHECKING:
    import uvicorn
    from fastapi import FastAPI

KEEP_ALIVE = 30
"""Seconds that an idle connection is kept open."""


def announce(url: str) -> None:
    """Say on stderr that the service is there."""
    sys.stderr.write(f"Dateline is listening on {url}\n")
    sys.stderr.flush()


def introduce(settings: Settings) -> None:
    """Say on stderr who may come in, and what leaves the machine."""
    from api.disclosure import disclosures, told

    if settings.api_keys_file:
        count = len(read_keys(settings.api_keys_file))
        who = f"API keys are asked for; there {'is' if count == 1 else 'are'} {count}."
    elif is_loopback(settings.host):
        who = "There are no API keys: only this machine is answered, and whoever is on it."
    else:
        who = "There are no API keys: everybody who can reach this address is answered."
    sys.stderr.write(f"{who}\n{told(disclosures(settings))}\n")
    sys.stderr.flush()


def serve(
    settings: Settings,
    host: str | None = None,
    port: int | None = None,
    *,
    workers: int | None = None,
    insecure: bool = False,
    on_ready: Callable[[str], None] = announce,
) -> None:
    """Serve the home until SIGINT or SIGTERM, then let running answers finish for ``settings.shutdown_grace`` seconds.

    ``host``, ``port`` and ``workers`` replace those of the settings; ``on_ready`` is called with the service's URL once
    requests are answered. Raises ``SettingsError`` for an address beyond this machine where nobody is asked for a key,
    unless ``insecure``, and for several workers of an embedded collection; ``ListenError`` when the address is taken;
    and whatever ``open_home`` and ``Engine`` raise.
    """
    given = {"host": host, "port": port, "workers": workers}
    settings = settings.model_copy(update={name: value for name, value in given.items() if value is not None})
    if not insecure and not settings.api_keys_file and not is_loopback(settings.host):
        raise SettingsError(
            f"{settings.host} can be reached from other machines, and nothing would ask them for a key",
            hint="Set DATELINE_API_KEYS_FILE (`dateline keys new`), or pass --insecure to let everybody in.",
        )
    with listening(settings.host, settings.port) as listener:
        from api.workers import check_workers, run_workers

        check_workers(settings)

        def ready(url: str) -> None:
            on_ready(url)
            introduce(settings)

        if settings.workers > 1:
            run_workers(settings, listener, lambda: ready(url_of(listener)), **_options(settings))
        else:
            _serve_alone(settings, listener, ready)


def _serve_alone(settings: Settings, listener: socket.socket, on_ready: Callable[[str], None]) -> None:
    from api.app import create_app
    from api.service import engine_of
    from qa.library.home import open_home

    with open_home(settings, write="serve") as home:
        server = server_of(create_app(settings, home, engine_of(home)), settings, listener, on_ready)
        with _stopping_is_no_error():
            server.run(sockets=[listener])


@contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
    """A socket bound to the address, before anything slow is loaded. Raises ``ListenError``."""
    name = host.strip("[]")
    family = socket.AF_INET6 if ":" in name else socket.AF_INET
    try:
        listener = socket.create_server((name, port), family=family, backlog=2048)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise ListenError(f"port {port} on {host} is in use by another program") from None
        # create_server adds the address to the message, getaddrinfo has none.
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
        raise ListenError(f"cannot listen on {host}, port {port}: {reason}") from error
    with listener:
        yield listener


def server_of(
    app: FastAPI, settings: Settings, listener: socket.socket, on_ready: Callable[[str], None]
) -> uvicorn.Server:
    """A server for ``app`` that calls ``on_ready`` once it answers; start it with ``run(sockets=[listener])``."""
    import uvicorn

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.started:
                on_ready(url_of(listener))

        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            app.state.in_flight.stopping = True
            # Who watches a job would else keep the service for as long as answers may take.
            app.state.service.ingestion.announce_stop()
            await super().shutdown(sockets)

    return Server(uvicorn.Config(app, **_options(settings)))


def _options(settings: Settings) -> dict[str, Any]:
    """What uvicorn is told."""
    from api.protocol import BoundedProtocol

    return {
        "http": BoundedProtocol,
        # Logging is the command's to set up; and uvicorn's access log would hold whole queries.
        "log_config": None,
        "access_log": False,
        "log_level": settings.log_level,
        "lifespan": "on",
        "ws": "none",
        "server_header": False,
        "timeout_keep_alive": KEEP_ALIVE,
        "timeout_graceful_shutdown": settings.shutdown_grace,
    }


def url_of(listener: socket.socket) -> str:
    """Where ``listener`` is reached: ``http://127.0.0.1:8000``."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


@contextmanager
def _stopping_is_no_error() -> Iterator[None]:
    """uvicorn, once it has shut down, sends itself the signal that stopped it, which would end the process at once.

    Stopping is what was asked for, and the home has still to be closed: here the repeated signal does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, lambda *_: None) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
