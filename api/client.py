"""The same questions asked of the home on this machine or of a running service: one face, :class:`Asker`."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeVar

from api.errors import UnknownModelError
from api.event_stream import event_of, sse
from api.schemas import Status
from api.search_schemas import SearchResponse, SearchResult
from qa import errors
from qa.errors import (
    DatelineError,
    ModelRateLimitError,
    ModelReplyError,
    ModelTimeoutError,
    ModelUnreachableError,
    UsageError,
)
from qa.events import DoneEvent, Event
from qa.models import Answer, Ask, Facets, Filters, Hit, Passage, Retrieved

if TYPE_CHECKING:
    import httpx

    from qa.engine import Engine
    from qa.library.home import Home
    from qa.settings import Settings

T = TypeVar("T")

_CONNECT_SECONDS = 10.0
_LONGEST_DETAIL = 2000


class Asker(Protocol):
    """Whoever can be asked. Use it as an asynchronous context manager."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(self, *exc: object) -> None: ...

    async def ready(self) -> None:
        """Raise now what would keep every question from being answered."""

    async def model(self) -> str:
        """The model that answers when a question names none."""

    async def prompt_version(self) -> str:
        """What of the prompt is part of a batch row's key."""

    def stream(self, ask: Ask) -> AsyncGenerator[Event, None]:
        """The events of one answer; the last is a ``DoneEvent``, unless an error is raised."""

    async def answer(self, ask: Ask) -> Answer:
        """One whole answer."""

    async def search(self, ask: Ask, *, k: int) -> Retrieved:
        """Up to ``k`` passages, best first."""


def asker_for(settings: Settings) -> Asker:
    """The service ``settings.server_url`` names, else the home."""
    if settings.server_url:
        # As long as the models may take there, and what the service adds to it.
        patience = settings.model_timeout * (len(settings.fallback_models) + 1) + 60
        key = settings.server_key.get_secret_value() if settings.server_key else None
        return HttpAsker(settings.server_url, timeout=patience, key=key)
    return LocalAsker(settings)


