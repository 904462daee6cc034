from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from api.streaming import relayed
from qa.events import DeltaEvent, Event


async def test_work_that_loses_a_cancellation_is_told_again() -> None:
    lost: list[str] = []

    async def deaf() -> AsyncGenerator[Event, None]:
        yield DeltaEvent("Four")
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            lost.append("once")
        await asyncio.Event().wait()

    async with asyncio.timeout(5), relayed(deaf()) as events:
        assert await anext(events) == DeltaEvent("Four")
        await asyncio.sleep(0)
    assert lost == ["once"]
