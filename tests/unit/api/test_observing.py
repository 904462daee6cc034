"""What is seen of questions from outside: figures, spans, the audit log, log lines."""

from __future__ import annotations

import asyncio
import json
import logging
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode
from prometheus_client.parser import text_string_to_metric_families

from api.audit import AuditLog
from api.cli.logs import JsonFormatter
from api.keys import add_key
from api.measures import Measures
from api.observing import Observed
from api.request_context import request_id
from api.tracing import tracer_of
from qa.errors import ModelTimeoutError, SettingsError
from qa.events import DeltaEvent, DoneEvent, PassagesEvent, StatusEvent
from qa.models import Ask
from tests.unit.api.fakes import ABSTAINED, ANSWER, PASSAGE, Caller, FakeEngine, client_of, events_of, make_app

QUESTION = {"question": "Who robbed the bank?"}


def _figures(text: str) -> dict[tuple[str, tuple[str, ...]], float]:
    """By name and label values."""
    return {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def test_prometheus_is_told_of_requests_questions_and_what_waits() -> None:
    engine = FakeEngine(
        [DoneEvent(ANSWER, refused=2)],
        [DoneEvent(ABSTAINED)],
        [ModelTimeoutError("too slow")],
    )
    async with client_of(make_app(engine)) as client:
        for number in range(3):
            await client.post("/chat", json={"question": f"Who robbed bank number {number}?"})
        await client.get("/search", params={"q": "bank"})
        await client.get("/articles/desk/7")
        await client.get("/somewhere/else")
        reply = await client.get("/metrics")
    assert reply.headers["content-type"].startswith("text/plain; version=")
    found = _figures(reply.text)
    expected = {
        ("dateline_requests_total", ("POST", "/chat", "200")): 2,
        ("dateline_requests_total", ("POST", "/chat", "504")): 1,
        ("dateline_requests_total", ("GET", "/articles/{article_id}", "200")): 1,
        ("dateline_requests_total", ("GET", "other", "404")): 1,
        ("dateline_answers_total", ("openai:gpt-test", "answered")): 1,
        ("dateline_answers_total", ("extractive", "abstained")): 1,
        ("dateline_tokens_total", ("input", "openai:gpt-test")): 120,
        ("dateline_tokens_total", ("output", "openai:gpt-test")): 30,
        ("dateline_sentences_total", ("supported",)): 2,
        ("dateline_sentences_total", ("unsupported",)): 0,
        ("dateline_sentences_total", ("refused",)): 2,
        ("dateline_failures_total", ("model_timeout",)): 1,
        ("dateline_stage_seconds_count", ("retrieve",)): 1,
        ("dateline_stage_seconds_count", ("search",)): 1,
        ("dateline_running", ()): 0,
        ("dateline_backlog", ()): 1,
        ("dateline_jobs_waiting", ()): 0,
    }
    assert {name: found.get(name) for name in expected} == expected
    assert found["dateline_stage_seconds_sum", ("total",)] == pytest.approx(0.08)
    assert "bank" not in reply.text


@pytest.fixture
def spans() -> InMemorySpanExporter:
    return InMemorySpanExporter()


def _observed(engine: FakeEngine, spans: InMemorySpanExporter) -> Observed:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(spans))
    return Observed(engine, Measures(), provider.get_tracer("test"))


async def test_each_stage_is_a_span_within_its_question(spans: InMemorySpanExporter) -> None:
    request_id.set("r-1")
    events = [event async for event in _observed(FakeEngine(), spans).stream(Ask("How many died?"))]
    assert events == events_of(ANSWER)
    found: dict[str, ReadableSpan] = {span.name: span for span in spans.get_finished_spans()}
    assert set(found) == {"answer", "retrieve", "generate", "verify"}
    whole = found.pop("answer")
    assert whole.attributes == {
        "dateline.request_id": "r-1",
        "dateline.passages": 1,
        "dateline.answer_id": "a1",
        "dateline.model": "openai:gpt-test",
        "dateline.abstained": False,
        "dateline.sentences": 2,
        "dateline.input_tokens": 120,
        "dateline.output_tokens": 30,
    }
    for span in found.values():
        assert span.parent is not None
        assert whole.context is not None
        assert span.parent.span_id == whole.context.span_id
    assert "died" not in "".join(span.to_json() for span in spans.get_finished_spans())


async def test_a_failure_marks_its_spans(spans: InMemorySpanExporter) -> None:
    engine = FakeEngine([StatusEvent("retrieve"), ModelTimeoutError("too slow")])
    with pytest.raises(ModelTimeoutError):
        await _observed(engine, spans).answer(Ask("How many died?"))
    told = {span.name: (span.status.status_code, span.status.description) for span in spans.get_finished_spans()}
    assert told == dict.fromkeys(("retrieve", "answer"), (StatusCode.ERROR, "model_timeout"))
    engine.search_error = ModelTimeoutError("too slow")
    with pytest.raises(ModelTimeoutError):
        await _observed(engine, spans).search(Ask("x"), k=1)
    assert spans.get_finished_spans()[-1].name == "search"


async def test_a_caller_that_leaves_ends_the_engine_s_stream_at_once(spans: InMemorySpanExporter) -> None:
    engine = FakeEngine([StatusEvent("retrieve"), DeltaEvent("Four"), asyncio.Event()])
    stream = _observed(engine, spans).stream(Ask("How many?"))
    async for event in stream:
        if isinstance(event, DeltaEvent):
            break
    await stream.aclose()
    assert engine.ended == ["cancelled"]
    assert {span.status.description for span in spans.get_finished_spans()} == {"left"}


