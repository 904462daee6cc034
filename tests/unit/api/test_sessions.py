from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from api.conversations import recent
from qa.errors import ModelTimeoutError, StoreUnreachableError
from qa.events import DeltaEvent, StatusEvent
from qa.models import Turn
from tests.unit.api.fakes import ANSWER, Caller, FakeEngine, FakeHome, client_of, events_of, make_app, parse_sse

FIRST = {"question": "How many died?", "session_id": "s-1"}
SECOND = {**FIRST, "question": "And who mourned them?"}
SAID = (Turn("user", "How many died?"), Turn("assistant", ANSWER.text))


@pytest.mark.parametrize("stream", [False, True])
async def test_a_question_follows_those_before_it(
    client: httpx.AsyncClient, engine: FakeEngine, home: FakeHome, stream: bool
) -> None:
    for body in (FIRST, SECOND):
        assert (await client.post("/chat", json={**body, "stream": stream})).status_code == 200
    assert [ask.history for ask in engine.asks] == [(), SAID]
    shown = (await client.get("/sessions/s-1")).json()
    assert [one["question"] for one in shown["exchanges"]] == ["How many died?", "And who mourned them?"]
    assert {one["answer"] for one in shown["exchanges"]} == {ANSWER.text}
    assert home.sessions.expired == 1


async def test_sessions_do_not_hear_each_other(client: httpx.AsyncClient, engine: FakeEngine) -> None:
    await client.post("/chat", json=FIRST)
    await client.post("/chat", json={**SECOND, "session_id": "s-2"})
    await client.post("/chat", json={"question": "And who mourned them?"})
    assert [ask.history for ask in engine.asks] == [(), ()]


async def test_the_same_question_after_another_is_another(client: httpx.AsyncClient) -> None:
    statuses = [(await client.post("/chat", json=FIRST)).headers["cache-status"] for _ in range(2)]
    assert statuses == ["dateline; fwd=miss"] * 2
    other = await client.post("/chat", json={**FIRST, "session_id": "s-2"})
    assert other.headers["cache-status"] == "dateline; hit"


async def test_questions_of_a_session_are_answered_in_their_order(engine: FakeEngine) -> None:
    gate = asyncio.Event()
    engine.scripts += [[StatusEvent("retrieve"), gate, *events_of(ANSWER)[3:]], events_of(ANSWER)]
    async with client_of(make_app(engine)) as client:
        first = asyncio.create_task(client.post("/chat", json=FIRST))
        while not engine.asks:
            await asyncio.sleep(0)
        second = asyncio.create_task(client.post("/chat", json=SECOND))
        other = await client.post("/chat", json={**SECOND, "session_id": "s-2"})
        await asyncio.sleep(0.05)
        assert other.status_code == 200
        assert [ask.question for ask in engine.asks] == ["How many died?", "And who mourned them?"]
        assert engine.asks[1].history == ()
        gate.set()
        await asyncio.gather(first, second)
    assert engine.asks[2].history == SAID


async def test_an_answer_that_did_not_come_is_not_kept(client: httpx.AsyncClient, engine: FakeEngine) -> None:
    engine.scripts.append([StatusEvent("retrieve"), DeltaEvent("Four"), ModelTimeoutError("no more words came")])
    assert (await client.post("/chat", json=FIRST)).status_code == 504
    assert (await client.get("/sessions/s-1")).status_code == 404


async def test_a_caller_that_leaves_lets_the_next_one_in(engine: FakeEngine) -> None:
    engine.scripts.append([StatusEvent("retrieve"), DeltaEvent("Four"), asyncio.Event()])
    app = make_app(engine)
    async with client_of(app) as client:
        caller = Caller(app, "/chat", {**FIRST, "stream": True})
        await caller.read_until(b"Four")
        waiting = asyncio.create_task(client.post("/chat", json=SECOND))
        await asyncio.sleep(0.05)
        await caller.leave()
        assert (await waiting).status_code == 200
    assert engine.ended == ["cancelled", "done"]
    assert engine.asks[1].history == ()


