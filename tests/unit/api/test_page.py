"""The page as it is sent: its files, types, policy and tags. What it does is tested in a browser."""

from __future__ import annotations

import re

import httpx
import pytest

from api.routes.page import PAGE_POLICY, web_files
from api.security import CONTENT_POLICY
from tests.conftest import ROOT

MOST_BYTES = 150_000
PLAIN = {"Accept-Encoding": "identity"}
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


@pytest.mark.parametrize("path", ["/", "/docs", "/web/app.js", "/web/style.css"])
async def test_it_is_packed_for_those_who_take_it_so(client: httpx.AsyncClient, path: str) -> None:
    packed = await client.get(path, headers={"Accept-Encoding": "br, gzip;q=0.8"})
    for refusal in ("identity", "gzip;q=0", "gzip; q=0.0, br", "xgzip"):
        plain = await client.get(path, headers={"Accept-Encoding": refusal})
        assert "content-encoding" not in plain.headers
        # The same text in another coding is another representation: its tag differs, and caches are told.
        assert plain.content == packed.content
        assert plain.headers["etag"] != packed.headers["etag"]
    assert (packed.headers["content-encoding"], packed.headers["vary"]) == ("gzip", "Accept-Encoding")
    assert int(packed.headers["content-length"]) < len(packed.content)
    again = await client.get(path, headers={"Accept-Encoding": "gzip", "If-None-Match": packed.headers["etag"]})
    assert (again.status_code, again.headers["vary"]) == (304, "Accept-Encoding")


@pytest.mark.parametrize(
    "name", ["nothing.js", "..%2Fapp.py", "%2e%2e%2fapp.py", "index.html", "reference.html", "app.js/"]
)
async def test_no_other_file_is_sent(client: httpx.AsyncClient, name: str) -> None:
    assert (await client.get(f"/web/{name}")).status_code == 404


async def test_head_is_answered_without_a_body(client: httpx.AsyncClient) -> None:
    reply = await client.head("/", headers=PLAIN)
    assert (reply.status_code, reply.content) == (200, b"")
    assert int(reply.headers["content-length"]) == len((await client.get("/", headers=PLAIN)).content)


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
    for name, first in (("index.html", "app.js"), ("reference.html", "reference.js")):
        page = (WEB / name).read_text(encoding="utf-8")
        assert _needed(first) == set(re.findall(r"/web/(\w+\.js)", page))
        assert not re.search(r"<script(?![^>]*\ssrc=)|\son\w+=|\sstyle=|<style", page)
    assert _needed("app.js") | _needed("reference.js") == {path.name for path in SCRIPTS}


def _needed(module: str) -> set[str]:
    """A module and all that it imports."""
    found: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += re.findall(r'from "\./(\w+\.js)"', (WEB / name).read_text(encoding="utf-8"))
    return found


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
