"""Who may do what, and how much: keys, scopes and limits, as a caller meets them."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from api import keys
from api.access import OPEN, ROUTES, scope_of
from api.app import create_app
from api.errors import REFUSALS
from api.keys import KeyRing, add_key, read_keys, revoke_key
from qa.errors import SettingsError
from qa.events import DeltaEvent, StatusEvent
from qa.settings import Settings
from tests.conftest import ROOT
from tests.unit.api.fakes import FakeEngine, client_of, make_app

QUESTION = {"question": "Who robbed the bank?"}
MESSAGES = {"messages": [{"role": "user", "content": "Who robbed the bank?"}]}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "keys.jsonl"


@pytest.fixture
def held(file: Path) -> dict[str, str]:
    """A key of each scope, by its scope."""
    return {scope: add_key(file, f"{scope}er", [scope]) for scope in keys.SCOPES}


def _bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def _served() -> set[tuple[str, str]]:
    """Method and path of every route of the application, documentation and page included."""
    app = create_app(Settings())
    found = {(method.upper(), path) for path, told in app.openapi()["paths"].items() for method in told}
    found |= {("GET", "/openapi.json")}
    return found | {(method, path) for method in ("GET", "HEAD") for path in ("/", "/docs", "/web/{name}")}


def _plain(path: str) -> str:
    return path.replace(":path}", "}")


def test_the_table_lists_every_route_and_no_other() -> None:
    assert {(method, _plain(path)) for method, path in ROUTES} == _served()


def test_what_is_not_listed_takes_the_highest_scope() -> None:
    assert scope_of("GET", "/forgotten") == "admin"
    assert scope_of("PUT", "/chat") == "admin"
    assert scope_of("DELETE", "/articles/desk/7") == "admin"


@pytest.mark.parametrize(("route", "needed"), ROUTES.items(), ids=lambda value: str(value))
async def test_every_route_asks_for_its_scope(
    file: Path, held: dict[str, str], route: tuple[str, str], needed: str | None
) -> None:
    method, path = route[0], route[1].split("{")[0] + ("x" if "{" in route[1] else "")
    app = make_app(api_keys_file=file)
    async with client_of(app) as client:
        stranger = await client.request(method, path)
        statuses = {
            scope: (await client.request(method, path, headers=_bearer(key))).status_code
            for scope, key in held.items()
            # Jobs and uploads are another test's: here only the gate is looked at.
            if scope not in (needed, "admin") or path in ("/chat", "/search", "/status", "/health/live")
        }
    if needed is OPEN:
        assert stranger.status_code not in (401, 403)
        return
    assert (stranger.status_code, stranger.headers["www-authenticate"]) == (401, 'Bearer realm="dateline"')
    for scope, status in statuses.items():
        assert (status == 403) == (scope not in (needed, "admin")), scope


@pytest.mark.parametrize(
    "headers",
    [{}, {"Authorization": "Bearer nonsense"}, {"Authorization": "Basic eDp5"}, {"X-API-Key": ""}, _bearer("\x7f")],
)
@pytest.mark.parametrize("path", ["/chat", "/v1/chat/completions", "/nothing"])
async def test_without_a_known_key_nothing_is_said(
    file: Path, held: dict[str, str], path: str, headers: dict[str, str]
) -> None:
    engine = FakeEngine()
    async with client_of(make_app(engine, api_keys_file=file)) as client:
        reply = await client.post(path, json=QUESTION | MESSAGES, headers=headers)
    assert reply.status_code == 401
    body = reply.json()
    assert (body["error"] if path.startswith("/v1") else body)["code"] == "invalid_api_key"
    assert not engine.asks


@pytest.mark.parametrize(
    ("method", "path", "status", "code", "allowed"),
    [
        ("POST", "/v1/embeddings", 404, "unknown_path", None),
        ("GET", "/nothing", 404, "unknown_path", None),
        ("GET", "/chat", 405, "method_not_allowed", "POST"),
        ("PATCH", "/articles/flood", 405, "method_not_allowed", "GET, DELETE"),
    ],
)
@pytest.mark.parametrize("scope", keys.SCOPES)
async def test_no_scope_is_asked_for_where_nothing_is(
    file: Path, held: dict[str, str], scope: str, method: str, path: str, status: int, code: str, allowed: str | None
) -> None:
    async with client_of(make_app(api_keys_file=file)) as client:
        reply = await client.request(method, path, headers=_bearer(held[scope]))
    told = reply.json().get("error", reply.json())
    assert (reply.status_code, told["code"], reply.headers.get("allow")) == (status, code, allowed)


@pytest.mark.parametrize("name", ["Authorization", "X-API-Key"])
async def test_either_header_lets_in(file: Path, held: dict[str, str], name: str) -> None:
    value = f"Bearer {held['ask']}" if name == "Authorization" else held["ask"]
    async with client_of(make_app(api_keys_file=file)) as client:
        assert (await client.post("/chat", json=QUESTION, headers={name: value})).status_code == 200


async def test_with_keys_any_host_name_is_answered(file: Path, held: dict[str, str]) -> None:
    async with client_of(make_app(api_keys_file=file)) as client:
        headers = {"Host": "news.example", **_bearer(held["ask"])}
        assert (await client.get("/status", headers=headers)).status_code == 200


async def test_neither_key_nor_question_gets_into_the_log(
    file: Path, held: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with client_of(make_app(api_keys_file=file)) as client:
        await client.post("/chat", json=QUESTION, headers=_bearer(held["ask"]))
        await client.post("/chat", json=QUESTION, headers=_bearer("dateline_wrong"))
    lines = "\n".join(str(vars(record)) for record in caplog.records if record.name.startswith("dateline"))
    assert "POST /chat 200" in lines
    assert "asker" in lines
    assert not [secret for secret in (held["ask"], "dateline_wrong", "bank") if secret in lines]


def test_the_file_holds_no_key(file: Path, held: dict[str, str]) -> None:
    text = file.read_text()
    assert not [key for key in held.values() if key in text]
    assert oct(file.stat().st_mode & 0o777) == "0o600"
    assert [key.name for key in read_keys(file)] == ["asker", "ingester", "adminer"]


def test_the_file_stays_its_owner_s_when_root_changes_it(
    file: Path, held: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Else the service could not read that a key was revoked, and would go on letting it in.
    given: list[tuple[int, int]] = []
    owner = file.stat()
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(os, "getegid", lambda: owner.st_gid + 1)
    monkeypatch.setattr(os, "fchown", lambda _, user, group: given.append((user, group)))
    revoke_key(file, "asker")
    file.unlink()
    add_key(file, "new", ["ask"])
    directory = file.parent.stat()
    assert given == [(owner.st_uid, owner.st_gid), (directory.st_uid, directory.st_gid)]


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "_LOOK_AGAIN", 0.0)


@pytest.mark.usefixtures("impatient")
def test_a_changed_file_is_read_again(file: Path, held: dict[str, str], caplog: pytest.LogCaptureFixture) -> None:
    ring = KeyRing(file)
    assert ring.find(held["ask"]) is not None
    new = add_key(file, "later", ["ask"])
    found = ring.find(new)
    assert found is not None
    assert found.name == "later"
    revoke_key(file, "asker")
    assert ring.find(held["ask"]) is None
    file.write_text("nonsense\n")
    assert ring.find(new) is not None
    assert "keys.jsonl:1: " in caplog.text
    file.unlink()
    assert ring.find(new) is not None


def test_a_file_is_looked_at_once_in_a_second(file: Path, held: dict[str, str]) -> None:
    ring = KeyRing(file)
    os.truncate(file, 0)
    assert ring.find(held["ask"]) is not None
    time.sleep(1.1)
    assert ring.find(held["ask"]) is None


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("[]", "not a JSON object"),
        ('{"name": "a b", "hash": "%s", "scopes": ["ask"]}', "name: "),
        ('{"name": "a", "hash": "secret", "scopes": ["ask"]}', "hash: "),
        ('{"name": "a", "hash": "%s", "scopes": ["root"]}', "scopes: "),
        ('{"name": "a", "hash": "%s", "scopes": []}', "scopes: "),
        ('{"name": "a", "hash": "%s", "scopes": ["ask"], "rate": "fast"}', "rate: "),
        ('{"name": "a", "hash": "%s", "scopes": ["ask"], "requests": true}', "requests: "),
        ('{"name": "one", "hash": "%s", "scopes": ["ask"]}', "another key named 'one'"),
        ("{", "Expecting"),
    ],
)
def test_a_line_that_is_no_key_is_named(file: Path, line: str, complaint: str) -> None:
    add_key(file, "one", ["ask"])
    with file.open("a") as kept:
        kept.write(line.replace("%s", "0" * 64) + "\n")
    with pytest.raises(SettingsError) as caught:
        create_app(Settings(api_keys_file=file))
    assert f"{file}:2: " in str(caught.value)
    assert complaint in str(caught.value)


def test_a_file_that_is_not_there_is_said_so(file: Path) -> None:
    with pytest.raises(SettingsError, match=r"keys\.jsonl cannot be read: No such file") as caught:
        create_app(Settings(api_keys_file=file))
    assert "dateline keys new" in caught.value.hint


# Limits

Send = tuple[str, str, dict[str, Any]]
LIMITS: dict[str, tuple[dict[str, Any], Send, int, str]] = {
    "DATELINE_RATE_LIMIT": ({"rate_limit": "2/minute"}, ("GET", "/status", {}), 429, "rate_limit_exceeded"),
    "DATELINE_MAX_BODY_BYTES": (
        {"max_body_bytes": 1024},
        ("POST", "/chat", {"content": b" " * 1025, "headers": {"Content-Type": "application/json"}}),
        413,
        "body_too_large",
    ),
    "DATELINE_MAX_UPLOAD_BYTES": (
        {"max_upload_bytes": 1024},
        ("POST", "/articles", {"content": b" " * 1025, "headers": {"Content-Type": "application/json"}}),
        413,
        "upload_too_large",
    ),
}
"""By setting: its value, a request that passes it (at last when sent three times), and what comes of that."""


def _documented() -> dict[str, tuple[int, str]]:
    """The README's table of limits: setting -> status and code."""
    rows = (
        [cell.strip(" `") for cell in line.strip("|").split("|")]
        for line in (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
        if line.startswith("| `DATELINE_") and line.count("|") == 5
    )
    return {row[0]: (int(row[2]), row[3]) for row in rows}


def test_the_limits_documented_are_refusals_that_there_are() -> None:
    from api.errors import HTTP_ERRORS

    there = {(status, code) for code, (status, _, _) in REFUSALS.items()}
    there |= {(status, kind.code) for kind, (status, _) in HTTP_ERRORS.items()}
    documented = _documented()
    assert set(documented.values()) <= there
    assert {
        f"DATELINE_{name.upper()}"
        for name in Settings.model_fields
        if name.startswith("max_") and name not in ("max_output_tokens", "max_reply_chars")
    } | {"DATELINE_RATE_LIMIT", "DATELINE_REQUESTS_PER_KEY"} == set(documented)


@pytest.mark.parametrize("name", LIMITS)
async def test_a_limit_is_told_as_documented(file: Path, held: dict[str, str], name: str) -> None:
    settings, (method, path, told), status, code = LIMITS[name]
    headers = {**told.pop("headers", {}), **_bearer(held["admin"])}
    async with client_of(make_app(api_keys_file=file, **settings)) as client:
        for _ in range(3):
            reply = await client.request(method, path, headers=headers, **told)
        other = await client.get("/status", headers=_bearer(held["ask"]))
    assert (reply.status_code, reply.json()["code"]) == (status, code) == _documented()[name]
    assert reply.json()["hint"]
    assert ("retry-after" in reply.headers) == (status in (429, 503))
    assert other.status_code == 200


async def test_the_rate_is_the_key_s_own_and_says_when_to_come_back(file: Path) -> None:
    slow = add_key(file, "slow", ["ask"], rate="1/hour")
    free = add_key(file, "free", ["ask"], rate="off")
    async with client_of(make_app(api_keys_file=file, rate_limit="2/hour")) as client:
        assert (await client.get("/status", headers=_bearer(slow))).status_code == 200
        refused = await client.get("/status", headers=_bearer(slow))
        assert {(await client.get("/status", headers=_bearer(free))).status_code for _ in range(5)} == {200}
        # What anybody may see is not counted, and neither is a key that is none.
        assert {(await client.get("/health/live", headers=_bearer(slow))).status_code for _ in range(5)} == {200}
    assert refused.status_code == 429
    assert 3590 <= int(refused.headers["retry-after"]) <= 3600


async def test_without_keys_other_machines_are_counted_by_address_and_this_one_is_not() -> None:
    app = make_app(host="0.0.0.0", rate_limit="2/minute")

    async def ask(address: str) -> list[int]:
        transport = httpx.ASGITransport(app, client=(address, 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://news.example") as client:
            return [(await client.get("/status")).status_code for _ in range(4)]

    async with app.router.lifespan_context(app):
        assert await ask("192.0.2.1") == [200, 200, 429, 429]
        assert await ask("192.0.2.2") == [200, 200, 429, 429]
        assert await ask("127.0.0.1") == [200] * 4


async def _until(condition: Any) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.005)


async def test_only_so_many_requests_of_a_key_at_once(file: Path, held: dict[str, str]) -> None:
    gate = asyncio.Event()
    script: list[Any] = [StatusEvent("retrieve"), gate, DeltaEvent("x")]
    engine = FakeEngine(script, script)
    async with client_of(make_app(engine, api_keys_file=file, requests_per_key=2)) as client:
        running = [
            asyncio.create_task(client.post("/chat", json={**QUESTION, "stream": True}, headers=_bearer(held["ask"])))
            for _ in range(2)
        ]
        await _until(lambda: len(engine.asks) == 2)
        refused = await client.get("/status", headers=_bearer(held["ask"]))
        other = await client.get("/status", headers=_bearer(held["admin"]))
        gate.set()
        await asyncio.gather(*running)
        after = await client.get("/status", headers=_bearer(held["ask"]))
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_at_once")
    assert refused.headers["retry-after"] == "1"
    assert (other.status_code, after.status_code) == (200, 200)
    assert _documented()["DATELINE_REQUESTS_PER_KEY"] == (429, "too_many_at_once")


async def test_questions_wait_for_their_turn_and_then_are_turned_away() -> None:
    gate = asyncio.Event()
    engine = FakeEngine([StatusEvent("retrieve"), gate, DeltaEvent("x")])
    async with client_of(make_app(engine, max_running=1, max_waiting=1, max_wait=30)) as client:
        first = asyncio.create_task(client.post("/chat", json={**QUESTION, "stream": True}))
        await _until(lambda: len(engine.asks) == 1)
        second = asyncio.create_task(client.post("/chat", json=QUESTION))
        await _until_waiting(client, 1)
        third = await client.get("/search", params={"q": "bank"})
        # What costs nothing is answered all the while.
        assert (await client.get("/status")).status_code == 200
        gate.set()
        await first
        assert (await second).status_code == 200
    assert (third.status_code, third.json()["code"]) == (503, "busy")
    assert 1 <= int(third.headers["retry-after"]) <= 60
    assert _documented()["DATELINE_MAX_WAITING"] == (503, "busy")


async def _until_waiting(client: httpx.AsyncClient, count: int) -> None:
    async with asyncio.timeout(5):
        while f"dateline_waiting {float(count)}" not in (await client.get("/metrics")).text:
            await asyncio.sleep(0.005)


async def test_nobody_waits_longer_than_is_set() -> None:
    gate = asyncio.Event()
    engine = FakeEngine([StatusEvent("retrieve"), gate, DeltaEvent("x")])
    async with client_of(make_app(engine, max_running=1, max_wait=0.05)) as client:
        first = asyncio.create_task(client.post("/chat", json={**QUESTION, "stream": True}))
        await _until(lambda: len(engine.asks) == 1)
        refused = await client.post("/v1/chat/completions", json=MESSAGES)
        gate.set()
        await first
        assert (await client.post("/chat", json=QUESTION)).status_code == 200
    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "busy")
    assert "retry-after" in refused.headers


async def test_cors_is_off_unless_set(file: Path, held: dict[str, str]) -> None:
    asking = {"Origin": "https://desk.example", "Access-Control-Request-Method": "POST"}
    async with client_of(make_app()) as client:
        reply = await client.options("/chat", headers=asking)
        assert reply.status_code == 405
        assert "access-control-allow-origin" not in reply.headers
    async with client_of(make_app(api_keys_file=file, cors_origins=("https://desk.example",))) as client:
        reply = await client.options("/chat", headers=asking)
        assert (reply.status_code, reply.headers["access-control-allow-origin"]) == (200, "https://desk.example")
        other = await client.options("/chat", headers={**asking, "Origin": "https://evil.example"})
        assert "access-control-allow-origin" not in other.headers
        refused = await client.post("/chat", json=QUESTION, headers={"Origin": "https://desk.example"})
        assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (401, "https://desk.example")


@pytest.mark.parametrize("origin", ["desk.example", "https://desk.example/page", "ftp://x"])
def test_an_origin_that_is_none_is_refused(origin: str) -> None:
    with pytest.raises(ValueError, match="no origin"):
        Settings(cors_origins=(origin,))


def test_a_key_s_line_says_what_it_may(file: Path) -> None:
    add_key(file, "feeder", ["ingest", "ask"], rate="5/second", requests=3)
    told = json.loads(file.read_text())
    assert (told["scopes"], told["rate"], told["requests"]) == (["ask", "ingest"], "5/second", 3)
