"""Sessions of the service: a question's history comes from the one it belongs to, and its answer goes there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from weakref import WeakValueDictionary

from qa.events import DoneEvent, Event
from qa.library.sessions import Session, Sessions
from qa.models import Ask, Turn


class Conversations:
    """The sessions in ``kept``, by owner and id. What is done with one is done in the order it came.

    That is so within one process. For one event loop. Of a session a question is asked with what :func:`recent` leaves
    of it by ``turns`` and ``chars``: longer histories are accepted of nobody.
    """

    def __init__(self, kept: Sessions, *, turns: int, chars: int) -> None:
        self._kept = kept
        self._most = (turns, chars)
        self._turns: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()

    async def stream(
        self, owner: str, session_id: str, ask: Ask, answer: Callable[[Ask], AsyncGenerator[Event, None]]
    ) -> AsyncGenerator[Event, None]:
        """The events with which ``answer`` answers ``ask`` after all that was said in the session before.

        Begins when the questions before it have been answered. An answer that does not come to its end is not kept.
        """
        async with self._turn(owner, session_id):
            history = recent(await asyncio.to_thread(self._kept.history, owner, session_id), *self._most)
            async with aclosing(answer(replace(ask, history=history))) as events:
                async for event in events:
                    if isinstance(event, DoneEvent):
                        said = (ask.question, event.answer.text)
                        await asyncio.to_thread(self._kept.add, owner, session_id, *said)
                    yield event

    async def get(self, owner: str, session_id: str) -> Session:
        """The session as it is now. Raises ``NotFoundError``."""
        return await asyncio.to_thread(self._kept.get, owner, session_id)

    async def delete(self, owner: str, session_id: str) -> None:
        """Forget the session, with the questions that are being answered in it. Raises ``NotFoundError``."""
        async with self._turn(owner, session_id):
            await asyncio.to_thread(self._kept.delete, owner, session_id)

    async def expire(self) -> None:
        """Forget the sessions that were not used for too long."""
        await asyncio.to_thread(self._kept.expire)

    @asynccontextmanager
    async def _turn(self, owner: str, session_id: str) -> AsyncIterator[None]:
        # asyncio's locks are fair. One that nobody holds or waits for is forgotten.
        lock = self._turns.setdefault((owner, session_id), asyncio.Lock())
        async with lock:
            yield


def recent(history: Sequence[Turn], turns: int, chars: int) -> tuple[Turn, ...]:
    """The last exchanges of ``history``, whole, in at most ``turns`` messages of ``chars`` characters together."""
    begin = len(history)
    while begin >= 2:
        exchange = history[begin - 2 : begin]
        turns, chars = turns - len(exchange), chars - sum(len(turn.content) for turn in exchange)
        if turns < 0 or chars < 0:
            break
        begin -= 2
    return tuple(history[begin:])
