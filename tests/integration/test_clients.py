"""Clients written for OpenAI, unchanged, before the whole service: a real home, a model's server on a real socket."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
from langchain_openai import ChatOpenAI

from api.app import create_app
from qa.engine import Engine
from qa.prompt import ABSTENTION
from tests.conftest import ROOT, require
from tests.fakes import Reply, ScriptedOpenAI
from tests.integration.collection import ALL, keep, writer
from tests.integration.test_http import served

CLIENTS = ROOT / "tests" / "clients"
QUESTION = "Who arrived in Brazil on Monday for talks about trade?"
AS_OF = {"as_of": "2023-04-19"}
CITED = "Sergey Lavrov arrived in Brazil on Monday [1]. Trade reached 9.8 billion dollars [1]."
FOLLOWED_UP = [Reply("Whom did Sergey Lavrov meet in Brazil?"), Reply("He met Mauro Vieira in Brasilia [1].")]
"""What the model says when it is asked to complete a follow-up, and then to answer it."""
MESSAGES: Any = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": QUESTION}]


@pytest.fixture
def model() -> Iterator[ScriptedOpenAI]:
    with ScriptedOpenAI(default=CITED) as running:
        yield running


@pytest.fixture
def url(tmp_path: Path, model: ScriptedOpenAI) -> Iterator[str]:
    told = {"model": "openai:scripted", "model_base_url": model.base_url, "fallback_models": "extractive"}
    with writer(tmp_path / "home", command="serve", **told) as home:
        keep(home, *ALL)
        with served(create_app(home.settings, home, Engine(home))) as url:
            yield url


@pytest.fixture
def client(url: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{url}/v1", api_key="unused", max_retries=0) as client:
        yield client


@pytest.fixture
def langchain(url: str) -> ChatOpenAI:
    return ChatOpenAI(
        model="dateline",
        base_url=f"{url}/v1",
        api_key="unused",
        max_retries=0,
        extra_body={"dateline": AS_OF},
    )


def _check_annotations(message: Any) -> None:
    """Every marker of the text is annotated with the article it cites, by OpenAI's own type."""
    told = [one.url_citation for one in message.annotations]
    assert [message.content[one.start_index : one.end_index] for one in told] == ["[1]", "[2]"]
    assert {(one.title, one.url) for one in told} == {("Lavrov in Brazil", "https://news.test/lavrov")}


class TestPython:
    def test_a_completion(self, client: openai.OpenAI, model: ScriptedOpenAI) -> None:
        completion = client.chat.completions.create(
            model="dateline",
            messages=MESSAGES,
            temperature=0.3,
            max_completion_tokens=100,
            user="u-1",
            seed=7,
            extra_body={"dateline": AS_OF},
        )
        choice = completion.choices[0]
        _check_annotations(choice.message)
        message: Any = choice.message
        assert (choice.finish_reason, message.abstained, len(message.citations)) == ("stop", False, 2)
        assert message.citations[0]["article_id"] == "lavrov"
        assert completion.usage is not None
        assert completion.usage.prompt_tokens == 11
        (request,) = model.requests
        assert (request["temperature"], request["max_completion_tokens"]) == (0.3, 100)
        assert "Be brief." in request["messages"][0]["content"]

    def test_a_stream_is_the_same(self, client: openai.OpenAI) -> None:
        told: Any = {"model": "dateline", "messages": MESSAGES, "extra_body": {"dateline": AS_OF}}
        # Not from memory, so that both come from the model.
        told["extra_headers"] = {"Cache-Control": "no-store"}
        whole: Any = client.chat.completions.create(**told).choices[0].message
        *chunks, usage = list(
            client.chat.completions.create(**told, stream=True, stream_options={"include_usage": True})
        )
        assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == whole.content
        last = chunks[-1].choices[0]
        assert (last.finish_reason, last.delta.citations) == ("stop", whole.citations)
        assert last.delta.annotations == [one.model_dump() for one in whole.annotations]
        assert (usage.choices, usage.usage.prompt_tokens) == ([], 11)

    @pytest.mark.parametrize("stream", [False, True])
    def test_stop_ends_it(self, client: openai.OpenAI, stream: bool) -> None:
        told: Any = {"model": "dateline", "messages": MESSAGES, "extra_body": {"dateline": AS_OF}, "stop": ["billion"]}
        if stream:
            chunks = list(client.chat.completions.create(**told, stream=True))
            text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
            message: Any = chunks[-1].choices[0].delta
        else:
            message = client.chat.completions.create(**told).choices[0].message
            text = message.content
        assert text.endswith("[1]. Trade reached 9.8 ")
        assert [citation["n"] for citation in message.citations] == [1]

    def test_a_conversation_goes_on(self, client: openai.OpenAI, model: ScriptedOpenAI) -> None:
        told: Any = {"model": "dateline", "extra_body": {"dateline": AS_OF}}
        told["messages"] = [
            *MESSAGES,
            {"role": "assistant", "content": CITED},
            {"role": "user", "content": [{"type": "text", "text": "And whom did he meet?"}]},
        ]
        model.replies += FOLLOWED_UP
        message: Any = client.chat.completions.create(**told).choices[0].message
        assert message.rewritten_question == "Whom did Sergey Lavrov meet in Brazil?"
        assert [one["role"] for one in model.requests[-1]["messages"]] == ["system", "user", "assistant", "user"]

    def test_not_knowing_is_told(self, client: openai.OpenAI, model: ScriptedOpenAI) -> None:
        model.replies.append(Reply(ABSTENTION))
        message: Any = client.chat.completions.create(model="dateline", messages=MESSAGES).choices[0].message
        assert (message.content, message.abstained, message.citations) == (ABSTENTION, True, [])

    def test_every_model_answers_under_its_name(self, client: openai.OpenAI) -> None:
        names = [one.id for one in client.models.list()]
        assert names == ["dateline", "openai:scripted", "extractive"]
        for name in names:
            assert client.models.retrieve(name).id == name
            completion = client.chat.completions.create(model=name, messages=MESSAGES, extra_body={"dateline": AS_OF})
            assert "Lavrov" in str(completion.choices[0].message.content)


