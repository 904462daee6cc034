"""Guards in front of the routes, as plain ASGI: who the request is addressed to, and how much it may send."""

from __future__ import annotations

import asyncio
import ipaddress

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import Failure, refused
from api.handlers import RefusedError, refusal

SECURITY_HEADERS = (
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Frame-Options", "DENY"),
)
BODY_SECONDS = 30.0
"""That a body may take at any length; for each ``BODY_RATE`` bytes of it that came it may take a second more."""
BODY_RATE = 1000
CONTENT_POLICY = "default-src 'none'; frame-ancestors 'none'"
"""For everything but pages: an answer is data, and nothing in it may run."""


def is_loopback(host: str) -> bool:
    """True when ``host`` (a name or an address, without port) can only be this machine."""
    name = host.strip("[]").rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


class HostGuard:
    """Answers only requests addressed to this machine by a loopback name.

    A service bound to loopback is still within reach of web pages: a page's own host name can be made to resolve to
    127.0.0.1, and the browser then takes the service for the page's own. Such a request bears the page's name.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 421."""
        if scope["type"] == "http" and not is_loopback(_name(Headers(scope=scope).get("host", ""))):
            detail = "This service answers only to loopback names, such as localhost or 127.0.0.1."
            failure = refused("misdirected", detail)
            await refusal(failure, scope)(scope, receive, send)
            return
        await self.app(scope, receive, send)


def _name(host: str) -> str:
    """A Host header without its port: ``[::1]:8000`` -> ``[::1]``."""
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0]


class TargetGuard:
    """Refuses a NUL in the path or the query: nothing is called so, no word holds one, and PostgreSQL takes none."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 404 or 422."""
        failure = None
        if scope["type"] == "http":
            if "\0" in scope["path"]:
                failure = refused("unknown_path", "There is nothing at a path with a NUL in it.")
            elif b"%00" in scope["query_string"] or b"\0" in scope["query_string"]:
                failure = refused("validation", "The query holds a NUL, which no text can.")
        await (refusal(failure, scope) if failure else self.app)(scope, receive, send)


class BodyLimit:
    """Refuses bodies over ``limit`` bytes: at once when the length is announced, else as soon as it is passed.

    Articles (``POST /articles``) may have up to ``uploads`` bytes. A body that takes longer than ``BODY_SECONDS`` is
    refused, too: it would hold its caller's turn meanwhile.
    """

    def __init__(self, app: ASGIApp, limit: int, uploads: int) -> None:
        self.app = app
        self.limit = limit
        self.uploads = uploads

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 413 or 408 and close the connection, as the rest of the body is not read."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        uploading = (scope["method"], scope["path"]) == ("POST", "/articles")
        limit, code = (self.uploads, "upload_too_large") if uploading else (self.limit, "body_too_large")
        failure = refused(code, f"The body is larger than {limit:,} bytes.", headers=(("Connection", "close"),))
        announced = Headers(scope=scope).get("content-length", "")
        # As many digits as no real length has would be refused by int().
        if announced.isdecimal() and (len(announced) > 18 or int(announced) > limit):
            await refusal(failure, scope)(scope, receive, send)
            return
        await self.app(scope, _bounded(receive, limit, failure), send)


def _bounded(receive: Receive, limit: int, too_large: Failure) -> Receive:
    """``receive`` for a body of up to ``limit`` bytes that comes in time. What comes after it may take any time."""
    seen, complete = 0, False
    now = asyncio.get_running_loop().time
    begun: float | None = None

    async def bounded() -> Message:
        nonlocal seen, complete, begun
        if complete:
            return await receive()
        begun = now() if begun is None else begun
        try:
            async with asyncio.timeout_at(begun + BODY_SECONDS + seen / BODY_RATE):
                message = await receive()
        except TimeoutError:
            detail = f"Of the body {seen:,} bytes came in {now() - begun:.0f} seconds."
            raise RefusedError(refused("body_too_slow", detail, headers=(("Connection", "close"),))) from None
        seen += len(message.get("body", b""))
        complete = not message.get("more_body", False)
        if seen > limit:
            raise RefusedError(too_large)
        return message

    return bounded
