from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest

from qa.errors import DatelineError, ModelAuthError, ModelTimeoutError, QuestionError
from qa.events import DeltaEvent, DoneEvent, StatusEvent
from qa.models import Ask, Turn, Wishes
from tests.unit.api.fakes import ABSTAINED, ANSWER, Caller, FakeEngine, client_of, events_of, make_app, parse_sse

PATH = "/v1/chat/completions"
_UNSUPPORTED = ("unsupported_parameter",)
BODY = {"model": "dateline", "messages": [{"role": "user", "content": "How many died?"}]}


def _chunks(reply: httpx.Response) -> list[dict[str, Any]]:
    """All chunks of a stream that ended as it should."""
    events = parse_sse(reply.text)
    assert {event.event for event in events} == {"message"}
    assert events[-1].data == "[DONE]"
    return [event.json for event in events[:-1]]


async def test_a_completion_has_openai_s_shape(client: httpx.AsyncClient) -> None:
    reply = await client.post(PATH, json=BODY)
    assert reply.status_code == 200
    completion = reply.json()
    assert completion["id"].startswith("chatcmpl-")
    assert completion["object"] == "chat.completion"
    assert completion["model"] == "openai:gpt-test"
    assert completion["usage"] == {"prompt_tokens": 120, "completion_tokens": 30, "total_tokens": 150}
    (choice,) = completion["choices"]
    assert (choice["index"], choice["finish_reason"]) == (0, "stop")
    assert (choice["message"]["role"], choice["message"]["content"]) == ("assistant", ANSWER.text)
    assert choice["message"]["citations"] == ANSWER.to_json()["citations"]
    assert choice["message"]["abstained"] is False
    assert choice["message"]["rewritten_question"] is None


async def test_annotations_point_at_the_markers(client: httpx.AsyncClient) -> None:
    message = (await client.post(PATH, json=BODY)).json()["choices"][0]["message"]
    assert {annotation["type"] for annotation in message["annotations"]} == {"url_citation"}
    told = [annotation["url_citation"] for annotation in message["annotations"]]
    markers = [message["content"][one["start_index"] : one["end_index"]] for one in told]
    assert markers == ["[1]", "[2]", "[1]"]
    own, bridge = "http://127.0.0.1/articles/flood", "https://news.example/bridge"
    assert [one["url"] for one in told] == [own, bridge, own]
    assert [one["title"] for one in told] == ["Four dead", "desk/7", "Four dead"]
    assert (await client.get(own)).json()["id"] == "flood"


async def test_not_knowing_is_told_too(client: httpx.AsyncClient, engine: FakeEngine) -> None:
    engine.scripts.append(events_of(ABSTAINED))
    completion = (await client.post(PATH, json={**BODY, "model": "extractive"})).json()
    message = completion["choices"][0]["message"]
    assert (message["abstained"], message["citations"], message["annotations"]) == (True, [], [])
    assert completion["usage"]["total_tokens"] == 0


async def test_a_model_that_does_not_say_has_no_usage(client: httpx.AsyncClient, engine: FakeEngine) -> None:
    engine.scripts.append(events_of(ANSWER.model_copy(update={"usage": None})))
    assert (await client.post(PATH, json=BODY)).json()["usage"] is None


