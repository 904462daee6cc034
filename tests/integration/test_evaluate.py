"""Evaluating a real home: its own confidence and dates, resuming, drafts from its articles, a chat model as judge."""

from __future__ import annotations

import asyncio
import csv
import io
from datetime import date
from pathlib import Path

import pytest

from api.cli.evaluate_job import _identify
from api.cli.evaluate_suggest import suggest_questions
from api.files.evaluation_sets import COLUMNS
from ingest.clean import article_id, canonical_url
from qa.errors import InputError, ModelReplyError, UsageError
from qa.evaluate import Evaluation, HomeSubject, judge_by_support_check, recorded
from qa.evaluation.items import Asked, Item
from qa.evaluation.rows import figures
from qa.journal import Journal, Terms
from qa.judging import ChatJudge
from qa.roster import Roster
from tests.fakes import ScriptedOpenAI
from tests.integration.collection import TODAY, article, keep, reader, settings, writer

URL = "https://news.test/lavrov"
LAVROV = article(
    article_id(URL, None, ""),
    "Sergey Lavrov arrived in Brazil on 17 April 2023 for talks about trade with the government. "
    "He met the foreign minister Mauro Vieira in Brasilia for two hours, the ministry said.",
    "2023-04-17",
    title="Lavrov in Brazil",
    source="tass",
    url=URL,
)
HARVEST = article(
    "harvest", "The wheat harvest in Ukraine was 20 million tons this summer. Farmers blamed the drought.", "2022-09-01"
)
ITEMS = (
    Item("who", "Who met Lavrov in Brasilia?", TODAY, ("Mauro Vieira",), gold=(canonical_url(URL),)),
    Item("wheat", "How large was the wheat harvest in Ukraine?", None, ("20 million",), gold=("harvest",)),
)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    with writer(tmp_path / "home") as opened:
        keep(opened, LAVROV, HARVEST)
    return tmp_path / "home"


def evaluate(home: Path, journal_path: Path, *, stop_after: int = 9, fingerprint: str = "f") -> dict[str, Asked]:
    """Ask what the journal does not have yet."""

    async def run() -> dict[str, Asked]:
        stop, done = asyncio.Event(), []

        def count(asked: Asked) -> None:
            done.append(asked)
            if len(done) == stop_after:
                stop.set()

        with reader(home, abstain_below=0.0) as opened, Journal.open(journal_path, Terms(TODAY, "m", "p")) as journal:
            subject = HomeSubject(opened, _identify)
            evaluation = Evaluation(
                subject, journal, fingerprint, depth=5, judge=judge_by_support_check, stop=stop, on_row=count
            )
            known = recorded(ITEMS, fingerprint, journal)
            await evaluation.run([item for item in ITEMS if item.id not in known], concurrency=1)
            return recorded(ITEMS, fingerprint, journal)

    return asyncio.run(run())


def test_a_home_is_measured(home: Path, tmp_path: Path) -> None:
    found = evaluate(home, tmp_path / "journal")
    rows = figures(ITEMS, [found[item.id] for item in ITEMS], 5, canonical_url, answers=True)
    for row in rows:
        assert (row["mrr@5"], row["articles.recall@5"], row["holds_answer"], row["leaks"]) == (1.0, 1.0, 1.0, 0.0)
        assert (row["citation_precision"], row["citation_recall"]) == (1.0, 1.0)
        assert 0 < (row["confidence"] or 0) <= 1
    assert [found[item.id].gold_published for item in ITEMS] == [(date(2023, 4, 17),), (date(2022, 9, 1),)]


def test_an_interrupted_run_goes_on_and_a_changed_one_begins_anew(home: Path, tmp_path: Path) -> None:
    path = tmp_path / "journal"
    first = evaluate(home, path, stop_after=1)
    assert list(first) == ["who"]
    second = evaluate(home, path)
    assert second["who"] == first["who"]
    assert list(second) == ["who", "wheat"]
    lines = path.read_bytes().count(b"\n")
    assert evaluate(home, path) == second
    assert path.read_bytes().count(b"\n") == lines
    assert evaluate(home, path, fingerprint="other").keys() == second.keys()
    assert path.read_bytes().count(b"\n") == lines + 2


def test_the_journal_of_a_batch_is_not_taken_for_one(tmp_path: Path) -> None:
    from qa.evaluate import key_of

    with Journal.open(tmp_path / "j", Terms(TODAY, "m", "p")) as journal:
        journal.record(key_of(ITEMS[0], "f"), "?", {"text": "no evaluation"}, None)
        with pytest.raises(InputError, match="no outcome of an evaluation"):
            recorded(ITEMS, "f", journal)


def test_a_chat_model_judges_citations(home: Path, tmp_path: Path) -> None:
    answer = evaluate(home, tmp_path / "journal")["who"].answer
    assert answer is not None

    def judged(*replies: str) -> float:
        with ScriptedOpenAI(*replies, default="yes") as server:
            told = settings(tmp_path, model="openai:test", model_base_url=server.base_url, model_api_key="k")
            found = asyncio.run(ChatJudge(Roster(told).model("openai:test"))(answer))
            asked = server.requests[0]["messages"]
        assert "Lavrov arrived in Brazil" in asked[1]["content"]
        return found.recall

    assert judged() == 1.0
    assert judged("No.") == 1 - 1 / len(answer.sentences)
    with pytest.raises(ModelReplyError, match="neither yes nor no"):
        judged("Perhaps")


def test_drafts_are_made_from_the_articles(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    suggest_questions(2, tmp_path / "drafts.csv", settings(home), json=False)
    rows = list(csv.DictReader(io.StringIO((tmp_path / "drafts.csv").read_text(encoding="utf-8"))))
    assert [list(row) for row in rows] == [list(COLUMNS)] * 2
    by_gold = {row["gold_urls"]: row for row in rows}
    assert set(by_gold) == {URL, "harvest"}
    texts = {URL: LAVROV.text, "harvest": HARVEST.text}
    for gold, row in by_gold.items():
        assert row["answers"] in texts[gold]
        assert row["answers"] not in row["question"]
        assert row["accept"] == ""
    with pytest.raises(UsageError, match="may have been edited"):
        suggest_questions(2, tmp_path / "drafts.csv", settings(home), json=False)
    capsys.readouterr()
    suggest_questions(500, None, settings(home), json=True)
    assert "not 500" in capsys.readouterr().err


def test_a_model_drafts_where_its_drafts_can_be_used(home: Path, tmp_path: Path) -> None:
    good = "Question: Where did Lavrov arrive?\nAnswer: Brazil"
    with ScriptedOpenAI(default=good) as server:
        told = settings(home, model="openai:test", model_base_url=server.base_url, model_api_key="k")
        suggest_questions(2, tmp_path / "drafts.csv", told, json=False)
    rows = list(csv.DictReader(io.StringIO((tmp_path / "drafts.csv").read_text(encoding="utf-8"))))
    asked = {row["gold_urls"]: row["question"] for row in rows}
    assert asked[URL] == "Where did Lavrov arrive?"
    # The harvest's article does not say so: a template is used instead.
    assert "____" in asked["harvest"]
