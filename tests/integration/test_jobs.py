"""Articles over HTTP: received, taken in by jobs beside the questions, deleted, and kept through a restart."""

from __future__ import annotations

import asyncio
import gzip
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from api import ingestion
from api.app import create_app
from api.keys import add_key
from api.server import listening
from qa.library.home import Home, open_home
from qa.library.jobs import MOST_ATTEMPTS
from qa.settings import Settings
from tests.conftest import ROOT
from tests.fakes import FakeEmbedder
from tests.unit.api.fakes import BASE_URL, FakeEngine, parse_sse
from tests.unit.ingest.web_server import Reply, serving

FLOOD = {"id": "flood", "text": "The flood killed four people. The mayor mourned them.", "published": "2025-03-24"}
BRIDGE = {"id": "bridge", "text": "A bridge will be built over the river. It costs nine million."}


class Embedder(FakeEmbedder):
    """Waits for ``gate`` before it embeds documents."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Event()
        self.gate.set()

    def embed(self, texts: Any, *, query: bool = False) -> Any:
        if not query:
            assert self.gate.wait(20)
        return super().embed(texts, query=query)


@pytest.fixture
def embedder() -> Embedder:
    return Embedder()


@pytest.fixture
def home(tmp_path: Path, embedder: Embedder) -> Iterator[Home]:
    with open_home(Settings(home=tmp_path / "home"), write="serve", embedder=embedder) as home:
        yield home


@asynccontextmanager
async def client_over(home: Home, **settings: Any) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(Settings(home=home.path, **settings), home, FakeEngine())
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url=BASE_URL) as client,
    ):
        yield client


@pytest.fixture
async def client(home: Home) -> AsyncIterator[httpx.AsyncClient]:
    async with client_over(home) as client:
        yield client


async def _ended(client: httpx.AsyncClient, job_id: str) -> dict[str, Any]:
    async with asyncio.timeout(20):
        while True:
            job: dict[str, Any] = (await client.get(f"/jobs/{job_id}")).json()
            if job["state"] in ("done", "failed"):
                return job
            await asyncio.sleep(0.01)


async def _add(client: httpx.AsyncClient, **told: Any) -> dict[str, Any]:
    reply = await client.post("/articles", **told)
    assert reply.status_code == 202, reply.text
    assert reply.headers["location"] == f"/jobs/{reply.json()['id']}"
    return await _ended(client, reply.json()["id"])


async def _ids(client: httpx.AsyncClient) -> set[str]:
    return {one["id"] for one in (await client.get("/articles")).json()["articles"]}


def _left(home: Home) -> list[Path]:
    return list((home.path / "jobs").glob("*"))


@pytest.mark.parametrize("body", [FLOOD, [FLOOD, BRIDGE]], ids=["one", "many"])
async def test_json_is_taken_in(client: httpx.AsyncClient, home: Home, body: Any) -> None:
    job = await _add(client, json=body)
    count = len(body) if isinstance(body, list) else 1
    assert (job["state"], job["error"], job["attempts"]) == ("done", None, 1)
    assert (job["report"]["stored"], job["report"]["failed"]) == (count, [])
    assert job["progress"]["read"] == job["progress"]["total"] == count
    assert job["progress"]["backlog"] == 0
    article = (await client.get("/articles/flood")).json()
    assert (article["text"], article["published"]) == (FLOOD["text"], "2025-03-24")
    assert not _left(home)


async def test_the_report_is_that_of_the_command(client: httpx.AsyncClient) -> None:
    lines = [FLOOD, {"id": "x", "text": " "}, {**BRIDGE, "published": "some day"}]
    content = "\n".join(map(json.dumps, lines)) + "\nnonsense\n"
    job = await _add(client, content=content, headers={"Content-Type": "application/x-ndjson"})
    report = job["report"]
    assert (job["state"], report["stored"], report["read"]) == ("done", 2, 2)
    assert [item["where"] for item in report["failed"]] == ["articles.jsonl:2", "articles.jsonl:4"]
    assert [item["where"] for item in report["warnings"]] == ["articles.jsonl:3"]
    assert set(report) >= {"read", "stored", "updated", "unchanged", "deleted", "duplicates", "seconds", "elapsed"}


async def test_files_of_many_formats_are_taken_in_under_their_own_names(client: httpx.AsyncClient) -> None:
    page = "<html><head><title>Harvest</title></head><body><article><p>The wheat harvest was poor this year, "
    page += "and farmers blamed the drought that had lasted for months.</p></article></body></html>"
    files = [
        ("file", ("wire.jsonl.gz", gzip.compress(json.dumps(FLOOD).encode()))),
        ("file", ("../../etc/desk.csv", b"text,published\nA ferry sank in the bay.,2025-01-02\n,2025-01-02\n")),
        ("file", ("page.html", page.encode())),
        ("file", ("page.html", b"<html><body></body></html>")),
        ("anything", ("note.txt", b"date: 2025-01-04\n\nThe lighthouse was painted white.")),
    ]
    job = await _add(client, files=files)
    assert job["state"] == "done"
    assert job["report"]["stored"] == 4
    # The second page holds no article.
    assert [item["where"] for item in job["report"]["failed"]] == ["desk.csv:3", "page.html"]


async def test_options_of_the_command_are_options_of_the_query(client: httpx.AsyncClient) -> None:
    body = {"id": "a", "body": "The flood killed four people.", "day": "2025-03-24"}
    query = {"map": ["text=body", "published=day"]}
    assert (await _add(client, json=body, params=query))["report"]["stored"] == 1
    assert (await client.delete("/articles/a")).status_code == 204
    assert (await _add(client, json=body, params=query))["report"]["deleted"] == 1
    assert (await _add(client, json=body, params={**query, "restore": "true"}))["report"]["stored"] == 1
    refused = await client.post("/articles", json=body, params={"map": "body"})
    assert (refused.status_code, refused.json()["code"]) == (400, "usage")


async def test_a_url_is_fetched_and_private_ones_are_not(home: Home) -> None:
    page = "<html><body><article><p>The wheat harvest was poor this year, and farmers blamed the drought.</p></article>"
    with serving() as server:
        server.replies["/story"] = Reply(page.encode())
        url = f"http://127.0.0.1:{server.port}"
        async with client_over(home) as client:
            job = await _add(client, json={"url": f"{url}/story"})
            (failed,) = job["report"]["failed"]
            assert failed["where"] == f"{url}/story"
            assert "only public addresses" in failed["reason"]
        home.settings = home.settings.model_copy(update={"fetch_private": True, "fetch_delay": 0.0})
        async with client_over(home) as client:
            assert (await _add(client, json={"url": f"{url}/story"}))["report"]["stored"] == 1
            # Beside articles that are sent with their texts, and as a field of a form.
            assert (await _add(client, json=[FLOOD, {"url": f"{url}/story"}]))["report"]["stored"] == 1
            told = await _add(client, files=[("url", (None, f"{url}/story"))])
            assert told["report"]["unchanged"] == 1


@pytest.mark.parametrize(
    ("told", "status", "code", "field"),
    [
        ({"json": []}, 422, "validation", ""),
        ({"json": "text"}, 422, "validation", ""),
        ({"json": {"title": "No text"}}, 422, "validation", "text"),
        ({"json": [FLOOD, {"text": 7}]}, 422, "validation", "1.text"),
        ({"json": [FLOOD, None]}, 422, "validation", "1"),
        ({"content": "{", "headers": {"Content-Type": "application/json"}}, 400, "invalid_json", None),
        ({"content": "[" * 100_000, "headers": {"Content-Type": "application/json"}}, 400, "invalid_json", None),
        ({"content": "x"}, 415, "unsupported_media_type", None),
        ({"content": "x", "headers": {"Content-Type": "text/csv"}}, 415, "unsupported_media_type", None),
        ({"files": [("file", ("run.exe", b"x"))]}, 422, "validation", "file"),
        ({"files": [("file", (None, "x"))]}, 422, "validation", "file"),
        ({"content": "x", "headers": {"Content-Type": "multipart/form-data"}}, 400, "bad_request", None),
        ({"json": FLOOD, "params": {"restored": "true"}}, 422, "validation", "restored"),
        ({"json": FLOOD, "headers": {"Idempotency-Key": "x" * 256}}, 422, "validation", "idempotency-key"),
        ({"json": [{"url": "https://news.example"}] * 4}, 422, "validation", ""),
        ({"files": [("file", ("a.txt", b"x"))] * 4}, 400, "bad_request", None),
    ],
)
async def test_what_cannot_be_used_is_refused_and_leaves_nothing(
    home: Home, told: dict[str, Any], status: int, code: str, field: str | None
) -> None:
    async with client_over(home, max_upload_files=3) as client:
        reply = await client.post("/articles", **told)
    assert (reply.status_code, reply.json()["code"]) == (status, code), reply.text
    assert reply.headers["content-type"] == "application/problem+json"
    if field is not None:
        assert [error["field"] for error in reply.json()["errors"]] == [field]
    assert not _left(home)
    assert home.jobs.pending() == 0


async def test_the_same_key_gives_the_same_job_and_another_body_is_refused(home: Home, tmp_path: Path) -> None:
    file = tmp_path / "keys.jsonl"
    desk = {"Authorization": f"Bearer {add_key(file, 'desk', ['ingest'])}"}
    other = {"Authorization": f"Bearer {add_key(file, 'other', ['ingest'])}"}
    async with client_over(home, api_keys_file=file) as client:

        async def post(body: Any, headers: dict[str, str], **params: str) -> httpx.Response:
            return await client.post("/articles", json=body, headers={"Idempotency-Key": "k", **headers}, params=params)

        first, again = await post(FLOOD, desk), await post(FLOOD, desk)
        assert (first.status_code, again.status_code) == (202, 202)
        assert first.json()["id"] == again.json()["id"]
        for refused in (await post(BRIDGE, desk), await post(FLOOD, desk, restore="true")):
            assert (refused.status_code, refused.json()["code"]) == (422, "idempotency_key")
        assert (await post(BRIDGE, other)).json()["id"] != first.json()["id"]
        # A form's boundary is another with each request; what it holds is not.
        files = [("file", ("a.txt", b"date: 2025-01-04\n\nThe lighthouse was painted white."))]
        sent = [await client.post("/articles", files=files, headers={"Idempotency-Key": "f", **desk}) for _ in "12"]
        assert len({reply.json()["id"] for reply in sent}) == 1


async def test_jobs_wait_in_a_queue_that_has_an_end(home: Home, embedder: Embedder) -> None:
    embedder.gate.clear()
    async with client_over(home, max_jobs=2) as client:
        headers = {"Idempotency-Key": "first"}
        first = await client.post("/articles", json=FLOOD, headers=headers)
        second = await client.post("/articles", json=BRIDGE)
        third = await client.post("/articles", json=BRIDGE)
        assert (third.status_code, third.json()["code"]) == (503, "too_many_jobs")
        assert int(third.headers["retry-after"]) >= 1
        # A request that came before is no new job.
        assert (await client.post("/articles", json=FLOOD, headers=headers)).json()["id"] == first.json()["id"]
        assert (await client.get(f"/jobs/{second.json()['id']}")).json()["state"] == "queued"
        assert "dateline_jobs_waiting 2.0" in (await client.get("/metrics")).text
        embedder.gate.set()
        for reply in (first, second):
            assert (await _ended(client, reply.json()["id"]))["state"] == "done"
        assert await _ids(client) == {"flood", "bridge"}


async def test_an_article_is_deleted_while_a_job_runs(home: Home, embedder: Embedder) -> None:
    async with client_over(home) as client:
        await _add(client, json=FLOOD)
        embedder.gate.clear()
        job = (await client.post("/articles", json=BRIDGE)).json()
        await _until(lambda: home.index.backlog() > 0)
        for article in ("flood", "bridge"):
            assert (await client.delete(f"/articles/{article}")).status_code == 204
            assert (await client.get(f"/articles/{article}")).status_code == 404
        assert (await client.get("/jobs/" + job["id"])).json()["state"] == "running"
        embedder.gate.set()
        assert (await _ended(client, job["id"]))["state"] == "done"
        await _until(lambda: not home.index.removals_wait())
    assert home.index.check().problems == ()
    assert (home.store.count(), home.lexical.ids()) == (0, set())


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.01)


async def test_progress_is_told_as_events(home: Home, embedder: Embedder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingestion, "_NOTE_EVERY", 0.0)
    embedder.gate.clear()
    async with client_over(home) as client:
        job = (await client.post("/articles", json=[FLOOD, BRIDGE])).json()
        watching = asyncio.create_task(client.get(f"/jobs/{job['id']}/events"))
        await _until(lambda: home.jobs.get(job["id"]).progress.get("read") == 2)
        await asyncio.sleep(0.7)
        embedder.gate.set()
        reply = await watching
        late = await client.get(f"/jobs/{job['id']}/events")
        missing = await client.get("/jobs/none/events")
    assert reply.headers["content-type"].startswith("text/event-stream")
    events = parse_sse(reply.text)
    assert [event.event for event in events[:-1]] == ["progress"] * (len(events) - 1)
    assert len(events) >= 2
    assert [event.id for event in events] == [str(number) for number in range(1, len(events) + 1)]
    assert events[-2].json["progress"]["read"] == 2
    assert (events[-1].event, events[-1].json["report"]["stored"]) == ("done", 2)
    assert [event.event for event in parse_sse(late.text)] == ["done"]
    assert (missing.status_code, missing.json()["code"]) == (404, "not_found")


async def test_a_fault_fails_its_job_and_no_other(
    client: httpx.AsyncClient, embedder: Embedder, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(text: str) -> Any:
        raise ZeroDivisionError("secret detail")

    embedder.token_spans = broken  # type: ignore[method-assign]
    job = await _add(client, json=FLOOD)
    assert (job["state"], job["error"]["code"], job["report"]) == ("failed", "internal", None)
    assert "secret" not in json.dumps(job)
    assert "secret detail" in caplog.text
    del embedder.token_spans
    assert (await _add(client, json=BRIDGE))["state"] == "done"


async def test_a_job_goes_on_after_a_restart(home: Home, embedder: Embedder) -> None:
    embedder.gate.clear()
    many = [{**FLOOD, "id": f"a{number}", "text": f"Report number {number} from town."} for number in range(600)]
    async with client_over(home) as client:
        job = (await client.post("/articles", json=many)).json()
        waiting = (await client.post("/articles", json=BRIDGE)).json()
        await _until(lambda: home.index.backlog() == 600)
        threading.Timer(0.3, embedder.gate.set).start()
    stopped = home.jobs.get(job["id"])
    assert (stopped.state, stopped.ended) == ("interrupted", False)
    assert home.index.backlog() > 0
    async with client_over(home) as client:
        ended = await _ended(client, job["id"])
        assert (await _ended(client, waiting["id"]))["state"] == "done"
        assert (ended["state"], ended["attempts"], ended["report"]["unchanged"]) == ("done", 1, 600)
        assert (await client.get("/status")).json()["articles"] == 601
    assert home.index.backlog() == 0
    assert not _left(home)


async def test_a_job_that_ends_every_process_is_given_up(home: Home) -> None:
    folder = home.path / "jobs" / "poison" / "0"
    folder.mkdir(parents=True)
    asked = {"files": ["0/a.jsonl"], "urls": [], "feeds": [], "restore": False, "fields": {}}
    home.jobs.add(asked, digest="d", job_id="poison")
    for _ in range(MOST_ATTEMPTS):
        home.jobs.recover()
        assert home.jobs.claim() is not None
    async with client_over(home) as client:
        async with asyncio.timeout(10):
            while (job := (await client.get("/jobs/poison")).json())["error"] is None:
                await asyncio.sleep(0.01)
        assert (job["state"], job["error"]["code"]) == ("interrupted", "interrupted")
        assert [event.event for event in parse_sse((await client.get("/jobs/poison/events")).text)] == ["failed"]
        assert (await _add(client, json=FLOOD))["state"] == "done"
    assert not _left(home)


SERVE = """
import sys
from pathlib import Path
from qa.settings import Settings
from api.server import serve
serve(Settings(home=Path(sys.argv[1]), port=int(sys.argv[2])))
"""


def _start(home: Path, port: int) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", SERVE, str(home), str(port)], cwd=ROOT, text=True, stderr=subprocess.PIPE
    )
    assert process.stderr is not None
    assert "listening" in process.stderr.readline()
    return process


def _wait_for(job_url: str, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    end = time.monotonic() + 60
    while not wanted(job := httpx.get(job_url).json()):
        assert time.monotonic() < end, job
        time.sleep(0.02)
    return dict(job)


def test_a_job_goes_on_after_the_service_was_killed(tmp_path: Path) -> None:
    with listening("127.0.0.1", 0) as free:
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    words = "river bridge council ferry harbour market winter teacher vote road".split()
    many = [
        {"id": f"a{number}", "text": f"The {words[number % 10]} of town {number} " + " ".join(words) * 4 + "."}
        for number in range(1500)
    ]
    process = _start(tmp_path / "home", port)
    with process:
        job = httpx.post(f"{url}/articles", json=many).json()
        _wait_for(f"{url}/jobs/{job['id']}", lambda job: job["progress"]["read"] > 0)
        process.kill()
    process = _start(tmp_path / "home", port)
    with process:
        try:
            ended = _wait_for(f"{url}/jobs/{job['id']}", lambda job: job["state"] in ("done", "failed"))
            assert (ended["state"], ended["attempts"], ended["report"]["read"]) == ("done", 2, 1500)
            status = httpx.get(f"{url}/status").json()
            assert (status["articles"], status["backlog"]) == (1500, 0)
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=60)
    assert process.returncode == 0
