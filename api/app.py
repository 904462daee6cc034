"""The application factory: the composition root of the HTTP service."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from api import handlers
from api.access import Gate
from api.audit import AuditLog
from api.caching import Remembering
from api.conversations import Conversations
from api.in_flight import InFlight
from api.ingestion import Ingestion
from api.keys import KeyRing
from api.limiting import CallerLimits, Turns
from api.measures import Measures
from api.middleware import RequestEnvelope
from api.observing import Observed
from api.readiness import Readiness
from api.routes import articles, chat, health, jobs, metrics, openai, page, search, sessions
from api.routes.problems import name_media_type
from api.security import BodyLimit, HostGuard, TargetGuard, is_loopback
from api.service import Answering, Service, Warmth, engine_of
from api.tracing import tracer_of
from api.workers import check_workers, open_worker
from qa.library.memory import give_back
from qa.settings import Settings, load_settings

if TYPE_CHECKING:
    from qa.library.home import Home

_TIDY_SECONDS = 5
_PATIENCE = 5.0
"""Seconds that requests cancelled at the end are given to leave what they work with."""

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
    measures = Measures()
    app = FastAPI(
        title="Dateline",
        summary="Answers from dated news, with checked citations.",
        description=_DESCRIPTION,
        version=_version(),
        lifespan=lambda app: _lifespan(app, settings, home, engine, measures),
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.in_flight = InFlight()
    handlers.install(app)
    for module in (page, chat, sessions, search, jobs, articles, health, metrics, openai):
        app.include_router(module.router)
    _guard(app, settings, measures)
    _name_problems(app)
    return app


def _guard(app: FastAPI, settings: Settings, measures: Measures) -> None:
    """Put in front of the routes what every request has to pass. The last one added is the outermost."""
    keys = KeyRing(settings.api_keys_file) if settings.api_keys_file else None
    limits = CallerLimits(settings.rate_limit, settings.requests_per_key)
    turns = Turns(settings.max_running, settings.max_waiting, settings.max_wait, measures.work)
    app.add_middleware(TargetGuard)
    app.add_middleware(BodyLimit, limit=settings.max_body_bytes, uploads=settings.max_upload_bytes)
    app.add_middleware(Gate, keys=keys, limits=limits, turns=turns)
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=("GET", "POST", "DELETE"),
            allow_headers=("Authorization", "Content-Type", "Idempotency-Key", "X-API-Key", "X-Request-ID"),
            expose_headers=("Location", "Retry-After", "X-Request-ID"),
        )
    if is_loopback(settings.host) and keys is None:
        # A page that takes the service for its own has no key, so where one is asked for there is nothing to guard.
        app.add_middleware(HostGuard)
    app.add_middleware(RequestEnvelope, measures=measures, in_flight=app.state.in_flight)


@asynccontextmanager
async def _lifespan(
    app: FastAPI, settings: Settings, home: Home | None, engine: Answering | None, measures: Measures
) -> AsyncIterator[None]:
    audit = AuditLog(settings.audit_dir, settings.audit_days) if settings.audit_dir else None
    tracer, end_traces = tracer_of(settings.traces_url)
    opened = home
    if opened is None:
        # In this thread, because nothing is served yet.
        opened = _opened(settings)
    try:
        if engine is None:
            engine = engine_of(opened)
        warmth = Warmth(opened, engine)
        conversations = Conversations(
            opened.sessions, turns=settings.max_history_turns, chars=settings.max_history_chars
        )
        await conversations.expire()
        ingestion = Ingestion(opened, job_days=settings.job_days)
        app.state.service = Service(
            settings,
            opened,
            Observed(_remembering(engine, settings, opened), measures, tracer, audit),
            warmth,
            started=int(time.time()),
            conversations=conversations,
            ingestion=ingestion,
            measures=measures,
            readiness=Readiness(settings, opened, lambda: warmth.state),
        )
        ingestion.start()
        tidying = asyncio.create_task(_tidy())
        try:
            yield
        finally:
            ingestion.announce_stop()
            await app.state.in_flight.settle(_PATIENCE)
            tidying.cancel()
            await ingestion.stop()
            await warmth.settle()
    finally:
        end_traces()
        if home is None:
            opened.close()


async def _tidy() -> None:
    """Give back, now and then, what a rush of callers has left: else the service stays as large as it ever was."""
    while True:
        await asyncio.sleep(_TIDY_SECONDS)
        await asyncio.to_thread(give_back)


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


def _opened(settings: Settings) -> Home:
    check_workers(settings)
    if settings.workers > 1:
        return open_worker(settings)
    from qa.library.home import open_home

    return open_home(settings, write="serve")


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
