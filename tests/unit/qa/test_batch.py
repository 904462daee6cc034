"""Batches: nothing recorded is asked twice, nothing recorded is lost, whatever ends a run."""

from __future__ import annotations

import asyncio
import hashlib
import resource
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.batch import Result, Row, key_of, plan, results, run, tally
from qa.budget import Budget
from qa.errors import (
    DatelineError,
    InputError,
    ModelAuthError,
    ModelMissingError,
    ModelRateLimitError,
    ModelTimeoutError,
    ModelUnreachableError,
)
from qa.journal import Journal, Terms, read_journal
from qa.models import Answer, Ask, Turn, Usage

TERMS = Terms(as_of=date(2025, 5, 1), model="extractive", prompt_version="1")


class FakeEngine:
    """Answers every question by its key fields; fails and hangs as told. Records what it is asked."""

    def __init__(self, *, failing: Sequence[str] = (), broken: Sequence[str] = ()) -> None:
        self.failing = set(failing)
        self.broken = set(broken)
        self.asked: list[Ask] = []
        self.at_once = 0
        self.most_at_once = 0
        self.gate = asyncio.Event()
        self.gate.set()

    @property
    def questions(self) -> list[str]:
        return [ask.question for ask in self.asked]

    async def answer(self, ask: Ask) -> Answer:
        self.asked.append(ask)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            # Unequal waits, so that questions finish in another order than they were asked in.
            for _ in range(hashlib.md5(ask.question.encode()).digest()[0] % 5 + 1):
                await asyncio.sleep(0)
            await self.gate.wait()
        finally:
            self.at_once -= 1
        if ask.question in self.failing:
            raise ModelTimeoutError(f"no reply to {ask.question}")
        if ask.question in self.broken:
            raise ZeroDivisionError("oops")
        as_of = ask.as_of or ask.default_as_of
        assert as_of is not None
        return Answer(
            id=ask.question,
            question=ask.question,
            as_of=as_of,
            text=f"answer to {ask.question} \u2028 “é” [1]",
            abstained=ask.question.startswith("unknown"),
            model=str(ask.model),
        )


def rows_of(*questions: str) -> list[Row]:
    return [Row(str(number), Ask(question)) for number, question in enumerate(questions, start=1)]


async def batch(
    path: Path,
    rows: Sequence[Row],
    engine: FakeEngine,
    *,
    terms: Terms = TERMS,
    retry_failed: bool = False,
    concurrency: int = 3,
) -> list[Result]:
    """A whole run, as the command does it."""
    with Journal.open(path, terms) as journal:
        work = plan(rows, journal.terms, journal.entries, retry_failed=retry_failed)
        await run(work.asks, journal, engine.answer, concurrency=concurrency)
        return list(results(rows, work.keys, journal))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "answers.jsonl.journal"


async def test_rows_come_out_in_input_order_with_their_answers(path: Path) -> None:
    rows = rows_of(*(f"q{number}" for number in range(20)))
    out = await batch(path, rows, FakeEngine())
    assert [(result.id, result.question) for result in out] == [(row.id, row.ask.question) for row in rows]
    assert all(result.answer and result.answer["question"] == result.question for result in out)
    assert set(out[0].to_json()) == {"id", "question", "answer", "error", "key"}


async def test_an_empty_batch_is_done_at_once(path: Path) -> None:
    assert await batch(path, [], FakeEngine()) == []


async def test_a_second_run_asks_nothing_and_gives_the_same_rows(path: Path) -> None:
    rows = rows_of("a", "b", "unknown c")
    first, engine = await batch(path, rows, FakeEngine()), FakeEngine()
    assert await batch(path, rows, engine) == first
    assert engine.asked == []


async def test_no_more_questions_at_once_than_allowed(path: Path) -> None:
    engine = FakeEngine()
    await batch(path, rows_of(*map(str, range(30))), engine, concurrency=4)
    assert engine.most_at_once == 4


async def test_added_questions_are_asked_and_removed_ones_left_out(path: Path) -> None:
    await batch(path, rows_of("a", "b"), FakeEngine())
    engine = FakeEngine()
    out = await batch(path, rows_of("new", "b"), engine)
    assert engine.questions == ["new"]
    assert [result.question for result in out] == ["new", "b"]


async def test_the_same_question_is_asked_once_for_all_its_rows(path: Path) -> None:
    engine = FakeEngine()
    out = await batch(path, rows_of("a", "b", "a"), engine)
    assert sorted(engine.questions) == ["a", "b"]
    assert out[0].answer == out[2].answer
    assert [result.id for result in out] == ["1", "2", "3"]


