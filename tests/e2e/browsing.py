"""Debian's Chromium, as the tests of the page and the script for its pictures drive it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Playwright

CHROMIUM = shutil.which("chromium")
"""None where it is not installed."""


@contextmanager
def chromium(playwright: Playwright) -> Iterator[Browser]:
    """The browser, without a window, for the length of the context."""
    # Without its sandbox, which cannot be had in a container; it sees nothing but this service.
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
    try:
        yield browser
    finally:
        browser.close()
