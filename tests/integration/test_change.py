"""What is reported changes: a toll that rises, an article that is corrected. Over a real home of invented articles."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from qa.engine import Engine
from qa.events import CitationEvent, DeltaEvent, PassagesEvent, SentenceEvent
from qa.models import Answer, Article, Ask, Turn
from tests.fakes import ScriptedOpenAI
from tests.integration.collection import article, keep, prepared, reader, writer

QUESTION = "How many people were killed when the ferry sank off Orn?"
TOLL = (
    article(
        "day1",
        "At least 12 people were killed when a ferry sank off Orn on Monday, police said. It was bound for Velm.",
        "2023-04-10",
        source="orn",
    ),
    article(
        "day2",
        "The death toll from the ferry that sank off Orn on Monday rose to 15, police said. Divers searched the wreck.",
        "2023-04-12",
        source="velm",
    ),
    article(
        "day3",
        "The death toll from the ferry that sank off Orn on Monday rose to 21, police said. A captain was questioned.",
        "2023-04-14",
        source="orn",
    ),
    article("strike", "A strike in the port of Orn killed trade, and 40 people lost their jobs.", "2023-04-15"),
)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("change") / "home"
    with writer(path) as home:
        keep(home, *TOLL)
    return path


@pytest.fixture
def engine(path: Path) -> Iterator[Engine]:
    with reader(path) as home:
        yield Engine(home)


@pytest.fixture
def server() -> Iterator[ScriptedOpenAI]:
    with ScriptedOpenAI() as running:
        yield running


@pytest.fixture
def chat(path: Path, server: ScriptedOpenAI) -> Iterator[Engine]:
    with reader(path, model="openai:scripted", model_base_url=server.base_url, model_timeout=5) as home:
        yield Engine(home)


def asked(day: str, question: str = QUESTION) -> Ask:
    return Ask(question, as_of=date.fromisoformat(day))


def check_contract(answer: Answer, articles: tuple[Article, ...] = TOLL) -> None:
    numbers = [int(digits) for digits in re.findall(r"\[(\d+)\]", answer.text)]
    assert list(dict.fromkeys(numbers)) == [citation.n for citation in answer.citations]
    texts = {one.id: one.text for one in articles}
    for citation in answer.citations:
        assert texts[citation.article_id][citation.start : citation.end] == citation.quote
        if citation.superseded_by is not None:
            newer = answer.citations[citation.superseded_by - 1]
            assert newer.published is not None
            assert citation.published is not None
            assert newer.published > citation.published
    for sentence in answer.sentences:
        shown = answer.text[sentence.start : sentence.end]
        assert {int(digits) for digits in re.findall(r"\[(\d+)\]", shown)} == set(sentence.citations)


class TestRisingToll:
    async def test_the_newest_comes_first_and_what_was_reported_before_behind_it(self, engine: Engine) -> None:
        answer = await engine.answer(asked("2023-04-19"))
        check_contract(answer)
        first, second, *_ = answer.citations
        assert (first.article_id, first.superseded_by) == ("day3", None)
        assert (second.article_id, second.superseded_by) in {("day1", 1), ("day2", 1)}
        assert answer.text.startswith("Latest report (2023-04-14): “The death toll")
        assert f"Reported before ({second.published}): “" in answer.text

    @pytest.mark.parametrize(("day", "newest"), [("2023-04-10", "12"), ("2023-04-13", "15"), ("2023-04-14", "21")])
    async def test_no_later_figure_is_seen_before_its_day(self, engine: Engine, day: str, newest: str) -> None:
        answer = await engine.answer(asked(day))
        check_contract(answer)
        assert newest in answer.citations[0].quote
        assert not {one for one in ("15", "21") if int(one) > int(newest)} & set(re.findall(r"\d+", answer.text))
        assert all(one.published and one.published <= date.fromisoformat(day) for one in answer.citations)
        assert all(one.superseded_by is None for one in answer.citations if newest in one.quote)

    async def test_what_a_model_says_is_followed_by_the_newest(self, chat: Engine, server: ScriptedOpenAI) -> None:
        server.default = lambda _request: "At least 12 people were killed when a ferry sank off Orn."
        events = [event async for event in chat.stream(asked("2023-04-19"))]
        passages = next(event.passages for event in events if isinstance(event, PassagesEvent))
        assert {"day1", "day3"} <= {one.article_id for one in passages}
        told = [event for event in events if isinstance(event, CitationEvent | DeltaEvent | SentenceEvent)]
        assert [type(event) for event in told] == [CitationEvent, DeltaEvent, SentenceEvent] * 2
        answer = events[-1].answer  # type: ignore[union-attr]
        check_contract(answer)
        assert [(one.article_id, one.superseded_by) for one in answer.citations] == [("day1", 2), ("day3", None)]
        assert "Later report (2023-04-14): “The death toll" in answer.text

    async def test_a_model_is_not_corrected_by_what_came_after_the_day_asked_of(
        self, chat: Engine, server: ScriptedOpenAI
    ) -> None:
        server.default = lambda _request: "At least 12 people were killed when a ferry sank off Orn."
        answer = await chat.answer(asked("2023-04-11"))
        assert [(one.article_id, one.superseded_by) for one in answer.citations] == [("day1", None)]
        assert "Later report" not in answer.text


WRONG = article(
    "bridge",
    "The bridge over the Orn cost 40 million crowns, the council said. It opened with a parade.",
    "2023-04-10",
    source="orn",
    url="https://news.test/bridge",
)
RIGHT = replace(
    WRONG, text="The bridge over the Orn cost 55 million crowns, the council said. It opened with a parade."
)
COPY = replace(WRONG, id="copy", source="velm", url="https://velm.test/bridge")
PRICE = "What did the bridge over the Orn cost?"


class TestCorrectedArticle:
    """The same article with another text: whatever day it is dated, its older self is seen no more from then on."""

    @pytest.fixture(params=["2023-04-10", "2023-04-12"], ids=["same-day", "later"])
    def corrected(self, request: pytest.FixtureRequest) -> Article:
        day: str = request.param
        return replace(RIGHT, published=date.fromisoformat(day))

    @pytest.fixture
    def home(self, tmp_path: Path, corrected: Article) -> Path:
        with writer(tmp_path / "home") as opened:
            keep(opened, WRONG, COPY)
            keep(opened, corrected)
        return tmp_path / "home"

    async def test_it_never_loses_to_its_older_self(self, home: Path, corrected: Article) -> None:
        with reader(home) as opened:
            engine = Engine(opened)
            found = await engine.search(asked("2023-04-19", PRICE), k=10)
            mine = [one for one in found.passages if one.article_id == "bridge"]
            assert mine
            assert all(corrected.text[one.start : one.end] == one.text for one in mine)
            answer = await engine.answer(asked("2023-04-19", PRICE))
            check_contract(answer, (corrected, COPY))
            quoted = [one for one in answer.citations if one.article_id == "bridge"]
            assert quoted
            assert all(corrected.text[one.start : one.end] == one.quote for one in quoted)
            within = await engine.answer(replace(asked("2023-04-19", PRICE), article="bridge"))
            assert "55 million" in within.text
            assert "40 million" not in within.text

    async def test_it_is_not_said_to_report_what_only_its_older_self_did(
        self, tmp_path: Path, corrected: Article
    ) -> None:
        def reporters(home: Path) -> set[tuple[str, ...]]:
            with reader(home) as opened:
                ask = replace(asked("2023-04-19", PRICE), sources=("velm",))
                found = Engine(opened).find(ask, k=10)
            return {one.also_reported_by for one in found.passages if one.article_id == "copy"}

        with writer(tmp_path / "home") as opened:
            opened.index.commit([replace(prepared(one), cluster="story") for one in (WRONG, COPY)])
            opened.index.drain()
        assert reporters(tmp_path / "home") == {("orn",)}
        with writer(tmp_path / "home") as opened:
            keep(opened, corrected)
        assert reporters(tmp_path / "home") == {()}

    async def test_a_follow_up_on_the_older_answer_gets_the_newer(self, home: Path) -> None:
        history = (Turn("user", PRICE), Turn("assistant", "The bridge over the Orn cost 40 million crowns. [1]"))
        with reader(home) as opened:
            ask = Ask("And who said so?", history=history, as_of=date(2023, 4, 19), article="bridge")
            answer = await Engine(opened).answer(ask)
            assert "40 million" not in answer.text
            assert all(RIGHT.text[one.start : one.end] == one.text for one in answer.passages)

    async def test_a_model_that_repeats_the_older_is_refused(self, home: Path, server: ScriptedOpenAI) -> None:
        server.default = lambda _request: "The bridge over the Orn cost 40 million crowns [1]."
        with reader(home, model="openai:scripted", model_base_url=server.base_url, model_timeout=5) as opened:
            answer = await Engine(opened).answer(replace(asked("2023-04-19", PRICE), article="bridge"))
        assert "40 million" not in answer.text
        assert any("40 million" in warning for warning in answer.warnings)

    async def test_before_it_was_corrected_its_older_self_is_what_was_known(self, tmp_path: Path) -> None:
        with writer(tmp_path / "home") as opened:
            keep(opened, WRONG)
            keep(opened, replace(RIGHT, published=date(2023, 4, 12)))
        with reader(tmp_path / "home") as opened:
            engine = Engine(opened)
            assert "40 million" in (await engine.answer(asked("2023-04-11", PRICE))).text
            assert "55 million" in (await engine.answer(asked("2023-04-12", PRICE))).text

    async def test_the_older_self_met_again_does_not_come_back(self, tmp_path: Path) -> None:
        with writer(tmp_path / "home") as opened:
            keep(opened, replace(RIGHT, published=date(2023, 4, 12)))
            keep(opened, WRONG)
        with reader(tmp_path / "home") as opened:
            answer = await Engine(opened).answer(asked("2023-04-19", PRICE))
            assert "55 million" in answer.text
            assert "40 million" not in answer.text
