"""The page before a service that asks for keys, refuses, fails, is gone, or takes articles in."""

from __future__ import annotations

import functools
import json
import re
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from api.keys import add_key
from tests.e2e.browsing import ARTICLES, BUILT, Watch, Watched, saying, site
from tests.fakes import Reply, ScriptedOpenAI


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("service")


@pytest.fixture(scope="module")
def keys(folder: Path) -> dict[str, str]:
    file = folder / "keys.jsonl"
    return {
        "asker": add_key(file, "asker", ["ask"]),
        "desk": add_key(file, "desk", ["ask", "ingest"]),
        "hasty": add_key(file, "hasty", ["ask"], rate="3/hour"),
    }


@pytest.fixture(scope="module")
def url(browser: Browser, model: ScriptedOpenAI, keys: dict[str, str], folder: Path) -> Iterator[str]:
    told: dict[str, Any] = {"api_keys_file": folder / "keys.jsonl", "fetch_private": True, "fetch_delay": 0}
    with site(folder, model, *ARTICLES, **told) as url:
        yield url


@pytest.fixture
def watched(watch: Watch, url: str, keys: dict[str, str], model: ScriptedOpenAI) -> Watched:
    saying(model)
    return watch(url, key=keys["desk"])


class TestKeys:
    def test_the_page_asks_for_one_and_then_for_the_answer(
        self, watch: Watch, url: str, keys: dict[str, str], model: ScriptedOpenAI
    ) -> None:
        saying(model)
        watched = watch(url)
        page = watched.open(q=BUILT)
        dialog = page.get_by_role("dialog", name="This service asks for a key")
        expect(dialog.get_by_label("API key")).to_be_focused()
        page.keyboard.type("nonsense")
        page.keyboard.press("Enter")
        expect(dialog).to_contain_text("This key is not known here.")
        page.keyboard.type(keys["asker"])
        page.keyboard.press("Enter")
        # The question that was asked before the key was given is answered now.
        expect(page.locator(".answer-text")).to_contain_text("built in 1864")
        # It is kept for this tab only, unless it is to be remembered.
        assert page.evaluate("localStorage.getItem('dateline.key')") is None
        assert keys["asker"] not in page.content()

    def test_one_that_no_request_can_bear_is_not_known_either(self, watch: Watch, url: str) -> None:
        page = watch(url).open()
        dialog = page.get_by_role("dialog", name="This service asks for a key")
        dialog.get_by_label("API key").fill("dk_\u043a\u043b\u044e\u0447\u201d")
        page.keyboard.press("Enter")
        expect(dialog).to_contain_text("This key is not known here.")
        expect(dialog.get_by_label("API key")).to_be_focused()

    def test_one_that_is_remembered_is_not_asked_for_again(self, watch: Watch, url: str, keys: dict[str, str]) -> None:
        watched = watch(url)
        page = watched.open()
        page.get_by_label("API key").fill(keys["asker"])
        page.get_by_label("Remember it in this browser").check()
        page.get_by_role("button", name="Continue").click()
        expect(page.locator(".bar").first).to_be_visible()
        other = watched.context.new_page()
        other.goto(url)
        expect(other.locator(".bar").first).to_be_visible()
        # Until another is to be used.
        other.get_by_role("button", name="Use another key").click()
        expect(other.get_by_label("API key")).to_be_focused()
        assert other.evaluate("localStorage.getItem('dateline.key')") is None

    def test_one_that_may_only_ask_is_told_so_when_it_adds(self, watch: Watch, url: str, keys: dict[str, str]) -> None:
        watched = watch(url, key=keys["asker"])
        page = watched.open("/collection")
        _send(page, "note.txt", "A text.")
        expect(page.locator(".jobs .problem")).to_contain_text("This key may ask, but not add articles.")

    def test_too_many_questions_wait_as_long_as_the_service_says(
        self, watch: Watch, url: str, keys: dict[str, str]
    ) -> None:
        watched = watch(url, key=keys["hasty"])
        page = watched.open()
        page.locator(".bar").first.wait_for()
        for _ in range(3):
            watched.ask(BUILT)
        problem = page.locator(".problem")
        expect(problem).to_contain_text("Too many questions at once")
        expect(problem).to_contain_text("More than 3/hour")
        again = problem.get_by_role("button", name=re.compile(r"Try again in \d+ s"))
        expect(again).to_be_disabled()


