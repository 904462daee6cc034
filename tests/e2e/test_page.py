"""The page in Debian's Chromium, before a real service on a real socket, over a real small home."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Locator, Page, Request, expect

from tests.e2e.browsing import (
    ARABIC,
    ARTICLES,
    BUILT,
    BUILT_SAYS,
    BY_ID,
    HOSTILE,
    NOWHERE,
    RECALL,
    TOLL,
    UNDATED,
    Watch,
    Watched,
    saying,
    site,
)
from tests.e2e.test_cli import until
from tests.fakes import Reply, ScriptedOpenAI


@pytest.fixture(scope="module")
def url(browser: Browser, model: ScriptedOpenAI, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with site(tmp_path_factory.mktemp("page"), model, *ARTICLES) as url:
        yield url


@pytest.fixture
def watched(watch: Watch, model: ScriptedOpenAI, url: str) -> Watched:
    saying(model)
    return watch(url, permissions=["clipboard-read", "clipboard-write"])


def _body(request: Request) -> dict[str, Any]:
    return dict(request.post_data_json or {})


def _clipboard(page: Page) -> str:
    return str(page.evaluate("navigator.clipboard.readText()"))


def _marked(page: Page) -> str:
    expect(page.locator("mark.chosen")).to_be_visible()
    return str(page.evaluate("document.querySelector('mark.chosen').textContent"))


def _tab_to(page: Page, goal: Locator, most: int = 40) -> None:
    """Presses Tab until ``goal`` has the focus: what cannot be reached so, keyboards cannot reach."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if goal.evaluate("goal => goal === document.activeElement"):
            return
    pytest.fail("the keyboard does not reach it")