async def test_a_stream_is_role_then_words_then_citations(client: httpx.AsyncClient) -> None:
    reply = await client.post(PATH, json={**BODY, "stream": True})
    assert reply.headers["content-type"].startswith("text/event-stream")
    first, *words, last = _chunks(reply)
    assert {chunk["object"] for chunk in (first, *words, last)} == {"chat.completion.chunk"}
    assert len({chunk["id"] for chunk in (first, *words, last)}) == 1
    assert first["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert "".join(chunk["choices"][0]["delta"]["content"] for chunk in words) == ANSWER.text
    assert {chunk["choices"][0]["finish_reason"] for chunk in (first, *words)} == {None}
    assert last["choices"][0]["finish_reason"] == "stop"
    delta = last["choices"][0]["delta"]
    assert delta["citations"] == ANSWER.to_json()["citations"]
    assert (delta["abstained"], len(delta["annotations"])) == (False, 3)
    assert "usage" not in last


async def test_usage_comes_in_a_chunk_of_its_own_when_asked_for(client: httpx.AsyncClient) -> None:
    reply = await client.post(PATH, json={**BODY, "stream": True, "stream_options": {"include_usage": True}})
    *chunks, usage = _chunks(reply)
    assert {chunk["usage"] for chunk in chunks} == {None}
    assert usage["choices"] == []
    assert usage["usage"] == {"prompt_tokens": 120, "completion_tokens": 30, "total_tokens": 150}


async def test_the_last_user_message_is_the_question(client: httpx.AsyncClient, engine: FakeEngine) -> None:
    parts = [{"type": "text", "text": "How many"}, {"type": "text", "text": "died?"}]
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Was there a flood?"},
        {"role": "assistant", "content": "Yes [1].", "refusal": None},
        {"role": "developer", "content": "Be briefer."},
        {"role": "assistant", "content": None},
        {"role": "user", "content": parts},
    ]
    await client.post(PATH, json={**BODY, "messages": messages, "user": "u1", "top_p": 1, "made_up": {}})
    history = (Turn("user", "Was there a flood?"), Turn("assistant", "Yes [1]."))
    style = Wishes(style="Be brief.\n\nBe briefer.")
    assert engine.asks == [Ask("How many\ndied?", history=history, wishes=style)]


@pytest.mark.parametrize(
    ("wished", "wishes"),
    [
        ({"temperature": 0.5, "max_tokens": 9}, Wishes(temperature=0.5, max_tokens=9)),
        ({"max_completion_tokens": 5, "max_tokens": 9}, Wishes(max_tokens=5)),
        ({"stop": "\n"}, Wishes(stop=("\n",))),
        ({"stop": ["a", "b"]}, Wishes(stop=("a", "b"))),
        ({"stop": [], "temperature": None, "max_tokens": None}, Wishes()),
    ],
)
async def test_how_it_is_to_be_answered_reaches_the_engine(
    client: httpx.AsyncClient, engine: FakeEngine, wished: dict[str, Any], wishes: Wishes
) -> None:
    assert (await client.post(PATH, json={**BODY, **wished})).status_code == 200
    assert engine.asks == [Ask("How many died?", wishes=wishes)]


@pytest.mark.parametrize("finish", ["length", "content_filter"])
async def test_why_it_ended_is_told(client: httpx.AsyncClient, engine: FakeEngine, finish: Any) -> None:
    engine.scripts += [[*events_of(ANSWER)[:-1], DoneEvent(ANSWER, finish=finish, degraded=True)]] * 2
    whole = (await client.post(PATH, json=BODY)).json()
    assert whole["choices"][0]["finish_reason"] == finish
    assert whole["choices"][0]["message"]["warnings"] == ["one marker was removed"]
    last = _chunks(await client.post(PATH, json={**BODY, "stream": True}))[-1]
    assert last["choices"][0]["finish_reason"] == finish


@pytest.mark.parametrize(("name", "told"), [("dateline", None), ("extractive", "extractive"), (None, None)])
async def test_the_model_is_the_configured_one_or_one_by_name(
    client: httpx.AsyncClient, engine: FakeEngine, name: str | None, told: str | None
) -> None:
    body = {"messages": BODY["messages"]} | ({"model": name} if name else {})
    reply = await client.post(PATH, json=body)
    assert engine.asks[0].model == told
    assert reply.json()["model"] == (told or "openai:gpt-test")


