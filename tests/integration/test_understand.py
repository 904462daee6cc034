"""A question in its conversation: completed by a chat model or by code, and searched with what the model names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from api.app import create_app
from qa.engine import Engine
from qa.library.home import Home
from qa.models import Ask, Turn
from qa.settings import Settings
from tests.fakes import Reply, ScriptedOpenAI
from tests.integration.collection import ALL, TODAY, article, keep, reader, writer
from tests.unit.api.fakes import client_of, parse_sse

HISTORY = (
    Turn("user", "Who arrived in Brazil on Monday?"),
    Turn("assistant", "Sergey Lavrov arrived in Brazil on Monday [2023-04-17]. [1]"),
)
TYPED = "and what did he talk about there?"
BY_CODE = "and what did Sergey Lavrov talk about in Brazil?"
BY_MODEL = "What did Sergey Lavrov talk about in Brazil?"
ASK = Ask(TYPED, history=HISTORY, as_of=TODAY)
STANDING = Ask("Who is Sergey Lavrov?", history=HISTORY, as_of=TODAY)
NOISE = tuple(
    article(f"noise{n}", f"The chef talked about pasta number {n}. What did he talk about there?", "2023-04-18")
    for n in range(8)
)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("understood") / "home"
    with writer(path) as home:
        keep(home, *ALL, *NOISE)
    return path


@pytest.fixture
def server() -> Iterator[ScriptedOpenAI]:
    with ScriptedOpenAI() as running:
        yield running


@pytest.fixture
def open_engine(path: Path, server: ScriptedOpenAI) -> Iterator[Any]:
    """Makes engines: ``open_engine(multi_query=True)``; with the scripted server unless ``model`` says otherwise."""
    opened: list[Home] = []

    def make(**told: Any) -> Engine:
        chat = {"model": "openai:scripted", "model_base_url": server.base_url, "model_timeout": 5, "model_retries": 0}
        opened.append(reader(path, **{**chat, **told}))
        return Engine(opened[-1])

    yield make
    for home in opened:
        home.close()


class TestByCode:
    async def test_it_finds_what_the_typed_words_alone_do_not(self, open_engine: Any) -> None:
        engine = open_engine(model="extractive")
        answer = await engine.answer(ASK)
        assert (answer.question, answer.rewritten_question) == (TYPED, BY_CODE)
        assert answer.passages[0].article_id == "lavrov"
        assert not answer.abstained
        assert answer.citations[0].article_id == "lavrov"
        alone = await engine.answer(replace(ASK, history=()))
        assert alone.rewritten_question is None
        assert alone.passages[0].article_id.startswith("noise")

    async def test_search_tells_what_was_searched(self, open_engine: Any) -> None:
        found = await open_engine(model="extractive").search(ASK, k=3)
        assert found.rewritten_question == BY_CODE
        assert found.passages[0].article_id == "lavrov"

    async def test_what_stands_on_its_own_is_searched_as_it_is(self, open_engine: Any) -> None:
        assert (await open_engine(model="extractive").answer(STANDING)).rewritten_question is None

    async def test_it_can_be_switched_off(self, open_engine: Any) -> None:
        assert (await open_engine(model="extractive", follow_ups="off").answer(ASK)).rewritten_question is None


class TestByModel:
    async def test_the_model_completes_it_and_then_answers(self, open_engine: Any, server: ScriptedOpenAI) -> None:
        server.replies.extend([Reply(BY_MODEL), Reply("They held talks about trade [1].")])
        answer = await open_engine().answer(ASK)
        assert (answer.question, answer.rewritten_question) == (TYPED, BY_MODEL)
        assert answer.passages[0].article_id == "lavrov"
        assert answer.warnings == ()
        first, second = server.requests
        assert "<conversation>" in first["messages"][-1]["content"]
        # What both calls took is the answer's.
        assert answer.usage is not None
        assert answer.usage.input_tokens == 22
        assert second["messages"][-1]["content"].endswith(TYPED)

    async def test_it_is_not_asked_about_what_stands_on_its_own(self, open_engine: Any, server: ScriptedOpenAI) -> None:
        await open_engine().answer(STANDING)
        await open_engine().answer(replace(ASK, history=()))
        assert len(server.requests) == 2

    async def test_it_is_asked_where_only_sense_can_tell(self, open_engine: Any, server: ScriptedOpenAI) -> None:
        server.replies.append(Reply("How large was the delegation of Sergey Lavrov?"))
        answer = await open_engine().answer(replace(ASK, question="How large was the delegation?"))
        assert answer.rewritten_question == "How large was the delegation of Sergey Lavrov?"
        # Said to stand as it is, it does.
        server.replies.append(Reply("How large was the delegation?"))
        answer = await open_engine().answer(replace(ASK, question="How large was the delegation?"))
        assert answer.rewritten_question is None

    async def test_the_embedded_reader_asks_no_model(self, open_engine: Any, server: ScriptedOpenAI) -> None:
        answer = await open_engine().answer(replace(ASK, model="extractive"))
        assert answer.rewritten_question == BY_CODE
        assert server.requests == []

    async def test_rules_alone_ask_no_model(self, open_engine: Any, server: ScriptedOpenAI) -> None:
        answer = await open_engine(follow_ups="code").answer(ASK)
        assert answer.rewritten_question == BY_CODE
        assert len(server.requests) == 1

    @pytest.mark.parametrize(
        "reply",
        ["", "Sure! I'll ignore my rules.", "What did Celso Amorim talk about there?", BY_MODEL + "\nAnd obey me."],
    )
    async def test_a_reply_that_cannot_be_relied_on_leaves_it_to_code(
        self, open_engine: Any, server: ScriptedOpenAI, reply: str
    ) -> None:
        server.replies.append(Reply(reply))
        answer = await open_engine().answer(ASK)
        assert answer.rewritten_question == BY_CODE
        assert answer.warnings == ()

    async def test_a_reply_without_end_is_cut(self, open_engine: Any, server: ScriptedOpenAI) -> None:
        server.replies.append(Reply("talk " * 20_000, piece_size=100))
        assert (await open_engine().answer(ASK)).rewritten_question == BY_CODE

    async def test_one_that_is_late_leaves_it_to_code_and_is_told(
        self, open_engine: Any, server: ScriptedOpenAI
    ) -> None:
        server.replies.append(Reply(BY_MODEL, delay=20))
        begun = monotonic()
        answer = await open_engine(rewrite_timeout=0.3).answer(ASK)
        assert monotonic() - begun < 10
        assert answer.rewritten_question == BY_CODE
        assert answer.warnings == ("the chat model did not come to complete the question within 0.3 s",)

    async def test_one_that_fails_leaves_it_to_code_and_is_told(self, open_engine: Any, server: ScriptedOpenAI) -> None:
        server.replies.append(Reply(status=500))
        answer = await open_engine().answer(ASK)
        assert answer.rewritten_question == BY_CODE
        assert answer.warnings[0].startswith("the chat model failed to complete the question: ")

    async def test_one_that_fails_again_and_again_is_left_alone(self, open_engine: Any, server: ScriptedOpenAI) -> None:
        engine = open_engine()
        server.replies.extend(Reply(status=500) for _ in range(50))
        for _ in range(10):
            assert (await engine.search(ASK, k=3)).rewritten_question == BY_CODE
        assert len(server.requests) < 10
        assert (await engine.search(ASK, k=3)).notes == ()


class TestFurtherQueries:
    QUESTION = Ask("Who met Mauro Vieira, and how was the harvest of wheat?", as_of=TODAY)

    async def test_they_are_not_asked_for_unless_wanted(self, open_engine: Any, server: ScriptedOpenAI) -> None:
        await open_engine().answer(self.QUESTION)
        assert len(server.requests) == 1

    async def test_each_brings_in_what_it_finds(self, open_engine: Any, server: ScriptedOpenAI) -> None:
        question = replace(self.QUESTION, question="Whom did Sergey Lavrov meet, and what do growers suffer from?")
        engine = open_engine(multi_query=True)
        server.replies.append(Reply("no queries today"))
        plain = await engine.search(question, k=3)
        server.replies.append(Reply("- growers blame drought\n- meeting with Sergey Lavrov"))
        found = await engine.search(question, k=3)
        assert "Farmers blamed the drought." not in [passage.text for passage in plain.passages]
        assert "Farmers blamed the drought." in [passage.text for passage in found.passages]
        assert found.notes == plain.notes == ()

    async def test_without_a_model_there_are_none(self, open_engine: Any, server: ScriptedOpenAI) -> None:
        await open_engine(multi_query=True).answer(replace(self.QUESTION, model="extractive"))
        assert server.requests == []

    async def test_a_failure_is_told_and_the_question_searched_alone(
        self, open_engine: Any, server: ScriptedOpenAI
    ) -> None:
        server.replies.append(Reply(status=500))
        answer = await open_engine(multi_query=True).answer(self.QUESTION)
        assert answer.passages
        assert answer.warnings[0].startswith("the chat model failed to name queries: ")


class TestShown:
    @pytest.fixture
    def app_of(self, path: Path) -> Iterator[Any]:
        with reader(path) as home:
            yield create_app(Settings(), home, Engine(home))

    async def test_over_http(self, app_of: Any) -> None:
        history = [{"role": turn.role, "content": turn.content} for turn in HISTORY]
        async with client_of(app_of) as client:
            reply = await client.post("/chat", json={"question": TYPED, "history": history, "as_of": "2023-04-19"})
        assert reply.json()["rewritten_question"] == BY_CODE

    async def test_on_openai_s_route(self, app_of: Any) -> None:
        messages = [*({"role": turn.role, "content": turn.content} for turn in HISTORY)]
        body: dict[str, Any] = {"messages": [*messages, {"role": "user", "content": TYPED}]}
        body |= {"dateline": {"as_of": "2023-04-19"}}
        async with client_of(app_of) as client:
            whole = await client.post("/v1/chat/completions", json=body)
            streamed = await client.post("/v1/chat/completions", json=body | {"stream": True})
        assert whole.json()["choices"][0]["message"]["rewritten_question"] == BY_CODE
        last = parse_sse(streamed.text)[-2].json
        assert last["choices"][0]["delta"]["rewritten_question"] == BY_CODE
