"""The page as it is sent: its files, types, policy and tags. What it does is tested in a browser."""

from __future__ import annotations

import re

import httpx
import pytest

from api.routes.page import PAGE_POLICY, web_files
from api.security import CONTENT_POLICY
from tests.conftest import ROOT

MOST_BYTES = 150_000
WEB = ROOT / "api" / "web"
SCRIPTS = sorted(WEB.glob("*.js"))


async def test_the_page_is_sent_with_a_policy_of_its_own(client: httpx.AsyncClient) -> None:
    reply = await client.get("/")
    assert reply.status_code == 200
    assert reply.headers["content-type"] == "text/html; charset=utf-8"
    assert reply.headers["content-security-policy"] == PAGE_POLICY
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.headers["x-frame-options"] == "DENY"
    assert "unsafe" not in PAGE_POLICY
    # Everything else keeps the stricter one.
    for path in ("/status", "/web/nothing.js", "/web/index.html"):
        assert (await client.get(path)).headers["content-security-policy"] == CONTENT_POLICY


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("app.js", "text/javascript; charset=utf-8"),
        ("style.css", "text/css; charset=utf-8"),
        ("icon.svg", "image/svg+xml"),
    ],
)
async def test_files_have_their_types(client: httpx.AsyncClient, name: str, media_type: str) -> None:
    reply = await client.get(f"/web/{name}")
    assert (reply.status_code, reply.headers["content-type"]) == (200, media_type)
    assert reply.content == (WEB / name).read_bytes()


async def test_what_a_browser_has_already_is_not_sent_again(client: httpx.AsyncClient) -> None:
    first = await client.get("/web/app.js")
    assert first.headers["cache-control"] == "no-cache"
    for told in (first.headers["etag"], f'"other", W/{first.headers["etag"]}', "*"):
        again = await client.get("/web/app.js", headers={"If-None-Match": told})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    assert (await client.get("/web/app.js", headers={"If-None-Match": '"other"'})).status_code == 200


@pytest.mark.parametrize("name", ["nothing.js", "..%2Fapp.py", "%2e%2e%2fapp.py", "index.html", "app.js/"])
async def test_no_other_file_is_sent(client: httpx.AsyncClient, name: str) -> None:
    assert (await client.get(f"/web/{name}")).status_code == 404


async def test_head_is_answered_without_a_body(client: httpx.AsyncClient) -> None:
    reply = await client.head("/")
    assert (reply.status_code, reply.content) == (200, b"")
    assert int(reply.headers["content-length"]) == len(web_files()["index.html"].content)


def test_the_page_is_light() -> None:
    assert sum(len(file.content) for file in web_files().values()) < MOST_BYTES
    assert {path.name for path in WEB.iterdir()} == set(web_files())


def test_nothing_of_the_page_names_another_origin() -> None:
    for name, file in web_files().items():
        addresses = set(re.findall(r"https?://[^\s\"'`)]*", file.content.decode()))
        assert addresses <= {"http://www.w3.org/2000/svg", "https://"}, name


def test_no_script_reads_markup_from_a_text() -> None:
    forbidden = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|createContextualFragment|DOMParser|\beval\("
    for path in SCRIPTS:
        assert not re.search(forbidden, path.read_text(encoding="utf-8")), path.name


def test_the_page_asks_for_every_module_at_once() -> None:
    """What a module imports is known only when it is there: each step would be a wait."""
    page = (WEB / "index.html").read_text(encoding="utf-8")
    assert {path.name for path in SCRIPTS} == set(re.findall(r"/web/(\w+\.js)", page))
    assert not re.search(r"<script(?![^>]*\ssrc=)|\son\w+=|\sstyle=|<style", page)


def test_every_word_shown_is_in_the_one_place() -> None:
    strings = (WEB / "strings.js").read_text(encoding="utf-8")
    named = set(re.findall(r"\bS\.(\w+)", "".join(path.read_text(encoding="utf-8") for path in SCRIPTS)))
    assert named == set(re.findall(r"^  (\w+):", strings, re.M))
    # A text with a space in it that a script hands to an element or to a label would be one of the page's words.
    for path in SCRIPTS:
        if path.name != "strings.js":
            code = re.sub(r"class: \"[^\"]*\"|//.*|/\*.*?\*/", "", path.read_text(encoding="utf-8"), flags=re.S)
            assert not re.search(r"(?:\}|label\"?): *\"[A-Z]", code), path.name
            assert not re.search(r"h\(\"\w+\", \{[^}]*\}, \"[A-Za-z]", code), path.name
