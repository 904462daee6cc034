"""axe-core finds nothing on the page: in every state, light and dark, on a phone and on a wide screen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from api.keys import add_key
from tests.conftest import ROOT, require
from tests.e2e.browsing import ARTICLES, BUILT, BUILT_SAYS, NOWHERE, TOLL, Watch, saying, site
from tests.fakes import Reply, ScriptedOpenAI

AXE = ROOT / "tests" / "clients" / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# So tall that nothing is half covered by what sticks to the lower edge.
SCREENS = {"wide": {"width": 1280, "height": 2600}, "phone": {"width": 390, "height": 3600}}


@pytest.fixture(scope="module")
def axe() -> str:
    require(AXE.exists(), "axe-core examines the page; npm ci --prefix tests/clients")
    return AXE.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def url(browser: Browser, model: ScriptedOpenAI, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with site(tmp_path_factory.mktemp("axe"), model, *ARTICLES) as url:
        yield url


def _examine(page: Page, axe: str, state: str) -> list[str]:
    """What axe-core finds, a line each."""
    # The policy of the page would keep it out; what it is examined with is no part of the page.
    if not page.evaluate("Boolean(window.axe)"):
        page.evaluate(axe)
    told: Any = page.evaluate("rules => axe.run(document, { runOnly: rules, resultTypes: ['violations'] })", RULES)
    return [f"{state}: {one['id']}: {node['html']}" for one in told["violations"] for node in one["nodes"]]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("screen", SCREENS)
def test_axe_finds_nothing(watch: Watch, url: str, model: ScriptedOpenAI, axe: str, screen: str, scheme: str) -> None:
    watched = watch(url, viewport=SCREENS[screen], color_scheme=scheme, bypass_csp=True)
    found: list[str] = []

    def look(state: str) -> None:
        found.extend(_examine(page, axe, state))

    page = watched.open()
    page.locator(".bar").first.wait_for(state="attached")
    page.locator(".settings").evaluate("one => one.open = true")
    page.locator(".ask .menu").evaluate("one => one.open = true")
    look("start")
    watched.open(as_of="2025-06-30")
    watched.ask(TOLL)
    saying(model, f"{BUILT_SAYS} It is painted purple and pink all over.")
    watched.ask(BUILT)
    page.locator(".read summary").first.click()
    page.locator(".answer-text .marker").first.focus()
    look("answers")
    page.locator(".answer-text .marker").first.click()
    page.locator("mark.chosen").wait_for()
    look("article")
    page.get_by_role("button", name="Close").click()
    page.get_by_role("link", name="New conversation").click()
    saying(model)
    watched.ask(NOWHERE)
    look("abstention")
    saying(model, Reply(status=401))
    watched.ask(BUILT)
    page.locator(".problem").wait_for()
    look("failure")
    page.get_by_role("link", name="New conversation").click()
    page.get_by_text("Earlier conversations").click()
    look("history")
    watched.open("/collection")
    page.locator(".list li").first.wait_for()
    page.locator(".status dl").wait_for()
    look("collection")
    page.goto(f"{url}/docs")
    page.locator(".reference").wait_for()
    look("reference")
    assert not found, "\n".join(found)


def test_axe_finds_nothing_where_a_key_is_asked_for(
    watch: Watch, model: ScriptedOpenAI, axe: str, tmp_path: Path
) -> None:
    add_key(tmp_path / "keys.jsonl", "desk", ["ask"])
    with site(tmp_path, model, *ARTICLES[:1], api_keys_file=tmp_path / "keys.jsonl") as url:
        for scheme in ("light", "dark"):
            watched = watch(url, color_scheme=scheme, bypass_csp=True)
            page = watched.open()
            page.get_by_role("dialog").wait_for()
            assert _examine(page, axe, "key") == []
            watched.close()


def test_with_larger_text_and_wider_spacing_nothing_is_lost(watch: Watch, url: str, model: ScriptedOpenAI) -> None:
    """WCAG 2.2, 1.4.4 and 1.4.12: text of double size, and the spacing that a reader may set."""
    saying(model)
    watched = watch(url, viewport={"width": 640, "height": 800}, bypass_csp=True)
    page = watched.open(q=TOLL, as_of="2025-06-30")
    page.locator(".tools").wait_for()
    page.add_style_tag(
        content="html { font-size: 200% } * { line-height: 1.5 !important; letter-spacing: 0.12em !important;"
        " word-spacing: 0.16em !important } p { margin-bottom: 2em !important }"
    )
    assert page.evaluate("document.documentElement.scrollWidth") <= 640