class TestLangChain:
    def test_a_completion(self, langchain: ChatOpenAI, model: ScriptedOpenAI) -> None:
        reply = langchain.invoke([SystemMessage("Be brief."), HumanMessage(QUESTION)])
        assert reply.text == CITED.replace("9.8 billion dollars [1]", "9.8 billion dollars [2]")
        assert reply.response_metadata["finish_reason"] == "stop"
        assert reply.usage_metadata is not None
        assert reply.usage_metadata["input_tokens"] == 11
        assert "Be brief." in model.requests[0]["messages"][0]["content"]

    async def test_a_stream(self, langchain: ChatOpenAI) -> None:
        pieces = [piece async for piece in langchain.astream([HumanMessage(QUESTION)], stream_usage=True)]
        whole = pieces[0]
        for piece in pieces[1:]:
            whole += piece
        assert len(pieces) > 2
        assert whole.text.startswith("Sergey Lavrov arrived in Brazil")
        assert whole.usage_metadata is not None
        assert whole.usage_metadata["input_tokens"] == 11

    def test_a_conversation_goes_on(self, langchain: ChatOpenAI, model: ScriptedOpenAI) -> None:
        model.replies += FOLLOWED_UP
        said = [HumanMessage(QUESTION), AIMessage(CITED), HumanMessage("And whom did he meet?")]
        assert langchain.invoke(said).text == "He met Mauro Vieira in Brasilia [1]."

    def test_stop_and_length_reach_the_service(self, langchain: ChatOpenAI, model: ScriptedOpenAI) -> None:
        reply = langchain.bind(stop=["Trade"], max_tokens=64).invoke([HumanMessage(QUESTION)])
        assert reply.text == "Sergey Lavrov arrived in Brazil on Monday [1]. "
        assert model.requests[0]["max_completion_tokens"] == 64

    def test_errors_keep_their_class(self, langchain: ChatOpenAI) -> None:
        with pytest.raises(openai.NotFoundError, match="gpt-4"):
            langchain.bind(model="gpt-4").invoke([HumanMessage(QUESTION)])
        with pytest.raises(openai.BadRequestError, match="calls no tools"):
            langchain.bind_tools([{"name": "f", "description": "x", "parameters": {}}]).invoke([HumanMessage(QUESTION)])


class TestJavaScript:
    def test_openai_s_client(self, url: str, model: ScriptedOpenAI) -> None:
        node = shutil.which("node")
        require(node and (CLIENTS / "node_modules").is_dir(), "Node.js, and `npm ci` in tests/clients")
        assert node is not None
        ran = subprocess.run(
            [node, "ask.mjs", url], cwd=CLIENTS, capture_output=True, text=True, timeout=120, check=False
        )
        assert (ran.returncode, ran.stderr) == (0, "")
        told = json.loads(ran.stdout)
        message = told["whole"]["choices"][0]["message"]
        assert [one["url_citation"]["url"] for one in message["annotations"]] == ["https://news.test/lavrov"] * 2
        assert len(message["citations"]) == 2
        *chunks, usage = told["chunks"]
        assert "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks) == message["content"]
        assert chunks[-1]["choices"][0]["delta"]["citations"] == message["citations"]
        assert (usage["choices"], usage["usage"]["prompt_tokens"] >= 0) == ([], True)
        assert told["put_together"] == message["content"]
        assert told["models"] == ["dateline", "openai:scripted", "extractive"]
        assert told["one"]["id"] == "openai:scripted"
        assert told["refused"] == {"name": "NotFoundError", "status": 404, "code": "model_not_found", "param": "model"}
        # Asked three times, and answered from memory but for the first.
        assert len(model.requests) == 1


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("path", ["/chat", "/v1/chat/completions"])
async def test_a_caller_that_hangs_up_ends_the_model_s_work_within_a_second(
    url: str, model: ScriptedOpenAI, path: str, stream: bool
) -> None:
    model.replies.append(Reply(f"{CITED} " * 400, piece_delay=0.02))
    question: Any = {"question": QUESTION} if path == "/chat" else {"messages": MESSAGES, "dateline": AS_OF}
    received = asyncio.Event()

    async def ask(caller: httpx.AsyncClient) -> None:
        async with caller.stream("POST", path, json={**question, "stream": stream}) as reply:
            async for piece in reply.aiter_text():
                if "Lavrov arrived in" in piece:
                    received.set()

    async with httpx.AsyncClient(base_url=url, timeout=30) as caller:
        asking = asyncio.create_task(ask(caller))
        async with asyncio.timeout(30):
            if stream:
                await received.wait()
            while not model.requests:
                await asyncio.sleep(0.01)
        assert (model.left, asking.done()) == (0, False)
        asking.cancel()
        async with asyncio.timeout(1):
            while not model.left:
                await asyncio.sleep(0.01)
        assert (await caller.get("/health/live")).status_code == 200