class TestAnswer:
    def test_it_streams_in_and_ends_with_its_citations(self, watched: Watched, model: ScriptedOpenAI) -> None:
        page = watched.open()
        saying(model, Reply(f"{BUILT_SAYS} It has 168 steps.", piece_delay=0.08, piece_size=6))
        page.fill("#question", BUILT)
        page.click("text=Ask >> nth=-1")
        text = page.locator(".answer-text")
        # The first sentence stands there, with its marker, while the second is still being written.
        expect(text.locator(".marker")).to_have_text("1")
        assert text.get_attribute("aria-busy") == "true"
        expect(page.get_by_role("button", name="Stop")).to_be_visible()
        expect(page.locator(".tools")).to_be_visible()
        assert text.get_attribute("aria-busy") is None
        expect(text).to_contain_text("The Skerra lighthouse was built in 1864")
        expect(page.locator("#live")).to_have_text(re.compile("The answer is complete"))

    def test_a_stream_may_be_stopped_and_asked_again(self, watched: Watched, model: ScriptedOpenAI) -> None:
        page = watched.open()
        left = model.left
        saying(model, Reply(f"{BUILT_SAYS} " * 50, piece_delay=0.1))
        page.fill("#question", BUILT)
        page.keyboard.press("Enter")
        page.locator(".answer-text .marker").first.wait_for()
        page.get_by_role("button", name="Stop").click()
        expect(page.locator(".stage")).to_contain_text("Stopped")
        page.get_by_role("button", name="Ask again").click()
        expect(page.locator(".tools")).to_be_visible()
        assert page.locator(".turn").count() == 1
        # The model was told to stop, too: it notices at the next word it cannot hand on.
        until(lambda: model.left > left, seconds=10)

    @pytest.mark.parametrize("question", [BUILT, TOLL, RECALL])
    def test_a_click_on_a_marker_shows_the_quote_in_its_article(self, watched: Watched, question: str) -> None:
        page = watched.open(as_of="2025-06-30")
        watched.ask(question)
        answer = httpx.post(f"{watched.url}/chat", json={"question": question, "as_of": "2025-06-30"}).json()
        for citation in answer["citations"]:
            page.locator(f".answer-text .marker[data-n='{citation['n']}']").first.click()
            expect(page.locator("#article h1")).to_have_text(citation["title"])
            assert _marked(page) == citation["quote"]
            whole = page.evaluate("document.querySelector('.article-text').textContent")
            assert whole == BY_ID[citation["article_id"]].text
            # Where the mark begins, in code points, is where the citation says it does.
            before = page.evaluate(
                "(() => { const range = document.createRange();"
                " range.setStart(document.querySelector('.article-text'), 0);"
                " range.setEndBefore(document.querySelector('mark.chosen')); return range.toString(); })()"
            )
            assert len(before) == citation["start"]
            expect(page.locator("mark.chosen")).to_be_in_viewport()

    def test_a_card_shows_quote_outlet_and_date(self, watched: Watched) -> None:
        page = watched.open()
        watched.ask(BUILT)
        marker = page.locator(".answer-text .marker")
        card = page.get_by_role("tooltip")
        for show in (marker.hover, marker.focus):
            show()
            expect(card).to_contain_text(BUILT_SAYS)
            expect(card).to_contain_text("Velm Post")
            expect(card).to_contain_text("5 June 2025")
            page.keyboard.press("Escape")
            expect(card).to_be_hidden()
            page.mouse.move(0, 0)
        marker.hover()
        card.hover()
        page.wait_for_timeout(300)
        expect(card).to_be_visible()

    def test_what_no_article_says_looks_so(self, watched: Watched, model: ScriptedOpenAI) -> None:
        page = watched.open()
        saying(model, f"{BUILT_SAYS} It is painted purple and pink all over.")
        watched.ask(BUILT)
        doubtful = page.locator(".sentence.unsupported")
        expect(doubtful).to_have_count(1)
        expect(doubtful).to_contain_text("painted purple")
        assert "dotted" in doubtful.evaluate("one => getComputedStyle(one).textDecorationStyle")
        doubtful.get_by_role("button", name="not supported").focus()
        expect(page.get_by_role("tooltip")).to_contain_text("No article that was read supports this sentence.")

    def test_what_was_superseded_says_by_what(self, watched: Watched) -> None:
        page = watched.open(as_of="2025-06-30")
        watched.ask(TOLL)
        old = page.locator(".answer-text .marker.superseded")
        expect(old).to_have_attribute("aria-label", "Citation 1 superseded: Orn Herald, 24 March 2025")
        old.focus()
        expect(page.get_by_role("tooltip")).to_contain_text("A later report says otherwise: see 2.")
        expect(page.locator(".sources li.old .tag")).to_have_text("superseded by 2")

    def test_abstaining_shows_what_came_nearest(self, watched: Watched) -> None:
        page = watched.open()
        watched.ask(NOWHERE)
        expect(page.locator(".abstained .answer-text")).to_have_text("The articles do not say.")
        expect(page.locator(".abstained")).to_contain_text("These passages came nearest")
        first = page.locator(".abstained .passages li").first
        title = first.locator("a").inner_text()
        first.locator("a").click()
        expect(page.locator("#article h1")).to_have_text(title)
        _marked(page)

    def test_cited_articles_stand_on_a_line_of_time(self, watched: Watched) -> None:
        page = watched.open(as_of="2025-06-30")
        watched.ask(TOLL)
        dots = page.locator(".timeline .dot")
        assert [dot.inner_text() for dot in dots.all()] == ["1", "2"]
        left, right = (dot.bounding_box() for dot in dots.all())
        assert left
        assert right
        assert left["x"] <= right["x"]
        assert left != right
        dots.nth(1).click()
        expect(page.locator("#article h1")).to_have_text("Ferry toll rises")

    def test_an_article_keeps_its_own_direction(self, watched: Watched, model: ScriptedOpenAI) -> None:
        page = watched.open()
        saying(model, "أعلنت الحكومة افتتاح ميناء جديد في حيفا يوم الأحد.")
        watched.ask("ماذا أعلنت الحكومة؟")
        page.locator(".answer-text .marker").click()
        text = page.locator(".article-text")
        expect(text).to_have_text(ARABIC.text)
        assert text.evaluate("one => getComputedStyle(one).direction") == "rtl"
        assert page.locator("html").evaluate("one => getComputedStyle(one).direction") == "ltr"


