"""Ctrl-C during a long run that can be gone on with."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def interruptible(stop: asyncio.Event, running: asyncio.Task[Any], say: Callable[[str], None]) -> Iterator[None]:
    """The first Ctrl-C (or SIGTERM) sets ``stop``, so that questions in flight are finished; the second drops them."""
    loop = asyncio.get_running_loop()

    def interrupt() -> None:
        if stop.is_set():
            running.cancel()
            return
        stop.set()
        say("Finishing the questions in flight; press Ctrl-C again to drop them.")

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, interrupt)
    try:
        yield
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