async def test_dateline_s_own_options_reach_the_engine(client: httpx.AsyncClient, engine: FakeEngine) -> None:
    options = {"as_of": "2025-04-01", "from": "2025-03-01", "to": "2025-03-31", "sources": ["Courier"], "top_k": 3}
    await client.post(PATH, json={**BODY, "dateline": {**options, "article": "flood"}})
    await client.post(PATH, json={**BODY, "dateline": None})
    with_options, without = engine.asks
    assert (str(with_options.as_of), str(with_options.start), str(with_options.end)) == (
        *("2025-04-01", "2025-03-01", "2025-03-31"),
    )
    assert (with_options.sources, with_options.article, with_options.top_k) == (("Courier",), "flood", 3)
    assert without == Ask("How many died?")


def _error(reply: httpx.Response) -> dict[str, Any]:
    body = reply.json()
    assert list(body) == ["error"]
    assert set(body["error"]) == {"message", "type", "param", "code"}
    error: dict[str, Any] = body["error"]
    return error


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("change", "status", "param", "code"),
    [
        ({"model": "gpt-4"}, 404, "model", "model_not_found"),
        ({"n": 2}, 400, "n", "unsupported_parameter"),
        ({"tools": [{"type": "function"}]}, 400, "tools", "unsupported_parameter"),
        ({"functions": [{}]}, 400, "functions", "unsupported_parameter"),
        ({"audio": {"voice": "alloy"}}, 400, "audio", "unsupported_parameter"),
        ({"modalities": ["text", "audio"]}, 400, "modalities", "unsupported_parameter"),
        ({"response_format": {"type": "json_object"}}, 400, "response_format", "unsupported_parameter"),
        ({"logprobs": True}, 400, "logprobs", "unsupported_parameter"),
        ({"top_logprobs": 3}, 400, "top_logprobs", "unsupported_parameter"),
        ({"logit_bias": {"50256": -100}}, 400, "logit_bias", "unsupported_parameter"),
        ({"response_format": {"type": "json_schema", "json_schema": {}}}, 400, "response_format", *_UNSUPPORTED),
        ({"temperature": 2.5}, 400, "temperature", "validation"),
        ({"max_tokens": 0}, 400, "max_tokens", "validation"),
        ({"stop": ["a", "b", "c", "d", "e"]}, 400, "stop", "validation"),
        ({"stop": ""}, 400, "stop.0", "validation"),
        ({"messages": []}, 400, "messages", "validation"),
        ({"messages": [{"role": "system", "content": "Hi"}]}, 400, "messages", "unsupported_parameter"),
        ({"messages": [{"role": "tool", "content": "Hi"}]}, 400, "messages.0.role", "validation"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}]},
            *(400, "messages.0.content", "validation"),
        ),
        ({"messages": [{"role": "user", "content": "\ud800"}]}, 400, "messages.0.content", "validation"),
        ({"dateline": {"as_off": "2025-04-01"}}, 400, "dateline.as_off", "validation"),
        ({"dateline": {"as_of": "yesterday"}}, 400, "dateline.as_of", "validation"),
        ({"messages": [{"role": "user", "content": " "}]}, 400, None, "question"),
        ({"dateline": {"from": "2025-04-02", "to": "2025-04-01"}}, 400, None, "filter"),
    ],
)
async def test_what_cannot_be_done_is_refused_with_the_parameter_s_name(
    client: httpx.AsyncClient,
    engine: FakeEngine,
    stream: bool,
    change: dict[str, Any],
    status: int,
    param: str | None,
    code: str,
) -> None:
    # By hand: httpx would refuse to send half a surrogate pair.
    content = json.dumps({**BODY, "stream": stream, **change})
    reply = await client.post(PATH, content=content, headers={"Content-Type": "application/json"})
    error = _error(reply)
    assert (reply.status_code, error["param"], error["code"]) == (status, param, code)
    assert error["type"] == "invalid_request_error"
    assert not engine.asks