class TestUntrusted:
    def test_markup_in_an_article_stays_text(self, watched: Watched) -> None:
        page = watched.open()
        watched.ask(RECALL)
        page.locator(".answer-text .marker").hover()
        expect(page.get_by_role("tooltip")).to_contain_text("<script>window.hacked = 1</script>")
        page.locator(".answer-text .marker").click()
        expect(page.locator("#article h1")).to_have_text(HOSTILE.title or "")
        expect(page.locator(".article-text")).to_have_text(HOSTILE.text)
        # Its address is no address of the web, so that nothing leads there.
        assert page.locator("a[href^='javascript']").count() == 0
        watched.open("/collection")
        expect(page.locator(".list")).to_contain_text("<svg onload")
        assert page.evaluate("window.hacked") is None
        assert page.locator("main img, main script, main svg, #article img").count() == 0

    def test_markup_in_an_answer_stays_text(self, watched: Watched) -> None:
        """Even if the service handed it on."""
        hostile = (
            "<img src=x onerror='window.hacked=1'><script>window.hacked=1</script> [1](javascript:window.hacked=1)"
        )
        answer: dict[str, Any] = {
            "id": "x", "question": hostile, "rewritten_question": hostile, "as_of": "2025-06-30", "text": hostile,
            "abstained": False, "citations": [], "passages": [], "date_range": None, "model": hostile, "usage": None,
            "sentences": [{"start": 0, "end": len(hostile), "supported": False, "reason": hostile, "citations": []}],
            "timings_ms": {"total": 1}, "warnings": [hostile],
        }  # fmt: skip
        told = [("status", {"stage": hostile}), ("delta", {"text": hostile}), ("done", answer)]
        body = "".join(f"event: {name}\ndata: {json.dumps(data)}\n\n" for name, data in told)
        watched.page.route("**/chat", lambda route: route.fulfill(body=body, content_type="text/event-stream"))
        page = watched.open()
        watched.ask(hostile)
        expect(page.locator(".answer-text")).to_contain_text("<script>window.hacked=1</script>")
        expect(page.locator(".notes")).to_contain_text(hostile)
        assert page.evaluate("window.hacked") is None
        assert page.locator("main img, main script").count() == 0

    def test_the_policy_lets_no_script_in_by_any_way(self, browser: Browser, url: str) -> None:
        """What slipped through everything else would still not run."""
        context = browser.new_context()
        page = context.new_page()
        page.goto(url)
        page.evaluate(
            """() => {
                const script = document.createElement('script');
                script.append('window.hacked = 1');
                try { document.head.append(script); } catch {}
                try { document.body.insertAdjacentHTML('beforeend', '<img src=x onerror="window.hacked=1">'); } catch {}
                const link = document.createElement('a');
                link.setAttribute('href', 'javascript:window.hacked=1');
                document.body.append(link);
                link.click();
            }"""
        )
        page.wait_for_timeout(100)
        assert page.evaluate("window.hacked") is None
        context.close()


