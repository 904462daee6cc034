"""Dateline as a retriever of LangChain: LangChain's own standard tests, and what time and limits do."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import create_retriever_tool
from langchain_tests.integration_tests import RetrieversIntegrationTests
from pydantic import ValidationError

from qa.engine import Engine
from qa.errors import HomeError, NotFoundError, QuestionError
from qa.langchain_face import DatelineRetriever
from qa.library.home import Home
from qa.models import Ask
from tests.integration.collection import ALL, LAVROV, article, keep, writer

MONTHS = ("January", "February", "March", "April")
REPORTS = [
    article(f"vote{n}", f"Parliament held a vote on the budget in {month}.", f"2023-{n:02}-10", source="gazette")
    for n, month in enumerate(MONTHS, start=1)
]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    with writer(tmp_path_factory.mktemp("langchain") / "home") as opened:
        keep(opened, *ALL, *REPORTS)
        yield opened


class TestStandard(RetrieversIntegrationTests):
    @pytest.fixture(autouse=True)
    def _use(self, home: Home) -> None:
        self._home = home

    @property
    def retriever_constructor(self) -> type[BaseRetriever]:
        return DatelineRetriever

    @property
    def retriever_constructor_params(self) -> dict[str, Any]:
        return {"home": self._home}

    @property
    def retriever_query_example(self) -> str:
        return "the vote on the budget"


def ids(found: list[Any]) -> list[str]:
    return [document.metadata["article_id"] for document in found]


def test_a_document_is_a_passage_with_its_facts(home: Home) -> None:
    (found,) = DatelineRetriever(home=home, k=1, as_of=date(2023, 4, 19)).invoke("Whom did Lavrov meet in Brasilia?")
    assert found.id == found.metadata["chunk_id"]
    assert found.metadata.keys() == {
        "article_id", "chunk_id", "start", "end", "published", "title", "url", "source", "score",
    }  # fmt: skip
    assert LAVROV.text[found.metadata["start"] : found.metadata["end"]] == found.page_content
    assert found.metadata["article_id"] == "lavrov"
    assert found.metadata["published"] == "2023-04-17"
    assert found.metadata["title"] == LAVROV.title
    assert 0 < found.metadata["score"] <= 1


def test_what_time_the_question_speaks_of_counts(home: Home) -> None:
    retriever = DatelineRetriever(home=home, as_of=date(2023, 4, 19))
    assert ids(retriever.invoke("the vote on the budget"))[0] == "vote4"
    assert ids(retriever.invoke("What was the vote on the budget in February 2023?"))[0] == "vote2"
    assert ids(retriever.invoke("Only reports published in March 2023: the vote on the budget")) == ["vote3"]


async def test_what_is_found_is_what_the_engine_finds(home: Home) -> None:
    question, day = "What was the vote on the budget in February 2023?", date(2023, 4, 19)
    retrieved = await Engine(home).search(Ask(question, as_of=day), k=4)
    found = await DatelineRetriever(home=home, as_of=day, k=4).ainvoke(question)
    assert [(one.id, one.metadata["score"]) for one in found] == [
        (hit.passage.chunk_id, hit.passage.score) for hit in retrieved.hits
    ]


LIMITED = [
    ({"as_of": date(2023, 2, 1)}, {"vote1", "harvest"}),
    ({"as_of": "2023-02-01", "start": "2023-01-01"}, {"vote1"}),
    ({"as_of": date(2023, 4, 19), "start": date(2023, 2, 1), "end": date(2023, 3, 31)}, {"vote2", "vote3"}),
    ({"sources": ["local"]}, {"undated"}),
    ({"article": "vote2"}, {"vote2"}),
]


@pytest.mark.parametrize(("limits", "expected"), LIMITED)
async def test_limits_hold_wherever_they_are_given(home: Home, limits: dict[str, Any], expected: set[str]) -> None:
    question = "the vote on the budget"
    made = DatelineRetriever(home=home, k=20, **limits)
    plain = DatelineRetriever(home=home)
    assert set(ids(made.invoke(question))) == expected
    assert set(ids(await made.ainvoke(question))) == expected
    assert set(ids(plain.invoke(question, k=20, **limits))) == expected
    assert set(ids(await plain.ainvoke(question, k=20, **limits))) == expected


def test_it_is_a_tool_of_an_agent(home: Home) -> None:
    tool = create_retriever_tool(DatelineRetriever(home=home, k=1), "news", "Searches the news.")
    assert tool.invoke({"query": "the wheat harvest"}) == "The wheat harvest in Ukraine was poor."


def test_it_is_a_part_of_a_chain(home: Home) -> None:
    chain = DatelineRetriever(home=home, k=2) | RunnableLambda(len)
    assert chain.invoke("the vote on the budget") == 2
    assert chain.batch(["the vote on the budget", "the wheat harvest"]) == [2, 2]


@pytest.mark.parametrize("wrong", [{"k": 0}, {"k": 51}, {"as_of": "soon"}, {"sources": "gazette"}, {"until": "2023"}])
def test_an_argument_that_makes_no_sense_is_refused(home: Home, wrong: dict[str, Any]) -> None:
    (name,) = wrong
    with pytest.raises(ValidationError, match=name):
        DatelineRetriever(home=home, **wrong)
    with pytest.raises(ValidationError, match=name):
        DatelineRetriever(home=home).invoke("the vote", **wrong)


def test_what_cannot_be_asked_is_said_as_everywhere(home: Home) -> None:
    with pytest.raises(QuestionError, match="empty"):
        DatelineRetriever(home=home).invoke(" ")
    with pytest.raises(NotFoundError, match="nosuch"):
        DatelineRetriever(home=home, article="nosuch").invoke("the vote")


def test_a_home_handed_in_stays_open(home: Home) -> None:
    with DatelineRetriever(home=home) as retriever:
        retriever.invoke("the vote")
    assert home.catalog.revision() > 0


def test_a_path_without_a_collection_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HomeError, match="no collection"):
        DatelineRetriever(home=tmp_path / "nothing")
