"""Writes the README's pictures of the page anew: ``python -m scripts.screenshots``.

The sample articles are taken into a home of their own, the service answers from it with the embedded reader, and
Chromium looks at the page. Needs the dev extra, and Chromium (``apt-get install chromium``).
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from playwright.sync_api import Page, sync_playwright

from api.app import create_app
from ingest.pipeline import Pipeline
from qa.library.home import open_home
from qa.settings import load_settings
from tests.conftest import ROOT, SAMPLE
from tests.e2e.browsing import chromium
from tests.integration.test_http import served

PICTURES = ROOT / "docs" / "screenshots"
WIDE, PHONE = (1280, 800), (390, 780)
TOLL = {"q": "How many people did the flood in Brannick kill?", "as_of": "2025-06-30"}
NOWHERE = {"q": "What is the capital of Portugal?", "as_of": "2025-06-30"}


def _asked(page: Page, url: str, question: Mapping[str, str]) -> None:
    page.goto(f"{url}/#/?{urlencode(question)}")
    page.wait_for_selector(".tools")


def _start(page: Page, url: str) -> None:
    page.goto(url)
    page.wait_for_selector(".bar", state="attached")


def _article(page: Page, url: str) -> None:
    _asked(page, url, TOLL)
    page.click(".answer-text .marker")
    page.wait_for_selector("mark.chosen")


def _abstention(page: Page, url: str) -> None:
    _asked(page, url, NOWHERE)


def _collection(page: Page, url: str) -> None:
    page.goto(f"{url}/#/collection")
    page.wait_for_selector(".list li")
    page.wait_for_selector(".status dl")


def _answer(page: Page, url: str) -> None:
    _asked(page, url, TOLL)


SCENES: Mapping[str, tuple[Callable[[Page, str], None], Any, tuple[int, int]]] = {
    "start": (_start, "light", WIDE),
    "article": (_article, "light", WIDE),
    "article-dark": (_article, "dark", WIDE),
    "abstention": (_abstention, "light", WIDE),
    "collection": (_collection, "light", WIDE),
    "phone": (_answer, "light", PHONE),
    "phone-dark": (_start, "dark", PHONE),
}
"""Name of the picture -> what is shown, in which colours, at which size."""


def main() -> None:
    """Take every picture, or those named on the command line."""
    wanted = sys.argv[1:] or list(SCENES)
    PICTURES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        settings = load_settings(home=Path(folder) / "home")
        with open_home(settings, write="screenshots") as home:
            Pipeline(home).run([SAMPLE / "articles"])
            with (
                served(create_app(settings, home)) as url,
                sync_playwright() as playwright,
                chromium(playwright) as browser,
            ):
                for name in wanted:
                    show, colours, (width, height) = SCENES[name]
                    page = browser.new_page(
                        viewport={"width": width, "height": height}, color_scheme=colours, reduced_motion="reduce"
                    )
                    show(page, url)
                    page.wait_for_timeout(200)
                    page.screenshot(path=PICTURES / f"{name}.png")
                    page.close()
                    print(PICTURES / f"{name}.png")


if __name__ == "__main__":
    main()