class TestFailures:
    def test_a_model_that_refuses_is_named_and_asked_again(self, watched: Watched, model: ScriptedOpenAI) -> None:
        page = watched.open()
        saying(model, Reply(status=401))
        watched.ask(BUILT)
        problem = page.get_by_role("alert").locator("visible=true")
        expect(problem).to_contain_text("Model refused the service's key")
        problem.get_by_role("button", name="Try again").click()
        expect(page.locator(".answer-text")).to_contain_text("built in 1864")
        expect(page.locator(".turn")).to_have_count(1)

    def test_a_model_that_is_down_leaves_the_reader_s_quotes_and_a_note(
        self, watched: Watched, model: ScriptedOpenAI
    ) -> None:
        page = watched.open()
        saying(model, Reply(status=503))
        watched.ask(BUILT)
        expect(page.locator(".answer-text")).to_contain_text("built in 1864")
        expect(page.locator(".notes")).to_contain_text(re.compile("503|embedded reader|extractive"))
        expect(page.locator(".tools")).to_contain_text("extractive")

    def test_offline_the_question_is_kept_and_asked_again(self, watched: Watched) -> None:
        page = watched.open()
        page.locator(".bar").first.wait_for()
        watched.context.set_offline(True)
        watched.ask(BUILT)
        expect(page.locator(".problem")).to_contain_text("You are offline")
        watched.context.set_offline(False)
        page.get_by_role("button", name="Try again").click()
        expect(page.locator(".answer-text")).to_contain_text("built in 1864")

    def test_a_service_that_is_gone_is_said_to_be(self, watched: Watched) -> None:
        page = watched.open()
        page.route("**/chat", lambda route: route.abort("connectionrefused"))
        watched.ask(BUILT)
        expect(page.locator(".problem")).to_contain_text("The service cannot be reached")

    def test_an_answer_that_breaks_off_keeps_what_came(self, watched: Watched) -> None:
        page = watched.open()
        body = 'event: delta\ndata: {"text": "The tower was"}\n\n'
        page.route("**/chat", lambda route: route.fulfill(body=body, content_type="text/event-stream"))
        watched.ask(BUILT)
        expect(page.locator(".answer-text")).to_have_text("The tower was")
        expect(page.locator(".problem")).to_contain_text("The answer broke off")

    def test_a_question_that_cannot_be_used_is_explained(self, watched: Watched) -> None:
        page = watched.open()
        watched.ask("x" * 5000)
        expect(page.locator(".problem")).to_contain_text("4000")


def _send(page: Page, name: str, text: str) -> None:
    page.set_input_files("input[type=file]", {"name": name, "mimeType": "text/plain", "buffer": text.encode()})


class TestAdding:
    def test_a_file_that_is_chosen_can_be_asked_about(self, watched: Watched) -> None:
        page = watched.open("/collection")
        page.locator(".list li").first.wait_for()
        _send(
            page,
            "harvest.txt",
            "date: 2025-07-01\ntitle: Poor harvest\n\nThe wheat harvest near Velm was poor this year.",
        )
        job = page.locator(".jobs li").first
        expect(job).to_contain_text("Done: 1 new.")
        expect(page.locator(".list")).to_contain_text("Poor harvest")
        expect(page.locator(".status .figure")).not_to_have_text("6 articles")
        expect(page.locator(".collection .bar")).to_have_count(5)

    def test_files_that_are_dropped_are_taken_and_bad_ones_named(self, watched: Watched) -> None:
        page = watched.open("/collection")
        page.locator(".drop").evaluate(
            """zone => {
                const data = new DataTransfer();
                data.items.add(new File(['date: 2025-07-02\\n\\nA bridge near Velm was closed.'], 'bridge.txt'));
                data.items.add(new File(['{"text": 7'], 'broken.jsonl'));
                for (const type of ['dragenter', 'dragover', 'drop']) {
                    zone.dispatchEvent(new DragEvent(type, { dataTransfer: data, bubbles: true, cancelable: true }));
                }
            }"""
        )
        job = page.locator(".jobs > li").first
        expect(job).to_contain_text("bridge.txt, broken.jsonl")
        expect(job).to_contain_text("Done: 1 new, 1 failed.")
        expect(job.locator(".notes")).to_contain_text("broken.jsonl")

    def test_a_page_is_fetched_by_its_address(self, watched: Watched, tmp_path: Path) -> None:
        html = "<html><head><title>Ship launched</title></head><body><article><p>%s</p></article></body></html>"
        text = "A ship named Calder was launched at the yard in Velm on Tuesday before a large crowd. " * 6
        (tmp_path / "ship.html").write_text(html % text, encoding="utf-8")
        with _Website(tmp_path) as address:
            page = watched.open("/collection")
            page.get_by_label("Address of a page or feed").fill(f"{address}/ship.html")
            page.get_by_role("button", name="Add", exact=True).click()
            expect(page.locator(".jobs > li").first).to_contain_text("Done: 1 new.", timeout=15_000)
        expect(page.locator(".list")).to_contain_text("Ship launched")

    def test_progress_is_shown_while_it_lasts(self, watched: Watched) -> None:
        page = watched.open("/collection")
        told = [
            ("progress", {"state": "running", "progress": {"read": 3, "total": 10, "embedded": 0, "backlog": 7}}),
            ("progress", {"state": "running", "progress": {"read": 10, "total": 10, "embedded": 2, "backlog": 1}}),
        ]
        job = {"id": "j", "report": None, "error": None, "attempts": 1}
        lines = "".join(f"event: {name}\ndata: {json.dumps(job | now)}\n\n" for name, now in told)
        page.route("**/jobs/j/events", lambda route: route.fulfill(body=lines, content_type="text/event-stream"))
        start = job | {"state": "queued", "progress": {"read": 0, "total": None, "embedded": 0, "backlog": 0}}
        page.route(
            "**/articles",
            lambda route: route.fulfill(status=202, json=start) if route.request.method == "POST" else route.fallback(),
        )
        _send(page, "many.txt", "text")
        state = page.locator(".jobs .job-state")
        expect(state).to_have_text("Read 10 of 10 · 1 piece to be indexed")
        expect(page.locator(".jobs progress")).to_have_attribute("max", "10")


class _Website:
    """The files of a folder on a loopback socket."""

    def __init__(self, folder: Path) -> None:
        handler = functools.partial(_Quiet, directory=str(folder))
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    def __enter__(self) -> str:
        self._thread.start()
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __exit__(self, *_exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_args: Any) -> None:
        """Quiet."""
