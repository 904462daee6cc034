"""How long a conversation may be, as callers of the service meet it: over a real engine and a real home."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.app import create_app
from qa.engine import Engine
from tests.integration.collection import LAVROV, keep, settings, writer
from tests.unit.api.fakes import client_of

QUESTION = "Where did Lavrov arrive?"
AS_OF = "2023-04-19"


@asynccontextmanager
async def _client(path: Path, **told: Any) -> AsyncIterator[httpx.AsyncClient]:
    with writer(path, command="serve", **told) as home:
        keep(home, LAVROV)
        async with client_of(create_app(settings(path, **told), home, Engine(home))) as client:
            yield client


def _said(turns: int, chars: int) -> list[dict[str, str]]:
    """``turns`` messages of ``chars`` characters together."""
    sizes = [chars // turns + (place < chars % turns) for place in range(turns)]
    return [
        {"role": ("user", "assistant")[place % 2], "content": ("Lavrov? " * size)[:size]}
        for place, size in enumerate(sizes)
    ]


def _native(history: list[dict[str, str]]) -> tuple[str, dict[str, Any]]:
    return "/chat", {"question": QUESTION, "history": history, "as_of": AS_OF}


def _openai(history: list[dict[str, str]]) -> tuple[str, dict[str, Any]]:
    # What is no part of the conversation does not count.
    system = {"role": "system", "content": "Be brief. " * 20}
    messages = [system, *history, {"role": "user", "content": QUESTION}]
    return "/v1/chat/completions", {"messages": messages, "dateline": {"as_of": AS_OF}}


def _native_refusal(body: Mapping[str, Any]) -> tuple[str, str]:
    return body["code"], f"{body['detail']} {body['hint']}"


def _openai_refusal(body: Mapping[str, Any]) -> tuple[str, str]:
    return body["error"]["code"], body["error"]["message"]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("shape", "status", "refusal"), [(_native, 422, _native_refusal), (_openai, 400, _openai_refusal)]
)
@pytest.mark.parametrize(
    ("setting", "fits", "passes"),
    [("max_history_turns", (4, 40), (5, 40)), ("max_history_chars", (2, 40), (2, 41))],
)
async def test_a_longer_conversation_than_is_set_is_refused(
    tmp_path: Path, setting: str, fits: Any, passes: Any, shape: Any, status: int, refusal: Any, stream: bool
) -> None:
    limit = fits[0] if setting == "max_history_turns" else fits[1]
    async with _client(tmp_path / "home", **{setting: limit}) as client:
        path, body = shape(_said(*fits))
        taken = await client.post(path, json={**body, "stream": stream})
        path, body = shape(_said(*passes))
        refused = await client.post(path, json={**body, "stream": stream})
    assert taken.status_code == 200
    assert refused.status_code == status
    code, told = refusal(refused.json())
    assert code == "question"
    assert f"at most {limit} are accepted" in told
    assert f"DATELINE_{setting.upper()}" in told


@pytest.mark.parametrize("limit", [{"max_history_turns": 3}, {"max_history_turns": 0}, {"max_history_chars": 100}])
async def test_a_session_that_has_grown_past_the_limits_goes_on(tmp_path: Path, limit: dict[str, int]) -> None:
    # Its caller cannot leave out the oldest: the service does.
    async with _client(tmp_path / "home", **limit) as client:
        for _ in range(4):
            reply = await client.post("/chat", json={"question": QUESTION, "session_id": "s", "as_of": AS_OF})
            assert reply.status_code == 200, reply.text
        kept = (await client.get("/sessions/s")).json()
    assert len(kept["exchanges"]) == 4
