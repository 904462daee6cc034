"""Asking a service is asking its engine; and a service that misbehaves is an error with a name."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.client import HttpAsker, LocalAsker, asker_for
from api.errors import UnknownModelError, exit_code
from api.event_stream import sse
from qa.errors import (
    DatelineError,
    FilterError,
    HomeError,
    ModelRateLimitError,
    ModelReplyError,
    ModelTimeoutError,
    ModelUnreachableError,
    QuestionError,
    UsageError,
)
from qa.events import DeltaEvent, DoneEvent, Event, StatusEvent
from qa.models import Answer, Ask, Turn
from qa.prompt import PROMPT_VERSION
from qa.settings import Settings, load_settings
from tests.unit.api.fakes import ANSWER, FakeEngine, events_of, make_app

URL = "http://127.0.0.1:8000"
FULL = Ask(
    "How many died?",
    history=(Turn("user", "Was there a flood?"), Turn("assistant", "Yes.")),
    as_of=date(2025, 4, 1),
    start=date(2025, 3, 1),
    end=date(2025, 3, 31),
    sources=("Coast Wire", "Courier & Co"),
    article="u-1&2",
    top_k=3,
    model="extractive",
)


@asynccontextmanager
async def asking(engine: FakeEngine) -> AsyncIterator[HttpAsker]:
    """An asker of the real application over ``engine``."""
    app = make_app(engine)
    async with (
        app.router.lifespan_context(app),
        HttpAsker(URL, timeout=5, transport=httpx.ASGITransport(app)) as asker,
    ):
        yield asker


def answering(handler: Callable[[httpx.Request], httpx.Response]) -> HttpAsker:
    """An asker of a service that does what ``handler`` says."""
    return HttpAsker(URL + "/", timeout=5, transport=httpx.MockTransport(handler))


async def all_of(asker: HttpAsker, ask: Ask) -> list[Event]:
    return [event async for event in asker.stream(ask)]


def on_the_wire(answer: Answer) -> Answer:
    """Passages lose on the wire what is not part of the contract."""
    return Answer.model_validate(answer.to_json())


async def test_the_whole_question_arrives_and_the_whole_answer_comes_back() -> None:
    engine = FakeEngine()
    async with asking(engine) as asker:
        assert await asker.answer(FULL) == on_the_wire(ANSWER)
        assert await asker.answer(Ask("short")) == on_the_wire(ANSWER)
    assert engine.asks == [FULL, Ask("short")]


async def test_a_stream_has_the_events_of_the_engine() -> None:
    engine = FakeEngine()
    async with asking(engine) as asker:
        events = await all_of(asker, FULL)
    assert engine.asks == [FULL]
    assert [type(event) for event in events] == [type(event) for event in events_of(ANSWER)]
    assert "".join(event.text for event in events if isinstance(event, DeltaEvent)) == ANSWER.text
    assert events[-1] == DoneEvent(on_the_wire(ANSWER))


async def test_search_gives_hits_with_the_parts_of_their_scores() -> None:
    engine = FakeEngine()
    ask = replace(FULL, history=(), top_k=None, model=None)
    async with asking(engine) as asker:
        found = await asker.search(ask, k=2)
    assert engine.asks == [ask]
    assert len(found.hits) == 2
    assert (found.hits[0].dense_rank, found.hits[0].lexical_rank, found.hits[0].age_weight) == (1, None, 0.8)
    assert (found.hits[0].reranked, found.hits[0].rerank_score) == (None, None)
    assert (found.filters.as_of, found.filters.articles) == (ask.as_of, ("u-1&2",))
    assert found.notes == ("note",)


async def test_the_service_names_its_model() -> None:
    async with asking(FakeEngine()) as asker:
        await asker.ready()
        assert await asker.model() == "openai:gpt-test"
        assert await asker.prompt_version() == "7"


async def test_a_model_that_the_service_does_not_have_is_an_error_before_any_question() -> None:
    async with asking(FakeEngine()) as asker:
        await asker.ready("extractive")
        with pytest.raises(UsageError, match="no model 'nope'") as caught:
            await asker.ready("nope")
    assert "extractive" in str(caught.value.hint)


async def test_what_a_model_is_told_here_is_what_the_settings_say(tmp_path: Path) -> None:
    mine = tmp_path / "mine.txt"
    mine.write_text("{dates} {abstention}")
    plain, changed = (asker_for(load_settings(home=tmp_path, prompt_file=file)) for file in (None, mine))
    assert await plain.prompt_version() == PROMPT_VERSION
    assert (await changed.prompt_version()).startswith(f"{PROMPT_VERSION}+")


async def test_a_frozen_default_day_is_sent_as_what_stands_for_today() -> None:
    engine = FakeEngine()
    async with asking(engine) as asker:
        await asker.answer(Ask("q", default_as_of=date(2025, 1, 2)))
    assert (engine.asks[0].as_of, engine.asks[0].default_as_of) == (None, date(2025, 1, 2))


@pytest.mark.parametrize(
    "error",
    [
        QuestionError("too long", hint="Shorten it."),
        FilterError("nothing can match"),
        ModelTimeoutError("no reply"),
        ModelRateLimitError("slow down", retry_after=7.0),
        UnknownModelError("there is no model 'x'"),
        HomeError("gone"),
    ],
)
async def test_errors_keep_their_class_message_and_hint(error: DatelineError) -> None:
    engine = FakeEngine([error], [StatusEvent("retrieve"), error])
    async with asking(engine) as asker:
        with pytest.raises(type(error)) as whole:
            await asker.answer(Ask("q"))
        with pytest.raises(type(error)) as streamed:
            await all_of(asker, Ask("q"))
    for raised in (whole.value, streamed.value):
        assert (type(raised), str(raised), raised.hint) == (type(error), str(error), error.hint)
        assert exit_code(raised) == exit_code(error)
    assert getattr(whole.value, "retry_after", None) == getattr(error, "retry_after", None)


async def test_a_stream_left_early_is_closed() -> None:
    engine = FakeEngine()
    async with asking(engine) as asker:
        stream = asker.stream(Ask("q"))
        assert await anext(stream) == StatusEvent("retrieve")
        await stream.aclose()


async def test_no_service_is_an_error_that_names_the_url() -> None:
    async with HttpAsker("http://127.0.0.1:9", timeout=5) as asker:
        for call in (asker.answer(Ask("q")), asker.search(Ask("q"), k=1), asker.ready(), all_of(asker, Ask("q"))):
            with pytest.raises(ModelUnreachableError, match=r"127\.0\.0\.1:9") as raised:
                await call
            assert exit_code(raised.value) == 5
            assert "--server" in raised.value.hint


def raising(error: type[httpx.HTTPError]) -> Callable[[httpx.Request], httpx.Response]:
    def handler(request: httpx.Request) -> httpx.Response:
        raise error("torn")

    return handler


@pytest.mark.parametrize(
    ("thrown", "expected"),
    [
        (httpx.ConnectTimeout, ModelUnreachableError),
        (httpx.ReadTimeout, ModelTimeoutError),
        (httpx.ReadError, ModelUnreachableError),
        (httpx.RemoteProtocolError, ModelUnreachableError),
    ],
)
async def test_a_connection_that_breaks_has_a_name(
    thrown: type[httpx.HTTPError], expected: type[DatelineError]
) -> None:
    async with answering(raising(thrown)) as asker:
        with pytest.raises(expected):
            await asker.answer(Ask("q"))
        with pytest.raises(expected):
            await all_of(asker, Ask("q"))


@pytest.mark.parametrize(
    "response",
    [
        httpx.Response(200, text="<html>hello</html>"),
        httpx.Response(200, json=[]),
        httpx.Response(200, json={**ANSWER.to_json(), "citations": [{"n": 0}]}),
        httpx.Response(200, json={**ANSWER.to_json(), "extra": 1}),
        httpx.Response(204),
        httpx.Response(302, headers={"location": "http://elsewhere.example/"}),
        httpx.Response(404, text="not here"),
        httpx.Response(404, json={"code": "unknown_path", "detail": "nothing there"}),
        httpx.Response(500, json=["?"]),
        httpx.Response(502, json={"code": 7}),
    ],
)
async def test_what_is_no_answer_is_refused(response: httpx.Response) -> None:
    async with answering(lambda _request: response) as asker:
        with pytest.raises(ModelReplyError, match="127"):
            await asker.answer(Ask("q"))
        if not response.is_success:
            with pytest.raises(ModelReplyError, match="127"):
                await all_of(asker, Ask("q"))


async def test_a_refused_request_is_a_usage_error() -> None:
    response = httpx.Response(422, json={"code": "validation", "detail": "top_k: too big", "hint": None})
    async with answering(lambda _request: response) as asker:
        with pytest.raises(UsageError, match="top_k: too big"):
            await asker.answer(Ask("q"))


def streaming(text: str) -> HttpAsker:
    return answering(lambda _request: httpx.Response(200, text=text, headers={"content-type": "text/event-stream"}))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ModelUnreachableError),
        ('event: delta\ndata: {"text": "x"}\n\n', ModelUnreachableError),
        ("event: delta\ndata: {}\n\n", ModelReplyError),
        ("event: status\ndata: nonsense\n\n", ModelReplyError),
        ('event: status\ndata: {"stage": "party"}\n\n', ModelReplyError),
        ("event: error\ndata: 5\n\n", ModelReplyError),
        ("event: error\ndata: {\n\n", ModelReplyError),
    ],
)
async def test_a_stream_that_is_none_is_refused(text: str, expected: type[DatelineError]) -> None:
    async with streaming(text) as asker:
        with pytest.raises(expected):
            await all_of(asker, Ask("q"))


async def test_events_of_a_later_version_are_passed_over() -> None:
    done = json.dumps(ANSWER.to_json())
    async with streaming(f": hello\n\nevent: sparkle\ndata: 1\n\nevent: done\ndata: {done}\n\n") as asker:
        assert await all_of(asker, Ask("q")) == [DoneEvent(on_the_wire(ANSWER))]


@pytest.mark.parametrize("url", ["localhost:8000", "ftp://host", "http://", "http://[::1", "server"])
def test_what_is_no_url_is_a_usage_error(url: str) -> None:
    with pytest.raises(UsageError, match=r"--server|URL"):
        HttpAsker(url, timeout=1)


def test_the_settings_say_whom_to_ask() -> None:
    assert isinstance(asker_for(Settings()), LocalAsker)
    assert isinstance(asker_for(Settings(server_url=URL)), HttpAsker)


async def test_a_home_that_is_not_there_is_an_error_before_any_question() -> None:
    async with LocalAsker(Settings()) as asker:
        assert await asker.model() == "extractive"
        with pytest.raises(HomeError):
            await asker.ready()


async def parse(data: bytes, cuts: list[int]) -> list[tuple[str, str]]:
    async def chunks() -> AsyncIterator[bytes]:
        begin = 0
        for cut in [*sorted(cuts), len(data)]:
            yield data[begin:cut]
            begin = max(begin, cut)

    return [event async for event in sse(chunks())]


EVENTS: Any = st.lists(
    st.tuples(
        st.sampled_from(["delta", "done", "message"]),
        # No line ends inside a line; everything else, other separators included, belongs to the data.
        st.lists(st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"])), min_size=1, max_size=3),
    ),
    max_size=4,
)


@given(events=EVENTS, end=st.sampled_from(["\n", "\r", "\r\n"]), cuts=st.lists(st.integers(0, 60), max_size=4))
async def test_events_are_read_however_they_are_cut(
    events: list[tuple[str, list[str]]], end: str, cuts: list[int]
) -> None:
    text = ""
    for name, lines in events:
        text += end.join([f"event: {name}", *(f"data: {line}" for line in lines), "id: 4", ": ping", "", ""])
    assert await parse(text.encode(), cuts) == [(name, "\n".join(lines)) for name, lines in events]


async def test_an_event_cut_off_by_the_end_is_dropped() -> None:
    assert await parse(b"data: a\n\ndata: b\n", []) == [("message", "a")]
    assert await parse(b"data:a\r\n\r", []) == [("message", "a")]
