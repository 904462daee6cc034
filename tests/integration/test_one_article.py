"""Asking within one article, and of a question that names one: at every door."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.app import create_app
from api.cli import main
from qa.engine import Engine
from qa.errors import NotFoundError
from qa.events import StatusEvent
from qa.library.home import Home
from qa.library.index import Prepared
from qa.models import Ask, Filters
from qa.settings import Settings
from tests.fakes import FakeEmbedder
from tests.integration.collection import HARVEST, LAVROV, TODAY, UNDATED, article, keep, prepared, reader, writer
from tests.unit.api.fakes import client_of

QUESTION = "Who met in Brasilia for talks about trade?"
LONG = article(
    "long",
    " ".join(f"Talks about trade number {n} went on in Brasilia." for n in range(12)),
    "2023-04-10",
    title="Twelve rounds of talks",
    url="https://news.test/long",
    source="reuters",
)
COPY = article("copy", LONG.text, "2023-04-11", title="Twelve rounds", source="ap")
EARLIER = article("changed", "The summit in Brasilia is on Monday.", "2023-04-01")
LATER = replace(EARLIER, text="The summit in Brasilia is off.", published=date(2023, 4, 12))
ALL = (LAVROV, HARVEST, UNDATED, LONG, COPY)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("articles") / "home"
    with writer(path) as home:
        keep(home, *ALL, EARLIER)
        keep(home, LATER)
        # Found by its words only: its vectors are not made yet.
        keep(home, article("waiting", "The waiting room in Brasilia is full.", "2023-04-18"), drain=False)
    return path


@pytest.fixture
def home(path: Path) -> Iterator[Home]:
    with reader(path) as opened:
        yield opened


@pytest.fixture
def engine(home: Home) -> Engine:
    return Engine(home)


def within(article_id: str, question: str = QUESTION) -> Ask:
    return Ask(question, as_of=TODAY, article=article_id)


class TestEngine:
    async def test_nothing_else_is_seen_and_no_passage_of_it_is_left_out(self, engine: Engine) -> None:
        found = await engine.search(within("long"), k=50)
        assert {passage.article_id for passage in found.passages} == {"long"}
        # Neighbours are joined: together they are the whole article, no part of it twice.
        parts = sorted(found.passages, key=lambda passage: passage.start)
        assert " ".join(passage.text for passage in parts) == LONG.text

    async def test_it_answers_from_the_article(self, engine: Engine) -> None:
        answer = await engine.answer(within("lavrov", "Who met Mauro Vieira in Brasilia?"))
        assert {passage.article_id for passage in answer.passages} == {"lavrov"}
        assert {citation.article_id for citation in answer.citations} == {"lavrov"}
        elsewhere = await engine.answer(within("harvest", "Who met Mauro Vieira in Brasilia?"))
        assert elsewhere.abstained
        assert {passage.article_id for passage in elsewhere.passages} == {"harvest"}

    async def test_words_find_what_has_no_vector_yet(self, engine: Engine) -> None:
        found = await engine.search(within("waiting", "waiting room"), k=5)
        assert [hit.dense_rank for hit in found.hits] == [None]

    async def test_a_question_sees_the_version_of_its_day(self, engine: Engine) -> None:
        now = await engine.search(within("changed"), k=5)
        then = await engine.search(replace(within("changed"), as_of=date(2023, 4, 5)), k=5)
        assert [passage.text for passage in now.passages] == ["The summit in Brasilia is off."]
        assert [passage.text for passage in then.passages] == ["The summit in Brasilia is on Monday."]

    async def test_other_limits_hold_as_well(self, engine: Engine) -> None:
        for limit in ({"sources": ("tass",)}, {"start": date(2023, 4, 11)}, {"end": date(2023, 4, 9)}):
            answer = await engine.answer(replace(within("long"), **limit))
            assert (answer.abstained, answer.passages) == (True, ())

    async def test_who_else_reports_it_is_still_told(self, tmp_path: Path) -> None:
        with writer(tmp_path / "home") as home:
            both = [prepared(one, per_chunk=20) for one in (LONG, COPY)]
            home.index.commit([Prepared(one.article, one.chunks, cluster="story") for one in both])
            home.index.drain()
            (hit,) = (await Engine(home).search(within("long"), k=5)).hits
        assert hit.passage.also_reported_by == ("ap",)

    @pytest.mark.parametrize("article_id", ["nobody", "long.1.0", "lon", "long' OR 1=1 --", "*", "\x00"])
    async def test_one_that_is_not_there_is_said_before_the_first_event(self, engine: Engine, article_id: str) -> None:
        for asked in (anext(engine.stream(within(article_id))), engine.answer(within(article_id))):
            with pytest.raises(NotFoundError, match="there is no article"):
                await asked
        with pytest.raises(NotFoundError):
            await engine.search(within(article_id), k=3)

    async def test_one_of_later_days_is_not_there_yet(self, engine: Engine) -> None:
        with pytest.raises(NotFoundError, match="as of 2023-04-09"):
            await anext(engine.stream(replace(within("long"), as_of=date(2023, 4, 9))))
        # Undated articles are left out where a day is given.
        with pytest.raises(NotFoundError):
            await engine.answer(within("undated"))
        assert await anext(engine.stream(replace(within("undated"), as_of=None))) == StatusEvent("retrieve")

    async def test_one_that_was_deleted_is_not_there(self, tmp_path: Path) -> None:
        with writer(tmp_path / "home") as home:
            keep(home, LONG, LAVROV)
            home.index.delete("long")
            with pytest.raises(NotFoundError):
                await Engine(home).answer(within("long"))

    async def test_the_id_of_an_answer_names_the_article(self, engine: Engine) -> None:
        whole = replace(within("long"), article=None)
        answers = [await engine.answer(ask) for ask in (whole, within("long"), within("lavrov"))]
        assert len({answer.id for answer in answers}) == 3


class TestNamed:
    @pytest.mark.parametrize(
        "name", ['"Twelve rounds of talks"', "https://news.test/long", "article long"], ids=["title", "url", "id"]
    )
    async def test_an_article_that_is_named_may_fill_the_passages(self, engine: Engine, name: str) -> None:
        found = await engine.search(Ask(f"What does {name} say of talks about trade?", as_of=TODAY), k=20)
        articles = [passage.article_id for passage in found.passages]
        assert articles.count("long") > 2
        assert max(articles.count(one) for one in set(articles) - {"long"}) <= 2

    async def test_one_that_is_not_named_may_not(self, engine: Engine) -> None:
        found = await engine.search(Ask("Twelve rounds of talks about trade", as_of=TODAY), k=20)
        shown = [passage.text for passage in found.passages if passage.article_id == "long"]
        assert sum(text.count("Talks about trade") for text in shown) == 2


def test_the_indexes_are_asked_for_its_chunks_only(home: Home) -> None:
    filters = Filters(as_of=TODAY, articles=("long", "lavrov"))
    ids = home.catalog.chunk_ids(filters)
    assert {one.split(".")[0] for one in ids} == {"long", "lavrov"}
    assert sorted(home.catalog.embedded_chunk_ids(filters)) == sorted(ids)
    assert home.catalog.visible_chunk_count(filters) == len(ids)
    found = home.lexical.search("talks about trade", 100, filters, among=ids)
    assert {one for one, _ in found} <= set(ids)
    assert home.lexical.search("talks about trade", 100, filters, among=[]) == []
    # Being among them decides, it does not score.
    everywhere = dict(home.lexical.search("talks about trade", 100, replace(filters, articles=())))
    assert dict(found) == pytest.approx({one: everywhere[one] for one, _ in found})


class TestDoors:
    @pytest.fixture
    async def client(self, home: Home) -> AsyncIterator[httpx.AsyncClient]:
        async with client_of(create_app(Settings(), home, Engine(home))) as client:
            yield client

    async def test_over_http(self, client: httpx.AsyncClient) -> None:
        body = {"question": QUESTION, "as_of": "2023-04-19", "article": "long"}
        answer = (await client.post("/chat", json=body)).json()
        assert {passage["article_id"] for passage in answer["passages"]} == {"long"}
        found = (await client.get("/search", params={"q": QUESTION, "article": "long", "k": "50"})).json()
        assert {result["article_id"] for result in found["results"]} == {"long"}

    @pytest.mark.parametrize("stream", [True, False])
    async def test_over_http_one_that_is_not_there_is_a_404(self, client: httpx.AsyncClient, stream: bool) -> None:
        body = {"question": QUESTION, "article": "nobody", "stream": stream}
        for reply in (
            await client.post("/chat", json=body),
            await client.get("/search", params={"q": QUESTION, "article": "nobody"}),
        ):
            assert (reply.status_code, reply.json()["code"]) == (404, "not_found")

    async def test_on_openai_s_route(self, client: httpx.AsyncClient) -> None:
        body: dict[str, Any] = {"model": "dateline", "messages": [{"role": "user", "content": QUESTION}]}
        own = {"dateline": {"article": "long", "as_of": "2023-04-19"}}
        message = (await client.post("/v1/chat/completions", json=body | own)).json()["choices"][0]["message"]
        assert {citation["article_id"] for citation in message["citations"]} == {"long"}
        for stream in (False, True):
            told = {"dateline": {"article": "nobody"}, "stream": stream}
            reply = await client.post("/v1/chat/completions", json=body | told)
            assert (reply.status_code, reply.json()["error"]["code"]) == (404, "not_found")


class TestCommandLine:
    @pytest.fixture(autouse=True)
    def _in_this_process(self, monkeypatch: pytest.MonkeyPatch) -> None:
        # Logging stays as the tests that come after this one expect it.
        monkeypatch.setattr("api.cli.logs.log_to_stderr", lambda _level, **_told: None)
        monkeypatch.setattr("qa.library.home.make_embedder", lambda *_args, **_options: FakeEmbedder())

    def test_ask_and_search(self, path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        told = ["--article", "long", "--as-of", "2023-04-19", "--json", "--home", str(path)]
        assert main(["ask", QUESTION, *told]) == 0
        assert {passage["article_id"] for passage in json.loads(capsys.readouterr().out)["passages"]} == {"long"}
        assert main(["search", QUESTION, "-k", "12", *told]) == 0
        shown = [result["text"] for result in json.loads(capsys.readouterr().out)["results"]]
        assert sum(text.count("Talks about trade") for text in shown) == 12

    @pytest.mark.parametrize("command", ["ask", "search"])
    def test_one_that_is_not_there_ends_with_1(
        self, path: Path, command: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main([command, QUESTION, "--article", "nobody", "--home", str(path)]) == 1
        told = capsys.readouterr()
        assert told.out == ""
        assert "there is no article 'nobody'" in told.err
        assert "dateline articles list" in told.err

    def test_a_batch_takes_it_by_row_and_by_option(
        self, path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        questions = tmp_path / "questions.csv"
        questions.write_text(f"id,question,article\na,{QUESTION},lavrov\nb,{QUESTION},\nc,{QUESTION},nobody\n")
        answers = tmp_path / "answers.jsonl"
        told = ["--article", "long", "--as-of", "2023-04-19", "--home", str(path)]
        assert main(["batch", str(questions), "-o", str(answers), *told]) == 3
        rows = {row["id"]: row for row in map(json.loads, answers.read_text().splitlines())}
        assert {passage["article_id"] for passage in rows["a"]["answer"]["passages"]} == {"lavrov"}
        assert {passage["article_id"] for passage in rows["b"]["answer"]["passages"]} == {"long"}
        assert rows["c"]["error"]["code"] == "not_found"
        assert len({row["key"] for row in rows.values()}) == 3
        capsys.readouterr()
