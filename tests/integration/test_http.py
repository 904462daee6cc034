"""The service on a real socket: OpenAI's own client, callers that hang up, starting and stopping."""

from __future__ import annotations

import asyncio
import json
import logging
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from fastapi import FastAPI

from api.app import create_app
from api.errors import ListenError
from api.ingestion import Ingestion
from api.server import listening, serve, server_of
from qa.errors import HomeInUseError, ModelAuthError, ModelTimeoutError, SettingsError
from qa.events import DeltaEvent, StatusEvent
from qa.library.home import open_home
from qa.settings import Settings
from tests.conftest import ROOT
from tests.fakes import FakeEmbedder
from tests.unit.api.fakes import ANSWER, FakeEngine, events_of, make_app, parse_sse

MESSAGES: Any = [{"role": "user", "content": "How many died?"}]
OPTIONS: Any = {"dateline": {"as_of": "2025-04-01", "top_k": 3}}


@contextmanager
def served(app: FastAPI, **settings: Any) -> Iterator[str]:
    """``app`` on a free port, in a thread of its own; yields its URL."""
    urls: list[str] = []
    ready = threading.Event()

    def on_ready(url: str) -> None:
        urls.append(url)
        ready.set()

    with listening("127.0.0.1", 0) as listener:
        server = server_of(app, Settings(**settings), listener, on_ready)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            assert ready.wait(10)
            yield urls[0]
        finally:
            server.should_exit = True
            thread.join(20)
            assert not thread.is_alive()


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


@pytest.fixture
def url(engine: FakeEngine) -> Iterator[str]:
    with served(make_app(engine)) as url:
        yield url


@pytest.fixture
def client(url: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{url}/v1", api_key="unused", max_retries=0) as client:
        yield client


def _wait_for(condition: Callable[[], bool], seconds: float = 5) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)


def test_openai_s_client_gets_text_and_citations(client: openai.OpenAI, engine: FakeEngine) -> None:
    completion = client.chat.completions.create(model="dateline", messages=MESSAGES, extra_body=OPTIONS)
    message: Any = completion.choices[0].message
    assert message.content == ANSWER.text
    assert message.citations == ANSWER.to_json()["citations"]
    assert message.abstained is False
    first = message.annotations[0]
    assert first.type == "url_citation"
    assert message.content[first.url_citation.start_index : first.url_citation.end_index] == "[1]"
    assert completion.usage is not None
    assert completion.usage.total_tokens == 150
    (ask,) = engine.asks
    assert (str(ask.as_of), ask.top_k) == ("2025-04-01", 3)


def test_openai_s_client_streams_text_and_citations(client: openai.OpenAI) -> None:
    stream = client.chat.completions.create(
        model="dateline",
        messages=MESSAGES,
        stream=True,
        stream_options={"include_usage": True},
        extra_body=OPTIONS,
    )
    *chunks, usage = list(stream)
    assert chunks[0].choices[0].delta.role == "assistant"
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == ANSWER.text
    last = chunks[-1].choices[0]
    delta: Any = last.delta
    assert last.finish_reason == "stop"
    assert (delta.citations, delta.abstained) == (ANSWER.to_json()["citations"], False)
    assert usage.usage is not None
    assert usage.usage.prompt_tokens == 120


async def test_openai_s_asynchronous_client_does_both(url: str) -> None:
    async with openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="unused", max_retries=0) as client:
        completion = await client.chat.completions.create(model="dateline", messages=MESSAGES)
        message: Any = completion.choices[0].message
        assert (message.content, len(message.citations)) == (ANSWER.text, 2)
        stream = await client.chat.completions.create(model="dateline", messages=MESSAGES, stream=True)
        chunks = [chunk async for chunk in stream]
        delta: Any = chunks[-1].choices[0].delta
        assert len(delta.citations) == 2
        names = [model.id async for model in client.models.list()]
        assert names == ["dateline", "openai:gpt-test", "extractive"]


