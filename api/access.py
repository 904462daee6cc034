"""Who may do what: one table of scopes, and the gate in front of the routes that holds callers to it and to limits."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import lru_cache

from starlette.datastructures import Headers
from starlette.routing import compile_path
from starlette.types import ASGIApp, Receive, Scope, Send

from api.errors import Failure, refused
from api.handlers import RefusedError, no_route, refusal
from api.keys import Key, KeyRing
from api.limiting import CallerLimits, Turns
from api.request_context import caller as current_caller
from api.security import is_loopback

OPEN = None
"""The scope of what anybody may see."""

ROUTES: Mapping[tuple[str, str], str | None] = {
    ("GET", "/health/live"): OPEN,
    ("GET", "/health/ready"): OPEN,
    ("GET", "/"): OPEN,
    ("HEAD", "/"): OPEN,
    ("GET", "/web/{name}"): OPEN,
    ("HEAD", "/web/{name}"): OPEN,
    ("GET", "/docs"): OPEN,
    ("HEAD", "/docs"): OPEN,
    ("GET", "/openapi.json"): OPEN,
    ("POST", "/chat"): "ask",
    ("GET", "/search"): "ask",
    ("POST", "/v1/chat/completions"): "ask",
    ("GET", "/v1/models"): "ask",
    ("GET", "/v1/models/{model_id:path}"): "ask",
    ("GET", "/sessions/{session_id}"): "ask",
    ("DELETE", "/sessions/{session_id}"): "ask",
    ("GET", "/articles"): "ask",
    ("GET", "/articles/{article_id:path}"): "ask",
    ("GET", "/status"): "ask",
    ("POST", "/articles"): "ingest",
    ("GET", "/jobs/{job_id}"): "ingest",
    ("GET", "/jobs/{job_id}/events"): "ingest",
    ("DELETE", "/articles/{article_id:path}"): "admin",
    ("GET", "/metrics"): "admin",
}
"""Method and path of every route -> the scope it takes. What is not listed takes ``admin``."""

_COSTLY = {("POST", "/chat"), ("GET", "/search"), ("POST", "/v1/chat/completions")}
"""Routes that compute: they wait for their turn."""

_PATTERNS = [(method, compile_path(path)[0], scope) for (method, path), scope in ROUTES.items()]


@lru_cache(maxsize=1024)
def scope_of(method: str, path: str) -> str | None:
    """The scope that a request takes; ``admin`` for what is not listed, so that nothing is open by an oversight."""
    for listed, pattern, scope in _PATTERNS:
        if listed == method and pattern.match(path):
            return scope
    return "admin"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who a request comes from: a key's name, or an address where nobody is asked for a key."""

    name: str
    key: Key | None = None


def caller_of(scope: Scope) -> str:
    """The name of the key a request was let in by; "" where nobody is asked for one."""
    return str(scope.get("state", {}).get("caller", ""))


class Gate:
    """Lets a request in if its caller may, and has not had its share: else answers 401, 403, 429 or 503.

    ``keys`` None asks nobody for a key. What anybody may see is not counted; neither is, without keys, this machine.
    """

    def __init__(self, app: ASGIApp, keys: KeyRing | None, limits: CallerLimits, turns: Turns) -> None:
        self.app = app
        self._keys = keys
        self._limits = limits
        self._turns = turns

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it before its body is read."""
        if scope["type"] != "http" or scope_of(scope["method"], scope["path"]) is OPEN:
            await self.app(scope, receive, send)
            return
        async with AsyncExitStack() as held:
            try:
                caller = self._identified(scope)
                # Only a key tells callers apart: of an address nobody knows who is behind it.
                scope.setdefault("state", {})["caller"] = caller.key.name if caller.key else ""
                current_caller.set(caller.name)
                if caller.key is not None or not is_loopback(caller.name):
                    own = caller.key
                    limits = (own.rate, own.requests) if own else (None, None)
                    held.enter_context(self._limits.admitted(caller.name, rate=limits[0], at_once=limits[1]))
                if (scope["method"], scope["path"]) in _COSTLY:
                    await held.enter_async_context(self._turns.taken())
            except RefusedError as error:
                await refusal(error.failure, scope)(scope, receive, send)
                return
            await self.app(scope, receive, send)

    def _identified(self, scope: Scope) -> Caller:
        """Raises ``RefusedError`` (401, 403)."""
        if self._keys is None:
            return Caller((scope.get("client") or ("127.0.0.1",))[0])
        secret = _secret(Headers(scope=scope))
        key = self._keys.find(secret) if secret else None
        if key is None:
            detail = "This API key is not known here." if secret else "An API key is needed."
            headers = (("WWW-Authenticate", 'Bearer realm="dateline"'),)
            raise RefusedError(refused("invalid_api_key", detail, headers=headers))
        needed = scope_of(scope["method"], scope["path"])
        if needed is not OPEN and not key.may(needed):
            raise RefusedError(_not_for(scope["method"], scope["path"], needed))
        return Caller(key.name, key)


def _not_for(method: str, path: str, needed: str) -> Failure:
    """What a caller without the scope is told: 404 or 405 where no scope would help, for nothing is there."""
    methods = [listed for listed, pattern, _ in _PATTERNS if pattern.match(path)]
    if method not in methods:
        return no_route(method, path, methods)
    return refused("missing_scope", f"This takes a key with the scope {needed!r}.")


def _secret(headers: Headers) -> str:
    """The key a request bears: ``Authorization: Bearer KEY``, as OpenAI's clients send it, or ``X-API-Key: KEY``."""
    kind, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else headers.get("x-api-key", "").strip()