@pytest.mark.parametrize(
    "harmless",
    [{"n": 1}, {"tools": []}, {"modalities": ["text"]}, {"response_format": {"type": "text"}}, {"logprobs": False}],
)
async def test_what_asks_for_nothing_special_is_accepted(client: httpx.AsyncClient, harmless: dict[str, Any]) -> None:
    assert (await client.post(PATH, json={**BODY, **harmless})).status_code == 200


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("error", "status", "retry"),
    [
        (ModelTimeoutError("no reply within 60 s"), 504, None),
        (ModelAuthError("the provider refused the key"), 502, "false"),
        (QuestionError("no such model"), 400, None),
    ],
)
async def test_a_failure_before_the_first_word_is_a_status(
    client: httpx.AsyncClient, engine: FakeEngine, stream: bool, error: DatelineError, status: int, retry: str | None
) -> None:
    engine.scripts.append([*events_of(ANSWER)[:3], error])
    reply = await client.post(PATH, json={**BODY, "stream": stream})
    assert (reply.status_code, _error(reply)["code"]) == (status, error.code)
    assert reply.headers.get("x-should-retry") == retry


async def test_a_refused_key_names_the_setting(client: httpx.AsyncClient, engine: FakeEngine) -> None:
    engine.scripts.append([ModelAuthError("the provider refused the key")])
    assert "DATELINE_MODEL_API_KEY" in _error(await client.post(PATH, json=BODY))["message"]


async def test_a_failure_after_the_first_word_is_the_last_chunk(client: httpx.AsyncClient, engine: FakeEngine) -> None:
    engine.scripts.append([StatusEvent("retrieve"), DeltaEvent("Four"), ModelTimeoutError("no more words came")])
    reply = await client.post(PATH, json={**BODY, "stream": True})
    assert reply.status_code == 200
    *_, word, last = parse_sse(reply.text)
    assert word.json["choices"][0]["delta"] == {"content": "Four"}
    assert last.json["error"]["code"] == "model_timeout"


@pytest.mark.parametrize("words", [0, 1])
async def test_a_caller_that_leaves_cancels_its_answer(engine: FakeEngine, words: int) -> None:
    engine.scripts.append([StatusEvent("retrieve"), *[DeltaEvent("Four")] * words, asyncio.Event()])
    app = make_app(engine)
    async with client_of(app):
        caller = Caller(app, PATH, {**BODY, "stream": True})
        if words:
            await caller.read_until(b"Four")
        else:
            while not engine.asks:
                await asyncio.sleep(0)
        await caller.leave()
        assert engine.ended == ["cancelled"]


async def test_the_models_are_listed(client: httpx.AsyncClient) -> None:
    listing = (await client.get("/v1/models")).json()
    assert listing["object"] == "list"
    assert [model["id"] for model in listing["data"]] == ["dateline", "openai:gpt-test", "extractive"]
    assert {model["object"] for model in listing["data"]} == {"model"}
    assert all(isinstance(model["created"], int) for model in listing["data"])
    for model in listing["data"]:
        assert (await client.get(f"/v1/models/{model['id']}")).json() == model


async def test_a_model_that_is_not_listed_is_not_found(client: httpx.AsyncClient) -> None:
    reply = await client.get("/v1/models/openai/gpt-4")
    assert (reply.status_code, _error(reply)["code"]) == (404, "model_not_found")


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v1/nothing", 404, "unknown_path"),
        ("GET", PATH, 405, "method_not_allowed"),
    ],
)
async def test_unknown_paths_and_methods_have_openai_s_shape(
    client: httpx.AsyncClient, method: str, path: str, status: int, code: str
) -> None:
    reply = await client.request(method, path)
    assert (reply.status_code, _error(reply)["code"]) == (status, code)


async def test_a_broken_body_has_openai_s_shape(client: httpx.AsyncClient) -> None:
    reply = await client.post(PATH, content=b"{", headers={"Content-Type": "application/json"})
    assert (reply.status_code, _error(reply)["code"]) == (400, "invalid_json")