class TestTime:
    def test_dates_and_sources_go_with_the_question(self, watched: Watched, model: ScriptedOpenAI) -> None:
        page = watched.open()
        saying(model, "The death toll from the ferry that sank off Orn on Monday rose to 15.")
        page.get_by_label("As of").fill("2025-06-30")
        page.get_by_label("From", exact=True).fill("2025-03-01")
        page.get_by_label("To", exact=True).fill("2025-04-30")
        page.locator(".ask .menu summary").click()
        page.get_by_label("Velm Post").check()
        page.keyboard.press("Escape")
        with page.expect_request("**/chat") as asked:
            watched.ask(TOLL)
        body = _body(asked.value)
        told = {name: body[name] for name in ("as_of", "from", "to", "sources")}
        assert told == {"as_of": "2025-06-30", "from": "2025-03-01", "to": "2025-04-30", "sources": ["Velm Post"]}
        expect(page.locator(".settings > summary")).to_contain_text("as of 30 Jun 2025")
        assert page.locator(".sources .source-from").all_inner_texts() == ["Velm Post · 28 March 2025"]

    def test_an_as_of_date_hides_what_came_later(self, watched: Watched) -> None:
        page = watched.open(as_of="2025-03-25")
        watched.ask(TOLL)
        expect(page.locator(".answer-text .marker")).to_have_count(1)
        expect(page.locator(".superseded")).to_have_count(0)

    def test_an_empty_range_is_not_asked(self, watched: Watched) -> None:
        page = watched.open()
        page.get_by_label("From", exact=True).fill("2025-06-01")
        page.get_by_label("To", exact=True).fill("2025-05-01")
        page.fill("#question", BUILT)
        page.keyboard.press("Enter")
        expect(page.get_by_text("The range is empty")).to_be_visible()
        assert not [one for one in watched.requests if one.endswith("/chat")]

    def test_the_histogram_is_brushed_by_pointer(self, watched: Watched) -> None:
        page = watched.open()
        bars = page.locator(".ask .bar")
        expect(bars).to_have_count(4)  # March to June
        box = page.locator(".ask .plot").bounding_box()
        assert box
        middle = box["y"] + box["height"] / 2
        page.mouse.move(box["x"] + box["width"] * 0.3, middle)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] * 0.7, middle, steps=4)
        page.mouse.up()
        expect(page.get_by_label("From", exact=True)).to_have_value("2025-04-01")
        expect(page.get_by_label("To", exact=True)).to_have_value("2025-05-31")
        expect(page.locator(".ask .bar.out")).to_have_count(2)
        expect(page.get_by_text("1 undated article is left out")).to_be_visible()
        page.get_by_role("button", name="Clear").click()
        expect(page.get_by_label("From", exact=True)).to_have_value("")
        expect(page.locator(".ask .bar.out")).to_have_count(0)

    def test_the_histogram_is_brushed_by_keyboard(self, watched: Watched) -> None:
        page = watched.open()
        first = page.get_by_role("slider", name="First month read")
        last = page.get_by_role("slider", name="Last month read")
        expect(first).to_have_attribute("aria-valuetext", "March 2025, 2 articles")
        _tab_to(page, first)
        page.keyboard.press("ArrowRight")
        expect(page.get_by_label("From", exact=True)).to_have_value("2025-04-01")
        _tab_to(page, last)
        page.keyboard.press("ArrowLeft")
        expect(page.get_by_label("To", exact=True)).to_have_value("2025-05-31")
        expect(last).to_have_attribute("aria-valuetext", "May 2025, 1 article")
        page.keyboard.press("PageDown")  # stops at the other handle
        expect(page.get_by_label("To", exact=True)).to_have_value("2025-04-30")
        page.keyboard.press("End")
        expect(page.get_by_label("To", exact=True)).to_have_value("")


