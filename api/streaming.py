"""Runs an answer for as long as its caller is there, and hands its events to FastAPI's server-sent events.

FastAPI streams events from a route whose endpoint is a generator, and one path cannot be such a route and answer
JSON as well. So the JSON route looks at the request once everything that can fail cheaply has been checked, and
passes those that want a stream on to a second route's handler, which no path leads to (:func:`sse_handler`).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import aclosing, asynccontextmanager
from types import UnionType
from typing import Any, TypeVar

import anyio
from fastapi import Request, Response
from fastapi.routing import APIRoute
from fastapi.sse import EventSourceResponse, ServerSentEvent
from starlette.requests import ClientDisconnect
from starlette.types import Scope

from api.errors import Failure
from api.handlers import failure_in
from qa.events import Event

T = TypeVar("T")

_PATIENCE = 0.5
"""Seconds for which a task that was cancelled may tidy up before it is told again."""


def sse_handler(endpoint: Callable[..., AsyncIterator[ServerSentEvent]]) -> Callable[[Request], Awaitable[Response]]:
    """A handler that answers a request already being routed with the events ``endpoint`` yields.

    The endpoint may have dependencies; what they raise is still answered with a status of its own.
    """
    return APIRoute("/", endpoint, response_class=EventSourceResponse).get_route_handler()


async def unless_gone(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """The result of ``work``, which is cancelled when the caller goes away: then raises ``ClientDisconnect``.

    The request's body must have been read.
    """
    working = asyncio.create_task(work)
    leaving = asyncio.create_task(_gone(request))
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        raise ClientDisconnect
    finally:
        await _cancel(working)
        await _cancel(leaving)


@asynccontextmanager
async def relayed(events: AsyncGenerator[Event, None]) -> AsyncIterator[AsyncGenerator[Event, None]]:
    """The same events, at the reader's pace, while one task of its own runs ``events`` from start to end.

    The generator is so never resumed from two tasks, whatever timeouts and scopes it holds; and it is closed when
    the context is left, wherever it was. An error it raises comes out of the relay, after the events before it.
    """
    sending, receiving = anyio.create_memory_object_stream[Event](0)

    async def run() -> None:
        async with sending, aclosing(events):
            async for event in events:
                await sending.send(event)

    running = asyncio.create_task(run())

    async def relay() -> AsyncGenerator[Event, None]:
        async for event in receiving:
            yield event
        await running

    try:
        async with receiving, aclosing(relay()) as relaying:
            yield relaying
    finally:
        await _cancel(running)


@asynccontextmanager
async def begun(
    request: Request, events: AsyncGenerator[Event, None], *, until: type | UnionType
) -> AsyncIterator[AsyncGenerator[Event, None]]:
    """``events`` for the length of a response, relayed, and primed as :func:`primed` says. For use as a dependency."""
    async with relayed(events) as relaying:
        try:
            yield await primed(request, relaying, until=until)
        except* anyio.BrokenResourceError:
            # When the caller leaves while an event is on its way, FastAPI closes its end of the stream before it stops
            # the task that writes to it, whose complaint arrives here (fastapi discussion 15725). Nothing is wrong.
            pass


async def primed(
    request: Request, events: AsyncGenerator[Event, None], *, until: type | UnionType
) -> AsyncGenerator[Event, None]:
    """The same events, once the first of a type in ``until`` (or the last of all) has come.

    What fails before it fails here, while the response has not begun. Raises ``ClientDisconnect`` when the caller
    goes away meanwhile.
    """

    async def fetch() -> list[Event]:
        head = []
        async for event in events:
            head.append(event)
            if isinstance(event, until):
                break
        return head

    head = await unless_gone(request, fetch())

    async def rest() -> AsyncGenerator[Event, None]:
        for event in head:
            yield event
        async for event in events:
            yield event

    return rest()


async def with_failure(events: AsyncGenerator[Event, None], scope: Scope) -> AsyncGenerator[Event | Failure, None]:
    """The same events; an error that breaks them off becomes the last item, because the status has long been sent."""
    try:
        async for event in events:
            yield event
    except Exception as error:  # noqa: BLE001 - the edge of the service: the caller must learn that the stream broke
        yield failure_in(scope, error)


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _cancel(task: asyncio.Task[Any]) -> None:
    """Cancel ``task`` and wait for its end; what it ended with was told already, or no longer matters.

    Again if need be: a library may lose a cancellation, as asyncio.wait_for did before Python 3.12, and nobody would
    ever stop the work of a caller that is gone.
    """
    while not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=_PATIENCE)
    if not task.cancelled():
        task.exception()