async def test_a_caller_that_leaves_while_it_waits_is_passed_over(engine: FakeEngine) -> None:
    gate = asyncio.Event()
    engine.scripts.append([StatusEvent("retrieve"), gate, *events_of(ANSWER)[3:]])
    app = make_app(engine)
    async with client_of(app) as client:
        first = asyncio.create_task(client.post("/chat", json=FIRST))
        while not engine.asks:
            await asyncio.sleep(0)
        waiting = Caller(app, "/chat", {**SECOND, "stream": True})
        await asyncio.sleep(0.05)
        await waiting.leave()
        gate.set()
        assert (await first).status_code == 200
        assert (await client.post("/chat", json={**FIRST, "question": "Third?"})).status_code == 200
    assert [ask.question for ask in engine.asks] == ["How many died?", "Third?"]


async def test_a_session_that_cannot_be_kept_is_told(
    client: httpx.AsyncClient, home: FakeHome, engine: FakeEngine
) -> None:
    home.sessions.error = StoreUnreachableError("no answer")
    assert (await client.post("/chat", json=FIRST)).status_code == 503
    streamed = await client.post("/chat", json={**FIRST, "stream": True})
    assert parse_sse(streamed.text)[-1].json["code"] == "store_unreachable"


async def test_a_deleted_session_is_gone(client: httpx.AsyncClient, engine: FakeEngine) -> None:
    await client.post("/chat", json=FIRST)
    reply = await client.delete("/sessions/s-1")
    assert (reply.status_code, reply.content) == (204, b"")
    for method in ("GET", "DELETE"):
        again = await client.request(method, "/sessions/s-1")
        assert (again.status_code, again.json()["code"]) == (404, "not_found")
    await client.post("/chat", json=SECOND)
    assert engine.asks[-1].history == ()


async def test_a_session_is_deleted_with_the_question_that_is_being_answered(engine: FakeEngine) -> None:
    gate = asyncio.Event()
    engine.scripts.append([StatusEvent("retrieve"), gate, *events_of(ANSWER)[3:]])
    async with client_of(make_app(engine)) as client:
        asking = asyncio.create_task(client.post("/chat", json=FIRST))
        while not engine.asks:
            await asyncio.sleep(0)
        deleting = asyncio.create_task(client.delete("/sessions/s-1"))
        await asyncio.sleep(0.05)
        assert not deleting.done()
        gate.set()
        assert ((await asking).status_code, (await deleting).status_code) == (200, 204)
        assert (await client.get("/sessions/s-1")).status_code == 404


@pytest.mark.parametrize("change", [{"session_id": ""}, {"session_id": "a/b"}, {"session_id": "x" * 129}])
async def test_a_session_is_named_by_what_is_safe_in_a_path(client: httpx.AsyncClient, change: dict[str, Any]) -> None:
    problem = (await client.post("/chat", json={**FIRST, **change})).json()
    assert (problem["code"], problem["errors"][0]["field"]) == ("validation", "session_id")


async def test_a_history_beside_a_session_is_refused(client: httpx.AsyncClient, engine: FakeEngine) -> None:
    body = {**FIRST, "history": [{"role": "user", "content": "Hello"}]}
    problem = (await client.post("/chat", json=body)).json()
    assert (problem["code"], problem["errors"][0]["field"]) == ("validation", "session_id")
    assert "either history or session_id" in problem["detail"]
    assert not engine.asks


@pytest.mark.parametrize(
    ("turns", "chars", "left"),
    [(4, 100, 4), (3, 100, 2), (2, 100, 2), (1, 100, 0), (0, 100, 0), (4, 19, 2), (4, 20, 4), (4, 9, 0), (4, 0, 0)],
)
def test_of_a_session_its_last_exchanges_are_asked_with(turns: int, chars: int, left: int) -> None:
    said = [Turn(role, "12345") for role in ("user", "assistant")] * 2
    assert recent(said, turns, chars) == tuple(said[len(said) - left :])
    assert recent((), turns, chars) == ()
