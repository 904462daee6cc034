"""Ingest jobs, as the catalogue's database keeps them: they outlive the process that was given them.

A job is ``queued``, then ``running``, then ``done`` or ``failed``. One whose process ended under it is ``interrupted``:
it is queued again when a process opens the home for serving, because ingesting again goes on where it stopped; after
``MOST_ATTEMPTS`` it stays as it is, lest it end one process after the other.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, cast

from sqlalchemy import Row, delete, func, insert, select, update

from qa.errors import NotFoundError, StoreError
from qa.library.database import Database
from qa.library.tables import jobs

State = Literal["queued", "running", "interrupted", "done", "failed"]

MOST_ATTEMPTS = 3
FINISHED = ("done", "failed")
_GIVEN_UP = {
    "code": "interrupted",
    "message": f"the service ended {MOST_ATTEMPTS} times while the job ran; what was stored is kept",
}


@dataclass(frozen=True, slots=True)
class Job:
    """One job. ``request`` is what was asked for, ``progress`` how far it is, ``report`` what came of it.

    ``error`` has ``code`` and ``message``; None unless it failed or was given up. Times are in UTC. ``ended`` says
    that nothing more will happen to it.
    """

    id: str
    state: State
    owner: str
    digest: str
    request: Mapping[str, Any]
    progress: Mapping[str, Any]
    report: Mapping[str, Any] | None
    error: Mapping[str, str] | None
    attempts: int
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.state in FINISHED or (self.state == "interrupted" and self.finished_at is not None)


class JobStore:
    """The jobs of a home. Safe to use from several threads and processes; one process runs them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self, request: Mapping[str, Any], *, digest: str, owner: str = "", key: str | None = None, job_id: str = ""
    ) -> tuple[Job, bool]:
        """A new job and True; or, when its owner used the idempotency ``key`` before, that job and False.

        Whether both asked for the same is for the caller to say, by ``digest``.
        """
        if key is not None and (known := self.under(owner, key)):
            return known, False
        made = job_id or uuid.uuid4().hex
        row: dict[str, Any] = {"id": made, "state": "queued", "owner": owner, "digest": digest, "attempts": 0}
        row |= {"request": json.dumps(dict(request)), "progress": "{}", "created_at": _now(), "idempotency_key": key}
        try:
            with self._database.begin() as connection:
                connection.execute(insert(jobs).values(row))
        except StoreError:
            # Another request under the same key came first, this instant.
            if key is not None and (known := self.under(owner, key)):
                return known, False
            raise
        return self.get(made), True

    def under(self, owner: str, key: str) -> Job | None:
        """The job that ``owner`` asked for under an idempotency key."""
        query = select(jobs).where(jobs.c.owner == owner, jobs.c.idempotency_key == key)
        with self._database.begin() as connection:
            row = connection.execute(query).first()
        return _job(row) if row else None

    def get(self, job_id: str) -> Job:
        """One job. Raises ``NotFoundError``."""
        with self._database.begin() as connection:
            row = connection.execute(select(jobs).where(jobs.c.id == job_id)).first()
        if row is None:
            raise NotFoundError(f"there is no job {job_id!r}", hint="Finished jobs are forgotten after some time.")
        return _job(row)

    def pending(self) -> int:
        """How many jobs wait or run."""
        query = select(func.count()).select_from(jobs).where(jobs.c.state.in_(("queued", "running")))
        with self._database.begin() as connection:
            return int(connection.execute(query).scalar_one())

    def claim(self) -> Job | None:
        """The job that has waited longest, now running; None when none waits."""
        with self._database.begin() as connection:
            query = select(jobs.c.id).where(jobs.c.state == "queued").order_by(jobs.c.created_at, jobs.c.id).limit(1)
            found = connection.execute(query).scalar()
            if found is None:
                return None
            values = {"state": "running", "started_at": _now(), "attempts": jobs.c.attempts + 1}
            connection.execute(update(jobs).where(jobs.c.id == found).values(values))
        return self.get(found)

    def note(self, job_id: str, progress: Mapping[str, Any]) -> None:
        """Keep how far a job is."""
        self._set(job_id, progress=json.dumps(dict(progress)))

    def finish(self, job_id: str, report: Mapping[str, Any]) -> None:
        """The job is done."""
        self._set(job_id, state="done", report=json.dumps(dict(report)), finished_at=_now())

    def fail(self, job_id: str, code: str, message: str) -> None:
        """The job failed."""
        error = json.dumps({"code": code, "message": message})
        self._set(job_id, state="failed", error=error, finished_at=_now())

    def interrupt(self, job_id: str) -> None:
        """The process that runs the job ends in good order: that is no attempt that went wrong."""
        self._set(job_id, state="interrupted", attempts=jobs.c.attempts - 1)

    def recover(self) -> list[str]:
        """Queue again what was interrupted, in the order it came, and return the ids of those given up.

        For the one process that runs jobs, before it runs any.
        """
        broken = jobs.c.state.in_(("running", "interrupted")) & jobs.c.finished_at.is_(None)
        with self._database.begin() as connection:
            hopeless = broken & (jobs.c.attempts >= MOST_ATTEMPTS)
            given_up = list(connection.execute(select(jobs.c.id).where(hopeless)).scalars())
            values = {"state": "interrupted", "error": json.dumps(_GIVEN_UP), "finished_at": _now()}
            connection.execute(update(jobs).where(hopeless).values(values))
            connection.execute(update(jobs).where(broken).values(state="queued"))
        return given_up

    def forget(self, days: int) -> None:
        """Forget jobs that ended more than so many days ago."""
        with self._database.begin() as connection:
            connection.execute(delete(jobs).where(jobs.c.finished_at < _now() - timedelta(days=days)))

    def _set(self, job_id: str, **values: Any) -> None:
        with self._database.begin() as connection:
            connection.execute(update(jobs).where(jobs.c.id == job_id).values(**values))


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


def _job(row: Row[Any]) -> Job:
    def when(value: datetime | None) -> datetime | None:
        return value.replace(tzinfo=UTC) if value else None

    return Job(
        id=row.id,
        state=cast(State, row.state),
        owner=row.owner,
        digest=row.digest,
        request=json.loads(row.request),
        progress=json.loads(row.progress),
        report=json.loads(row.report) if row.report else None,
        error=json.loads(row.error) if row.error else None,
        attempts=row.attempts,
        created_at=row.created_at.replace(tzinfo=UTC),
        started_at=when(row.started_at),
        finished_at=when(row.finished_at),
    )
