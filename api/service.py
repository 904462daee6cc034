"""What the routes work with: the open collection and its engine, made once for each application."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Protocol

from fastapi import Depends, Request

from api.conversations import Conversations
from api.errors import UnknownModelError
from api.ingestion import Ingestion
from api.measures import Measures
from api.readiness import Readiness
from qa.errors import DatelineError
from qa.events import Event
from qa.models import Answer, Ask, Retrieved
from qa.settings import Settings

if TYPE_CHECKING:
    from qa.library.home import Home

DATELINE = "dateline"
"""The model name that means the configured one."""

_log = logging.getLogger("dateline.http")


class Answering(Protocol):
    """What the routes need of :class:`qa.engine.Engine`."""

    @property
    def prompt_version(self) -> str:
        """What of the prompt an answer depends on."""
        ...

    def models(self) -> tuple[str, ...]:
        """The configured model first."""
        ...

    def check(self, ask: Ask) -> None:
        """Raise what can be told without searching."""
        ...

    def stream(self, ask: Ask) -> AsyncGenerator[Event, None]:
        """The answer as it comes about; the last event is ``DoneEvent``."""
        ...

    async def answer(self, ask: Ask) -> Answer:
        """The whole answer."""
        ...

    async def search(self, ask: Ask, *, k: int) -> Retrieved:
        """The ``k`` best passages."""
        ...

    def warm(self) -> None:
        """Load what the first question would wait for."""
        ...


class Warmth:
    """Loads the models of retrieval beside the start of the service: the first question need not wait for them."""

    def __init__(self, home: Home, engine: Answering) -> None:
        self.state = "starting"
        self._task = asyncio.create_task(asyncio.to_thread(self._warm, home, engine))

    def _warm(self, home: Home, engine: Answering) -> None:
        try:
            home.embedder.embed(["warm"], query=True)
            engine.warm()
        except DatelineError as error:
            self.state = str(error)
            _log.warning("what retrieval needs cannot be used: %s", error)
        else:
            self.state = "ok"

    async def settle(self) -> None:
        """Wait until the loading thread is done with the home; a thread cannot be stopped."""
        await asyncio.wait({self._task})


@dataclass(frozen=True)
class Service:
    """Everything a route needs. ``started`` is in seconds since 1970."""

    settings: Settings
    home: Home
    engine: Answering
    warmth: Warmth
    started: int
    conversations: Conversations
    ingestion: Ingestion
    measures: Measures
    readiness: Readiness

    def model(self, name: str | None) -> str | None:
        """``name`` as the engine takes it: None for the configured model. Raises ``UnknownModelError``.

        Only models that the service offers: any other would be called with the service's key and at its expense.
        """
        if name is None or name == DATELINE:
            return None
        if name not in self.engine.models():
            raise UnknownModelError(f"There is no model {name!r} here.", hint="GET /v1/models lists those that are.")
        return name


def engine_of(home: Home) -> Answering:
    """The engine of a service: questions that come at the same time are embedded together."""
    from qa.engine import Engine
    from qa.library.batching import BatchedQueries

    home.embedder = BatchedQueries(home.embedder)
    return Engine(home)


def service_of(request: Request) -> Service:
    """The service this request came to."""
    service: Any = request.app.state.service
    assert isinstance(service, Service)
    return service


def owner_of(request: Request) -> str:
    """Whose a request is, as whoever let it in has noted; "" where nobody has: then all callers are one."""
    return str(getattr(request.state, "caller", ""))


OwnerDep = Annotated[str, Depends(owner_of)]
ServiceDep = Annotated[Service, Depends(service_of)]
