"""An engine that plays what it is told to, a home with two articles, and a parser of server-sent events."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, cast

import httpx
from fastapi import FastAPI

from api.app import create_app
from qa.errors import FilterError, NotFoundError, QuestionError
from qa.events import CitationEvent, DeltaEvent, DoneEvent, Event, PassagesEvent, SentenceEvent, StatusEvent
from qa.library.catalog import ArticlePage, StoredArticle, Version
from qa.library.home import Home
from qa.library.index import LibraryStatus, ReembeddingStatus
from qa.library.sessions import Exchange, Session
from qa.models import (
    Answer,
    Article,
    Ask,
    Citation,
    DateRange,
    Facets,
    Filters,
    Hit,
    Passage,
    Retrieved,
    Sentence,
    Timings,
    Turn,
    Usage,
)
from qa.settings import Settings
from tests.fakes import FakeEmbedder

BASE_URL = "http://127.0.0.1"
Step = Event | Exception | asyncio.Event | float

FLOOD = Article(
    id="flood",
    text="The flood killed four people. The mayor said “we mourn them”.",
    title="Four dead",
    source="Courier",
    published=date(2025, 3, 24),
    published_from="header",
    published_at="2025-03-24T17:30:00+01:00",
    language="en",
)
BRIDGE = Article(id="desk/7", text="A bridge will be built.", url="https://news.example/bridge", authors=("A. Ray",))

PASSAGE = Passage(
    chunk_id="flood-0",
    article_id="flood",
    score=0.9,
    text=FLOOD.text,
    start=0,
    end=len(FLOOD.text),
    published=FLOOD.published,
    title=FLOOD.title,
    source=FLOOD.source,
    published_from="header",
    also_reported_by=("Coastwire",),
)


def _citation(n: int, article: Article, quote: str) -> Citation:
    start = article.text.index(quote)
    return Citation(
        n=n,
        article_id=article.id,
        chunk_id=f"{article.id}-0",
        title=article.title,
        url=article.url,
        source=article.source,
        published=article.published,
        published_from=article.published_from,
        quote=quote,
        start=start,
        end=start + len(quote),
        supported=True,
    )


_TEXT = "Four people died “überall” [1]. A bridge comes [2] (see [1])."
ANSWER = Answer(
    id="a1",
    question="How many died?",
    as_of=date(2025, 4, 1),
    text=_TEXT,
    abstained=False,
    sentences=(
        Sentence(start=0, end=_TEXT.index(" A bridge"), supported=True, citations=(1,)),
        Sentence(start=_TEXT.index("A bridge"), end=len(_TEXT), supported=True, citations=(2, 1)),
    ),
    citations=(_citation(1, FLOOD, "The flood killed four people."), _citation(2, BRIDGE, "A bridge will be built.")),
    passages=(PASSAGE,),
    date_range=DateRange(start=date(2025, 3, 1), end=None, reason="asked for by the caller"),
    model="openai:gpt-test",
    usage=Usage(input_tokens=120, output_tokens=30),
    timings_ms=Timings(retrieve=12.5, total=80.0),
    warnings=("one marker was removed",),
)
ABSTAINED = Answer(
    id="a2",
    question="Who won?",
    as_of=date(2025, 4, 1),
    text="The articles do not say.",
    abstained=True,
    model="extractive",
)


def events_of(answer: Answer, pieces: int = 3) -> list[Event]:
    """A stream that ends with ``answer``."""
    size = max(1, -(-len(answer.text) // pieces))
    return [
        StatusEvent("retrieve"),
        PassagesEvent(answer.passages),
        StatusEvent("generate"),
        *(DeltaEvent(answer.text[at : at + size]) for at in range(0, len(answer.text), size)),
        *map(SentenceEvent, answer.sentences),
        *map(CitationEvent, answer.citations),
        DoneEvent(answer),
    ]


class FakeEngine:
    """Plays queued scripts, one for each question, else answers ``ANSWER``.

    A script is a list of events; an exception in it is raised, an ``asyncio.Event`` is waited for, and so is a number
    of seconds. ``asks`` records the questions, ``ended`` how each stream came to its end: ``done``, ``failed`` or
    ``cancelled``.
    """

    def __init__(self, *scripts: Sequence[Step]) -> None:
        self.scripts = deque(scripts)
        self.asks: list[Ask] = []
        self.ended: list[str] = []
        self.search_error: Exception | None = None
        self.warm_error: Exception | None = None

    prompt_version = "7"

    def models(self) -> tuple[str, ...]:
        return ("openai:gpt-test", "extractive")

    def check(self, ask: Ask) -> None:
        if not ask.question.strip():
            raise QuestionError("the question is empty")
        if len(ask.question) > 4000:
            raise QuestionError("the question is too long", hint="Shorten it.")
        if ask.start and ask.end and ask.start > ask.end:
            raise FilterError(f"from ({ask.start}) is after to ({ask.end})")

    async def stream(self, ask: Ask) -> AsyncGenerator[Event, None]:
        self.check(ask)
        self.asks.append(ask)
        how = "cancelled"
        try:
            # As model calls do: a timeout that only the task that began it may leave.
            async with asyncio.timeout(60):
                for step in self.scripts.popleft() if self.scripts else events_of(ANSWER):
                    if isinstance(step, Exception):
                        how = "failed"
                        raise step
                    if isinstance(step, asyncio.Event):
                        await step.wait()
                    elif isinstance(step, float):
                        await asyncio.sleep(step)
                    else:
                        yield step
            how = "done"
        finally:
            self.ended.append(how)

    async def answer(self, ask: Ask) -> Answer:
        async for event in self.stream(ask):
            if isinstance(event, DoneEvent):
                answer = event.answer
        return answer

    def warm(self) -> None:
        if self.warm_error:
            raise self.warm_error

    async def search(self, ask: Ask, *, k: int) -> Retrieved:
        self.asks.append(ask)
        if self.search_error:
            raise self.search_error
        hit = Hit(
            *(PASSAGE, 1, None),
            similarity=0.5,
            fused=0.02,
            age_days=8,
            age_weight=0.8,
            highlights=((4, 9),),
        )
        filters = Filters(as_of=ask.as_of or date(2025, 4, 1), start=ask.start)
        return Retrieved(
            hits=(hit,) * min(k, 3),
            filters=filters,
            date_range=DateRange(start=ask.start),
            notes=("note",),
            facets=Facets(3, {"Courier": 2, "": 1}, {"2025-03": 3}),
        )


class FakeCatalog:
    """Two articles, the second with a version that has been replaced."""

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []
        self.error: Exception | None = None
        self.at_revision = 7
        self.kept = {article.id: article for article in (FLOOD, BRIDGE)}

    def _stored(self, article: Article) -> StoredArticle:
        seen = datetime(2025, 4, 1, 12, tzinfo=UTC)
        first = Version(1, "h1", article.published, article.published, None, seen)
        return StoredArticle(article, 1, (first,), chunks=2, ingested_at=seen)

    def revision(self) -> int:
        if self.error:
            raise self.error
        return self.at_revision

    def article(self, article_id: str, *, as_of: date | None = None) -> StoredArticle:
        self.calls.append({"article_id": article_id, "as_of": as_of})
        if article_id not in self.kept:
            raise NotFoundError(f"there is no article {article_id!r}")
        return self._stored(self.kept[article_id])

    def articles(self, **options: Any) -> ArticlePage:
        self.calls.append(options)
        if options.get("cursor") == "2025-03-24~flood":
            return ArticlePage((), next_cursor=None)
        items = tuple(self._stored(replace(article, text="")) for article in self.kept.values())
        return ArticlePage(items, next_cursor="2025-03-24~flood")


class FakeIndex:
    """Deletes from the catalogue."""

    def __init__(self, catalog: FakeCatalog) -> None:
        self.catalog = catalog

    def bury(self, article_id: str) -> None:
        self.catalog.article(article_id)
        del self.catalog.kept[article_id]

    def backlog(self) -> int:
        return 1

    def status(self) -> LibraryStatus:
        return LibraryStatus(
            home=".dateline",
            articles=2,
            versions=3,
            chunks=9,
            embedded=8,
            backlog=1,
            undated=1,
            first=date(2025, 3, 24),
            last=date(2025, 3, 24),
            by_source={"": 1, "Courier": 1},
            by_language={"": 1, "en": 1},
            by_month={"2025-03": 1},
            embedding_model="fake",
            embedding_backend="fake",
            reembedding=ReembeddingStatus("other", 3, 9),
            revision=7,
            disk_bytes=1000,
        )


class FakeSessions:
    """Sessions in a dictionary, without limits."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], list[tuple[str, str]]] = {}
        self.error: Exception | None = None
        self.expired = 0

    def get(self, owner: str, session_id: str) -> Session:
        if (owner, session_id) not in self.kept:
            raise NotFoundError(f"there is no session {session_id!r}")
        seen = datetime(2025, 4, 1, 12, tzinfo=UTC)
        exchanges = tuple(Exchange(*said, asked_at=seen) for said in self.kept[owner, session_id])
        return Session(session_id, seen, seen, exchanges)

    def history(self, owner: str, session_id: str) -> tuple[Turn, ...]:
        said = self.kept.get((owner, session_id), [])
        return tuple(turn for question, answer in said for turn in (Turn("user", question), Turn("assistant", answer)))

    def add(self, owner: str, session_id: str, question: str, answer: str) -> None:
        if self.error:
            raise self.error
        self.kept.setdefault((owner, session_id), []).append((question, answer))

    def delete(self, owner: str, session_id: str) -> None:
        self.get(owner, session_id)
        del self.kept[owner, session_id]

    def expire(self) -> None:
        self.expired += 1


