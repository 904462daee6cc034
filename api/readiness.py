"""Whether questions can be answered now: each part that answering takes, and what is wrong with it."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from api.disclosure import model_urls
from qa.errors import DatelineError
from qa.settings import Settings

if TYPE_CHECKING:
    from qa.library.home import Home

OK = "ok"
_PATIENCE = 3.0
_FRESH = 5.0
_PROXIES = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy")


class Readiness:
    """Checks, at most once in ``_FRESH`` seconds: whoever asks all the time must not load what is asked about."""

    def __init__(self, settings: Settings, home: Home, warmth: Callable[[], str]) -> None:
        self._settings = settings
        self._home = home
        self._warmth = warmth
        self._model = (0.0, OK)

    async def checks(self) -> dict[str, str]:
        """By part ``ok``, ``starting``, or what is wrong."""
        catalog, store, model = await asyncio.gather(
            asyncio.to_thread(_state, self._home.catalog.revision),
            asyncio.to_thread(_state, self._home.store.count),
            self._chat_model(),
        )
        return {"catalog": catalog, "store": store, "embedding_model": self._warmth(), "model": model}

    async def _chat_model(self) -> str:
        checked, state = self._model
        if time.monotonic() - checked >= _FRESH or not checked:
            state = await self._reached()
            self._model = (time.monotonic(), state)
        return state

    async def _reached(self) -> str:
        """A connection to any of those that may answer, without a question: that would cost."""
        urls = model_urls(self._settings)
        if any(url is None for url in urls) or any(os.environ.get(name) for name in _PROXIES):
            return OK
        states = await asyncio.gather(*(_connected(url) for url in urls if url))
        return OK if OK in states or not states else "; ".join(dict.fromkeys(states))


def _state(ask: Callable[[], object]) -> str:
    try:
        ask()
    except DatelineError as error:
        return str(error)
    return OK


async def _connected(url: str) -> str:
    parsed = urlsplit(url)
    host = parsed.hostname or ""
    try:
        async with asyncio.timeout(_PATIENCE):
            _, writer = await asyncio.open_connection(host, parsed.port or (443 if parsed.scheme == "https" else 80))
    except (OSError, TimeoutError, ValueError):
        return f"no connection to {host}"
    writer.close()
    return OK
