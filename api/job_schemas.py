"""The wire models of ingest jobs."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.schemas import Request
from qa.library.jobs import Job
from qa.models import Wire


class ArticleIn(BaseModel):
    """An article to be taken in; or, without ``text``, the page at ``url``. Other fields are ignored."""

    model_config = ConfigDict(extra="allow")

    text: str | None = Field(None, description="The article. Needed, unless the page at `url` is to be fetched.")
    title: str | None = None
    url: str | None = None
    published: str | None = Field(None, description="Day or instant of publication.")
    source: str | None = None
    authors: list[str] | str | None = None
    id: str | int | None = Field(None, description="What the article is known by, where it has no `url`.")
    language: str | None = None


class IngestQuery(Request):
    """The query string of ``POST /articles``."""

    restore: bool = Field(False, description="Bring back articles that were deleted.")
    map: list[str] = Field([], max_length=20, description="What a field is called in files, e.g. text=body.")


class JobProgress(Wire):
    """Articles ``read`` of ``total`` (null: not known yet), chunks ``embedded``, and those that wait: ``backlog``."""

    read: int = 0
    total: int | None = None
    embedded: int = 0
    backlog: int = 0


class JobError(Wire):
    """Why a job failed or was given up."""

    code: str
    message: str


class JobView(Wire):
    """An ingest job; ``report`` is what ``dateline ingest --json`` prints, once it is done.

    ``interrupted`` goes on when the service starts again; what was stored before counts as ``unchanged`` in its report.
    """

    id: str
    state: Literal["queued", "running", "interrupted", "done", "failed"]
    progress: JobProgress
    report: dict[str, Any] | None
    error: JobError | None
    attempts: int
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    @classmethod
    def of(cls, job: Job) -> JobView:
        """The wire form of a job."""
        return cls(
            id=job.id,
            state=job.state,
            progress=JobProgress(**job.progress),
            report=dict(job.report) if job.report is not None else None,
            error=JobError(**job.error) if job.error else None,
            attempts=job.attempts,
            created_at=job.created_at,
            started_at=job.started_at,
            finished_at=job.finished_at,
        )
