"""The application factory: the composition root of the HTTP service."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI

from api import handlers
from api.caching import Remembering
from api.conversations import Conversations
from api.middleware import RequestEnvelope
from api.routes import articles, chat, health, openai, search, sessions
from api.routes.problems import name_media_type
from api.security import BodyLimit, HostGuard, is_loopback
from api.service import Answering, Service, Warmth
from qa.settings import Settings, load_settings

if TYPE_CHECKING:
    from qa.library.home import Home

_DESCRIPTION = """\
Answers questions over a collection of dated news articles, with citations that can be checked.

Errors are [problem documents](https://www.rfc-editor.org/rfc/rfc9457) with a stable `code`; the routes under `/v1`
answer in OpenAI's error shape. Every response bears an `X-Request-ID`, the caller's own if it sent one.
A model that fails is a 502, one that does not reply in time a 504; 503 is a state that may pass (the model's provider
limits the service's rate, a store is out of reach), with `Retry-After` where the wait is known.
"""


def create_app(settings: Settings | None = None, home: Home | None = None, engine: Answering | None = None) -> FastAPI:
    """The service as an ASGI application; the collection is opened when it starts and closed when it stops.

    ``settings`` are read from the environment when None. A ``home`` that is given is the caller's to close; an
    ``engine`` that is given is used instead of one made for the home. Serving starts with whatever ``open_home``
    raises when the collection cannot be used.
    """
    settings = settings or load_settings()
    app = FastAPI(
        title="Dateline",
        summary="Answers from dated news, with checked citations.",
        description=_DESCRIPTION,
        version=_version(),
        lifespan=lambda app: _lifespan(app, settings, home, engine),
        redoc_url=None,
        redirect_slashes=False,
    )
    handlers.install(app)
    for module in (chat, sessions, search, articles, health, openai):
        app.include_router(module.router)
    # The last one added is the outermost.
    app.add_middleware(BodyLimit, limit=settings.max_body_bytes)
    if is_loopback(settings.host):
        app.add_middleware(HostGuard)
    app.add_middleware(RequestEnvelope)
    _name_problems(app)
    return app


@asynccontextmanager
async def _lifespan(
    app: FastAPI, settings: Settings, home: Home | None, engine: Answering | None
) -> AsyncIterator[None]:
    opened = home
    if opened is None:
        from qa.library.home import open_home

        # In this thread, because nothing is served yet and a file lock belongs to the thread that took it.
        opened = open_home(settings, write="serve")
    try:
        if engine is None:
            from qa.engine import Engine

            engine = Engine(opened)
        warmth = Warmth(opened, engine)
        conversations = Conversations(opened.sessions)
        await conversations.expire()
        app.state.service = Service(
            settings,
            opened,
            _remembering(engine, settings, opened),
            warmth,
            started=int(time.time()),
            conversations=conversations,
        )
        try:
            yield
        finally:
            await warmth.settle()
    finally:
        if home is None:
            opened.close()


def _remembering(engine: Answering, settings: Settings, home: Home) -> Answering:
    if not settings.cache_answers:
        return engine
    return Remembering(
        engine,
        size=settings.cache_answers,
        seconds=settings.cache_seconds,
        today=settings.today,
        revision=home.catalog.revision,
    )


def _name_problems(app: FastAPI) -> None:
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        # FastAPI keeps what it generated: name the media types only the first time.
        return app.openapi_schema or name_media_type(generate())

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way to extend the document


def _version() -> str:
    try:
        return version("dateline")
    except PackageNotFoundError:  # run from a checkout that is not installed
        return "0"
