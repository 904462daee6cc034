from __future__ import annotations

import asyncio
from contextvars import Context
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import httpx
import pytest

from api.caching import Remembering, use_for
from qa.errors import ModelTimeoutError, StoreUnreachableError
from qa.events import DoneEvent
from qa.models import Ask, Turn, Wishes
from tests.unit.api.fakes import ANSWER, Caller, FakeEngine, FakeHome, client_of, events_of, make_app, parse_sse

QUESTION = {"question": "How many died?"}
PATHS = pytest.mark.parametrize(
    ("path", "body"),
    [("/chat", QUESTION), ("/v1/chat/completions", {"messages": [{"role": "user", "content": "How many died?"}]})],
)


@PATHS
@pytest.mark.parametrize("stream", [False, True])
async def test_the_same_question_is_answered_once(
    client: httpx.AsyncClient, engine: FakeEngine, path: str, body: dict[str, Any], stream: bool
) -> None:
    first, second = [await client.post(path, json={**body, "stream": stream}) for _ in range(2)]
    assert (first.headers["cache-status"], second.headers["cache-status"]) == ("dateline; fwd=miss", "dateline; hit")
    assert len(engine.asks) == 1


async def test_a_stream_is_given_again_as_it_was(client: httpx.AsyncClient, engine: FakeEngine) -> None:
    whole = (await client.post("/chat", json=QUESTION)).json()
    again = parse_sse((await client.post("/chat", json={**QUESTION, "stream": True})).text)
    assert [event.event for event in again[:3]] == ["status", "passages", "status"]
    assert "".join(event.json["text"] for event in again if event.event == "delta") == ANSWER.text
    told = again[-1].json
    # It took nothing to give it again.
    assert told["usage"]["input_tokens"] == told["usage"]["output_tokens"] == 0
    assert told["timings_ms"]["retrieve"] == 0
    assert {**told, "usage": None, "timings_ms": None} == {**whole, "usage": None, "timings_ms": None}
    assert len(engine.asks) == 1


@pytest.mark.parametrize(
    ("control", "status", "then"),
    [
        ("no-cache", "dateline; fwd=request", "dateline; hit"),
        ("max-age=0, No-Store", "dateline; fwd=request", "dateline; fwd=miss"),
        ("no-transform", "dateline; fwd=miss", "dateline; hit"),
    ],
)
async def test_a_caller_may_have_it_answered_anew(
    client: httpx.AsyncClient, engine: FakeEngine, control: str, status: str, then: str
) -> None:
    first = await client.post("/chat", json=QUESTION, headers={"Cache-Control": control})
    second = await client.post("/chat", json=QUESTION)
    assert (first.headers["cache-status"], second.headers["cache-status"]) == (status, then)


async def test_an_answer_that_was_kept_is_passed_over_on_request(client: httpx.AsyncClient, engine: FakeEngine) -> None:
    for _ in range(2):
        await client.post("/chat", json=QUESTION, headers={"Cache-Control": "no-cache"})
    assert len(engine.asks) == 2


async def test_there_need_be_no_cache(engine: FakeEngine) -> None:
    async with client_of(make_app(engine, cache_answers=0)) as client:
        replies = [await client.post("/chat", json=QUESTION) for _ in range(2)]
    assert not [reply for reply in replies if "cache-status" in reply.headers]
    assert len(engine.asks) == 2


@pytest.mark.parametrize(
    "script",
    [
        [ModelTimeoutError("no reply within 60 s")],
        [*events_of(ANSWER)[:4], ModelTimeoutError("no more words came")],
        [*events_of(ANSWER)[:-1], DoneEvent(ANSWER, degraded=True)],
    ],
)
async def test_what_went_wrong_is_not_kept(client: httpx.AsyncClient, engine: FakeEngine, script: list[Any]) -> None:
    engine.scripts.append(script)
    for _ in range(2):
        reply = await client.post("/chat", json=QUESTION)
    assert (reply.status_code, reply.headers["cache-status"]) == (200, "dateline; fwd=miss")
    assert len(engine.asks) == 2


