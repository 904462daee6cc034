"""What a failure looks like from outside: the HTTP status of each error class and of each refusal of the service's own,
and the exit code of the command line.

Three tables, and nothing else decides. A class that is not listed counts as its nearest listed parent. Importing this
module loads no web framework, so the command line can use it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

from qa.errors import (
    DatelineError,
    EmbeddingMismatchError,
    FilterError,
    HomeError,
    HomeInUseError,
    HomeVersionError,
    InputError,
    ModelAuthError,
    ModelError,
    ModelMissingError,
    ModelRateLimitError,
    ModelReplyError,
    ModelTimeoutError,
    ModelUnreachableError,
    NotFoundError,
    QuestionError,
    SettingsError,
    StoreError,
    StoreUnreachableError,
    UsageError,
    VectorsDamagedError,
)

T = TypeVar("T")


class UnsupportedError(UsageError):
    """An OpenAI parameter this service cannot honour; ``param`` is its path, such as ``messages.0.content``."""

    code = "unsupported_parameter"

    def __init__(self, message: str, *, param: str, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.param = param


class UnknownModelError(UsageError):
    """An OpenAI client asked for a model that this service does not have."""

    code = "model_not_found"
    param: ClassVar[str] = "model"


class JobFailedError(DatelineError):
    """The service gave up on an ingest job."""

    code = "job_failed"


class ListenError(DatelineError):
    """The service cannot listen on the address it was given."""

    code = "listen"
    default_hint = "Choose another port with --port or DATELINE_PORT."


HTTP_ERRORS: Mapping[type[DatelineError], tuple[int, str]] = {
    DatelineError: (500, "Internal error"),
    ListenError: (500, "Internal error"),
    JobFailedError: (500, "Internal error"),
    UsageError: (400, "Bad request"),
    UnsupportedError: (400, "Unsupported parameter"),
    UnknownModelError: (404, "No such model"),
    # The operator's mistake, not the caller's.
    SettingsError: (500, "The service is set up wrongly"),
    FilterError: (422, "Unusable filter"),
    QuestionError: (422, "Unusable question"),
    InputError: (422, "Unreadable input"),
    NotFoundError: (404, "Not found"),
    HomeError: (503, "Collection not usable"),
    HomeInUseError: (503, "Collection in use"),
    HomeVersionError: (503, "Collection not usable"),
    EmbeddingMismatchError: (503, "Collection not usable"),
    StoreError: (500, "Store failed"),
    StoreUnreachableError: (503, "Store not reachable"),
    VectorsDamagedError: (500, "Store damaged"),
    ModelError: (502, "Model failed"),
    ModelMissingError: (503, "Model not installed"),
    # 502 and not 401: the key refused is the service's, the caller's own is fine.
    ModelAuthError: (502, "Model refused the service's key"),
    # 503 and not 429: it is the service that asks too much of its provider, not the caller of the service.
    ModelRateLimitError: (503, "Model is rate limited"),
    ModelTimeoutError: (504, "Model timed out"),
    ModelUnreachableError: (502, "Model not reachable"),
    ModelReplyError: (502, "Model gave no usable reply"),
}
"""Error class -> HTTP status and title. With 503 goes a Retry-After header where the wait is known."""

REFUSALS: Mapping[str, tuple[int, str, str]] = {
    "bad_request": (400, "Bad Request", ""),
    "invalid_json": (400, "Bad Request", ""),
    "invalid_api_key": (401, "Unauthorized", "Send `Authorization: Bearer KEY`; `dateline keys new` makes a key."),
    "missing_scope": (403, "Forbidden", "`dateline keys new` makes a key with other scopes."),
    "unknown_path": (404, "Not Found", "/docs lists every path and method."),
    "method_not_allowed": (405, "Method Not Allowed", "/docs lists every path and method."),
    "body_too_slow": (408, "Request Timeout", "Send the body without delay, or less at a time."),
    "body_too_large": (413, "Content Too Large", "DATELINE_MAX_BODY_BYTES sets the limit."),
    "upload_too_large": (413, "Content Too Large", "Send less at a time; DATELINE_MAX_UPLOAD_BYTES sets the limit."),
    "unsupported_media_type": (
        415,
        "Unsupported Media Type",
        "Send JSON, with the header Content-Type: application/json.",
    ),
    "misdirected": (
        421,
        "Misdirected Request",
        "A proxy in front of it has to send such a name as Host, or the service to ask for API keys.",
    ),
    "validation": (422, "Invalid request", ""),
    "idempotency_key": (422, "Idempotency key used before", "Send another Idempotency-Key with another body."),
    "rate_limit_exceeded": (429, "Too Many Requests", "Wait as long as Retry-After says; DATELINE_RATE_LIMIT."),
    "too_many_at_once": (429, "Too Many Requests", "Wait for earlier requests to end; DATELINE_REQUESTS_PER_KEY."),
    "internal": (500, "Internal Server Error", "The service's log has the details under this request_id."),
    "not_ready": (503, "Service Unavailable", ""),
    "busy": (503, "Service busy", "Try again after Retry-After seconds; DATELINE_MAX_RUNNING, DATELINE_MAX_WAITING."),
    "too_many_jobs": (503, "Service busy", "Wait for ingest jobs to end; DATELINE_MAX_JOBS sets how many may wait."),
}
"""Code of what the service refuses of itself -> HTTP status, title and hint. ``busy`` and those with 429 come with a
Retry-After header."""

DONE = 0
FAILED = 1
USAGE = 2
PARTIAL = 3
HOME = 4
UNREACHABLE = 5
INTERRUPTED = 130

EXIT_CODES: Mapping[type[DatelineError], int] = {
    DatelineError: FAILED,
    ListenError: FAILED,
    JobFailedError: FAILED,
    UsageError: USAGE,
    InputError: FAILED,
    NotFoundError: FAILED,
    HomeError: HOME,
    StoreError: FAILED,
    StoreUnreachableError: UNREACHABLE,
    # Every way in which the model cannot be had: no weights, no connection, no leave, no time, no sense.
    ModelError: UNREACHABLE,
}
"""Error class -> exit code of the command line. (``PARTIAL`` is a result, not an error.)"""


@dataclass(frozen=True, slots=True)
class Failure:
    """A failure as it is told to a caller, before it takes the shape of a problem document or of OpenAI's error.

    ``kind`` is the problem type, ``param`` the request field at fault where there is one. ``fields`` lists every
    field that was refused, with the reason. ``retry`` is None when nobody knows whether to try again.
    """

    status: int
    title: str
    detail: str
    code: str
    hint: str = ""
    kind: str = "about:blank"
    param: str | None = None
    fields: tuple[tuple[str, str], ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    retry: bool | None = None

    def problem(self, request_id: str) -> dict[str, Any]:
        """The RFC 9457 problem document."""
        document: dict[str, Any] = {
            "type": self.kind,
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
            "hint": self.hint or None,
            "request_id": request_id,
        }
        if self.fields:
            document["errors"] = [{"field": field, "message": message} for field, message in self.fields]
        return document

    @property
    def openai_status(self) -> int:
        """The status on OpenAI's routes, where a request that cannot be used is always a 400."""
        return 400 if self.status == 422 else self.status

    def openai(self) -> dict[str, Any]:
        """OpenAI's error object; its clients show only the message, so the hint goes into it."""
        message = f"{self.detail.rstrip('.')}. {self.hint}" if self.hint else self.detail
        kind = "invalid_request_error" if self.status < 500 else "api_error"
        return {"error": {"message": message, "type": kind, "param": self.param, "code": self.code}}