class TestConversation:
    def test_a_follow_up_is_asked_with_what_was_said_and_shows_how_it_was_understood(
        self, watched: Watched, model: ScriptedOpenAI
    ) -> None:
        page = watched.open()
        watched.ask(BUILT)
        saying(model, "How high is the Skerra lighthouse?", "The tower is 31 metres high and has 168 steps.")
        with page.expect_request("**/chat") as asked:
            watched.ask("And how high is it?")
        history = _body(asked.value)["history"]
        assert [turn["role"] for turn in history] == ["user", "assistant"]
        assert history[0]["content"] == BUILT
        expect(page.locator(".turn").nth(1).locator(".understood")).to_contain_text(
            "How high is the Skerra lighthouse?"
        )
        # The service keeps none of it: no session is named.
        assert "session_id" not in _body(asked.value)

    def test_it_is_kept_in_the_browser_until_it_is_forgotten(self, watched: Watched, model: ScriptedOpenAI) -> None:
        page = watched.open()
        watched.ask(BUILT)
        asked = len(model.requests)
        page.reload()
        expect(page.locator(".answer-text")).to_contain_text("built in 1864")
        assert len(model.requests) == asked
        page.get_by_role("link", name="New conversation").click()
        expect(page.locator(".turn")).to_have_count(0)
        page.get_by_text("Earlier conversations").click()
        expect(page.locator(".history li a")).to_have_text(BUILT)
        page.get_by_role("button", name="Forget all").click()
        expect(page.locator(".history")).to_be_hidden()
        assert page.evaluate("localStorage.getItem('dateline.conversations')") == "[]"

    def test_a_link_asks_the_same_with_the_same_filters(self, watch: Watch, watched: Watched) -> None:
        page = watched.open(as_of="2025-03-25")
        watched.ask(TOLL)
        page.get_by_role("button", name="Copy link").click()
        expect(page.locator("#live")).to_have_text("Copied")
        link = _clipboard(page)
        other = watch(watched.url)
        with other.page.expect_request("**/chat") as asked:
            other.page.goto(link)
        told = _body(asked.value)
        assert (told["question"], told["as_of"]) == (TOLL, "2025-03-25")
        other.page.locator(".tools").wait_for()

    def test_an_answer_is_copied_with_its_citations(self, watched: Watched) -> None:
        page = watched.open(as_of="2025-06-30")
        watched.ask(TOLL)
        page.get_by_role("button", name="Copy as Markdown").click()
        expect(page.locator("#live")).to_have_text("Copied")
        told = _clipboard(page)
        assert told.startswith(f"## {TOLL}\n\n")
        assert "on Monday [1]." in told
        assert (
            "Orn Herald, 24 March 2025: [Ferry sinks off Orn](<https://herald.example/ferry>) (superseded by 2)" in told
        )
        page.get_by_role("button", name="Copy as text").click()
        page.wait_for_function("async () => !(await navigator.clipboard.readText()).startsWith('#')")
        assert "Orn Herald, 24 March 2025, Ferry sinks off Orn, https://herald.example/ferry" in _clipboard(page)

    def test_markup_of_an_article_is_none_in_copied_markdown(self, watched: Watched) -> None:
        page = watched.open()
        watched.ask(RECALL)
        page.get_by_role("button", name="Copy as Markdown").click()
        expect(page.locator("#live")).to_have_text("Copied")
        told = _clipboard(page)
        assert "\\<script\\>" in told
        assert not re.search(r"(?<!\\)<(script|img)", told)
        assert "javascript:" not in told

    def test_an_answer_is_saved_as_json(self, watched: Watched) -> None:
        page = watched.open()
        watched.ask(BUILT)
        with page.expect_download() as saved:
            page.get_by_role("button", name="Save as JSON").click()
        answer = json.loads(Path(saved.value.path()).read_text(encoding="utf-8"))
        assert (answer["question"], answer["citations"][0]["quote"]) == (BUILT, BUILT_SAYS)


class TestKeyboard:
    def test_alone_it_asks_opens_reads_closes_and_goes_on(self, watched: Watched) -> None:
        page = watched.open()
        expect(page.locator("#question")).to_be_focused()
        page.keyboard.type(BUILT)
        page.keyboard.press("Enter")
        page.locator(".tools").wait_for()
        page.locator(".skip").focus()
        marker = page.locator(".answer-text .marker")
        _tab_to(page, marker)
        outline = marker.evaluate("one => getComputedStyle(one).outlineStyle")
        assert outline == "solid"
        page.keyboard.press("Enter")
        expect(page.locator("#article h1")).to_be_focused()
        page.keyboard.press("Escape")
        expect(page.locator("#article")).to_be_hidden()
        expect(marker).to_be_focused()
        _tab_to(page, page.locator("#question"))

    def test_going_back_closes_the_article(self, watched: Watched) -> None:
        page = watched.open()
        watched.ask(BUILT)
        page.locator(".answer-text .marker").click()
        expect(page.locator("#article")).to_be_visible()
        page.go_back()
        expect(page.locator("#article")).to_be_hidden()
        expect(page.locator(".answer-text")).to_contain_text("built in 1864")

    def test_the_skip_link_leads_past_the_masthead(self, watched: Watched) -> None:
        page = watched.open("/collection")
        page.locator(".list li").first.wait_for()
        page.evaluate("document.activeElement.blur()")
        page.keyboard.press("Tab")
        expect(page.locator(".skip")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.locator("main")).to_be_focused()