def test_openai_s_client_understands_the_errors(client: openai.OpenAI, engine: FakeEngine) -> None:
    def ask(**options: Any) -> Any:
        return client.chat.completions.create(**{"model": "dateline", "messages": MESSAGES, **options})

    with pytest.raises(openai.NotFoundError) as missing:
        ask(model="gpt-4")
    assert (missing.value.code, missing.value.param) == ("model_not_found", "model")
    with pytest.raises(openai.BadRequestError, match="n can only be 1"):
        ask(n=2)
    engine.scripts.append([ModelAuthError("the provider refused the key")])
    with pytest.raises(openai.InternalServerError, match="DATELINE_MODEL_API_KEY"):
        ask(stream=True)
    engine.scripts.append([StatusEvent("retrieve"), DeltaEvent("Four"), ModelTimeoutError("no more words came")])
    with pytest.raises(openai.APIError, match="no more words came"):
        list(ask(stream=True))


def test_openai_s_client_repeats_only_what_may_pass(url: str, engine: FakeEngine) -> None:
    with openai.OpenAI(base_url=f"{url}/v1", api_key="unused", max_retries=1) as client:
        engine.scripts.append([ModelAuthError("the provider refused the key")])
        with pytest.raises(openai.InternalServerError):
            client.chat.completions.create(model="dateline", messages=MESSAGES)
        assert len(engine.asks) == 1
        engine.scripts.append([ModelTimeoutError("no reply within 60 s")])
        assert client.chat.completions.create(model="dateline", messages=MESSAGES).choices
        assert len(engine.asks) == 3


def test_events_arrive_as_they_happen(url: str, engine: FakeEngine) -> None:
    engine.scripts.append([StatusEvent("retrieve"), DeltaEvent("Four"), asyncio.Event()])
    with (
        httpx.Client(base_url=url) as client,
        client.stream("POST", "/chat", json={"question": "How many?", "stream": True}) as reply,
    ):
        received = ""
        for piece in reply.iter_text():
            received += piece
            if "Four" in received:
                assert not engine.ended
                break
        assert [event.event for event in parse_sse(received)] == ["status", "delta"]
    _wait_for(lambda: engine.ended == ["cancelled"], seconds=1)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("path", ["/chat", "/v1/chat/completions"])
def test_callers_that_hang_up_cancel_their_answers(
    url: str, engine: FakeEngine, path: str, stream: bool, caplog: pytest.LogCaptureFixture
) -> None:
    # Some are waiting for the model, and some in the middle of a flood of words.
    engine.scripts += [[StatusEvent("retrieve"), asyncio.Event()]] * 5
    engine.scripts += [[*events_of(ANSWER)[:3], *[DeltaEvent("word ")] * 200_000, asyncio.Event()]] * 5
    question = {"question": "How many?"} if path == "/chat" else {"messages": MESSAGES}
    body = json.dumps({**question, "stream": stream})
    host, port = url.removeprefix("http://").split(":")
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    callers = []
    for number in range(10):
        caller = socket.create_connection((host, int(port)))
        caller.sendall((head + body).encode())
        callers.append(caller)
        _wait_for(lambda: len(engine.asks) == number + 1)  # noqa: B023 - called before the next turn
    for caller in callers:
        caller.close()
    _wait_for(lambda: engine.ended == ["cancelled"] * 10, seconds=2)
    assert httpx.get(f"{url}/health/live").status_code == 200
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


def _connected(url: str) -> socket.socket:
    host, port = url.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=5)


def _rest(connection: socket.socket) -> bytes:
    """What the service still says before it closes the connection; it may do so in the middle of what it is sent."""
    received = b""
    try:
        while piece := connection.recv(65_536):
            received += piece
    except ConnectionResetError:
        pass
    return received