def failure_of(error: DatelineError) -> Failure:
    """How ``error`` is told to a caller over HTTP."""
    status, title = _look_up(HTTP_ERRORS, type(error))
    headers: tuple[tuple[str, str], ...] = ()
    if isinstance(error, ModelRateLimitError) and error.retry_after is not None:
        headers = (("Retry-After", str(max(1, round(error.retry_after)))),)
    return Failure(
        status=status,
        title=title,
        detail=str(error),
        code=error.code,
        hint=error.hint,
        kind=f"urn:dateline:error:{error.code}",
        param=getattr(error, "param", None),
        headers=headers,
        retry=error.retryable,
    )


def refused(
    code: str,
    detail: str,
    *,
    hint: str | None = None,
    kind: str = "about:blank",
    fields: tuple[tuple[str, str], ...] = (),
    headers: tuple[tuple[str, str], ...] = (),
) -> Failure:
    """A refusal listed under ``code``, ``hint`` in place of the one listed. The first of ``fields`` is at fault."""
    status, title, listed = REFUSALS[code]
    return Failure(
        status=status,
        title=title,
        detail=detail,
        code=code,
        hint=listed if hint is None else hint,
        kind=kind,
        param=(fields[0][0] or None) if fields else None,
        fields=fields,
        headers=headers,
    )


def internal_failure() -> Failure:
    """How a fault of our own is told to a caller: that it happened, and under which request id it is logged."""
    return refused("internal", "The service failed in a way it does not know.")


def exit_code(error: BaseException) -> int:
    """The exit code of a command that ended with ``error``."""
    if isinstance(error, KeyboardInterrupt):
        return INTERRUPTED
    return _look_up(EXIT_CODES, type(error)) if isinstance(error, DatelineError) else FAILED


def _look_up(table: Mapping[type[DatelineError], T], kind: type[DatelineError]) -> T:
    return next(table[parent] for parent in kind.__mro__ if parent in table)