class TestCollection:
    def test_it_is_browsed_by_month_words_source_and_date(self, watched: Watched) -> None:
        page = watched.open("/collection")
        titles = page.locator(".list .source-title")
        expect(titles).to_have_count(len(ARTICLES))
        assert page.locator(".month").all_inner_texts() == [
            "June 2025",
            "May 2025",
            "April 2025",
            "March 2025",
            "undated",
        ]
        page.get_by_label("Words in title or text").fill("ferry")
        page.keyboard.press("Enter")
        expect(titles).to_have_text(["Ferry toll rises", "Ferry sinks off Orn"])
        page.locator(".collection .menu summary").click()
        page.get_by_label("Velm Post").check()
        expect(titles).to_have_text(["Ferry toll rises"])
        page.keyboard.press("Escape")
        page.get_by_label("From", exact=True).fill("2025-06-01")
        expect(page.locator(".list-foot")).to_contain_text("No article fits.")
        page.reload()
        expect(page.get_by_label("Words in title or text")).to_have_value("ferry")
        expect(page.locator(".list-foot")).to_contain_text("No article fits.")

    def test_an_article_opens_beside_it(self, watched: Watched) -> None:
        page = watched.open("/collection")
        page.get_by_role("link", name="Skerra lighthouse reopens").click()
        expect(page.locator(".article-text")).to_contain_text("168 steps")
        page.get_by_role("button", name="Close").click()
        expect(page.locator(".list li").first).to_be_visible()

    def test_the_status_counts(self, watched: Watched) -> None:
        page = watched.open("/collection")
        expect(page.locator(".status .figure")).to_have_text("6 articles")
        expect(page.locator(".status dl")).to_contain_text("24 Mar 2025 to 5 Jun 2025")
        assert UNDATED.published is None
        expect(page.locator(".status dl")).to_contain_text("Undated")

    def test_a_page_of_one_s_own_is_linked_to_and_opens_alone(self, watched: Watched) -> None:
        page = watched.open("/article/desk%2Flater", at="0-18")
        expect(page.locator("#article h1")).to_have_text("Ferry toll rises")
        assert _marked(page) == "The death toll fro"
        page.get_by_role("button", name="Close").click()
        expect(page.locator("#question")).to_be_visible()

    def test_an_article_that_is_gone_is_said_to_be(self, watched: Watched) -> None:
        page = watched.open("/article/nowhere")
        expect(page.locator("#article .problem")).to_contain_text("there is no article")


@pytest.mark.parametrize("size", [(320, 640), (390, 844)], ids=str)
def test_on_a_phone_nothing_is_wider_than_it(watch: Watch, url: str, size: tuple[int, int]) -> None:
    width, height = size
    watched = watch(url, viewport={"width": width, "height": height}, has_touch=True, is_mobile=True)
    page = watched.open(as_of="2025-06-30")

    def check() -> None:
        assert page.evaluate("document.documentElement.scrollWidth") <= width

    check()
    watched.ask(TOLL)
    check()
    page.locator(".answer-text .marker").first.tap()
    expect(page.locator("mark.chosen")).to_be_in_viewport()
    box = page.locator("#article").bounding_box()
    assert box
    assert (box["x"], box["width"]) == (0, width)
    # What it covers is out of reach.
    assert page.locator("main").evaluate("main => main.inert")
    page.get_by_role("button", name="Close").tap()
    expect(page.locator("#article")).to_be_hidden()
    watched.open("/collection")
    page.locator(".list li").first.wait_for()
    check()


def test_colours_follow_the_system(watch: Watch, url: str) -> None:
    seen = {}
    for scheme in ("light", "dark"):
        watched = watch(url, color_scheme=scheme)
        page = watched.open()
        seen[scheme] = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    light, dark = (sum(map(int, re.findall(r"\d+", seen[scheme]))) for scheme in ("light", "dark"))
    assert light > 3 * 230
    assert dark < 3 * 40


def test_the_first_paint_is_quick(watch: Watch, url: str) -> None:
    """Under 100 ms on a machine that does nothing else; this bound only catches what would be felt."""
    watched = watch(url)
    paints = []
    for _ in range(3):
        page = watched.open()
        page.locator(".bar").first.wait_for(state="attached")
        paints.append(page.evaluate("performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0"))
        page.goto("about:blank")
    watched.requests = [one for one in watched.requests if one != "about:blank"]
    assert 0 < min(paints) < 500
