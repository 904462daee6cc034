"""``dateline eval`` against a service: what is printed, how it ends, and what a second run asks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from qa.errors import ModelAuthError, ModelTimeoutError
from qa.events import StatusEvent
from tests.unit.api.fakes import ABSTAINED, FakeEngine, events_of
from tests.unit.api_cli.conftest import Run

QUESTIONS = (
    {"id": "a", "question": "How many died?", "as_of": "2025-04-01", "answers": ["four"], "gold_urls": ["flood"]},
    {"id": "b", "question": "Who won?", "as_of": "2025-04-01", "unanswerable": True},
    {"id": "c", "question": "What killed them?", "as_of": "2025-04-01", "answers": ["the flood"], "choices": ["flood"]},
)


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    path = tmp_path / "set.jsonl"
    path.write_text("\n".join(map(json.dumps, QUESTIONS)), encoding="utf-8")
    return path


def failing(error: Exception) -> list[Any]:
    return [StatusEvent("retrieve"), error]


def test_eval_measures_and_leaves_nothing_behind(
    dateline: Run, url: str, engine: FakeEngine, dataset: Path, tmp_path: Path
) -> None:
    ran = dateline("eval", str(dataset), "--server", url, "--json", "--report", str(tmp_path / "out.html"))
    assert ran.code == 0, ran.err
    told = ran.document
    assert (told["dataset"], told["n"]) == (str(dataset), 3)
    assert told["retrieval"]["articles"]["hit@1"] == 1.0
    assert told["answers"]["n"] == 2
    assert told["answers"]["holds_answer"] == 0.5
    assert [row["id"] for row in told["rows"]] == ["a", "b", "c"]
    assert told["abstention"]["recall"] == 0.0
    assert told["latency_ms"]["total"]["p50"] == 80.0
    assert "<details" in (tmp_path / "out.html").read_text(encoding="utf-8")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.html", "set.jsonl"]


def test_a_failure_counts_and_is_asked_again_by_the_next_run(
    dateline: Run, url: str, engine: FakeEngine, dataset: Path
) -> None:
    engine.scripts.append(failing(ModelTimeoutError("no reply in 60 s")))
    ran = dateline("eval", str(dataset), "--server", url, "--json")
    assert ran.code == 3
    assert ran.document["answers"] == {
        "n": 2, "exact_match": 0.0, "f1": 0.0, "holds_answer": 0.0, "choice_accuracy": 0.0,
    }  # fmt: skip
    assert ran.document["retrieval"]["articles"]["hit@1"] == 1.0
    assert "a: no reply in 60 s (model_timeout)" in ran.err
    before = len(engine.asks)
    again = dateline("eval", str(dataset), "--server", url, "--json")
    assert again.code == 0
    # One answer and one search: those of the question that failed.
    assert [ask.question for ask in engine.asks[before:]] == ["How many died?"] * 2
    assert "2 of 3 questions have been asked" in again.err
    assert again.document["answers"]["holds_answer"] == 0.5
    assert not dataset.with_name("set.jsonl.eval.journal").exists()


def test_what_fails_every_question_ends_the_run(dateline: Run, url: str, engine: FakeEngine, dataset: Path) -> None:
    engine.scripts.append(failing(ModelAuthError("refused")))
    ran = dateline("eval", str(dataset), "--server", url)
    assert (ran.code, ran.out) == (5, "")
    assert "refused" in ran.err


def test_retrieval_only_asks_for_no_answers(dateline: Run, url: str, engine: FakeEngine, dataset: Path) -> None:
    ran = dateline("eval", str(dataset), "--server", url, "--retrieval-only", "-k", "3", "--json")
    assert ran.code == 0
    assert engine.ended == []
    assert {"mrr@3", "hit@1", "hit@3", "n"} == set(ran.document["retrieval"]["answer_passages"])
    assert (ran.document["answers"], ran.document["citations"], ran.document["abstention"]) == (None, None, None)


def test_the_table_says_how_sure_it_is(dateline: Run, url: str, engine: FakeEngine, dataset: Path) -> None:
    engine.scripts.extend([events_of(ABSTAINED), events_of(ABSTAINED)])
    ran = dateline("eval", str(dataset), "--server", url)
    assert ran.code == 0
    for said in ("95% interval", "holds the answer", "By question type", "Milliseconds", "2 of 3 abstained on"):
        assert said in ran.out


def test_compare_says_what_changed(dateline: Run, tmp_path: Path) -> None:
    files = []
    for name, value in (("a.json", 0.0), ("b.json", 1.0)):
        rows = [{"id": str(number), "f1": value, "leaks": 0.0} for number in range(20)]
        (tmp_path / name).write_text(json.dumps({"rows": rows}), encoding="utf-8")
        files.append(str(tmp_path / name))
    ran = dateline("eval", "--compare", *files)
    assert ran.code == 0
    (line,) = [line for line in ran.out.splitlines() if line.startswith("f1")]
    assert line.split()[1:4] == ["0.000", "1.000", "+1.000"]
    assert line.endswith("better")
    told = dateline("eval", "--compare", *files, "--json").document
    assert [one["verdict"] for one in told["changes"]] == ["better", "noise"]
    (tmp_path / "b.json").write_text("nonsense", encoding="utf-8")
    wrong = dateline("eval", "--compare", *files)
    assert (wrong.code, wrong.out) == (1, "")
    assert "b.json: this is not JSON" in wrong.err


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("SET", "--suggest", "3"),
        ("SET", "--retrieval-only", "--judge", "openai:x"),
        ("SET", "--report", "no/x.html"),
        ("nowhere.jsonl",),
        ("SET", "-k", "0"),
    ],
)
def test_what_cannot_be_meant_is_refused(dateline: Run, dataset: Path, arguments: tuple[str, ...]) -> None:
    ran = dateline("eval", *(str(dataset) if one == "SET" else one for one in arguments))
    assert (ran.code, ran.out) == (2, "")
