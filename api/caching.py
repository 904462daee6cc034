"""Answers given before, given again: an engine that remembers, for as long as nothing they depend on has changed.

A question is the same when its words, its history, everything the caller said about it, the as-of date, the model, the
prompt version and the collection's revision are. What a request may do with the memory its ``Cache-Control`` says: with
``no-cache`` it is answered anew, with ``no-store`` it is not remembered either. The reply says in ``Cache-Status``
(RFC 9211) what came of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Hashable, Mapping
from contextlib import aclosing
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import date
from time import perf_counter
from typing import TYPE_CHECKING, Literal

from cachetools import TTLCache

from qa.events import DoneEvent, Event
from qa.models import Answer, Ask, Retrieved, Timings, Usage

if TYPE_CHECKING:
    from api.service import Answering

HEADER = "Cache-Status"


@dataclass
class Use:
    """How one request uses the cache, and what came of it: None while nothing has, or where there is no cache."""

    read: bool = True
    write: bool = True
    outcome: Literal["hit", "fwd=miss", "fwd=request"] | None = None

    def headers(self) -> Mapping[str, str]:
        """The response header that says what came of it."""
        return {HEADER: f"dateline; {self.outcome}"} if self.outcome else {}


_use: ContextVar[Use | None] = ContextVar("dateline_cache_use", default=None)


def use_for(cache_control: str) -> Use:
    """How a request with this ``Cache-Control`` uses the cache, from here on in this task and those it starts."""
    wanted = {directive.strip().lower() for directive in cache_control.split(",")}
    use = Use(read=not wanted & {"no-cache", "no-store"}, write="no-store" not in wanted)
    _use.set(use)
    return use


class Remembering:
    """See :class:`api.service.Answering`: answers from memory where :func:`use_for` lets it, else by ``engine``.

    At most ``size`` answers are remembered, each for ``seconds``. ``today`` and ``revision`` are what a question
    depends on besides itself; ``revision`` is asked in a thread. For one event loop.
    """

    def __init__(
        self, engine: Answering, *, size: int, seconds: float, today: Callable[[], date], revision: Callable[[], int]
    ) -> None:
        self._engine = engine
        self._today = today
        self._revision = revision
        self._kept: TTLCache[Hashable, tuple[Event, ...]] = TTLCache(size, seconds)

    @property
    def prompt_version(self) -> str:
        """The engine's."""
        return self._engine.prompt_version

    def models(self) -> tuple[str, ...]:
        """The engine's."""
        return self._engine.models()

    def check(self, ask: Ask) -> None:
        """The engine's."""
        self._engine.check(ask)

    def warm(self) -> None:
        """The engine's."""
        self._engine.warm()

    async def search(self, ask: Ask, *, k: int) -> Retrieved:
        """The engine's: a search costs less than what would have to be kept of it."""
        return await self._engine.search(ask, k=k)

    async def answer(self, ask: Ask) -> Answer:
        """The whole answer."""
        return (await done(self.stream(ask))).answer

    async def stream(self, ask: Ask) -> AsyncGenerator[Event, None]:
        """The events of the answer: those of the first time, or the engine's.

        Remembered are answers that came about as they should: none that failed, and none on the way to which something
        did. What is given again took no tokens, and no time but its own.
        """
        use = _use.get()
        if use is None:
            use = Use(read=False, write=False)
        began = perf_counter()
        self.check(ask)
        key = await self._key(ask)
        kept = self._kept.get(key) if use.read else None
        if kept is not None:
            use.outcome = "hit"
            for event in kept:
                yield _again(event, began) if isinstance(event, DoneEvent) else event
            return
        use.outcome = "fwd=miss" if use.read else "fwd=request"
        told: list[Event] = []
        async with aclosing(self._engine.stream(ask)) as events:
            async for event in events:
                told.append(event)
                if use.write and isinstance(event, DoneEvent) and not event.degraded:
                    self._kept[key] = tuple(told)
                yield event

    async def _key(self, ask: Ask) -> Hashable:
        # Before the answer is made: one of an older revision is never asked for again.
        revision = await asyncio.to_thread(self._revision)
        asked = replace(ask, default_as_of=ask.as_of or ask.default_as_of or self._today())
        return asked, self.prompt_version, revision


async def done(events: AsyncGenerator[Event, None]) -> DoneEvent:
    """The last of ``events``, which are read to their end."""
    last = None
    async with aclosing(events):
        async for event in events:
            last = event
    assert isinstance(last, DoneEvent), "a stream ends with its answer"
    return last


def _again(event: DoneEvent, began: float) -> DoneEvent:
    elapsed = Timings(total=round((perf_counter() - began) * 1000, 2))
    usage = None if event.answer.usage is None else Usage()
    return replace(event, answer=event.answer.model_copy(update={"timings_ms": elapsed, "usage": usage}))