class FakeStore:
    """Eight vectors."""

    def __init__(self) -> None:
        self.error: Exception | None = None

    def count(self) -> int:
        if self.error:
            raise self.error
        return 8


class FakeJobs:
    """No jobs: those are tested over a real home."""

    def pending(self) -> int:
        return 0


class FakeHome:
    """What the routes need of a home. Records whether it was closed."""

    writable = False

    def __init__(self) -> None:
        self.path = Path(".dateline")
        self.catalog = FakeCatalog()
        self.index = FakeIndex(self.catalog)
        self.sessions = FakeSessions()
        self.store = FakeStore()
        self.jobs = FakeJobs()
        self.embedder: Any = FakeEmbedder()
        self.closed = False

    def close(self) -> None:
        self.closed = True


def make_app(engine: FakeEngine | None = None, home: FakeHome | None = None, **settings: Any) -> FastAPI:
    """The application over fakes."""
    return create_app(Settings(**settings), cast(Home, home or FakeHome()), engine or FakeEngine())


@asynccontextmanager
async def client_of(app: FastAPI, **headers: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client that calls ``app`` within this process."""
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url=BASE_URL, headers=headers) as client,
    ):
        yield client


class Caller:
    """Calls ``app`` message by message, so that it can read half an answer and go away."""

    def __init__(self, app: FastAPI, path: str, body: dict[str, Any]) -> None:
        self._body = json.dumps(body).encode()
        self._sent_body = False
        self._left = asyncio.Event()
        self._came = asyncio.Condition()
        self.status: int | None = None
        self.received = b""
        headers = [(b"host", b"127.0.0.1"), (b"content-type", b"application/json")]
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": "POST",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "root_path": "",
            "scheme": "http",
            "headers": headers,
            "server": ("127.0.0.1", 80),
            "client": ("127.0.0.1", 12345),
        }
        self._task = asyncio.create_task(self._run(app, scope))

    async def _run(self, app: FastAPI, scope: dict[str, Any]) -> None:
        await app(scope, self._receive, self._send)

    async def _receive(self) -> dict[str, Any]:
        if not self._sent_body:
            self._sent_body = True
            return {"type": "http.request", "body": self._body, "more_body": False}
        await self._left.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        async with self._came:
            if message["type"] == "http.response.start":
                self.status = message["status"]
            self.received += message.get("body", b"")
            self._came.notify_all()

    async def read_until(self, wanted: bytes) -> None:
        """Wait until ``wanted`` has come."""
        async with asyncio.timeout(5), self._came:
            await self._came.wait_for(lambda: wanted in self.received)

    async def leave(self) -> None:
        """Go away, and wait until the application is done with it."""
        self._left.set()
        async with asyncio.timeout(5):
            await self._task


@dataclass(frozen=True)
class Sse:
    """One server-sent event."""

    event: str
    data: str
    id: str | None

    @property
    def json(self) -> Any:
        return json.loads(self.data)


def parse_sse(text: str) -> list[Sse]:
    """The events of a whole stream, by the rules of the HTML standard; comments are left out."""
    events = []
    for block in text.replace("\r\n", "\n").replace("\r", "\n").split("\n\n"):
        fields: dict[str, list[str]] = {}
        for line in block.split("\n"):
            if line and not line.startswith(":"):
                name, _, value = line.partition(":")
                fields.setdefault(name, []).append(value.removeprefix(" "))
        if "data" in fields:
            event = fields.get("event", ["message"])[-1]
            events.append(Sse(event, "\n".join(fields["data"]), fields.get("id", [None])[-1]))
    return events
