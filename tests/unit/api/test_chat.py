from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest

from qa.errors import DatelineError, ModelAuthError, ModelRateLimitError, ModelTimeoutError, ModelUnreachableError
from qa.events import DeltaEvent, StatusEvent
from qa.models import Ask, Turn
from tests.unit.api.fakes import ANSWER, Caller, FakeEngine, client_of, events_of, make_app, parse_sse

QUESTION = {"question": "How many died?"}


async def test_an_answer_is_the_contract_s_object(client: httpx.AsyncClient) -> None:
    reply = await client.post("/chat", json=QUESTION)
    assert reply.status_code == 200
    assert reply.headers["content-type"] == "application/json"
    assert reply.json() == ANSWER.to_json()
    assert reply.json()["date_range"]["from"] == "2025-03-01"


async def test_everything_the_caller_says_reaches_the_engine(client: httpx.AsyncClient, engine: FakeEngine) -> None:
    history = [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Hi"}]
    options = {"as_of": "2025-04-01", "from": "2025-03-01", "to": "2025-03-31", "sources": ["Courier"], "top_k": 3}
    options |= {"article": "flood"}
    await client.post("/chat", json={**QUESTION, **options, "history": history, "model": "extractive"})
    (ask,) = engine.asks
    assert ask.history == (Turn("user", "Hello"), Turn("assistant", "Hi"))
    assert (str(ask.as_of), str(ask.start), str(ask.end)) == ("2025-04-01", "2025-03-01", "2025-03-31")
    assert (ask.sources, ask.article, ask.top_k, ask.model) == (("Courier",), "flood", 3, "extractive")


async def test_what_is_left_out_is_the_engine_s_default(client: httpx.AsyncClient, engine: FakeEngine) -> None:
    await client.post("/chat", json={**QUESTION, "model": "dateline", "as_of": None})
    assert engine.asks == [Ask("How many died?")]


@pytest.mark.parametrize(
    ("body", "headers", "streams"),
    [
        ({"stream": True}, {}, True),
        ({}, {"Accept": "text/event-stream"}, True),
        ({"stream": False}, {"Accept": "text/event-stream"}, False),
        ({"stream": None}, {"Accept": "*/*"}, False),
    ],
)
async def test_who_asks_for_a_stream_gets_one(
    client: httpx.AsyncClient, body: dict[str, Any], headers: dict[str, str], streams: bool
) -> None:
    reply = await client.post("/chat", json=QUESTION | body, headers=headers)
    assert reply.headers["content-type"].startswith("text/event-stream" if streams else "application/json")


async def test_a_stream_tells_the_answer_as_it_grows(client: httpx.AsyncClient) -> None:
    reply = await client.post("/chat", json={**QUESTION, "stream": True})
    assert reply.headers["x-accel-buffering"] == "no"
    assert reply.headers["cache-control"] == "no-cache"
    events = parse_sse(reply.text)
    names = [event.event for event in events]
    assert names == [
        *("status", "passages", "status", "delta", "delta", "delta"),
        *("sentence", "sentence", "citation", "citation", "done"),
    ]
    assert [event.id for event in events] == [str(number) for number in range(1, len(events) + 1)]
    told: dict[str, list[Any]] = {}
    for event in events:
        told.setdefault(event.event, []).append(event.json)
    answer = ANSWER.to_json()
    assert told["status"] == [{"stage": "retrieve"}, {"stage": "generate"}]
    assert told["passages"] == [answer["passages"]]
    assert "".join(delta["text"] for delta in told["delta"]) == ANSWER.text
    assert (told["sentence"], told["citation"], told["done"]) == (answer["sentences"], answer["citations"], [answer])


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (ModelTimeoutError("no reply within 60 s"), 504, "model_timeout"),
        (ModelUnreachableError("no connection"), 502, "model_unreachable"),
        (ModelAuthError("the provider refused the key"), 502, "model_auth"),
    ],
)
async def test_a_failure_before_the_first_event_is_a_status(
    engine: FakeEngine, client: httpx.AsyncClient, stream: bool, error: DatelineError, status: int, code: str
) -> None:
    engine.scripts.append([error])
    reply = await client.post("/chat", json={**QUESTION, "stream": stream})
    assert reply.status_code == status
    assert reply.headers["content-type"] == "application/problem+json"
    problem = reply.json()
    assert (problem["status"], problem["code"], problem["detail"]) == (status, code, str(error))
    assert problem["hint"] == error.hint
    assert problem["request_id"] == reply.headers["x-request-id"]


async def test_a_refused_key_names_the_setting(engine: FakeEngine, client: httpx.AsyncClient) -> None:
    engine.scripts.append([ModelAuthError("the provider refused the key")])
    assert "DATELINE_MODEL_API_KEY" in (await client.post("/chat", json=QUESTION)).json()["hint"]


async def test_a_rate_limit_says_when_to_come_back(engine: FakeEngine, client: httpx.AsyncClient) -> None:
    engine.scripts.append([ModelRateLimitError("too many requests", retry_after=7.4)])
    engine.scripts.append([ModelRateLimitError("too many requests")])
    known, unknown = [await client.post("/chat", json=QUESTION) for _ in range(2)]
    assert (known.status_code, known.headers["retry-after"]) == (503, "7")
    assert (unknown.status_code, unknown.headers.get("retry-after")) == (503, None)