class LocalAsker:
    """Asks the home of ``settings``, which is opened with the first question."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._home: Home | None = None
        self._engine: Engine | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self._home is not None:
            self._home.close()

    async def ready(self) -> None:
        """Open the home. Raises ``HomeError`` when it cannot be read."""
        self._opened()

    async def model(self) -> str:
        """The model the settings name."""
        return self._settings.model

    async def prompt_version(self) -> str:
        """What the settings make of the prompt."""
        from qa.roster import prompt_version_of

        return prompt_version_of(self._settings)

    def stream(self, ask: Ask) -> AsyncGenerator[Event, None]:
        """See :meth:`qa.engine.Engine.stream`."""
        return self._opened().stream(ask)

    async def answer(self, ask: Ask) -> Answer:
        """See :meth:`qa.engine.Engine.answer`."""
        return await self._opened().answer(ask)

    async def search(self, ask: Ask, *, k: int) -> Retrieved:
        """See :meth:`qa.engine.Engine.search`."""
        return await self._opened().search(ask, k=k)

    def _opened(self) -> Engine:
        if self._engine is None:
            from qa.engine import Engine
            from qa.library.home import open_home

            self._home = open_home(self._settings)
            self._engine = Engine(self._home)
        return self._engine


class HttpAsker:
    """Asks the service at ``url``, with an API ``key`` where it wants one.

    ``timeout`` is the longest wait for it to say anything, in seconds.

    Nothing the service says is trusted: every reply has to have the contract's form.
    """

    def __init__(
        self, url: str, *, timeout: float, key: str | None = None, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        import httpx

        self._url = url.rstrip("/")
        try:
            parsed = httpx.URL(self._url)
        except httpx.InvalidURL:
            parsed = httpx.URL("")
        if parsed.scheme not in ("http", "https") or not parsed.host:
            raise UsageError(
                f"{url!r} is not the URL of a service",
                hint="Write --server (or DATELINE_SERVER_URL) as http://HOST:PORT.",
            )
        self._http = httpx.AsyncClient(
            base_url=self._url,
            timeout=httpx.Timeout(timeout, connect=_CONNECT_SECONDS),
            transport=transport,
            headers={"Authorization": f"Bearer {key}"} if key else None,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._http.aclose()

    async def ready(self) -> None:
        """Ask the service for its status. Raises ``ModelUnreachableError`` when there is none."""
        await self.model()

    async def model(self) -> str:
        """The model the service names in its status."""
        return (await self._status()).model

    async def prompt_version(self) -> str:
        """The prompt version the service names in its status."""
        return (await self._status()).prompt_version

    async def answer(self, ask: Ask) -> Answer:
        """Ask and wait for the whole answer."""
        with self._renamed():
            response = await self._http.post("/chat", json={**_chat(ask), "stream": False})
            self._check(response, response.content)
            return Answer.model_validate_json(response.content)

    async def stream(self, ask: Ask) -> AsyncGenerator[Event, None]:
        """The events of one answer as they come."""
        request = self._http.stream("POST", "/chat", json={**_chat(ask), "stream": True})
        with self._renamed():
            async with request as response:
                if not response.is_success:
                    self._check(response, await response.aread())
                async with aclosing(sse(response.aiter_bytes())) as events:
                    async for name, data in events:
                        if name == "error":
                            raise self._problem(response, json.loads(data))
                        event = event_of(name, data)
                        if event is not None:
                            yield event
                        if isinstance(event, DoneEvent):
                            return
        raise ModelUnreachableError(f"{self._url} broke off before the answer was complete", hint="Try again.")

    async def search(self, ask: Ask, *, k: int) -> Retrieved:
        """Search there."""
        query: list[tuple[str, str | int | float | bool | None]] = [("q", ask.question), ("k", k), ("explain", "true")]
        query += [(name, value) for name, value in _days(ask).items()]
        query += [("source", source) for source in ask.sources]
        if ask.article is not None:
            query.append(("article", ask.article))
        with self._renamed():
            response = await self._http.get("/search", params=query)
            self._check(response, response.content)
            found = SearchResponse.model_validate_json(response.content)
        return Retrieved(
            hits=tuple(map(_hit, found.results)),
            filters=Filters(
                found.as_of,
                ask.as_of is not None,
                ask.start,
                ask.end,
                ask.sources,
                articles=(ask.article,) if ask.article else (),
            ),
            date_range=found.date_range,
            notes=found.warnings,
            weighting=found.weighting or "",
            facets=Facets(**found.facets.model_dump()),
        )

    @contextmanager
    def _renamed(self) -> Iterator[None]:
        """Give what goes wrong on the way a name from the one exception tree."""
        import httpx

        try:
            yield
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise ModelUnreachableError(
                f"no service answers at {self._url}",
                hint="Check --server (or DATELINE_SERVER_URL), and that `dateline serve` is running there.",
            ) from error
        except httpx.TimeoutException as error:
            raise ModelTimeoutError(
                f"{self._url} did not answer in time", hint="Try again, or raise DATELINE_MODEL_TIMEOUT (seconds)."
            ) from error
        except httpx.HTTPError as error:
            raise ModelUnreachableError(f"the connection to {self._url} broke: {error}", hint="Try again.") from error
        except ValueError as error:
            # ValidationError and JSONDecodeError are ValueErrors.
            raise ModelReplyError(
                f"{self._url} answered something that is no answer of this version of Dateline",
                hint="Is it a Dateline service, and of the same version?",
            ) from error

    async def _status(self) -> Status:
        with self._renamed():
            response = await self._http.get("/status")
            self._check(response, response.content)
            return Status.model_validate_json(response.content)

    def _check(self, response: httpx.Response, body: bytes) -> None:
        if response.is_success:
            return
        try:
            document = json.loads(body)
        except ValueError:
            document = None
        raise self._problem(response, document)

    def _problem(self, response: httpx.Response, document: Any) -> DatelineError:
        """The error a problem document tells of; one of its own for anything else."""
        if not isinstance(document, dict) or not isinstance(document.get("code"), str):
            return ModelReplyError(
                f"{self._url} answered {response.status_code} {response.reason_phrase}",
                hint="Is it the URL of a Dateline service?",
            )
        detail = str(document.get("detail") or document.get("title") or document["code"])[:_LONGEST_DETAIL]
        hint = str(document.get("hint") or "")[:_LONGEST_DETAIL]
        if response.status_code in (401, 403):
            return UsageError(detail, hint="Set DATELINE_SERVER_KEY to a key that `dateline keys new` made there.")
        known = _BY_CODE.get(document["code"])
        if known is ModelRateLimitError:
            after = response.headers.get("retry-after", "")
            return ModelRateLimitError(detail, hint=hint, retry_after=float(after) if after.isdecimal() else None)
        if known is not None:
            return known(detail, hint=hint)
        if response.is_client_error and response.status_code not in (404, 421, 429):
            return UsageError(detail, hint=hint)
        return ModelReplyError(f"{self._url} answered {response.status_code}: {detail}", hint=hint)


def _days(ask: Ask) -> dict[str, str]:
    days = {"as_of": ask.as_of, "from": ask.start, "to": ask.end}
    return {name: day.isoformat() for name, day in days.items() if day is not None}


def _chat(ask: Ask) -> dict[str, Any]:
    """The body of ``POST /chat``; what the question leaves open is left to the service."""
    body: dict[str, Any] = {"question": ask.question, **_days(ask)}
    if ask.default_as_of is not None:
        body["default_as_of"] = ask.default_as_of.isoformat()
    if ask.history:
        body["history"] = [{"role": turn.role, "content": turn.content} for turn in ask.history]
    if ask.sources:
        body["sources"] = list(ask.sources)
    if ask.article is not None:
        body["article"] = ask.article
    if ask.top_k is not None:
        body["top_k"] = ask.top_k
    if ask.model is not None:
        body["model"] = ask.model
    return body


def _hit(found: SearchResult) -> Hit:
    if found.explain is None:
        raise ValueError("a search result without the parts of its score")
    passage = Passage.model_validate({name: getattr(found, name) for name in Passage.model_fields})
    highlights = tuple((span.start, span.end) for span in found.highlights)
    return Hit(passage=passage, highlights=highlights, **found.explain.model_dump())


def _subclasses(cls: type[T]) -> Iterator[type[T]]:
    yield cls
    for child in cls.__subclasses__():
        yield from _subclasses(child)


# The tree's own classes, and one of the service's; other classes defined elsewhere need more than a message.
_BY_CODE = {cls.code: cls for cls in _subclasses(DatelineError) if cls.__module__ == errors.__name__}
_BY_CODE[UnknownModelError.code] = UnknownModelError
