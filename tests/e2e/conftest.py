"""One browser and one scripted model for all tests of a module that look at the page."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.conftest import require
from tests.e2e.browsing import CHROMIUM, Watch, Watched, chromium, scripted
from tests.fakes import ScriptedOpenAI


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    require(CHROMIUM, "Chromium shows the page; apt-get install chromium")
    with sync_playwright() as playwright, chromium(playwright) as browser:
        yield browser


@pytest.fixture(scope="module")
def model() -> Iterator[ScriptedOpenAI]:
    with ScriptedOpenAI(default=scripted) as running:
        yield running


@pytest.fixture
def watch(browser: Browser) -> Iterator[Watch]:
    """Opens pages (of a URL, with options of the context), and sees to it that all is well when they are closed."""
    with ExitStack() as opened:

        def new(url: str, **options: Any) -> Watched:
            watched = Watched(browser, url, **options)
            opened.callback(watched.close)
            return watched

        yield new
