"""A running service's collection, as the command line uses it: its articles, its status, and articles in."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, aclosing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote

from pydantic import BaseModel

from api.connection import Connection
from api.errors import JobFailedError
from api.event_stream import sse
from api.schemas import ArticleDetail, ArticleList, ArticleSummary, Status
from qa.errors import ModelReplyError

if TYPE_CHECKING:
    import httpx

    from qa.settings import Settings

_PAGE = 500
_FILES_AT_ONCE = 50
_BYTES_AT_ONCE = 50_000_000
_LOOK_AGAIN = 1.0


class _Progress(BaseModel):
    read: int = 0
    total: int | None = None
    embedded: int = 0
    backlog: int = 0


class _JobError(BaseModel):
    code: str = "internal"
    message: str = ""


class Job(BaseModel):
    """An ingest job as the service tells of it."""

    id: str
    state: str
    progress: _Progress = _Progress()
    report: dict[str, Any] | None = None
    error: _JobError | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing more will come of it."""
        return self.state in ("done", "failed")


@dataclass(frozen=True, slots=True)
class Upload:
    """What one request brings: files, and addresses of pages and feeds to be fetched there."""

    files: tuple[Path, ...] = ()
    urls: tuple[str, ...] = ()
    feeds: tuple[str, ...] = ()


def uploads(files: Iterable[Path], urls: Sequence[str] = (), feeds: Sequence[str] = ()) -> Iterator[Upload]:
    """Everything in portions that a service takes at a time: first the files in their order, then the addresses."""
    batch: list[Path] = []
    size = 0
    for path in files:
        length = path.stat().st_size
        if batch and (len(batch) >= _FILES_AT_ONCE or size + length > _BYTES_AT_ONCE):
            yield Upload(files=tuple(batch))
            batch, size = [], 0
        batch.append(path)
        size += length
    if batch:
        yield Upload(files=tuple(batch))
    for at in range(0, len(urls), _FILES_AT_ONCE):
        yield Upload(urls=tuple(urls[at : at + _FILES_AT_ONCE]))
    for at in range(0, len(feeds), _FILES_AT_ONCE):
        yield Upload(feeds=tuple(feeds[at : at + _FILES_AT_ONCE]))


class Remote:
    """The collection of the service that ``settings`` name. An asynchronous context manager.

    Raises what :class:`Connection` raises, and what the service says is wrong.
    """

    def __init__(self, settings: Settings, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        key = settings.server_key.get_secret_value() if settings.server_key else None
        # An upload is answered when it has been received; everything else at once.
        self._connection = Connection(settings.server_url or "", timeout=120, key=key, transport=transport)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._connection.__aexit__(*exc)

    async def status(self) -> Status:
        """What the collection there holds."""
        response = await self._connection.send("GET", "/status")
        with self._connection.renamed():
            return Status.model_validate_json(response.content)

    async def articles(self) -> AsyncIterator[ArticleSummary]:
        """All articles, newest first, undated last."""
        cursor = None
        while True:
            query = {"limit": _PAGE} | ({"cursor": cursor} if cursor else {})
            response = await self._connection.send("GET", "/articles", params=query)
            with self._connection.renamed():
                page = ArticleList.model_validate_json(response.content)
            for article in page.articles:
                yield article
            cursor = page.next_cursor
            if cursor is None or not page.articles:
                return

    async def article(self, article_id: str, as_of: str | None = None) -> ArticleDetail:
        """One article. Raises ``NotFoundError``."""
        query = {"as_of": as_of} if as_of else {}
        response = await self._connection.send("GET", f"/articles/{quote(article_id)}", params=query)
        with self._connection.renamed():
            return ArticleDetail.model_validate_json(response.content)

    async def delete(self, article_id: str) -> None:
        """Delete one article. Raises ``NotFoundError``."""
        await self._connection.send("DELETE", f"/articles/{quote(article_id)}")

    async def submit(self, upload: Upload, *, restore: bool, fields: Mapping[str, str]) -> Job:
        """Send articles in; the service takes them in by the job returned."""
        query: list[tuple[str, str]] = [("map", f"{field}={name}") for field, name in fields.items()]
        if restore:
            query.append(("restore", "true"))
        with ExitStack() as opened:
            parts: list[tuple[str, Any]] = [
                ("file", (_sent_name(path), opened.enter_context(path.open("rb")))) for path in upload.files
            ]
            # Without a file there would be no multipart body: a part without a file's name is a plain field.
            parts += [("url", (None, url)) for url in upload.urls] + [("feed", (None, feed)) for feed in upload.feeds]
            response = await self._connection.send("POST", "/articles", params=query, files=parts)
        with self._connection.renamed():
            return Job.model_validate_json(response.content)

    async def follow(self, job: Job) -> AsyncGenerator[Job, None]:
        """The job whenever something changed, until it has ended; the connection may break meanwhile."""
        yield job
        while not job.ended:
            async for told in self._events(job.id):
                job = told
                yield job
            if not job.ended:
                await asyncio.sleep(_LOOK_AGAIN)
                job = await self.job(job.id)
                yield job

    async def job(self, job_id: str) -> Job:
        """How far a job is."""
        response = await self._connection.send("GET", f"/jobs/{quote(job_id)}")
        with self._connection.renamed():
            return Job.model_validate_json(response.content)

    async def _events(self, job_id: str) -> AsyncIterator[Job]:
        import httpx

        there = self._connection
        try:
            async with there.http.stream("GET", f"/jobs/{quote(job_id)}/events") as response:
                if not response.is_success:
                    there.check(response, await response.aread())
                async with aclosing(sse(response.aiter_bytes())) as events:
                    async for _, data in events:
                        yield Job.model_validate(json.loads(data))
        except httpx.HTTPError:
            # Whoever follows asks again, and is told what is wrong if that fails, too.
            return
        except ValueError as error:
            raise ModelReplyError(f"{there.url} told of a job in a way that is not known") from error


@dataclass
class Gathered:
    """The reports of several jobs as one, in the form of :meth:`ingest.pipeline.IngestReport.to_json`."""

    report: dict[str, Any] = field(default_factory=dict)

    def add(self, job: Job) -> None:
        """Count what a job that has ended did. Raises ``JobFailedError`` when it was given up."""
        if job.report is None:
            error = job.error or _JobError(message="no reason was told")
            raise JobFailedError(
                f"the service gave up on a job: {error.message} ({error.code})",
                hint="What was stored before is kept. Run the same command again.",
            )
        for name, value in job.report.items():
            self.report[name] = _sum(self.report.get(name), value)


def _sum(one: Any, other: Any) -> Any:
    if isinstance(other, bool) or one is None:
        return other
    if isinstance(other, dict) and isinstance(one, dict):
        return {**one, **{name: _sum(one.get(name), value) for name, value in other.items()}}
    if isinstance(other, list) and isinstance(one, list):
        return one + other
    return one + other if isinstance(other, int | float) and isinstance(one, int | float) else other


def _sent_name(path: Path) -> str:
    """The file's own name, which tells its format."""
    return os.fsencode(path.name).decode("utf-8", "replace")
