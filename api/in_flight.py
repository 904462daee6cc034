"""The requests that are being answered: what they work with has to outlive them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


class InFlight:
    """Counts them. ``stopping`` is whether the service is about to end. For one event loop."""

    def __init__(self) -> None:
        self.stopping = False
        self._count = 0
        self._none = asyncio.Event()
        self._none.set()

    @contextmanager
    def counted(self) -> Iterator[None]:
        """For the length of a request."""
        self._count += 1
        self._none.clear()
        try:
            yield
        finally:
            self._count -= 1
            if not self._count:
                self._none.set()

    async def settle(self, seconds: float) -> None:
        """Wait until none is left, for so long at most: a server does not wait for those it has cancelled."""
        self.stopping = True
        try:
            async with asyncio.timeout(seconds):
                await self._none.wait()
        except TimeoutError:
            pass
