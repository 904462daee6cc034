"""``POST /articles`` and ``/jobs``: articles in, taken in by a job."""

from __future__ import annotations

import asyncio
import shutil
import uuid
from collections.abc import AsyncIterable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent

from api.access import caller_of
from api.errors import refused
from api.handlers import RefusedError
from api.job_schemas import ArticleIn, IngestQuery, JobView
from api.receiving import FORM, JSON, NDJSON, receive
from api.routes.problems import WITH_BODY, problems
from api.service import ServiceDep
from ingest.readers import parse_map
from qa.library.jobs import Job

_LOOK_EVERY = 0.3
_EVENTS = "Server-sent events: `progress` with the job whenever something changed, at last `done` or `failed` with it."
_ONE = ArticleIn.model_json_schema()
_FILES = {"type": "array", "items": {"type": "string", "format": "binary"}}
_TEXTS = {"type": "array", "items": {"type": "string"}}
_BODY: dict[str, Any] = {
    "required": True,
    "content": {
        JSON: {"schema": {"anyOf": [_ONE, {"type": "array", "items": _ONE, "minItems": 1}]}},
        NDJSON[0]: {"schema": {"type": "string", "description": "An article a line, each a JSON object."}},
        FORM: {"schema": {"type": "object", "properties": {"file": _FILES, "url": _TEXTS, "feed": _TEXTS}}},
    },
}

router = APIRouter(tags=["collection"])


@router.post(
    "/articles",
    status_code=202,
    response_description="The job that takes them in; Location names it.",
    responses=problems(*WITH_BODY, 503),
    openapi_extra={"requestBody": _BODY},
)
async def add_articles(
    request: Request,
    response: Response,
    query: Annotated[IngestQuery, Query()],
    service: ServiceDep,
    idempotency_key: Annotated[
        str | None,
        Header(
            min_length=1,
            max_length=255,
            pattern=r"^[!-~]+$",
            description="A name for this request: sent again with the same body it gives the same job.",
        ),
    ] = None,
) -> JobView:
    """Take in articles: one or many as JSON, NDJSON, or files of every format `dateline ingest` reads.

    An object without a `text` but with a `url` is a page to be fetched. Jobs run one after another.
    """
    fields = parse_map(query.map)
    ingestion, owner = service.ingestion, caller_of(request.scope)
    jobs = ingestion.jobs
    known = await asyncio.to_thread(jobs.under, owner, idempotency_key) if idempotency_key else None
    if known is None and await asyncio.to_thread(jobs.pending) >= service.settings.max_jobs:
        detail = f"{service.settings.max_jobs} ingest jobs wait already."
        raise RefusedError(refused("too_many_jobs", detail, headers=(("Retry-After", "30"),)))
    job_id = uuid.uuid4().hex
    folder = ingestion.folder(job_id)
    folder.mkdir(parents=True)
    new = False
    try:
        received = await receive(request, folder, most=service.settings.max_upload_files, fields=fields)
        asked = received.request(restore=query.restore, fields=fields)
        digest = received.digest(asked)
        job, new = await asyncio.to_thread(
            jobs.add, asked, digest=digest, owner=owner, key=idempotency_key, job_id=job_id
        )
    finally:
        if not new:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
    if not new and job.digest != digest:
        raise RefusedError(refused("idempotency_key", "This Idempotency-Key came before with another request."))
    ingestion.wake()
    response.headers["Location"] = f"/jobs/{job.id}"
    return JobView.of(job)


def _job(job_id: str, service: ServiceDep) -> Job:
    return service.ingestion.jobs.get(job_id)


@router.get("/jobs/{job_id}", responses=problems(404, 422, 503))
def get_job(job: Annotated[Job, Depends(_job)]) -> JobView:
    """Say how far a job is, and what came of it."""
    return JobView.of(job)


@router.get(
    "/jobs/{job_id}/events",
    response_class=EventSourceResponse,
    responses={200: {"description": _EVENTS}, **problems(404, 422, 503)},
)
async def job_events(job: Annotated[Job, Depends(_job)], service: ServiceDep) -> AsyncIterable[ServerSentEvent]:
    """Tell how far a job is until it has ended."""
    number, told = 0, None
    while True:
        view = JobView.of(job)
        if view != told:
            told, number = view, number + 1
            name = ("failed" if job.error else "done") if job.ended else "progress"
            yield ServerSentEvent(event=name, id=str(number), raw_data=view.model_dump_json(by_alias=True))
        if job.ended or service.ingestion.stopping:
            return
        await asyncio.sleep(_LOOK_EVERY)
        job = await asyncio.to_thread(_job, job.id, service)