@pytest.mark.parametrize(
    ("error", "code"), [(ModelTimeoutError("no more words came"), "model_timeout"), (KeyError("bug"), "internal")]
)
async def test_a_failure_after_the_first_event_is_the_last_event(
    engine: FakeEngine, client: httpx.AsyncClient, error: Exception, code: str
) -> None:
    engine.scripts.append([StatusEvent("retrieve"), DeltaEvent("Four"), error])
    reply = await client.post("/chat", json={**QUESTION, "stream": True})
    assert reply.status_code == 200
    *_, delta, last = parse_sse(reply.text)
    assert (delta.event, last.event, last.id) == ("delta", "error", "3")
    assert last.json["code"] == code
    assert last.json["request_id"] == reply.headers["x-request-id"]
    assert "bug" not in last.data
    assert engine.ended == ["failed"]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("body", "status", "code", "field", "message"),
    [
        ({}, 422, "validation", "question", "Field required"),
        ({"question": 7}, 422, "validation", "question", "valid string"),
        ({**QUESTION, "asof": "2025-04-01"}, 422, "validation", "asof", "there is no such field"),
        ({**QUESTION, "as_of": "01.04.2025"}, 422, "validation", "as_of", "YYYY-MM-DD"),
        ({**QUESTION, "as_of": 20250401}, 422, "validation", "as_of", "YYYY-MM-DD"),
        ({**QUESTION, "as_of": "2025-02-30"}, 422, "validation", "as_of", "no day 2025-02-30"),
        ({**QUESTION, "start": "2025-02-03"}, 422, "validation", "start", "there is no such field"),
        ({**QUESTION, "top_k": 51}, 422, "validation", "top_k", "less than or equal to 50"),
        ({**QUESTION, "history": [{"role": "system", "content": ""}]}, 422, "validation", "history.0.role", "'user'"),
        ({"question": "\ud800"}, 422, "validation", "question", "surrogate"),
        ({**QUESTION, "\ud800": 1}, 422, "validation", "", "unicode string"),
        ({"question": "  "}, 422, "question", None, "empty"),
        ({"question": "x" * 4001}, 422, "question", None, "too long"),
        ({**QUESTION, "from": "2025-04-02", "to": "2025-04-01"}, 422, "filter", None, "is after"),
        ({**QUESTION, "model": "openai:expensive"}, 404, "model_not_found", None, "openai:expensive"),
    ],
)
async def test_what_cannot_be_asked_fails_before_the_first_byte(
    client: httpx.AsyncClient,
    engine: FakeEngine,
    stream: bool,
    body: dict[str, Any],
    status: int,
    code: str,
    field: str | None,
    message: str,
) -> None:
    sent = json.dumps({**body, "stream": stream})
    reply = await client.post("/chat", content=sent, headers={"Content-Type": "application/json"})
    problem = reply.json()
    assert (reply.status_code, problem["code"]) == (status, code)
    assert message in problem["detail"]
    if field is not None:
        assert [error["field"] for error in problem["errors"]] == [field]
        assert message in problem["errors"][0]["message"]
    assert not engine.asks


@pytest.mark.parametrize(
    "content", [b'{"question": ', b"\xff\xfe", b"[" * 100_000, b'{"question": ' + b"9" * 5000 + b"}"]
)
async def test_a_body_that_is_no_json_is_refused(client: httpx.AsyncClient, content: bytes) -> None:
    reply = await client.post("/chat", content=content, headers={"Content-Type": "application/json"})
    assert reply.status_code == 400
    assert reply.json()["code"] in ("invalid_json", "bad_request")


@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "text/plain", None])
async def test_a_body_of_another_type_is_told_which_one(client: httpx.AsyncClient, content_type: str | None) -> None:
    headers = {"Content-Type": content_type} if content_type else {}
    reply = await client.post("/chat", content=json.dumps(QUESTION), headers=headers)
    assert (reply.status_code, reply.json()["code"]) == (415, "unsupported_media_type")
    assert "application/json" in reply.json()["hint"]


async def test_a_missing_body_is_said_so(client: httpx.AsyncClient) -> None:
    reply = await client.post("/chat")
    assert (reply.status_code, reply.json()["detail"]) == (422, "the request has no body")


async def test_a_body_of_nothing_but_mistakes_is_not_repeated_whole(client: httpx.AsyncClient) -> None:
    problem = (await client.post("/chat", json={f"x{number}": 1 for number in range(1000)} | QUESTION)).json()
    assert len(problem["errors"]) == 20
    assert "(and 999 more)" in problem["detail"]


@pytest.mark.parametrize("stream", [False, True])
async def test_a_caller_that_leaves_cancels_its_answer(engine: FakeEngine, stream: bool) -> None:
    asked, never = asyncio.Event(), asyncio.Event()
    asked.set()
    engine.scripts.append([asked, StatusEvent("retrieve"), DeltaEvent("Four"), never])
    app = make_app(engine)
    async with client_of(app):
        caller = Caller(app, "/chat", {**QUESTION, "stream": stream})
        if stream:
            await caller.read_until(b"Four")
        else:
            while not engine.asks:
                await asyncio.sleep(0)
        assert not engine.ended
        await caller.leave()
        assert engine.ended == ["cancelled"]


async def test_a_caller_that_leaves_between_two_events_closes_the_stream(engine: FakeEngine) -> None:
    app = make_app(engine)
    engine.scripts.append([*events_of(ANSWER)[:3], *[DeltaEvent("word ")] * 100_000])
    async with client_of(app):
        caller = Caller(app, "/chat", {**QUESTION, "stream": True})
        await caller.read_until(b"word")
        await caller.leave()
        assert engine.ended == ["cancelled"]


async def test_an_idle_stream_is_kept_alive(engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fastapi.routing._PING_INTERVAL", 0.01)
    engine.scripts.append([StatusEvent("retrieve"), asyncio.Event()])
    app = make_app(engine)
    async with client_of(app):
        caller = Caller(app, "/chat", {**QUESTION, "stream": True})
        await caller.read_until(b": ping\n\n: ping\n\n")
        await caller.leave()