def test_traces_go_to_the_collector_that_is_set_and_by_default_to_nobody() -> None:
    tracer, end = tracer_of(None)
    assert not tracer.start_span("x").is_recording()
    end()
    tracer, end = tracer_of("http://127.0.0.1:1")
    assert tracer.start_span("x").is_recording()
    end()


def _lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for path in sorted(folder.iterdir()) for line in path.read_text().splitlines()]


async def test_the_audit_log_says_who_asked_what_and_what_was_shown(tmp_path: Path) -> None:
    folder, keys = tmp_path / "audit", tmp_path / "keys.jsonl"
    headers = {"Authorization": f"Bearer {add_key(keys, 'desk', ['ask'])}", "X-Request-ID": "r-7"}
    engine = FakeEngine(events_of(ANSWER), [StatusEvent("retrieve"), ModelTimeoutError("too slow")])
    async with client_of(make_app(engine, audit_dir=folder, api_keys_file=keys)) as client:
        history = [{"role": "user", "content": "Hello"}]
        await client.post("/chat", json={**QUESTION, "history": history, "as_of": "2025-04-01"}, headers=headers)
        await client.post("/chat", json=QUESTION, headers=headers)
        await client.get("/search", params={"q": "flood", "k": 1}, headers=headers)
        await client.get("/status", headers=headers)
    asked, failed, searched = _lines(folder)
    assert (asked["caller"], asked["request_id"], asked["kind"]) == ("desk", "r-7", "chat")
    assert (asked["question"], asked["history"], asked["as_of"]) == (QUESTION["question"], history, "2025-04-01")
    (shown,) = asked["passages"]
    assert (shown["chunk_id"], shown["text"], shown["published"]) == ("flood-0", PASSAGE.text, "2025-03-24")
    assert (asked["text"], asked["answer_id"], asked["error"]) == (ANSWER.text, "a1", None)
    assert asked["citations"] == ANSWER.to_json()["citations"]
    assert abs(datetime.fromisoformat(asked["time"]) - datetime.now(UTC)) < timedelta(minutes=1)
    assert (failed["error"], failed["text"]) == ("model_timeout", "")
    assert (searched["kind"], searched["question"], len(searched["passages"])) == ("search", "flood", 1)
    (path,) = folder.iterdir()
    assert oct(path.stat().st_mode & 0o777) == "0o600"
    assert path.name == f"audit-{datetime.now(UTC).date()}.jsonl"


async def test_what_a_caller_was_shown_before_it_left_is_in_the_audit_log(tmp_path: Path) -> None:
    engine = FakeEngine([PassagesEvent((PASSAGE,)), DeltaEvent("Four "), DeltaEvent("died"), asyncio.Event()])
    app = make_app(engine, audit_dir=tmp_path / "audit")
    async with app.router.lifespan_context(app):
        caller = Caller(app, "/chat", {**QUESTION, "stream": True})
        await caller.read_until(b"died")
        await caller.leave()
    (line,) = _lines(tmp_path / "audit")
    assert (line["error"], line["text"], len(line["passages"]), line["answer_id"]) == ("left", "Four died", 1, None)


def test_the_audit_log_is_only_added_to_and_old_files_go(tmp_path: Path) -> None:
    today = datetime.now(UTC).date()
    kept, old = today - timedelta(days=7), today - timedelta(days=8)
    for day in (kept, old, date(2020, 1, 1)):
        (tmp_path / f"audit-{day}.jsonl").write_text("{}\n")
    (tmp_path / "notes.txt").write_text("not ours")
    (tmp_path / f"audit-{today}.jsonl").write_text('{"before": true}\n')
    log = AuditLog(tmp_path, 7)
    assert log.write({"question": "x\n\ud800"})
    assert {path.name for path in tmp_path.iterdir()} == {f"audit-{kept}.jsonl", f"audit-{today}.jsonl", "notes.txt"}
    first, second = (tmp_path / f"audit-{today}.jsonl").read_text().splitlines()
    assert first == '{"before": true}'
    assert json.loads(second)["question"].startswith("x\n")


def test_without_a_limit_nothing_is_removed(tmp_path: Path) -> None:
    (tmp_path / "audit-2020-01-01.jsonl").write_text("{}\n")
    AuditLog(tmp_path, 0)
    assert (tmp_path / "audit-2020-01-01.jsonl").exists()


def test_an_audit_log_that_cannot_be_kept_is_said_so(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match=r"DATELINE_AUDIT_DIR: .*file cannot be written"):
        AuditLog(tmp_path / "file", 0)
    log = AuditLog(tmp_path / "audit", 0)
    for path in (tmp_path / "audit").iterdir():
        path.unlink()
    (tmp_path / "audit").rmdir()
    assert not log.write({})
    assert "the audit log cannot be written" in caplog.text


def test_json_log_lines_are_one_object_each_whatever_they_say() -> None:
    request_id.set("r-9")
    record = logging.LogRecord("dateline.http", logging.ERROR, "f", 1, "said\n\x1b[2J “%s”", ("x",), None)
    record.told = {"status": 200, "route": "/chat"}
    try:
        raise ValueError("inside")
    except ValueError as error:
        record.exc_info = (ValueError, error, error.__traceback__)
    line = JsonFormatter().format(record)
    assert "\n" not in line
    assert "\x1b" not in line
    told = json.loads(line)
    assert (told["level"], told["logger"], told["message"]) == ("error", "dateline.http", "said\n\x1b[2J “x”")
    assert (told["request_id"], told["status"], told["route"]) == ("r-9", 200, "/chat")
    assert "ValueError: inside" in told["exception"]
