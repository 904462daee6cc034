"""A connection to a running service: its URL, its key, and names for what goes wrong on the way.

Nothing the service says is trusted: every reply has to have the contract's form.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self, TypeVar

from api.errors import UnknownModelError
from qa import errors
from qa.errors import (
    DatelineError,
    ModelAuthError,
    ModelRateLimitError,
    ModelReplyError,
    ModelTimeoutError,
    ModelUnreachableError,
    UsageError,
)

if TYPE_CHECKING:
    import httpx

T = TypeVar("T")

_CONNECT_SECONDS = 10.0
_LONGEST_DETAIL = 2000


class Connection:
    """To the service at ``url``, an asynchronous context manager. ``timeout`` is the longest wait for it to say
    anything, in seconds; ``key`` goes with every request. Raises ``UsageError`` for what is no URL of a service."""

    def __init__(
        self,
        url: str,
        *,
        timeout: float,
        key: str | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        import httpx

        self.url = url.rstrip("/")
        try:
            parsed = httpx.URL(self.url)
        except httpx.InvalidURL:
            parsed = httpx.URL("")
        if parsed.scheme not in ("http", "https") or not parsed.host:
            raise UsageError(
                f"{url!r} is not the URL of a service",
                hint="Write --server (or DATELINE_SERVER_URL) as http://HOST:PORT.",
            )
        if key is not None and not (key.isascii() and key.isprintable()):
            raise UsageError("DATELINE_SERVER_KEY holds characters that no key has")
        self._key = key
        self.http = httpx.AsyncClient(
            base_url=self.url,
            timeout=httpx.Timeout(timeout, connect=_CONNECT_SECONDS),
            headers={"Authorization": f"Bearer {key}"} if key else None,
            # As many as ask at a time, who wait for their answers and not for each other.
            limits=httpx.Limits(max_connections=None),
            transport=transport,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.http.aclose()

    async def send(self, method: str, path: str, **told: Any) -> httpx.Response:
        """The response to one request. Raises the error that a problem document tells of, and those on the way."""
        with self.renamed():
            response = await self.http.request(method, path, **told)
            self.check(response, response.content)
            return response

    @contextmanager
    def renamed(self) -> Iterator[None]:
        """Give what goes wrong on the way a name from the one exception tree."""
        import httpx

        try:
            yield
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise ModelUnreachableError(
                f"no service answers at {self.url}",
                hint="Check --server (or DATELINE_SERVER_URL), and that `dateline serve` is running there.",
            ) from error
        except httpx.TimeoutException as error:
            raise ModelTimeoutError(
                f"{self.url} did not answer in time", hint="Try again, or raise DATELINE_MODEL_TIMEOUT (seconds)."
            ) from error
        except httpx.HTTPError as error:
            raise ModelUnreachableError(f"the connection to {self.url} broke: {error}", hint="Try again.") from error
        except ValueError as error:
            # ValidationError and JSONDecodeError are ValueErrors.
            raise ModelReplyError(
                f"{self.url} answered something that is no answer of this version of Dateline",
                hint="Is it a Dateline service, and of the same version?",
            ) from error

    def check(self, response: httpx.Response, body: bytes) -> None:
        """Raise what a response that is no success tells of."""
        if response.is_success:
            return
        try:
            document = json.loads(body)
        except ValueError:
            document = None
        raise self.problem(response, document)

    def problem(self, response: httpx.Response, document: Any) -> DatelineError:
        """The error a problem document tells of; one of its own for anything else."""
        told = document.get("detail") if isinstance(document, dict) else None
        told = f": {str(told)[:_LONGEST_DETAIL]}" if told else ""
        if response.status_code in (401, 403):
            refused = "refused the key" if self._key else "asks for a key"
            return ModelAuthError(
                f"{self.url} {refused}{told}", hint="Set DATELINE_SERVER_KEY to a key of that service that may do this."
            )
        if response.status_code == 429:
            return ModelRateLimitError(f"{self.url} is limiting requests{told}", retry_after=_seconds(response))
        if not isinstance(document, dict) or not isinstance(document.get("code"), str):
            return ModelReplyError(
                f"{self.url} answered {response.status_code} {response.reason_phrase}",
                hint="Is it the URL of a Dateline service?",
            )
        detail = str(document.get("detail") or document.get("title") or document["code"])[:_LONGEST_DETAIL]
        hint = str(document.get("hint") or "")[:_LONGEST_DETAIL]
        known = _BY_CODE.get(document["code"])
        if known is ModelRateLimitError:
            return ModelRateLimitError(detail, hint=hint, retry_after=_seconds(response))
        if known is not None:
            error = known(detail, hint=hint)
            # What may pass has been tried again there.
            error.retryable = False
            return error
        if response.is_client_error and response.status_code not in (404, 421):
            return UsageError(detail, hint=hint)
        return ModelReplyError(f"{self.url} answered {response.status_code}: {detail}", hint=hint)


def _seconds(response: httpx.Response) -> float | None:
    after = response.headers.get("retry-after", "")
    return float(after) if after.isascii() and after.isdecimal() else None


def _subclasses(cls: type[T]) -> Iterator[type[T]]:
    yield cls
    for child in cls.__subclasses__():
        yield from _subclasses(child)


# The tree's own classes, and one of the service's; other classes defined elsewhere need more than a message.
_BY_CODE = {cls.code: cls for cls in _subclasses(DatelineError) if cls.__module__ == errors.__name__}
_BY_CODE[UnknownModelError.code] = UnknownModelError
