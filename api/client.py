"""The same questions asked of the home on this machine or of a running service: one face, :class:`Asker`."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Protocol, Self

from api.connection import Connection
from api.errors import UnknownModelError
from api.event_stream import event_of, sse
from api.schemas import Status
from api.search_schemas import SearchResponse, SearchResult
from qa.errors import ModelUnreachableError
from qa.events import DoneEvent, Event
from qa.models import Answer, Ask, Facets, Filters, Hit, Passage, Retrieved
from qa.pace import Pace, Patience, Tries

if TYPE_CHECKING:
    import httpx

    from qa.engine import Engine
    from qa.library.home import Home
    from qa.settings import Settings


class Asker(Protocol):
    """Whoever can be asked. Use it as an asynchronous context manager."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(self, *exc: object) -> None: ...

    async def ready(self, model: str | None = None) -> None:
        """Raise now what would keep every question, or every one to ``model``, from being answered."""

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


def asker_for(settings: Settings, *, patient: bool = False) -> Asker:
    """The service ``settings.server_url`` names, else the home.

    ``patient``: whole answers come rather late than not at all, see :class:`qa.pace.Patience`.
    """
    if not settings.server_url:
        return LocalAsker(settings, patient=patient)
    pace = Pace(requests=settings.requests_per_minute, tokens=settings.tokens_per_minute)
    retries = settings.model_retries if patient else 0
    # How long it may take is the connection's affair.
    patience = Patience(timeout=86_400, retries=retries, patient=patient)
    # As long as the models may take there, and what the service adds to it.
    timeout = settings.model_timeout * (len(settings.fallback_models) + 1) + 60
    key = settings.server_key.get_secret_value() if settings.server_key else None
    return HttpAsker(settings.server_url, timeout=timeout, key=key, pace=pace, patience=patience)


class LocalAsker:
    """Asks the home of ``settings``, which is opened with the first question; ``patient`` as the engine has it."""

    def __init__(self, settings: Settings, *, patient: bool = False) -> None:
        self._settings = settings
        self._patient = patient
        self._home: Home | None = None
        self._engine: Engine | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self._home is not None:
            self._home.close()

    async def ready(self, model: str | None = None) -> None:
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
            self._engine = Engine(self._home, patient=self._patient)
        return self._engine


class HttpAsker:
    """Asks the service at ``url``; see :class:`api.connection.Connection`. ``pace`` and ``patience`` are for whole
    answers."""

    def __init__(
        self,
        url: str,
        *,
        timeout: float,
        key: str | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        pace: Pace | None = None,
        patience: Patience | None = None,
    ) -> None:
        self._connection = Connection(url, timeout=timeout, key=key, transport=transport)
        self._pace = pace or Pace()
        self._patience = patience or Patience(timeout=86_400, retries=0)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._connection.__aexit__(*exc)

    async def ready(self, model: str | None = None) -> None:
        """Ask the service for its status.

        Raises ``ModelUnreachableError`` when there is none, ``UnknownModelError`` when it has not this ``model``.
        """
        if model in (await self.model(), None):
            return
        from api.openai_schemas import ModelList

        response = await self._connection.send("GET", "/v1/models")
        with self._connection.renamed():
            known = [one.id for one in ModelList.model_validate_json(response.content).data]
        if model not in known:
            raise UnknownModelError(f"the service has no model {model!r}", hint=f"It has {', '.join(known)}.")

    async def model(self) -> str:
        """The model the service names in its status."""
        return (await self._status()).model

    async def prompt_version(self) -> str:
        """The prompt version the service names in its status."""
        return (await self._status()).prompt_version

    async def answer(self, ask: Ask) -> Answer:
        """Ask and wait for the whole answer."""
        tries = Tries(self._patience, self._pace, self._connection.url)
        async for attempt in tries.attempts():
            with attempt:
                async with tries.admitted() as (_, expected):
                    answer = await self._answer(ask)
                if answer.usage:
                    used = answer.usage.input_tokens + answer.usage.output_tokens
                    self._pace.settle(expected, used, used)
                return answer
        raise AssertionError("the last failure is raised")

    async def _answer(self, ask: Ask) -> Answer:
        response = await self._connection.send("POST", "/chat", json={**_chat(ask), "stream": False})
        with self._connection.renamed():
            return Answer.model_validate_json(response.content)

    async def stream(self, ask: Ask) -> AsyncGenerator[Event, None]:
        """The events of one answer as they come."""
        there = self._connection
        request = there.http.stream("POST", "/chat", json={**_chat(ask), "stream": True})
        with there.renamed():
            async with request as response:
                if not response.is_success:
                    there.check(response, await response.aread())
                async with aclosing(sse(response.aiter_bytes())) as events:
                    async for name, data in events:
                        if name == "error":
                            raise there.problem(response, json.loads(data))
                        event = event_of(name, data)
                        if event is not None:
                            yield event
                        if isinstance(event, DoneEvent):
                            return
        raise ModelUnreachableError(f"{there.url} broke off before the answer was complete", hint="Try again.")

    async def search(self, ask: Ask, *, k: int) -> Retrieved:
        """Search there."""
        query: list[tuple[str, str | int | float | bool | None]] = [("q", ask.question), ("k", k), ("explain", "true")]
        query += [(name, value) for name, value in _days(ask).items()]
        query += [("source", source) for source in ask.sources]
        if ask.article is not None:
            query.append(("article", ask.article))
        response = await self._connection.send("GET", "/search", params=query)
        with self._connection.renamed():
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

    async def _status(self) -> Status:
        response = await self._connection.send("GET", "/status")
        with self._connection.renamed():
            return Status.model_validate_json(response.content)


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
