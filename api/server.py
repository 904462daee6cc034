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
from typing import TYPE_CHECKING

from api.errors import ListenError
from api.security import is_loopback
from qa.errors import SettingsError
from qa.settings import Settings

if TYPE_CHECKING:
    import uvicorn
    from fastapi import FastAPI

GRACE = 10
"""Seconds that running answers are given to finish when the service stops."""

KEEP_ALIVE = 30
"""Seconds that an idle connection is kept open."""


def announce(url: str) -> None:
    """Say on stderr that the service is there."""
    sys.stderr.write(f"Dateline is listening on {url}\n")
    sys.stderr.flush()


def serve(
    settings: Settings,
    host: str | None = None,
    port: int | None = None,
    *,
    insecure: bool = False,
    on_ready: Callable[[str], None] = announce,
) -> None:
    """Serve the home until SIGINT or SIGTERM, then let running answers finish for at most ``GRACE`` seconds.

    ``host`` and ``port`` replace those of the settings; ``on_ready`` is called with the service's URL once requests
    are answered. Raises ``SettingsError`` for an address beyond this machine unless ``insecure``, ``ListenError``
    when the address is taken, and whatever ``open_home`` and ``Engine`` raise.
    """
    settings = settings.model_copy(update={"host": host or settings.host, "port": port or settings.port})
    if not insecure and not is_loopback(settings.host):
        raise SettingsError(
            f"{settings.host} can be reached from other machines, and nothing would ask them for a key",
            hint="Listen on 127.0.0.1, behind a proxy that does ask; or pass --insecure to let everybody in.",
        )
    with listening(settings.host, settings.port) as listener:
        from api.app import create_app
        from qa.engine import Engine
        from qa.library.home import open_home

        with open_home(settings, write="serve") as home:
            server = server_of(create_app(settings, home, Engine(home)), settings, listener, on_ready)
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

    config = uvicorn.Config(
        app,
        # Logging is the command's to set up; and uvicorn's access log would hold whole queries.
        log_config=None,
        access_log=False,
        log_level=settings.log_level,
        lifespan="on",
        ws="none",
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=GRACE,
    )
    return Server(config)


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
