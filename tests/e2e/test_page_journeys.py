"""What people do to a page besides asking: reload it, go back, open it twice, stop it, and follow worn links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.browsing import ARABIC, ARTICLES, BUILT, BUILT_SAYS, TOLL, Watch, Watched, saying, site
from tests.fakes import Reply, ScriptedOpenAI
from tests.integration.collection import article

HIGH = "How high is the tower of the Skerra lighthouse?"
LONGEST = "A" * 200
LONG = article(
    "long",
    f"The inspector found {LONGEST} in the ledger of Quist.",
    "2025-05-02",
    title=LONGEST,
    source=LONGEST,
)
LINES = article(
    "lines",
    "\U0001f6a2 The mayor of Dorn resigned.\r\n\r\n"
    "The mill in Dorn\r\nburned down on Friday night.\r\nNobody was hurt.",
    "2025-05-01",
    title="Mill burns",
    source="Dorn Daily",
)
MILL = "When did the mill in Dorn burn?"
MANY = tuple(article(f"many-{n}", f"Note {n}.", "2024-01-01", title=f"Note {n}") for n in range(50))


@pytest.fixture(scope="module")
def url(browser: Browser, model: ScriptedOpenAI, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with site(tmp_path_factory.mktemp("journeys"), model, *ARTICLES, LONG, LINES, *MANY) as url:
        yield url


@pytest.fixture
def watched(watch: Watch, model: ScriptedOpenAI, url: str) -> Watched:
    saying(model)
    return watch(url, permissions=["clipboard-read", "clipboard-write"])


def _questions(page: Page) -> list[str]:
    return page.locator(".turn .question").all_inner_texts()


def _histories(page: Page) -> list[int]:
    """How many messages each question from now on is asked with."""
    asked: list[int] = []

    def note(request: Any) -> None:
        if request.url.endswith("/chat"):
            asked.append(len(request.post_data_json["history"]))

    page.on("request", note)
    return asked


class TestReload:
    def test_in_the_middle_of_an_answer_asks_it_again_with_what_was_said_before(self, watched: Watched) -> None:
        page = watched.open()
        watched.ask(BUILT)
        page.route(
            "**/chat", lambda route: route.fulfill(status=200, content_type="text/event-stream", body=": on\n\n")
        )
        watched.ask(HIGH)
        page.unroute("**/chat")
        asked = _histories(page)
        page.reload()
        expect(page.locator(".tools")).to_have_count(2)
        assert _questions(page) == [BUILT, HIGH]
        assert asked == [2]

    def test_with_an_article_open_shows_both_again_and_goes_back_to_the_answer(self, watched: Watched) -> None:
        page = watched.open()
        watched.ask(BUILT)
        page.locator(".answer-text .marker").click()
        page.locator("mark.chosen").wait_for()
        page.reload()
        page.locator("mark.chosen").wait_for()
        assert _questions(page) == [BUILT]
        page.get_by_role("button", name="Close").click()
        expect(page.locator("#article")).to_be_hidden()
        assert _questions(page) == [BUILT]

    def test_after_asking_on_beside_an_article_brings_back_the_whole_conversation(self, watched: Watched) -> None:
        page = watched.open()
        watched.ask(BUILT)
        page.locator(".answer-text .marker").click()
        page.locator("mark.chosen").wait_for()
        watched.ask(HIGH)
        expect(page.locator("#article")).to_be_visible()
        page.get_by_role("button", name="Close").click()
        expect(page.locator("#article")).to_be_hidden()
        page.reload()
        expect(page.locator(".tools")).to_have_count(2)
        assert _questions(page) == [BUILT, HIGH]


class TestBackAndForth:
    def test_the_conversation_is_still_there_after_a_look_at_the_collection(self, watched: Watched) -> None:
        page = watched.open()
        watched.ask(BUILT)
        nav = page.get_by_role("navigation")
        nav.get_by_role("link", name="Collection").click()
        page.get_by_label("Words in title or text").fill("ferry")
        page.keyboard.press("Enter")
        expect(page.locator(".list .source-title")).to_have_count(2)
        nav.get_by_role("link", name="Ask").click()
        assert _questions(page) == [BUILT]
        nav.get_by_role("link", name="Collection").click()
        expect(page.get_by_label("Words in title or text")).to_have_value("ferry")
        page.go_back()
        assert _questions(page) == [BUILT]

    def test_the_window_is_named_after_what_it_shows(self, watched: Watched) -> None:
        page = watched.open()
        expect(page).to_have_title("Dateline")
        watched.ask(BUILT)
        expect(page).to_have_title(f"{BUILT} · Dateline")
        page.get_by_role("navigation").get_by_role("link", name="Collection").click()
        expect(page).to_have_title("Collection · Dateline")

    def test_of_two_conversations_that_end_alike_the_one_that_is_chosen_opens(self, watched: Watched) -> None:
        page = watched.open()
        for first in (BUILT, TOLL):
            watched.ask(first)
            watched.ask("Why?")
            page.get_by_role("link", name="New conversation").click()
        page.get_by_text("Earlier conversations").click()
        page.locator(".history li a", has_text=BUILT).click()
        assert _questions(page) == [BUILT, "Why?"]

    def test_two_tabs_that_go_on_from_the_same_answer_lose_nothing(self, watched: Watched) -> None:
        page = watched.open()
        watched.ask(BUILT)
        other = watched.context.new_page()
        other.goto(page.url)
        other.locator(".tools").wait_for()
        watched.ask(HIGH)
        other.fill("#question", TOLL)
        other.keyboard.press("Enter")
        expect(other.locator(".tools")).to_have_count(2)
        other.get_by_role("link", name="New conversation").click()
        other.get_by_text("Earlier conversations").click()
        kept = other.evaluate(
            "JSON.parse(localStorage.getItem('dateline.conversations'))"
            ".map(one => one.turns.map(turn => turn.question))"
        )
        assert kept == [[BUILT, TOLL], [BUILT, HIGH]]

    @pytest.mark.parametrize("view", ["/", "/collection"])
    def test_a_link_with_days_that_are_none_is_explained(self, watched: Watched, view: str) -> None:
        page = watched.open(view, **({"q": BUILT, "as_of": "soon"} if view == "/" else {"from": "soon"}))
        expect(page.locator(".problem")).to_contain_text("a date is written YYYY-MM-DD")


class TestTrying:
    def test_a_question_that_is_too_long_comes_back_to_be_shortened(self, watch: Watch, url: str) -> None:
        watched = watch(url, viewport={"width": 360, "height": 740})
        page = watched.open()
        watched.ask("x" * 4100)
        expect(page.locator("#question")).to_have_value("x" * 4100)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        # To try the same again would be of no use.
        expect(page.locator(".problem").get_by_role("button")).to_have_count(0)

    def test_one_that_failed_is_asked_again_in_its_place_with_what_came_before_it(self, watched: Watched) -> None:
        page = watched.open()
        page.route("**/chat", lambda route: route.abort("connectionrefused"))
        watched.ask(BUILT)
        page.unroute("**/chat")
        watched.ask(HIGH)
        asked = _histories(page)
        again = page.get_by_role("button", name="Try again")
        again.focus()
        page.keyboard.press("Enter")
        expect(page.locator(".tools")).to_have_count(2)
        assert asked == [0]
        assert _questions(page) == [BUILT, HIGH]
        # Whoever pressed it by keyboard goes on from the button that stops and asks.
        expect(page.locator(".composer button[type=submit]")).to_be_focused()

    def test_a_service_that_comes_back_shows_its_collection(self, watched: Watched) -> None:
        page = watched.page
        page.route("**/status", lambda route: route.abort("connectionrefused"), times=1)
        watched.open()
        expect(page.locator(".ask .plot")).to_be_hidden()
        expect(page.locator(".ask .plot")).to_be_visible()

    def test_what_was_stopped_does_not_look_as_if_it_went_on(
        self, watch: Watch, url: str, model: ScriptedOpenAI
    ) -> None:
        watched = watch(url, reduced_motion="no-preference")
        page = watched.open()
        saying(model, Reply(f"{BUILT_SAYS} " * 50, piece_delay=0.1))
        page.fill("#question", BUILT)
        page.keyboard.press("Enter")
        page.locator(".answer-text .marker").first.wait_for()
        page.get_by_role("button", name="Stop").click()
        stage = page.locator(".stage")
        expect(stage).to_contain_text("Stopped")
        assert stage.evaluate("one => getComputedStyle(one, '::before').animationName") == "none"
        # What came stands above what is said of it.
        above, below = (page.locator(one).bounding_box() for one in (".answer-text", ".stage"))
        assert above
        assert below
        assert above["y"] < below["y"]


class TestFocus:
    def test_showing_more_articles_goes_on_at_the_first_of_them(self, watched: Watched) -> None:
        page = watched.open("/collection")
        page.get_by_role("button", name="Show more").focus()
        page.keyboard.press("Enter")
        expect(page.locator(".list .source-title").nth(50)).to_be_focused()

    def test_clearing_the_filters_leaves_it_among_them(self, watched: Watched) -> None:
        page = watched.open("/collection")
        page.get_by_label("From", exact=True).fill("2025-05-01")
        page.get_by_role("button", name="Clear").focus()
        page.keyboard.press("Enter")
        expect(page.get_by_label("From", exact=True)).to_be_focused()

    def test_the_list_of_sources_closes_when_something_else_is_used(self, watched: Watched) -> None:
        page = watched.open("/collection")
        menu = page.locator(".collection .menu")
        menu.locator("summary").click()
        page.get_by_label("Velm Post").check()
        expect(menu).to_have_attribute("open", "")
        page.locator("h1").click()
        expect(menu).not_to_have_attribute("open", "")
        menu.locator("summary").click()
        page.keyboard.press("Shift+Tab")
        expect(menu).not_to_have_attribute("open", "")

    def test_it_is_seen_where_the_system_forces_its_colours(self, watch: Watch, url: str) -> None:
        page = watch(url, forced_colors="active").open()
        expect(page.locator("#question")).to_be_focused()
        assert page.locator(".box").evaluate("one => getComputedStyle(one).outlineStyle") == "solid"
        current = page.locator("nav a[aria-current]")
        assert current.evaluate("one => getComputedStyle(one).textDecorationLine") == "underline"


class TestReading:
    def test_the_answer_is_read_out_once_when_it_is_there(self, watched: Watched) -> None:
        page = watched.open()
        page.evaluate(
            """() => {
                window.said = [];
                const live = document.getElementById('live');
                new MutationObserver(() => live.textContent && window.said.push(live.textContent))
                    .observe(live, { childList: true, characterData: true, subtree: true });
            }"""
        )
        watched.ask(BUILT)
        expect(page.locator("#live")).to_contain_text("The answer is complete")
        said = page.evaluate("window.said")
        assert len([one for one in said if "built in 1864" in one]) == 1
        assert page.locator(".answer-text").get_attribute("aria-live") is None

    def test_words_of_any_length_stay_within_a_phone(self, watch: Watch, url: str, model: ScriptedOpenAI) -> None:
        watched = watch(url, viewport={"width": 320, "height": 640})
        page = watched.open(as_of="2025-06-30")
        saying(model, f"The inspector found {LONGEST} in the ledger of Quist.")
        watched.ask(f"What did the inspector of Quist find, {LONGEST}?")
        page.locator(".sources").wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") <= 320
        page.locator(".answer-text .marker").first.click()
        page.locator("mark.chosen").wait_for()
        assert page.evaluate("document.getElementById('article').scrollWidth") <= 320

    def test_a_quote_over_lines_that_end_in_two_characters_is_marked_exactly(
        self, watched: Watched, model: ScriptedOpenAI
    ) -> None:
        page = watched.open(as_of="2025-06-30")
        saying(model, "The mill in Dorn burned down on Friday night.")
        watched.ask(MILL)
        page.locator(".answer-text .marker").first.click()
        page.locator("mark.chosen").wait_for()
        marked = page.evaluate("document.querySelector('mark.chosen').textContent")
        assert marked == "The mill in Dorn\r\nburned down on Friday night."
        assert page.evaluate("document.querySelector('.article-text').textContent") == LINES.text

    def test_an_outlet_from_right_to_left_leaves_the_date_in_order(self, watched: Watched) -> None:
        page = watched.open("/article/arabic")
        told = page.locator("#article .source-from")
        expect(told).to_have_text("الجريدة · 2 April 2025")
        places = told.evaluate(
            """one => {
                const range = document.createRange();
                const text = one.lastChild;
                const left = (word) => {
                    range.setStart(text, text.data.indexOf(word));
                    range.setEnd(text, text.data.indexOf(word) + word.length);
                    return range.getBoundingClientRect().left;
                };
                return [one.firstChild.getBoundingClientRect().left, left('2 '), left('April')];
            }"""
        )
        assert places == sorted(places)
        assert page.locator("#article h1").get_attribute("lang") == ARABIC.language

    def test_a_cited_title_opens_the_article_and_the_original_is_named_so(self, watched: Watched) -> None:
        page = watched.open(as_of="2025-06-30")
        watched.ask(TOLL)
        cited = page.locator(".sources li").filter(has=page.locator(".source-title"))
        assert cited.first.get_by_role("link", name="Original").get_attribute("href") == "https://herald.example/ferry"
        cited.first.locator(".source-title").click()
        expect(page.locator("#article h1")).to_have_text("Ferry sinks off Orn")
        expect(page.locator("mark.chosen")).to_be_visible()

    def test_what_was_copied_is_said_on_the_button_too(self, watched: Watched) -> None:
        page = watched.open()
        watched.ask(BUILT)
        page.get_by_role("button", name="Copy link").click()
        expect(page.get_by_role("button", name="Copied")).to_be_visible()
        expect(page.get_by_role("button", name="Copy link")).to_be_visible()


def test_a_file_that_misses_its_place_does_not_take_the_page_s(watched: Watched) -> None:
    page = watched.open("/collection")
    taken = page.evaluate(
        """() => {
            const data = new DataTransfer();
            data.items.add(new File(['x'], 'a.txt'));
            const event = new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true });
            document.body.dispatchEvent(event);
            return !event.defaultPrevented;
        }"""
    )
    assert not taken


def test_a_collection_that_is_empty_says_so(
    watch: Watch, model: ScriptedOpenAI, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with site(tmp_path_factory.mktemp("empty"), model) as url:
        page = watch(url).open("/collection")
        expect(page.locator(".list-foot")).to_have_text(re.compile("There are no articles yet"))


def test_the_reference_shows_every_route_and_loads_nothing_from_elsewhere(watched: Watched) -> None:
    page = watched.open()
    page.get_by_role("link", name="HTTP interface").click()
    expect(page.locator("h1")).to_have_text("HTTP interface")
    told = page.request.get(f"{watched.url}/openapi.json").json()
    routes = sum(len(methods) for methods in told["paths"].values())
    expect(page.locator("section.operation h3 .method")).to_have_count(routes)
    # What a route takes and gives is a click away.
    page.locator("section.operation", has_text="POST /chat").get_by_role("link", name="ChatRequest").click()
    expect(page.locator("#schema-ChatRequest")).to_be_in_viewport()
    expect(page.locator("#schema-ChatRequest")).to_contain_text("as_of")
    lost = page.locator("a[href^='#']").evaluate_all(
        "links => links.map(one => one.hash.slice(1)).filter(one => !document.getElementById(one))"
    )
    assert lost == []