async def test_an_answer_that_nobody_waited_for_is_not_kept(engine: FakeEngine) -> None:
    app = make_app(engine)
    engine.scripts.append([*events_of(ANSWER)[:4], 60.0])
    async with client_of(app) as client:
        caller = Caller(app, "/chat", {**QUESTION, "stream": True})
        await caller.read_until(b"delta")
        await caller.leave()
        reply = await client.post("/chat", json=QUESTION)
    assert reply.headers["cache-status"] == "dateline; fwd=miss"


async def test_a_collection_that_changed_has_other_answers(client: httpx.AsyncClient, home: FakeHome) -> None:
    await client.post("/chat", json=QUESTION)
    home.catalog.at_revision += 1
    assert (await client.post("/chat", json=QUESTION)).headers["cache-status"] == "dateline; fwd=miss"


async def test_a_catalogue_out_of_reach_is_told(client: httpx.AsyncClient, home: FakeHome) -> None:
    home.catalog.error = StoreUnreachableError("no answer")
    assert (await client.post("/chat", json=QUESTION)).status_code == 503


class Clock:
    def __init__(self) -> None:
        self.today = date(2025, 4, 1)


def _remembering(engine: FakeEngine, size: int = 9, seconds: float = 60, clock: Clock | None = None) -> Remembering:
    told = clock or Clock()
    return Remembering(engine, size=size, seconds=seconds, today=lambda: told.today, revision=lambda: 7)


async def _outcome(answering: Remembering, ask: Ask) -> str | None:
    use = use_for("")
    await answering.answer(ask)
    return use.outcome


ASK = Ask("How many died?")


@pytest.mark.parametrize(
    "other",
    [
        replace(ASK, question="How many died"),
        replace(ASK, history=(Turn("user", "Hello"),)),
        replace(ASK, as_of=date(2025, 4, 1)),
        replace(ASK, start=date(2025, 4, 1)),
        replace(ASK, end=date(2025, 4, 1)),
        replace(ASK, sources=("Courier",)),
        replace(ASK, article="flood"),
        replace(ASK, top_k=3),
        replace(ASK, model="extractive"),
        replace(ASK, default_as_of=date(2025, 3, 1)),
        replace(ASK, wishes=Wishes(style="Be brief.")),
    ],
)
async def test_another_question_is_another_question(other: Ask) -> None:
    engine = FakeEngine()
    answering = _remembering(engine)
    assert await _outcome(answering, ASK) == "fwd=miss"
    assert await _outcome(answering, other) == "fwd=miss"
    assert await _outcome(answering, ASK) == await _outcome(answering, other) == "hit"


async def test_today_is_not_tomorrow() -> None:
    clock = Clock()
    answering = _remembering(FakeEngine(), clock=clock)
    assert await _outcome(answering, ASK) == "fwd=miss"
    assert await _outcome(answering, replace(ASK, default_as_of=clock.today)) == "hit"
    clock.today += timedelta(days=1)
    assert await _outcome(answering, ASK) == "fwd=miss"


async def test_another_prompt_has_other_answers() -> None:
    engine = FakeEngine()
    answering = _remembering(engine)
    await _outcome(answering, ASK)
    engine.prompt_version = "8"
    assert await _outcome(answering, ASK) == "fwd=miss"


async def test_no_more_are_kept_than_there_is_room_for() -> None:
    answering = _remembering(FakeEngine(), size=3)
    asks = [replace(ASK, question=f"Question {number}?") for number in range(5)]
    for ask in asks:
        await _outcome(answering, ask)
    assert [await _outcome(answering, ask) for ask in asks[2:]] == ["hit"] * 3
    assert await _outcome(answering, asks[0]) == "fwd=miss"


async def test_none_is_kept_for_longer_than_it_may() -> None:
    answering = _remembering(FakeEngine(), seconds=1e-9)
    await _outcome(answering, ASK)
    assert await _outcome(answering, ASK) == "fwd=miss"


async def test_who_says_nothing_of_a_cache_has_none() -> None:
    engine = FakeEngine()
    answering = _remembering(engine)
    for _ in range(2):
        assert await asyncio.create_task(answering.answer(ASK), context=Context()) == ANSWER
    assert len(engine.asks) == 2
