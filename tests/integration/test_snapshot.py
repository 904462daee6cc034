"""A snapshot of the catalogue says the same as the catalogue."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from qa.errors import NotFoundError
from qa.library.catalog import Catalog
from qa.library.database import Database
from qa.library.outbox import Outbox
from qa.library.recording import Prepared, Recorder
from qa.library.snapshot import Snapshot, Snapshots, View
from qa.models import Article, Chunk, Filters
from tests.integration.collection import HARVEST, LAVROV, UNDATED, article, keep, seen, writer

FIRST = date(2024, 1, 1)
SOURCES = ("tass", "reuters", "a.b")
CHUNKS = {"Empty.": 0, "Short.": 1, "Long.": 2, "Longer.": 3}
"""How many each text is cut into."""

days = st.integers(0, 12).map(lambda offset: FIRST + timedelta(days=offset))
# Ids may hold dots, and look like another's version.
names = st.sampled_from(["a", "b", "a.1", "c.2.3"])
events = st.one_of(
    st.builds(
        Article,
        id=names,
        text=st.sampled_from(sorted(CHUNKS)),
        published=st.none() | days,
        source=st.none() | st.sampled_from(SOURCES),
    ),
    st.tuples(st.just("delete"), names),
    st.tuples(st.just("embed"), st.integers(1, 9)),
)
all_filters = st.builds(
    Filters,
    as_of=days | st.just(date.max) | st.just(date.min),
    as_of_given=st.booleans(),
    start=st.none() | days,
    end=st.none() | days,
    sources=st.lists(st.sampled_from([*SOURCES, "nobody"]), max_size=2, unique=True).map(tuple),
    articles=st.lists(names | st.just("nosuch"), max_size=2, unique=True).map(tuple),
)


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A catalogue with its schema and nothing in it."""
    path = tmp_path_factory.mktemp("empty") / "catalogue.sqlite"
    database = Database(path)
    database.migrate()
    database.close()
    return path


@contextmanager
def catalogue(empty: Path, history: list[Any]) -> Iterator[Catalog]:
    """One in which ``history`` has happened."""
    copy = Path(shutil.copy(empty, empty.with_name("copy.sqlite")))
    database = Database(copy)
    try:
        recorder, outbox = Recorder(database), Outbox(database)
        for event in history:
            match event:
                case Article():
                    recorder.record([_prepared(event)])
                case ("delete", name):
                    with suppress(NotFoundError):
                        recorder.delete(name)
                case ("embed", count):
                    outbox.mark([chunk.id for chunk in outbox.pending_embedding(count)], embedded=True)
        yield Catalog(database)
    finally:
        database.close()
        for file in empty.parent.glob("copy.sqlite*"):
            file.unlink()


def _prepared(one: Article) -> Prepared:
    return Prepared(one, tuple(Chunk(n, 0, len(one.text), tokens=1) for n in range(CHUNKS[one.text])))


@hypothesis_settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=st.lists(events, max_size=12), asked=st.lists(all_filters, min_size=1, max_size=6))
def test_a_snapshot_says_what_the_catalogue_says(empty: Path, history: list[Any], asked: list[Filters]) -> None:
    with catalogue(empty, history) as catalog:
        snapshot = Snapshot(catalog)
        assert snapshot.chunk_count() == catalog.chunk_count()
        ids = [
            f"{name}.{n}.{ordinal}"
            for name in ("a", "b", "a.1", "c.2.3", "d")
            for n in (1, 2, 3)
            for ordinal in range(4)
        ]
        for filters in asked:
            versions = catalog.versions_of(ids, filters)
            admitted = set(versions)
            assert snapshot.versions_of(ids, filters) == versions
            assert all(one.startswith(f"{version.name}.") for one, version in versions.items())
            assert snapshot.visible_chunk_count(filters) == catalog.visible_chunk_count(filters) == len(admitted)
            assert set(snapshot.chunk_ids(filters)) == set(catalog.chunk_ids(filters)) == admitted
            clusters = {version.cluster for version in versions.values()} | {"nosuch"}
            reporters = catalog.reporters(clusters, filters)
            assert snapshot.reporters(clusters, filters) == reporters
            assert reporters.keys() == clusters
            embedded = snapshot.embedded_chunk_ids(filters)
            assert sorted(embedded) == sorted(catalog.embedded_chunk_ids(filters))
            assert set(embedded) <= admitted


ARTICLE = Article(id="a", text="Long.", published=FIRST)
MORE = Article(id="b", text="Short.", published=FIRST)


def test_one_question_reads_no_snapshot_the_next_one_does(empty: Path) -> None:
    with catalogue(empty, [ARTICLE]) as catalog:
        snapshots = Snapshots(catalog)
        assert snapshots.at(1) is catalog
        kept = snapshots.at(1)
        assert isinstance(kept, Snapshot)
        assert snapshots.at(1) is kept


def test_a_new_revision_is_seen_at_once(empty: Path) -> None:
    with catalogue(empty, [ARTICLE]) as catalog:
        snapshots = Snapshots(catalog)
        assert [snapshots.at(1).chunk_count() for _ in range(3)] == [2, 2, 2]
        Recorder(catalog.database).record([_prepared(MORE)])
        assert [snapshots.at(2).chunk_count() for _ in range(3)] == [3, 3, 3]


def test_nobody_waits_while_another_reads_a_snapshot(empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with catalogue(empty, [ARTICLE]) as catalog:
        snapshots = Snapshots(catalog)
        snapshots.at(1)
        reading, go_on = threading.Event(), threading.Event()

        class Slow(Snapshot):
            def __init__(self, catalog: Catalog) -> None:
                reading.set()
                assert go_on.wait(10)
                super().__init__(catalog)

        monkeypatch.setattr("qa.library.snapshot.Snapshot", Slow)
        reader = threading.Thread(target=snapshots.at, args=(1,))
        reader.start()
        assert reading.wait(10)
        assert snapshots.at(1) is catalog
        go_on.set()
        reader.join()
        assert isinstance(snapshots.at(1), Slow)


def test_embedding_leaves_the_snapshot_be_all_else_makes_a_new_one(tmp_path: Path) -> None:
    with writer(tmp_path / "home") as home:

        def settled() -> View:
            """What answers once it has been asked often enough."""
            return [home.view() for _ in range(3)][-1]

        keep(home, LAVROV, HARVEST, drain=False)
        before = settled()
        home.index.drain()
        assert settled() is before
        later = replace(LAVROV, text="Sergey Lavrov left Brazil.", published=date(2023, 4, 18))
        for change in (UNDATED, replace(LAVROV, source="reuters"), later, "lavrov"):
            home.index.delete(change) if isinstance(change, str) else keep(home, change)
            after = settled()
            assert after is not before
            before = after


def test_however_often_it_was_asked_before_a_question_sees_what_has_been_written(tmp_path: Path) -> None:
    with writer(tmp_path / "home") as home:
        for number in range(3):
            keep(home, article(f"a{number}", f"Zebra {number} crossed the river.", "2023-04-01"))
            for _ in range(3):
                assert len(seen(home, "zebra river", as_of_given=True)) == number + 1
        home.index.delete("a1")
        for _ in range(3):
            assert len(seen(home, "zebra river", as_of_given=True)) == 2
