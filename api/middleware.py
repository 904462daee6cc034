"""What surrounds every request: its id, the headers of its response, its line in the log, and the last resort."""

from __future__ import annotations

import asyncio
import logging
import re
import time
import uuid

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import refused
from api.handlers import failure_in, refusal, where
from api.in_flight import InFlight
from api.measures import Measures
from api.request_context import request_id as current_request
from api.security import CONTENT_POLICY, SECURITY_HEADERS

REQUEST_ID_HEADER = "X-Request-ID"

_SANE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_log = logging.getLogger("dateline.http")


class RequestEnvelope:
    """Outermost of the service's own middleware, so that no response leaves without its headers.

    The request id is the caller's, if it is made of at most 64 letters, digits and ``._-``, else a new one. The log
    line names the path without the query, which may hold a question.
    """

    def __init__(self, app: ASGIApp, measures: Measures, in_flight: InFlight) -> None:
        self.app = app
        self._measures = measures
        self._in_flight = in_flight

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; answer 500 for an exception that nobody else has answered.

        One that is cancelled because the service stops is answered 503, or breaks off if its answer has begun.
        """
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = _request_id(scope)
        scope.setdefault("state", {})["request_id"] = request_id
        known = current_request.set(request_id)
        started = time.perf_counter()
        status = 0

        async def stamped(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                _stamp(MutableHeaders(scope=message), request_id)
            await send(message)

        try:
            with self._in_flight.counted():
                await self.app(scope, receive, stamped)
        except asyncio.CancelledError:
            if not self._in_flight.stopping:
                raise
            if not status:
                stopping = refused("not_ready", "The service is stopping.", headers=(("Connection", "close"),))
                await refusal(stopping, scope)(scope, receive, stamped)
        except Exception as error:
            if status:
                raise  # too late for another answer: the server has to break the connection off
            await refusal(failure_in(scope, error), scope)(scope, receive, stamped)
        finally:
            elapsed = time.perf_counter() - started
            self._tell(scope, status, elapsed)
            current_request.reset(known)

    def _tell(self, scope: Scope, status: int, seconds: float) -> None:
        route = route_of(scope)
        self._measures.request(scope["method"], route, status, seconds)
        told = {"method": scope["method"], "route": route, "status": status, "ms": round(seconds * 1000, 1)}
        told["caller"] = scope["state"].get("caller", "")
        _log.info("%s %d %.0f ms", where(scope), status, seconds * 1000, extra={"told": told})


def route_of(scope: Scope) -> str:
    """The path of the route as it is written (``/articles/{article_id}``); ``other`` for what leads nowhere."""
    path = getattr(scope.get("route"), "path", None)
    return path.replace(":path}", "}") if isinstance(path, str) else "other"


def _request_id(scope: Scope) -> str:
    given = Headers(scope=scope).get(REQUEST_ID_HEADER, "")
    return given if _SANE_ID.fullmatch(given) else uuid.uuid4().hex


def _stamp(headers: MutableHeaders, request_id: str) -> None:
    headers[REQUEST_ID_HEADER] = request_id
    for name, value in SECURITY_HEADERS:
        headers.setdefault(name, value)
    headers.setdefault("Content-Security-Policy", CONTENT_POLICY)