async def test_a_failing_row_is_a_row_and_stops_nothing(path: Path) -> None:
    out = await batch(path, rows_of("a", "bad", "c"), FakeEngine(failing=["bad"]))
    assert out[1].answer is None
    assert out[1].error == {"code": "model_timeout", "message": "no reply to bad"}
    assert out[0].answer
    assert out[2].answer


async def test_a_fault_of_our_own_costs_only_its_row(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    out = await batch(path, rows_of("a", "bug", "c"), FakeEngine(broken=["bug"]), concurrency=1)
    assert out[1].error == {"code": "internal", "message": "ZeroDivisionError: oops"}
    assert out[2].answer
    assert "oops" in caplog.text


async def test_failed_rows_are_asked_again_only_when_told_so(path: Path) -> None:
    rows = rows_of("a", "bad")
    failed = await batch(path, rows, FakeEngine(failing=["bad"]))
    engine = FakeEngine()
    assert await batch(path, rows, engine) == failed
    assert engine.asked == []
    out = await batch(path, rows, engine, retry_failed=True)
    assert engine.questions == ["bad"]
    assert out[1].answer
    assert out[1].error is None
    assert await batch(path, rows, FakeEngine()) == out


async def test_rows_without_a_date_keep_the_day_the_batch_began(path: Path) -> None:
    rows = [Row("1", Ask("a")), Row("2", Ask("b", as_of=date(2025, 1, 1))), Row("3", Ask("c"))]
    await batch(path, rows[:1], FakeEngine())
    engine, tomorrow = FakeEngine(), replace(TERMS, as_of=date(2025, 5, 2))
    out = await batch(path, rows, engine, terms=tomorrow)
    assert {ask.question: (ask.as_of, ask.default_as_of) for ask in engine.asked} == {
        "b": (date(2025, 1, 1), None),
        "c": (None, TERMS.as_of),
    }
    assert [result.answer and result.answer["as_of"] for result in out] == ["2025-05-01", "2025-01-01", "2025-05-01"]


@pytest.mark.parametrize("change", [{"model": "openai:x"}, {"prompt_version": "2"}])
async def test_another_model_or_prompt_asks_again_and_keeps_the_day(path: Path, change: dict[str, Any]) -> None:
    await batch(path, rows_of("a"), FakeEngine())
    engine, changed = FakeEngine(), replace(TERMS, as_of=date(2030, 1, 1), **change)
    await batch(path, rows_of("a"), engine, terms=changed)
    assert [ask.default_as_of for ask in engine.asked] == [TERMS.as_of]
    # And back: what the first model answered is still there.
    engine = FakeEngine()
    await batch(path, rows_of("a"), engine)
    assert engine.asked == []


@pytest.mark.parametrize(
    "other",
    [
        Ask("b"),
        Ask("a", history=(Turn("user", "b"),)),
        Ask("a", as_of=date(2025, 5, 1)),
        Ask("a", start=date(2025, 1, 1)),
        Ask("a", end=date(2025, 1, 1)),
        Ask("a", sources=("Wire",)),
        Ask("a", top_k=3),
        Ask("a", model="openai:x"),
        Ask("a", article="x"),
    ],
)
def test_everything_that_can_change_an_answer_changes_the_key(other: Ask) -> None:
    assert key_of(other, TERMS) != key_of(Ask("a"), TERMS)


def test_how_a_follow_up_is_completed_is_part_of_its_key_and_of_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    asks = [Ask("a"), Ask("a", history=(Turn("user", "b"),))]
    before = [key_of(ask, TERMS) for ask in asks]
    monkeypatch.setattr("qa.batch.REWRITE_VERSION", "another")
    after = [key_of(ask, TERMS) for ask in asks]
    assert [old == new for old, new in zip(before, after, strict=True)] == [True, False]


def test_what_says_the_same_has_the_same_key() -> None:
    assert key_of(Ask("a", model="extractive", sources=("x", "y")), TERMS) == key_of(
        Ask("a", sources=("y", "x", "y")), TERMS
    )
    # Part of what users' journals hold: a change of the recipe has to be a decision.
    assert key_of(Ask("a"), TERMS) == "e5041ca59628461647104a431595ce8a"


async def test_stopping_finishes_what_is_in_flight_and_asks_nothing_more(path: Path) -> None:
    rows, engine, stop = rows_of(*map(str, range(10))), FakeEngine(), asyncio.Event()
    engine.gate.clear()
    with Journal.open(path, TERMS) as journal:
        work = plan(rows, TERMS, journal.entries)
        running = asyncio.create_task(run(work.asks, journal, engine.answer, concurrency=3, stop=stop))
        while engine.at_once < 3:
            await asyncio.sleep(0)
        stop.set()
        engine.gate.set()
        await running
        counts = tally(work.keys, journal.entries)
        assert (counts.answered, counts.unanswered) == (3, 7)
        assert [result.id for result in results(rows, work.keys, journal)] == ["1", "2", "3"]
    again = FakeEngine()
    assert len(await batch(path, rows, again)) == 10
    assert not set(again.questions) & set(engine.questions)


async def test_cancelling_drops_what_is_in_flight_and_keeps_the_rest(path: Path) -> None:
    rows, engine = rows_of("a", "b"), FakeEngine()
    with Journal.open(path, TERMS) as journal:
        work = plan(rows, TERMS, journal.entries)

        def hold(_outcome: str) -> None:
            engine.gate.clear()

        running = asyncio.create_task(run(work.asks, journal, engine.answer, concurrency=1, on_row=hold))
        while len(engine.asked) < 2:
            await asyncio.sleep(0)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert [result.question for result in results(rows, work.keys, journal)] == ["a"]
    again = FakeEngine()
    await batch(path, rows, again)
    assert again.questions == ["b"]


async def test_progress_hears_of_every_outcome(path: Path) -> None:
    heard: list[str] = []
    rows, engine = rows_of("a", "unknown b", "bad"), FakeEngine(failing=["bad"])
    with Journal.open(path, TERMS) as journal:
        work = plan(rows, TERMS, journal.entries)
        await run(work.asks, journal, engine.answer, concurrency=1, on_row=heard.append)
        counts = tally(work.keys, journal.entries)
    assert heard == ["answered", "abstained", "failed"]
    assert (counts.rows, counts.answered, counts.abstained, counts.failed, counts.unanswered) == (3, 1, 1, 1, 0)


@contextmanager
def files_up_to(size: int) -> Iterator[None]:
    """No file of this process may grow past ``size`` bytes: as good as a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


async def test_a_full_disk_ends_the_run_and_leaves_a_journal_to_go_on_from(path: Path) -> None:
    rows = rows_of(*map(str, range(9)))
    with Journal.open(path, TERMS) as journal:
        work = plan(rows, TERMS, journal.entries)
        with files_up_to(path.stat().st_size + 1000), pytest.raises(InputError, match=r"answers.*cannot be written"):
            await run(work.asks, journal, FakeEngine().answer, concurrency=2)
        kept = len(journal.entries)
        # Half a line would stand in the way of this one.
        await run(plan(rows[-1:], TERMS, journal.entries).asks, journal, FakeEngine().answer, concurrency=1)
    assert 0 < kept < 9
    assert len(read_journal(path).entries) == kept + 1
    assert len(await batch(path, rows, FakeEngine())) == 9


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, list[Result]]:
    """The journal and the rows of a run that nothing disturbed."""
    path = tmp_path_factory.mktemp("batch") / "journal"
    out = asyncio.run(batch(path, QUESTIONS, FakeEngine(failing=["bad"]), concurrency=2))
    return path.read_bytes(), out


QUESTIONS = rows_of("a", "bad", "unknown b", "ç\u2028d")


@given(cut=st.integers(min_value=0, max_value=3000))
def test_any_prefix_of_a_journal_resumes_to_the_same_rows(
    undisturbed: tuple[bytes, list[Result]], tmp_path_factory: pytest.TempPathFactory, cut: int
) -> None:
    whole, rows = undisturbed
    assert len(whole) < 3000
    path = tmp_path_factory.mktemp("cut") / "journal"
    path.write_bytes(whole[:cut])
    recorded = read_journal(path).entries
    engine = FakeEngine(failing=["bad"])
    assert asyncio.run(batch(path, QUESTIONS, engine)) == rows
    assert len(engine.asked) == len(QUESTIONS) - len(recorded)


def test_a_line_cut_at_any_byte_is_asked_again_and_no_other(
    undisturbed: tuple[bytes, list[Result]], tmp_path: Path
) -> None:
    whole, rows = undisturbed
    begins = whole.rstrip(b"\n").rfind(b"\n") + 1
    path = tmp_path / "journal"
    for cut in range(begins, len(whole)):
        path.write_bytes(whole[:cut])
        engine = FakeEngine(failing=["bad"])
        assert asyncio.run(batch(path, QUESTIONS, engine)) == rows
        assert len(engine.asked) == 1
        # What was half written is gone for good.
        assert len(read_journal(path).entries) == len(QUESTIONS)


def test_two_batches_cannot_write_one_journal(path: Path) -> None:
    with Journal.open(path, TERMS), pytest.raises(InputError, match="another batch"):
        Journal.open(path, TERMS)
    Journal.open(path, TERMS).close()
    assert [file.name for file in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"journal": 99}\n', "format 99"),
        ('{"journal": 1, "as_of": "soon"}\n', "header is damaged"),
        ('{"key": "a", "answer": null}\n{"key": "b"}\n', "no header"),
        ("hello\nworld\n", "damaged"),
        ('{"id": "1"}\n{"id": "2"}\n', "damaged"),
    ],
)
def test_another_file_is_not_taken_for_a_journal(path: Path, content: str, message: str) -> None:
    path.write_text(content)
    with pytest.raises(InputError, match=message):
        Journal.open(path, TERMS)
    assert path.read_text() == content


def test_a_journal_that_is_a_folder_is_an_input_error(path: Path) -> None:
    path.mkdir()
    with pytest.raises(InputError, match="cannot be read"):
        Journal.open(path, TERMS)


def test_reading_no_journal_finds_nothing_and_makes_nothing(path: Path) -> None:
    assert read_journal(path).entries == {}
    assert not path.exists()


class Meters(FakeEngine):
    """Answers that take a hundred tokens each, and fail with ``errors`` by question."""

    def __init__(self, errors: Mapping[str, DatelineError] | None = None) -> None:
        super().__init__()
        self.errors = errors or {}

    async def answer(self, ask: Ask) -> Answer:
        found = await super().answer(ask)
        if ask.question in self.errors:
            raise self.errors[ask.question]
        return found.model_copy(update={"usage": Usage(input_tokens=90, output_tokens=10)})


async def ending(
    path: Path, rows: Sequence[Row], engine: FakeEngine, budget: Budget | None = None, concurrency: int = 1
) -> tuple[DatelineError | None, list[str]]:
    """Why the run ended, and which questions have an outcome."""
    with Journal.open(path, TERMS) as journal:
        work = plan(rows, journal.terms, journal.entries)
        ended = await run(work.asks, journal, engine.answer, concurrency=concurrency, budget=budget)
        return ended, [result.question for result in results(rows, work.keys, journal)]


async def test_a_budget_ends_a_run_and_counts_over_all_runs(path: Path) -> None:
    rows, engine = rows_of(*"abcdefgh"), Meters()
    assert await ending(path, rows, engine, Budget(max_tokens=300)) == (None, ["a", "b", "c"])
    assert await ending(path, rows, engine, Budget(max_tokens=300)) == (None, ["a", "b", "c"])
    assert await ending(path, rows, engine, Budget(max_tokens=450)) == (None, ["a", "b", "c", "d", "e"])
    assert engine.questions == list("abcde")


async def test_a_budget_is_hardly_exceeded_by_those_in_flight(path: Path) -> None:
    rows, engine = rows_of(*(f"q{number}" for number in range(100))), Meters()
    _, recorded = await ending(path, rows, engine, Budget(max_tokens=5000), concurrency=8)
    assert len(recorded) == 50


QUOTA = ModelRateLimitError("the quota is used up", hint="Raise it.")
QUOTA.retryable = False


@pytest.mark.parametrize("error", [QUOTA, ModelAuthError("refused"), ModelMissingError("unknown model")])
async def test_what_concerns_all_questions_ends_the_run_and_is_no_outcome(path: Path, error: DatelineError) -> None:
    rows = rows_of(*"abcde")
    assert await ending(path, rows, Meters({"c": error})) == (error, ["a", "b"])
    assert await ending(path, rows, Meters()) == (None, list("abcde"))


async def test_a_row_that_names_a_model_that_is_not_there_fails_alone(path: Path) -> None:
    rows = [Row("1", Ask("a", model="openai:nope")), *rows_of("x", "y", "z")[1:]]
    ended, recorded = await ending(path, rows, Meters({"a": ModelMissingError("unknown model")}))
    assert (ended, recorded) == (None, ["a", "y", "z"])


async def test_a_server_that_is_gone_ends_the_run_after_five_questions(path: Path) -> None:
    gone = ModelUnreachableError("no connection")
    rows = rows_of(*"abcdefghij")
    failing: dict[str, DatelineError] = dict.fromkeys("abdefghij", gone)
    ended, recorded = await ending(path, rows, Meters(failing))
    # c was answered: the five are d to h, of which the last is left to be asked again.
    assert (ended, recorded) == (gone, list("abcdefg"))


async def test_what_a_journal_spent_is_counted_when_it_is_read(path: Path) -> None:
    await ending(path, rows_of("a", "b"), Meters())
    assert read_journal(path).spent.tokens == 200