def _seconds_until_closed(connection: socket.socket, drop: bytes) -> float:
    """How long the service lets a caller send one ``drop`` after the other; 10 and more: for ever."""
    began = time.monotonic()
    with suppress(BrokenPipeError, ConnectionResetError):
        while time.monotonic() < began + 10:
            connection.sendall(drop)
            time.sleep(0.05)
    return time.monotonic() - began


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.protocol.HEAD_SECONDS", 0.3)
    monkeypatch.setattr("api.security.BODY_SECONDS", 0.3)


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize(
    ("sent", "told"),
    [
        (b"", b""),
        (b"GET /health/live HT", b"HTTP/1.1 408 Request Timeout"),
        (b"GET /health/live HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ", b"HTTP/1.1 408 Request Timeout"),
    ],
)
def test_a_head_that_does_not_come_to_its_end_is_not_waited_for(url: str, sent: bytes, told: bytes) -> None:
    with _connected(url) as connection:
        connection.sendall(sent)
        assert _rest(connection).startswith(told)


@pytest.mark.usefixtures("hasty")
def test_a_head_that_comes_in_drops_is_not_waited_for(url: str) -> None:
    with _connected(url) as connection:
        # A whole request first: the next one on a connection that is kept is held to the same.
        connection.sendall(b"GET /health/live HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert connection.recv(65_536).startswith(b"HTTP/1.1 200")
        assert _seconds_until_closed(connection, b"\r\n") < 3


@pytest.mark.usefixtures("hasty")
def test_an_answer_is_not_broken_off_by_a_next_request_that_is_late(url: str, engine: FakeEngine) -> None:
    engine.scripts.append([StatusEvent("retrieve"), 1.0, *events_of(ANSWER)[3:]])
    body = json.dumps({"question": "How many?", "stream": True}).encode()
    head = f"POST /chat HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    with _connected(url) as connection:
        connection.sendall(head.encode() + b"\r\n\r\n" + body + b"GET /hea")
        assert b"event: done" in _rest(connection)


def test_a_head_without_an_end_is_not_kept(url: str) -> None:
    sent = 0
    with _connected(url) as connection:
        connection.sendall(b"GET /health/live HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Long: ")
        try:
            while sent < 50_000_000:
                sent += connection.send(b"x" * 65_536)
        except OSError:
            pass
        told = _rest(connection)
    assert sent < 20_000_000  # what the kernel takes on both sides without anybody reading it
    assert not told or told.startswith(b"HTTP/1.1 431")  # a reset may overtake it
    assert httpx.get(f"{url}/health/live").status_code == 200


@pytest.mark.parametrize("size", [1_000, 65_536, 1_000_000])
def test_a_body_is_no_head(url: str, size: int) -> None:
    with httpx.Client(base_url=url) as client:
        for _ in range(3):
            reply = client.post("/chat", json={"question": "How many?", "x": "y" * size})
            assert (reply.status_code, reply.json()["code"]) == (422, "validation")
        assert client.get("/health/live").status_code == 200


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("path", ["/chat", "/v1/chat/completions", "/articles"])
def test_a_body_that_comes_in_drops_is_refused(url: str, path: str) -> None:
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n"
    with _connected(url) as connection:
        connection.sendall(head.encode() + b'{"question": ')
        told = _rest(connection).decode()
    assert told.startswith("HTTP/1.1 408 ")
    assert "connection: close" in told.lower()
    assert '"body_too_slow"' in told


@pytest.mark.usefixtures("hasty")
def test_who_was_refused_may_not_go_on_sending_for_ever(url: str) -> None:
    with _connected(url) as connection:
        connection.sendall(b"POST /nothing HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n")
        assert connection.recv(65_536).startswith(b"HTTP/1.1 404")
        assert _seconds_until_closed(connection, b"1\r\nx\r\n") < 3


def test_a_port_in_use_is_said_so(tmp_path: Path) -> None:
    with listening("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ListenError, match=f"port {port} on 127.0.0.1 is in use"):
            serve(Settings(home=tmp_path / "home"), port=port)
    assert not (tmp_path / "home").exists()


def test_an_address_that_is_not_ours_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(ListenError, match=r"cannot listen on 203\.0\.113\.1, port 8000: "):
        serve(Settings(home=tmp_path / "home"), "203.0.113.1", insecure=True)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "news.example"])
