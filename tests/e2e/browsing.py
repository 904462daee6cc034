"""Debian's Chromium, as the tests of the page and the script for its pictures drive it; and what the tests show it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Error, Page, Playwright, Request

from api.app import create_app
from qa.engine import Engine
from qa.models import Article
from tests.fakes import Reply, ScriptedOpenAI
from tests.integration.collection import article, keep, writer
from tests.integration.test_http import served

CHROMIUM = shutil.which("chromium")
"""None where it is not installed."""

EARLY = article(
    "early",
    "\U0001f30a\U0001f30a The sea was rough. At least 12 people were killed when a ferry sank off Orn on Monday, "
    "police said. \U0001f6a2 It was bound for Velm.",
    "2025-03-24",
    title="Ferry sinks off Orn",
    source="Orn Herald",
    url="https://herald.example/ferry",
)
LATER = article(
    "desk/later",
    "The death toll from the ferry that sank off Orn on Monday rose to 15, police said. Divers searched the wreck.",
    "2025-03-28",
    title="Ferry toll rises",
    source="Velm Post",
)
TOWER = article(
    "tower",
    "The Skerra lighthouse was built in 1864.\n\nThe tower is 31 metres high and has 168 steps.",
    "2025-06-05",
    title="Skerra lighthouse reopens",
    source="Velm Post",
)
ARABIC = article(
    "arabic",
    "أعلنت الحكومة افتتاح ميناء جديد في حيفا يوم الأحد. قال الوزير إن الميناء كبير.",
    "2025-04-02",
    title="ميناء جديد",
    source="الجريدة",
    language="ar",
)
HOSTILE = article(
    "<b>hostile</b>",
    "The dairy <script>window.hacked = 1</script> recalled 900 cheeses <img src=x onerror='window.hacked=1'> "
    "on Monday.",
    "2025-05-06",
    title="<img src=x onerror='window.hacked=1'> Dairy recalls cheese",
    source="<svg onload='window.hacked=1'>",
    url="javascript:window.hacked=1",
)
UNDATED = article("undated", "The old lighthouse keeper painted the cottage white.", source="Coastwire")
ARTICLES = (EARLY, LATER, TOWER, ARABIC, HOSTILE, UNDATED)
BY_ID = {one.id: one for one in ARTICLES}

BUILT = "When was the Skerra lighthouse built?"
BUILT_SAYS = "The Skerra lighthouse was built in 1864."
TOLL = "How many people were killed when the ferry sank off Orn?"
TOLL_SAYS = "At least 12 people were killed when a ferry sank off Orn on Monday."
RECALL = "What did the dairy recall?"
RECALL_SAYS = "The dairy recalled 900 cheeses on Monday."
NOWHERE = "What is the capital of Portugal?"
NOWHERE_SAYS = "The articles do not say."
ANSWERS = {BUILT: BUILT_SAYS, TOLL: TOLL_SAYS, RECALL: RECALL_SAYS, NOWHERE: NOWHERE_SAYS}


@contextmanager
def chromium(playwright: Playwright) -> Iterator[Browser]:
    """The browser, without a window, for the length of the context."""
    # Without its sandbox, which cannot be had in a container; it sees nothing but this service.
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
    try:
        yield browser
    finally:
        browser.close()


@contextmanager
def site(folder: Path, model: ScriptedOpenAI, *articles: Article, **settings: Any) -> Iterator[str]:
    """A service on a socket, with a home of its own and a chat model that is scripted; its URL."""
    told: dict[str, Any] = {
        "model": "openai:scripted",
        "model_base_url": model.base_url,
        "model_retries": 0,
        "cache_answers": 0,
        "follow_ups": "auto",
        **settings,
    }
    with writer(folder / "home", command="serve", **told) as home:
        keep(home, *articles)
        with served(create_app(home.settings, home, Engine(home))) as url:
            yield url


class Watched:
    """A page of a context of its own, with what it asked for and what it complained of."""

    def __init__(self, browser: Browser, url: str, *, key: str | None = None, **options: Any) -> None:
        if key is not None:
            kept = [{"name": "dateline.key", "value": key}]
            options["storage_state"] = {"origins": [{"origin": url, "localStorage": kept}]}
        self.url = url
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self._closed = False
        self.context: BrowserContext = browser.new_context(**{"reduced_motion": "reduce", **options})
        self.context.set_default_timeout(10_000)
        self.context.on("request", self._requested)
        self.page: Page = self.context.new_page()
        self.page.on("console", self._said)
        self.page.on("pageerror", self._failed)

    def _requested(self, request: Request) -> None:
        self.requests.append(request.url)

    def _said(self, message: ConsoleMessage) -> None:
        # Chromium notes each reply of 4xx and 5xx, and each lost connection; those are what some tests are about.
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.complaints.append(message.text)

    def _failed(self, error: Error) -> None:
        self.complaints.append(str(error))

    def strangers(self) -> list[str]:
        """Requests that left the origin."""
        return [one for one in self.requests if not one.startswith((f"{self.url}/", "blob:", "data:"))]

    def close(self) -> None:
        """The context's end; what went wrong on the page fails the test here."""
        if self._closed:
            return
        self._closed = True
        self.context.close()
        assert self.complaints == []
        assert self.strangers() == []

    def open(self, view: str = "/", **parameters: Any) -> Page:
        """The page at an address of its own, such as ``/collection``."""
        told = f"?{urlencode(parameters, doseq=True)}" if parameters else ""
        self.page.goto(f"{self.url}/#{view}{told}")
        return self.page

    def ask(self, question: str) -> None:
        """Types a question and waits until its answer, or what came instead, is there."""
        asked = self.page.locator(".turn").count()
        self.page.fill("#question", question)
        self.page.keyboard.press("Enter")
        turn = self.page.locator(".turn").nth(asked)
        turn.locator(".tools, .problem").first.wait_for()


Watch = Callable[..., Watched]


def scripted(request: dict[str, Any]) -> str:
    """What the model says to the questions above, asked in any order."""
    asked = str(request["messages"][-1]["content"])
    return next((says for question, says in ANSWERS.items() if question in asked), NOWHERE_SAYS)


def saying(model: ScriptedOpenAI, *replies: Reply | str) -> None:
    """What the model says next, and nothing that an earlier test left."""
    model.replies.clear()
    for one in replies:
        reply = Reply(one) if isinstance(one, str) else one
        # A connection that waits for another reply would outlive the service's loop.
        reply.headers.setdefault("connection", "close")
        model.replies.append(reply)
