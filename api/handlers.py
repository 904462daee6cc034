"""Turns every exception of a request into the error document its caller expects.

Routes under ``/v1`` answer in OpenAI's error shape, all others with RFC 9457 problem documents.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response
from starlette.routing import Match
from starlette.types import Scope

from api.errors import Failure, failure_of, internal_failure, refused
from qa.errors import DatelineError

PROBLEM_MEDIA_TYPE = "application/problem+json"

# A body of nothing but mistakes is not repeated as a whole.
_MOST_FIELDS = 20
_log = logging.getLogger("dateline.http")
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
_HTTP_CODES = {400: "bad_request", 413: "upload_too_large"}
# FastAPI tells of a body that it cannot decode by the cause of its error alone.
_UNREADABLE: Mapping[type[BaseException | None], str] = {
    UnicodeDecodeError: "The body is not JSON: it is not UTF-8.",
    RecursionError: "The body is nested too deeply.",
}


class RefusedError(HTTPException):
    """Carries a ready failure; an HTTPException, because FastAPI lets only those pass while it reads a body."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.status, failure.detail)
        self.failure = failure


class ErrorResponse(JSONResponse):
    """An error document, all in ASCII: it may quote what the caller sent, whether or not that can be encoded."""

    def render(self, content: Any) -> bytes:
        """``content`` as JSON."""
        return json.dumps(content).encode()


class ProblemResponse(ErrorResponse):
    """A problem document."""

    media_type = PROBLEM_MEDIA_TYPE


def speaks_openai(path: str) -> bool:
    """True for the paths whose callers expect OpenAI's shapes."""
    return path == "/v1" or path.startswith("/v1/")


def request_id_of(scope: Scope) -> str:
    """The id of this request, as it goes into answers and logs."""
    return str(scope.get("state", {}).get("request_id", ""))


def where(scope: Scope) -> str:
    """Request id, method and path for the log: without the query, which may hold a question, and on one line."""
    return f"{request_id_of(scope)} {scope['method']} {quote(scope['path'], errors='replace')}"


def refusal(failure: Failure, scope: Scope) -> Response:
    """The response that tells ``failure`` to the caller of ``scope``."""
    headers = dict(failure.headers)
    if not speaks_openai(scope["path"]):
        return ProblemResponse(failure.problem(request_id_of(scope)), failure.status, headers)
    if failure.status >= 500 and failure.retry is False:
        # OpenAI's clients repeat every 5xx unless told not to.
        headers["X-Should-Retry"] = "false"
    return ErrorResponse(failure.openai(), failure.openai_status, headers)


def install(app: FastAPI) -> None:
    """Make ``app`` answer every exception in the shape of the path it arose on."""
    app.add_exception_handler(DatelineError, _on_dateline_error)
    app.add_exception_handler(RequestValidationError, _on_validation_error)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(ClientDisconnect, _on_disconnect)


def failure_in(scope: Scope, error: Exception) -> Failure:
    """How ``error`` is told to the caller; what went wrong on the service's side is logged as well.

    What the caller did wrong is the caller's to read.
    """
    if not isinstance(error, DatelineError):
        _log.error("%s failed", where(scope), exc_info=error)
        return internal_failure()
    failure = failure_of(error)
    if failure.status >= 500:
        _log.warning("%s: %s: %s", where(scope), failure.code, failure.detail)
    return failure


async def _on_dateline_error(request: Request, error: Exception) -> Response:
    return refusal(failure_in(request.scope, error), request.scope)


async def _on_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if isinstance(error, RefusedError):
        return refusal(error.failure, request.scope)
    if error.status_code in (404, 405):
        methods = _methods_of(request) if error.status_code == 405 else ()
        return refusal(no_route(request.method, request.url.path, methods), request.scope)
    if (wrong := _UNREADABLE.get(type(error.__cause__))) is not None:
        return refusal(refused("invalid_json", wrong), request.scope)
    headers = dict(error.headers or {})
    # Whatever else a library refuses by itself is the request's fault as well.
    code = _HTTP_CODES.get(error.status_code, "bad_request" if error.status_code < 500 else "internal")
    return refusal(refused(code, str(error.detail), headers=tuple(headers.items())), request.scope)


def no_route(method: str, path: str, methods: Sequence[str]) -> Failure:
    """What is answered where no route is: 405 with the ``methods`` that ``path`` has, 404 if it has none."""
    if not methods:
        return refused("unknown_path", f"There is nothing at {path}.")
    detail = f"{method} is not something {path} does."
    return refused("method_not_allowed", detail, headers=(("Allow", ", ".join(methods)),))


def _methods_of(request: Request) -> list[str]:
    """What may be done with the path of ``request``: the router names only the first of its routes."""
    routes = request.app.router.routes
    return [
        method
        for method in _METHODS
        if any(route.matches({**request.scope, "method": method})[0] is Match.FULL for route in routes)
    ]


async def _on_disconnect(request: Request, error: Exception) -> Response:
    # Nobody reads it; the status is for the log.
    return Response(status_code=499)


async def _on_validation_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return refusal(_invalid(error.errors(), request.headers.get("content-type", "")), request.scope)


def _invalid(errors: Sequence[dict[str, Any]], content_type: str) -> Failure:
    if any(one["type"] == "json_invalid" for one in errors):
        detail = f"The body is not JSON: {errors[0]['ctx']['error']} at character {errors[0]['loc'][-1]}."
        return refused("invalid_json", detail)
    # A body of another type reaches validation as bytes: its fields were never looked at.
    if isinstance(errors[0].get("input"), bytes):
        return refused("unsupported_media_type", not_taken(content_type))
    fields = tuple((_field(one["loc"]), _message(one)) for one in errors[:_MOST_FIELDS])
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    detail = ": ".join(part for part in fields[0] if part) + more
    return refused("validation", detail, kind="urn:dateline:error:validation", fields=fields)


def not_taken(content_type: str) -> str:
    """What is wrong with a body's type."""
    return f"The body is of type {content_type}." if content_type else "The body's type is not given."


def _field(location: Sequence[str | int]) -> str:
    """``("body", "history", 0, "role")`` -> ``history.0.role``; "" for the body as a whole."""
    return ".".join(str(part) for part in location[1:])


def _message(error: dict[str, Any]) -> str:
    if error["type"] == "extra_forbidden":
        return "there is no such field"
    if error["type"] == "missing" and error["loc"] == ("body",):
        return "the request has no body"
    return str(error["msg"]).removeprefix("Value error, ")
