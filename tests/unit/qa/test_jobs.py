"""Ingest jobs as the catalogue keeps them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from qa.errors import NotFoundError
from qa.library import jobs as module
from qa.library.database import Database
from qa.library.jobs import MOST_ATTEMPTS, JobStore

ASKED = {"files": ["0/a.jsonl"], "urls": [], "feeds": [], "restore": False, "fields": {}}


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(tmp_path / "catalogue.sqlite")
    database.migrate()
    yield database
    database.close()


@pytest.fixture
def store(database: Database) -> JobStore:
    return JobStore(database)


def _added(store: JobStore, count: int = 1) -> list[str]:
    return [store.add(ASKED, digest=str(number))[0].id for number in range(count)]


def test_jobs_are_claimed_one_by_one_in_the_order_they_came(store: JobStore) -> None:
    ids = _added(store, 3)
    assert store.pending() == 3
    first = store.claim()
    assert first is not None
    assert (first.id, first.state, first.attempts, first.request) == (ids[0], "running", 1, ASKED)
    assert first.started_at is not None
    assert [job.id for _ in "12" if (job := store.claim())] == ids[1:]
    assert store.claim() is None
    assert store.pending() == 3


def test_a_job_says_how_far_it_is_and_what_came_of_it(store: JobStore) -> None:
    done, failed = _added(store, 2)
    store.claim()
    store.note(done, {"read": 3, "total": None})
    assert store.get(done).progress == {"read": 3, "total": None}
    store.finish(done, {"read": 4})
    store.fail(failed, "store", "the disk is full")
    assert (store.get(done).state, store.get(done).report, store.get(done).ended) == ("done", {"read": 4}, True)
    assert store.get(failed).error == {"code": "store", "message": "the disk is full"}
    finished = store.get(done).finished_at
    assert finished is not None
    assert abs(datetime.now(UTC) - finished) < timedelta(minutes=1)
    assert store.pending() == 0


def test_an_unknown_job_is_not_found(store: JobStore) -> None:
    with pytest.raises(NotFoundError, match="no job 'x'"):
        store.get("x")


def test_an_idempotency_key_gives_its_owner_the_same_job(store: JobStore) -> None:
    job, new = store.add(ASKED, digest="a", owner="desk", key="monday")
    again, repeated = store.add(ASKED, digest="b", owner="desk", key="monday")
    other, fresh = store.add(ASKED, digest="a", owner="feeder", key="monday")
    assert (new, repeated, fresh) == (True, False, True)
    assert (again.id, again.digest) == (job.id, "a")
    assert other.id != job.id
    # Without a key every request is a job.
    assert len({store.add(ASKED, digest="a", owner="desk")[0].id for _ in range(3)}) == 3


def test_requests_under_one_key_at_the_same_instant_make_one_job(store: JobStore) -> None:
    made: list[str] = []

    def add() -> None:
        made.append(store.add(ASKED, digest="a", owner="desk", key="k")[0].id)

    threads = [threading.Thread(target=add) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 8
    assert len(set(made)) == 1
    assert store.pending() == 1


def test_what_a_process_left_running_is_queued_again_and_at_last_given_up(store: JobStore) -> None:
    (job_id,) = _added(store)
    for attempt in range(1, MOST_ATTEMPTS + 1):
        job = store.claim()
        assert job is not None
        assert job.attempts == attempt
        assert store.recover() == ([job_id] if attempt == MOST_ATTEMPTS else [])
    given_up = store.get(job_id)
    assert (given_up.state, given_up.ended) == ("interrupted", True)
    assert given_up.error is not None
    assert given_up.error["code"] == "interrupted"
    assert store.claim() is None
    assert store.recover() == []


def test_a_service_that_stops_in_good_order_costs_no_attempt(store: JobStore) -> None:
    (job_id,) = _added(store)
    for _ in range(MOST_ATTEMPTS + 2):
        assert store.claim() is not None
        store.interrupt(job_id)
        assert (store.get(job_id).state, store.get(job_id).ended) == ("interrupted", False)
        assert store.recover() == []
    assert store.get(job_id).state == "queued"


def test_old_jobs_are_forgotten_once_they_have_ended(store: JobStore, monkeypatch: pytest.MonkeyPatch) -> None:
    old, waiting = _added(store, 2)
    store.finish(old, {})
    store.forget(30)
    assert store.get(old).state == "done"
    later = datetime.now(UTC).replace(tzinfo=None) + timedelta(days=31)
    monkeypatch.setattr(module, "_now", lambda: later)
    store.forget(30)
    with pytest.raises(NotFoundError):
        store.get(old)
    assert store.get(waiting).state == "queued"