def test_other_machines_are_kept_out_unless_told(tmp_path: Path, host: str) -> None:
    with pytest.raises(SettingsError, match="other machines") as refused:
        serve(Settings(home=tmp_path / "home"), host)
    assert "--insecure" in refused.value.hint


SERVE = """
import sys
from pathlib import Path
from qa.settings import Settings
from api.server import serve
serve(Settings(home=Path(sys.argv[1]), port=int(sys.argv[2])))
print("closed")
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_service_stops_in_good_order(tmp_path: Path, number: signal.Signals) -> None:
    home = tmp_path / "home"
    with listening("127.0.0.1", 0) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-c", SERVE, str(home), str(port)],
        cwd=ROOT,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with process:
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            assert process.stderr.readline() == f"Dateline is listening on http://127.0.0.1:{port}\n"
            who = "There are no API keys: only this machine is answered, and whoever is on it.\n"
            assert process.stderr.readline() == who
            assert process.stderr.readline() == "Nothing leaves this machine.\n"
            with pytest.raises(HomeInUseError, match="serve"):
                open_home(Settings(home=home), embedder=FakeEmbedder())
            assert httpx.get(f"http://127.0.0.1:{port}/status").json()["articles"] == 0
        finally:
            process.send_signal(number)
            stdout, stderr = process.communicate(timeout=60)
    assert (process.returncode, stdout, stderr) == (0, "closed\n", "")
    open_home(Settings(home=home), write="ingest").close()


async def test_an_application_without_a_server_of_ours_holds_its_home_until_it_stops(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home")
    app = create_app(settings, engine=FakeEngine())
    async with app.router.lifespan_context(app):
        with pytest.raises(HomeInUseError, match="serve"):
            open_home(settings, write="ingest")
    open_home(settings, write="ingest").close()


def test_running_answers_are_finished_when_the_service_stops(engine: FakeEngine) -> None:
    engine.scripts.append([StatusEvent("retrieve"), 0.7, *events_of(ANSWER)[3:]])
    replies: list[httpx.Response] = []
    with served(make_app(engine)) as url:
        ask = {"question": "How many?", "stream": True}
        thread = threading.Thread(target=lambda: replies.append(httpx.post(f"{url}/chat", json=ask, timeout=20)))
        thread.start()
        _wait_for(lambda: len(engine.asks) == 1)
    # Here the service has been told to stop, and has stopped.
    thread.join(5)
    assert parse_sse(replies[0].text)[-1].event == "done"


@pytest.mark.parametrize("stream", [True, False])
def test_what_is_not_finished_in_time_is_ended_before_the_home_is_closed(
    engine: FakeEngine, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, stream: bool
) -> None:
    engine.scripts.append([StatusEvent("retrieve"), *events_of(ANSWER)[3:4], 30.0])
    ended_at_close: list[list[str]] = []

    stop_jobs = Ingestion.stop

    async def stop(ingestion: Ingestion) -> None:
        ended_at_close.append(list(engine.ended))
        await stop_jobs(ingestion)

    # The first of what the end of the service ends.
    monkeypatch.setattr(Ingestion, "stop", stop)
    told: list[httpx.Response | Exception] = []

    def ask(url: str) -> None:
        try:
            told.append(httpx.post(f"{url}/chat", json={"question": "How many?", "stream": stream}, timeout=20))
        except httpx.RemoteProtocolError as error:
            told.append(error)

    with served(make_app(engine), shutdown_grace=0) as url:
        thread = threading.Thread(target=ask, args=(url,))
        thread.start()
        _wait_for(lambda: len(engine.asks) == 1)
        time.sleep(0.2)
    thread.join(5)
    assert ended_at_close == [["cancelled"]]
    if stream:
        # Broken off, so that nobody takes it for the whole answer.
        assert isinstance(told[0], httpx.RemoteProtocolError)
    else:
        assert isinstance(told[0], httpx.Response)
        assert (told[0].status_code, told[0].json()["code"]) == (503, "not_ready")
    assert not [record for record in caplog.records if record.exc_info]
