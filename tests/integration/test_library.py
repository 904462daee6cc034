"""Catalogue, lexical index and vector store as they are, on disk."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from ingest.pipeline import Pipeline
from qa.errors import (
    EmbeddingMismatchError,
    FilterError,
    HomeError,
    HomeInUseError,
    HomeVersionError,
    NotFoundError,
    SettingsError,
    StoreError,
    StoreUnreachableError,
    VectorsDamagedError,
)
from qa.library.catalog import Catalog
from qa.library.database import HEAD, Database
from qa.library.home import Home, open_home
from qa.library.recording import Met, Recorder
from qa.library.search import Way
from qa.library.store import VectorStore
from qa.library.tables import metadata
from qa.models import Article, Filters
from tests.fakes import FakeEmbedder
from tests.integration.collection import (
    ALL,
    FUTURE,
    HARVEST,
    LAVROV,
    TODAY,
    UNDATED,
    article,
    keep,
    prepared,
    reader,
    seen,
    settings,
    writer,
)

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with writer(tmp_path / "home") as opened:
        yield opened


@pytest.fixture
def full(home: Home) -> Home:
    keep(home, *ALL)
    return home


DATES = (None, "2023-04-01", "2023-04-01T10:00:00Z", "2023-04-01T10:30:00", "2023-04-01T15:00:00+02:00", "2023-04-02")


def in_step(home: Home) -> None:
    """All three stores hold the same, and nothing is left to do."""
    assert home.index.check().problems == ()
    assert home.index.backlog() == 0
    kept = home.store.ids()
    assert home.lexical.ids() == kept == set(home.catalog.chunks_by_id(sorted(kept)))
    assert home.store.count() == home.catalog.chunk_count() == len(kept)


class TestArticles:
    def test_an_article_comes_back_as_it_was(self, full: Home) -> None:
        stored = full.catalog.article("lavrov")
        assert stored.article == LAVROV
        assert (stored.version, stored.chunks, len(stored.versions)) == (1, 3, 1)
        assert stored.versions[0].text_hash == LAVROV.text_hash
        assert stored.ingested_at.tzinfo is not None

    def test_an_unknown_article_is_not_found(self, full: Home) -> None:
        with pytest.raises(NotFoundError, match="nosuch"):
            full.catalog.article("nosuch")

    def test_offsets_count_code_points(self, home: Home) -> None:
        text = "Крах 🏦 банка. Ärger in Zürich 𝔛𝔜. 北京说不。"
        keep(home, article("u", text, "2023-04-01"))
        chunks = home.catalog.chunks_by_id(sorted(home.store.ids()))
        assert [text[chunk.start : chunk.end] for chunk in chunks.values()] == [chunk.text for chunk in chunks.values()]
        assert len(chunks) == 3

    def test_newest_first_undated_last_a_page_at_a_time(self, full: Home) -> None:
        names, cursor = [], None
        while True:
            page = full.catalog.articles(cursor=cursor, limit=1)
            names += [item.article.id for item in page.items]
            assert all(item.article.text == "" for item in page.items)
            if (cursor := page.next_cursor) is None:
                break
        assert names == ["future", "lavrov", "harvest", "undated"]

    @pytest.mark.parametrize(
        ("wanted", "names"),
        [
            ({"sources": ["tass"]}, ["future", "lavrov"]),
            ({"start": date(2023, 1, 1)}, ["future", "lavrov"]),
            ({"end": date(2023, 4, 17)}, ["lavrov", "harvest"]),
            ({"start": date(2022, 9, 1), "end": date(2022, 9, 1)}, ["harvest"]),
            ({"query": "LAVROV brazil"}, ["lavrov"]),
            ({"query": "drought"}, ["harvest"]),
            ({"query": "100%"}, []),
            ({"query": "_"}, []),
            ({"query": "  "}, ["future", "lavrov", "harvest", "undated"]),
        ],
        ids=str,
    )
    def test_a_listing_can_be_narrowed(self, full: Home, wanted: dict[str, Any], names: list[str]) -> None:
        assert [item.article.id for item in full.catalog.articles(**wanted).items] == names

    @pytest.mark.parametrize("cursor", ["x", "2023~a", "~"])
    def test_a_foreign_cursor_is_refused(self, full: Home, cursor: str) -> None:
        with pytest.raises(FilterError, match="cursor"):
            full.catalog.articles(cursor=cursor)

    def test_taking_in_the_same_again_changes_nothing(self, full: Home) -> None:
        before = full.catalog.revision()
        assert full.index.plan(ALL) == ["unchanged"] * 4
        keep(full, *ALL)
        assert full.catalog.revision() == before
        in_step(full)

    def test_other_metadata_is_an_update_not_a_version(self, full: Home) -> None:
        day = date(2023, 4, 16)
        richer = replace(
            LAVROV, title="Lavrov lands", url=None, published=day, published_from="field", published_at=None
        )
        assert full.index.plan([richer]) == ["updated"]
        keep(full, richer)
        stored = full.catalog.article("lavrov")
        assert stored.version == 1
        # What is not said now stays, but for the hour of a day that is no longer the article's.
        assert stored.article == replace(richer, url=LAVROV.url)
        assert "He met Mauro Vieira in Brasilia." in " ".join(
            seen(full, "Vieira", as_of=date(2023, 4, 16), as_of_given=True)
        )
        in_step(full)

    def test_instant_and_language_come_with_other_metadata_and_are_no_reason_by_themselves(self, full: Home) -> None:
        known = replace(HARVEST, published_at="2022-09-01T08:00:00+03:00", language="en")
        assert full.index.plan([known]) == ["unchanged"]
        keep(full, known)
        assert full.catalog.article("harvest").article == HARVEST
        keep(full, replace(known, title="A poor harvest"))
        assert full.catalog.article("harvest").article == replace(known, title="A poor harvest")
        keep(full, replace(HARVEST, title="A poorer harvest"))
        assert full.catalog.article("harvest").article == replace(known, title="A poorer harvest")

    def test_chunks_know_their_language(self, full: Home) -> None:
        languages = {
            one.article_id: one.language for one in full.catalog.chunks_by_id(sorted(full.store.ids())).values()
        }
        assert languages == {"lavrov": "en", "harvest": None, "undated": None, "future": None}

    def test_plan_tells_new_from_known(self, full: Home) -> None:
        batch = [article("new", "New."), LAVROV, replace(LAVROV, text="Other text.")]
        assert full.index.plan(batch) == ["new", "unchanged", "updated"]
        assert full.index.plan([]) == []


class TestVersions:
    def test_a_question_sees_the_version_of_its_day(self, home: Home) -> None:
        keep(home, article("a", "The bridge is open.", "2023-04-01"))
        keep(home, article("a", "The bridge is closed.", "2023-04-10"))
        early, late = {"The bridge is open."}, {"The bridge is closed."}
        assert seen(home, "bridge", as_of=date(2023, 3, 31), as_of_given=True) == set()
        assert seen(home, "bridge", as_of=date(2023, 4, 9), as_of_given=True) == early
        assert seen(home, "bridge", as_of=date(2023, 4, 10), as_of_given=True) == late
        assert home.catalog.article("a").article.text == "The bridge is closed."
        assert home.catalog.article("a", as_of=date(2023, 4, 9)).article.text == "The bridge is open."
        with pytest.raises(NotFoundError):
            home.catalog.article("a", as_of=date(2023, 3, 1))
        assert [version.number for version in home.catalog.article("a").versions] == [1, 2]
        in_step(home)

    def test_an_old_version_that_comes_in_late_stays_old(self, home: Home) -> None:
        keep(home, article("a", "Second.", "2023-04-10"))
        keep(home, article("a", "First.", "2023-04-01"))
        assert home.catalog.article("a").article.text == "Second."
        assert home.catalog.article("a", as_of=date(2023, 4, 5)).article.text == "First."

    def test_of_one_id_twice_in_a_batch_the_later_is_the_newer(self, home: Home) -> None:
        keep(home, article("a", "Draft.", "2023-04-01"), article("a", "Final.", "2023-04-01"))
        assert home.catalog.article("a").article.text == "Final."
        assert seen(home, "draft final", as_of=date(2023, 4, 1)) == {"Final."}

    def test_a_publisher_that_takes_a_correction_back_is_believed(self, home: Home) -> None:
        first, second = article("a", "The bridge is open."), article("a", "The bridge is closed.")
        keep(home, first)
        keep(home, second)
        assert home.index.plan([first]) == ["reverted"]
        keep(home, first)
        assert home.catalog.article("a").article == second
        assert home.index.revert([Met("a", first.fingerprint)]) == 1
        home.index.drain()
        stored = home.catalog.article("a")
        assert (stored.article, stored.version, stored.chunks) == (first, 3, 1)
        assert [version.text_hash for version in stored.versions] == [one.text_hash for one in (first, second, first)]
        assert seen(home, "bridge", as_of=date.max) == {"The bridge is open."}
        assert home.index.plan([first, second]) == ["unchanged", "reverted"]
        revision = home.catalog.revision()
        assert home.index.revert([Met("a", first.fingerprint), Met("nosuch", "x")]) == 0
        assert home.catalog.revision() == revision
        in_step(home)

    def test_a_text_that_comes_back_is_not_embedded_again(self, tmp_path: Path) -> None:
        embedder = FakeEmbedder()
        with open_home(settings(tmp_path), write="ingest", embedder=embedder) as home:
            first = article("a", "The bridge is open. Two lanes of it.", "2023-04-01")
            keep(home, first, article("a", "The bridge is closed.", "2023-04-01"))
            assert home.index.revert([Met("a", first.fingerprint)]) == 1
            assert home.index.drain() == 2
            assert len(embedder.embedded) == 3
            in_step(home)

    @pytest.mark.parametrize(
        ("first", "second", "again", "plan"),
        [
            ("2023-04-01", "2023-04-10", "2023-04-01", "unchanged"),
            ("2023-04-10", "2023-04-10", "2023-04-10", "reverted"),
            (None, "2023-04-10", None, "reverted"),
            ("2023-04-01", None, "2023-04-01", "unchanged"),
            (None, None, None, "reverted"),
            # Within a day the instants decide, where there are any that can be compared.
            ("2023-04-10T10:00:00Z", "2023-04-10T12:00:00Z", "2023-04-10T10:00:00Z", "unchanged"),
            ("2023-04-10T10:00:00Z", "2023-04-10T12:00:00Z", "2023-04-10T15:00:00Z", "reverted"),
            ("2023-04-10T10:00:00Z", "2023-04-10T12:00:00Z", "2023-04-10T13:00:00+02:00", "unchanged"),
            ("2023-04-10T10:00:00Z", "2023-04-10T12:00:00", "2023-04-10T10:00:00Z", "reverted"),
            ("2023-04-10T10:00:00Z", "2023-04-10", "2023-04-10T10:00:00Z", "reverted"),
        ],
        ids=str,
    )
    def test_dates_tell_an_old_file_from_a_reversal(
        self, home: Home, first: str | None, second: str | None, again: str | None, plan: str
    ) -> None:
        def told(text: str, when: str | None) -> Article:
            instant = when if when and "T" in when else None
            return article("a", text, when and when[:10], published_at=instant)

        keep(home, told("Open.", first))
        keep(home, told("Closed.", second))
        old = told("Open.", again)
        assert home.index.plan([old]) == [plan]
        assert home.index.revert([Met("a", old.fingerprint, old.published_at)]) == (plan == "reverted")
        current = home.catalog.article("a").article
        assert current == (old if plan == "reverted" else told("Closed.", second))

    def test_of_two_versions_of_a_day_the_later_instant_is_current_whichever_came_in_first(self, home: Home) -> None:
        keep(home, article("a", "Closed.", "2023-04-10", published_at="2023-04-10T12:00:00Z"))
        keep(home, article("a", "Open.", "2023-04-10", published_at="2023-04-10T11:00:00+02:00"))
        assert home.catalog.article("a").article.text == "Closed."
        keep(home, article("a", "Burnt.", "2023-04-10"))
        assert home.catalog.article("a").article.text == "Burnt."

    def test_a_reversal_with_a_date_of_its_own_leaves_the_days_before_as_they_were(self, home: Home) -> None:
        keep(home, article("a", "Open.", "2023-04-01", title="Bridge"), article("a", "Closed.", "2023-04-10"))
        again = article("a", "Open.", "2023-04-20")
        assert home.index.plan([again]) == ["updated"]
        keep(home, again)
        texts = [home.catalog.article("a", as_of=date(2023, 4, day)).article.text for day in (5, 15, 25)]
        assert texts == ["Open.", "Closed.", "Open."]
        assert home.catalog.article("a").article.title == "Bridge"
        # An old copy with a better title is none.
        keep(home, article("a", "Closed.", "2023-04-10", title="Bridge closed"))
        assert home.catalog.article("a").article.text == "Open."
        assert home.catalog.article("a", as_of=date(2023, 4, 15)).article.title == "Bridge closed"
        assert len(home.catalog.article("a").versions) == 3
        in_step(home)

    @hypothesis_settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        runs=st.lists(
            st.lists(st.tuples(st.sampled_from("ABC"), st.sampled_from(DATES)), max_size=6),
            min_size=1,
            max_size=3,
        ),
        batch_size=st.sampled_from([1, 2, 64]),
    )
    @example(runs=[[("A", DATES[2]), ("A", DATES[5])]], batch_size=1)
    @example(runs=[[("A", DATES[1]), ("A", DATES[4]), ("B", DATES[2])]], batch_size=64)
    def test_whatever_is_met_in_whatever_order_a_run_repeated_changes_nothing(
        self,
        tmp_path_factory: pytest.TempPathFactory,
        runs: list[list[tuple[str, str | None]]],
        batch_size: int,
    ) -> None:
        folder = tmp_path_factory.mktemp("runs")
        with writer(folder / "home") as home:
            for number, run in enumerate(runs):
                records = [{"id": "x", "text": f"Text {text}.", "published": day} for text, day in run]
                path = folder / f"{number}.jsonl"
                path.write_text("".join(json.dumps(record) + "\n" for record in records))
                Pipeline(home, batch_size=batch_size).run([path])
                before = home.catalog.revision()
                report = Pipeline(home, batch_size=batch_size).run([path])
                assert (report.updated, report.chunks_embedded) == (0, 0)
                assert home.catalog.revision() == before
            in_step(home)

    @hypothesis_settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(history=st.lists(st.integers(0, 12), min_size=1, max_size=6))
    def test_each_day_sees_at_most_one_version_and_the_right_one(
        self, tmp_path_factory: pytest.TempPathFactory, history: list[int]
    ) -> None:
        first = date(2023, 1, 1)
        days = [first + timedelta(days=2 * offset) for offset in history]
        database = Database(tmp_path_factory.mktemp("db") / "catalogue.sqlite")
        try:
            database.migrate()
            recorder, catalog = Recorder(database), Catalog(database)
            for number, day in enumerate(days, start=1):
                recorder.record([prepared(article("a", f"Text {number}.", day.isoformat()))])
            for offset in range(-1, 27):
                today = first + timedelta(days=offset)
                published = [(day, number) for number, day in enumerate(days, start=1) if day <= today]
                filters = Filters(as_of=today, as_of_given=True)
                ids = [f"a.{number}.0" for number in range(1, len(days) + 1)]
                seen = catalog.versions_of(ids, filters)
                visible = [chunk.text for one, chunk in catalog.chunks_by_id(ids).items() if one in seen]
                assert visible == ([f"Text {max(published)[1]}."] if published else [])
                assert catalog.visible_chunk_count(filters) == len(visible)
                if published:
                    assert catalog.article("a", as_of=today).version == max(published)[1]
        finally:
            database.close()


class TestSearch:
    @pytest.mark.parametrize(
        ("filters", "found"),
        [
            ({}, {"Brazil", "lighthouse"}),
            ({"as_of": date(2023, 4, 20)}, {"Brazil", "Cuba", "lighthouse"}),
            ({"as_of_given": True}, {"Brazil"}),
            ({"start": date(2023, 4, 18)}, set()),
            ({"end": date(2023, 4, 18)}, {"Brazil"}),
            ({"sources": ("local",)}, {"lighthouse"}),
            ({"sources": ("nobody",)}, set()),
            ({"as_of": date.min}, {"lighthouse"}),
            ({"as_of": date.max}, {"Brazil", "Cuba", "lighthouse"}),
        ],
    )
    def test_nothing_that_filters_forbid_is_found_by_any_way(
        self, full: Home, filters: dict[str, Any], found: set[str]
    ) -> None:
        texts = " ".join(seen(full, "Sergey Lavrov arrived; the lighthouse keeper", **filters))
        assert {place for place in ("Brazil", "Cuba", "lighthouse") if place in texts} == found

    def test_the_lexical_index_and_the_catalogue_agree_on_what_is_visible(self, full: Home) -> None:
        for as_of in (date(2022, 8, 31), date(2022, 9, 1), TODAY, date.max):
            for start in (None, date(2022, 9, 1), date(2023, 4, 17)):
                for sources in ((), ("tass", "local")):
                    filters = Filters(as_of=as_of, start=start, sources=sources)
                    words = "lavrov brazil vieira trade wheat farmers lighthouse cuba brasilia billion drought"
                    lexical = {one for one, _ in full.lexical.search(words, 50, filters)}
                    assert lexical == set(full.catalog.embedded_chunk_ids(filters))

    @pytest.mark.parametrize(
        "query", ["", "the of and", '"((', "AND OR NOT", "title:x^2~*", "\u0000", "北京", "x" * 50_000]
    )
    def test_no_query_is_syntax(self, full: Home, query: str) -> None:
        assert full.lexical.search(query, 5) == []

    def test_words_are_found_in_other_forms(self, full: Home) -> None:
        assert full.lexical.search("arriving", 5)
        assert full.lexical.search("FARMER", 5)

    def test_filters_do_not_score(self, full: Home) -> None:
        plain = full.lexical.search("wheat harvest", 1)
        assert full.lexical.search("wheat harvest", 1, Filters(as_of=TODAY, sources=("reuters",))) == plain

    def test_nearest_is_cosine_best_first(self, full: Home) -> None:
        vector = full.embedder.embed(["The wheat harvest in Ukraine was poor."], query=True)[0]
        found = full.store.nearest(vector, 3)
        assert found[0][0] == "harvest.1.0"
        assert found[0][1] == pytest.approx(1, abs=1e-4)
        assert [score for _, score in found] == sorted((score for _, score in found), reverse=True)
        assert [one for one, _ in full.store.nearest(vector, 3, among=["lavrov.1.0"])] == ["lavrov.1.0"]
        assert full.store.nearest(vector, 3, among=[]) == []
        with pytest.raises(StoreError):
            full.store.nearest(vector, 3, among=["nosuch.1.0"])

    def test_undrained_chunks_are_found_by_their_words(self, home: Home) -> None:
        keep(home, HARVEST, drain=False)
        assert home.index.backlog() == 2
        assert home.index.status().backlog == 2
        assert seen(home, "wheat") == {"The wheat harvest in Ukraine was poor."}

    @pytest.mark.parametrize("way", Way)
    def test_every_way_finds_the_same(self, full: Home, way: Way, monkeypatch: pytest.MonkeyPatch) -> None:
        keep(full, *(article(f"n{n}", f"Sergey Lavrov arrived in town {n}.", "2023-05-01") for n in range(30)))
        by_default = seen(full, "Sergey Lavrov arrived in Brazil")
        monkeypatch.setattr("qa.library.search.quickest", lambda *_told: way)
        assert seen(full, "Sergey Lavrov arrived in Brazil") == by_default
        assert "Sergey Lavrov arrived in Brazil on Monday for talks about trade." in " ".join(by_default)

    def test_drawing_from_all_matches_finds_what_a_filtered_search_finds(
        self, full: Home, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        keep(full, *(article(f"n{n}", f"Sergey Lavrov arrived in town {n}.", f"2023-04-{n + 1:02}") for n in range(30)))
        wanted: list[dict[str, Any]] = [
            {},
            {"as_of": date(2023, 4, 25)},
            {"start": date(2023, 4, 5)},
            {"sources": ("tass",)},
        ]
        filtered = [seen(full, "Sergey Lavrov arrived", **filters) for filters in wanted]
        monkeypatch.setattr("qa.library.search._LARGE", 0)
        assert [seen(full, "Sergey Lavrov arrived", **filters) for filters in wanted] == filtered

    def test_comparing_with_each_is_searching_among_them(self, full: Home) -> None:
        vector = full.embedder.embed(["Farmers met Lavrov"], query=True)[0]
        ids = ["lavrov.1.0", "lavrov.1.1", "harvest.1.1"]
        for k in (2, 5):
            found, compared = full.store.nearest(vector, k, among=ids), full.store.compared(vector, k, ids)
            assert [one for one, _ in compared] == [one for one, _ in found]
            assert [score for _, score in compared] == pytest.approx([score for _, score in found], abs=1e-5)
        assert full.store.compared(vector, 3, []) == []
        with pytest.raises(StoreError):
            full.store.compared(vector, 3, ["lavrov.1.0", "nosuch.1.0"])

    def test_a_vector_that_vanishes_meanwhile_costs_a_second_look_not_an_error(
        self, full: Home, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ids = full.catalog.embedded_chunk_ids
        stale = [[*ids(Filters(as_of=TODAY)), "gone.1.0"]]
        monkeypatch.setattr(full.catalog, "embedded_chunk_ids", lambda filters: stale.pop() if stale else ids(filters))
        assert "He met Mauro Vieira in Brasilia." in " ".join(seen(full, "Vieira"))
        assert stale == []

    def test_an_empty_home_finds_nothing(self, home: Home) -> None:
        assert seen(home, "anything") == set()
        assert home.catalog.revision() == 0


class TestDelete:
    def test_a_deleted_article_is_gone_everywhere_and_stays_away(self, full: Home) -> None:
        full.index.delete("lavrov")
        with pytest.raises(NotFoundError):
            full.catalog.article("lavrov")
        assert not [text for text in seen(full, "Lavrov Brazil") if "Lavrov" in text]
        in_step(full)
        assert full.index.plan([LAVROV]) == ["deleted"]
        keep(full, LAVROV)
        with pytest.raises(NotFoundError):
            full.catalog.article("lavrov")

    def test_restoring_brings_it_back_whole(self, full: Home) -> None:
        full.index.delete("lavrov")
        assert full.index.plan([LAVROV], restore=True) == ["new"]
        keep(full, LAVROV, restore=True)
        assert full.catalog.article("lavrov").article == LAVROV
        assert seen(full, "Vieira Brasilia", sources=("tass",))
        in_step(full)

    def test_what_is_not_there_cannot_be_deleted(self, full: Home) -> None:
        with pytest.raises(NotFoundError):
            full.index.delete("nosuch")
        full.index.delete("lavrov")
        with pytest.raises(NotFoundError):
            full.index.delete("lavrov")


def test_status_counts_what_is_there(full: Home) -> None:
    keep(full, replace(HARVEST, text="The wheat harvest was good after all.", published=date(2022, 10, 1)))
    full.index.delete("future")
    status = full.index.status()
    assert (status.articles, status.versions, status.chunks, status.embedded, status.backlog) == (3, 4, 7, 7, 0)
    assert (status.undated, status.first, status.last) == (1, date(2022, 10, 1), date(2023, 4, 17))
    assert status.by_source == {"local": 1, "reuters": 1, "tass": 1}
    assert status.by_month == {"2022-10": 1, "2023-04": 1}
    assert status.by_language == {"": 2, "en": 1}
    assert status.embedding_model == "fake"
    assert status.disk_bytes > 1000
    assert json.loads(json.dumps(status.to_json()))["first"] == "2022-10-01"


def test_months_of_early_years_have_four_digits(home: Home) -> None:
    keep(home, article("old", "Rome fell.", "0476-09-04"))
    assert home.index.status().by_month == {"0476-09": 1}


class TestOutOfStep:
    """A process may die between any two writes; whoever writes next finds the work and does it."""

    @pytest.mark.parametrize("part", ["lexical", "store"])
    def test_dying_in_the_middle_loses_and_doubles_nothing(
        self, tmp_path: Path, part: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = tmp_path / "home"
        with writer(path) as home:
            keep(home, HARVEST)
            broken, method = (home.lexical, "update") if part == "lexical" else (home.store, "upsert")
            with monkeypatch.context() as patch:
                patch.setattr(broken, method, _die)
                with pytest.raises(_KilledError):
                    keep(home, LAVROV)
        with writer(path) as home:
            assert home.index.check().problems == ()
            assert seen(home, "Lavrov") == {"Sergey Lavrov arrived in Brazil on Monday for talks about trade."}
            assert home.index.drain() == 3
            in_step(home)
            assert home.index.plan([LAVROV, HARVEST]) == ["unchanged", "unchanged"]

    @pytest.mark.parametrize("part", ["lexical", "store"])
    def test_a_write_that_was_done_but_not_noted_is_done_again_without_harm(self, tmp_path: Path, part: str) -> None:
        path = tmp_path / "home"
        with writer(path) as home:
            keep(home, LAVROV)
        with sqlite3.connect(path / "catalogue.sqlite") as raw:
            raw.execute("update chunks set lexical = 0" if part == "lexical" else "update chunks set embedded = 0")
        raw.close()
        with writer(path) as home:
            home.index.drain()
            in_step(home)

    @pytest.mark.parametrize("part", ["lexical", "store"])
    def test_a_deletion_cut_short_is_finished(self, tmp_path: Path, part: str, monkeypatch: pytest.MonkeyPatch) -> None:
        path = tmp_path / "home"
        with writer(path) as home:
            keep(home, *ALL)
            broken, method = (home.lexical, "update") if part == "lexical" else (home.store, "delete")
            with monkeypatch.context() as patch:
                patch.setattr(broken, method, _die)
                with pytest.raises(_KilledError):
                    home.index.delete("lavrov")
            # Even now nobody sees it.
            assert not [text for text in seen(home, "Lavrov Vieira trade") if "Vieira" in text]
            assert "waiting to be removed" in home.index.check().problems[0]
        with writer(path) as home:
            in_step(home)

    def test_interrupted_embedding_goes_on_where_it_stopped(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("qa.library.embedding.EMBED_BATCH", 2)
        path = tmp_path / "home"
        with writer(path) as home:
            keep(home, *ALL, drain=False)

            def stop(_count: int) -> None:
                raise KeyboardInterrupt

            with pytest.raises(KeyboardInterrupt):
                home.index.drain(stop)
        with writer(path) as home:
            counts: list[int] = []
            assert home.index.drain(counts.append) == sum(counts) == 5
            in_step(home)

    def test_lost_stores_are_found_missing_and_rebuilt(self, tmp_path: Path) -> None:
        path = tmp_path / "home"
        with writer(path) as home:
            keep(home, *ALL)
        (path / "lexical").rename(tmp_path / "gone")
        (path / "chroma").rename(tmp_path / "gone2")
        with writer(path) as home:
            report = home.index.check()
            assert report.problems == (
                "7 chunks missing from the lexical index",
                "7 chunks missing from the vector store",
            )
            assert report.repaired == 0
            assert home.index.check(repair=True).repaired == 7
            in_step(home)

    @pytest.mark.parametrize("way", ["rerun", "delete", "repair"])
    def test_vectors_that_a_kill_left_unreadable_are_made_anew(
        self, tmp_path: Path, way: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        path = tmp_path / "home"
        # Chroma writes its index every 1,000 vectors.
        many = [article(f"a{n}", f"Zebra {n} crossed. Giraffe {n} swam.", "2023-04-01") for n in range(510)]
        with writer(path) as home:
            keep(home, *many)
        (half_written,) = (path / "chroma").glob("*/index_metadata.pickle")
        os.truncate(half_written, half_written.stat().st_size // 2)
        with reader(path) as home, pytest.raises(VectorsDamagedError, match="cannot be read") as caught:
            home.index.check()
        assert "--repair" in caught.value.hint
        with writer(path) as home:
            if way == "repair":
                report = home.index.check(repair=True)
                assert report.problems == ("1020 chunks whose vectors could not be read",)
                assert report.repaired == 1020
            elif way == "delete":
                home.index.delete("a7")
                assert home.index.backlog() == 1018
            else:
                keep(home, HARVEST)
            home.index.drain()
            in_step(home)
            assert seen(home, "zebra 9 crossed")
        assert "all passages are embedded anew" in caplog.text
        with writer(path) as home:
            assert not half_written.exists()
            in_step(home)

    def test_strays_are_swept_out(self, full: Home) -> None:
        full.store.upsert(["stray.1.0"], full.embedder.embed(["stray"]))
        assert "not in the catalogue" in full.index.check().problems[0]
        full.index.check(repair=True)
        in_step(full)

    def test_a_damaged_lexical_index_says_how_to_mend_it(self, tmp_path: Path) -> None:
        path = tmp_path / "home"
        with writer(path) as home:
            keep(home, *ALL)
        (path / "lexical" / "meta.json").write_text("{")
        with reader(path) as home, pytest.raises(StoreError) as caught:
            home.lexical.search("wheat", 3)
        assert "--repair" in caught.value.hint

    def test_a_file_that_is_no_database_makes_an_unusable_home(self, tmp_path: Path) -> None:
        (tmp_path / "catalogue.sqlite").write_bytes(b"not a database" * 100)
        with pytest.raises(HomeError, match=r"cannot be used.*not a database"):
            reader(tmp_path)

    def test_the_migrations_make_the_tables_that_the_code_knows(self, tmp_path: Path) -> None:
        from alembic.autogenerate import compare_metadata
        from alembic.migration import MigrationContext

        database = Database(tmp_path / "catalogue.sqlite")
        database.migrate()
        with database.begin() as connection:
            assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        assert database.schema_version() == HEAD
        database.close()

    def test_making_a_home_can_be_cut_short(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        from alembic import op

        create = op.create_table

        def die_at_chunks(name: str, *columns: Any) -> Any:
            if name == "chunks":
                raise _KilledError
            return create(name, *columns)

        path = tmp_path / "home"
        with monkeypatch.context() as patch:
            patch.setattr(op, "create_table", die_at_chunks)
            with pytest.raises(_KilledError):
                writer(path)
        with writer(path) as home:
            keep(home, LAVROV)
            in_step(home)

    def test_migrations_make_the_schema_that_the_code_knows(self, tmp_path: Path) -> None:
        from alembic.autogenerate import compare_metadata
        from alembic.migration import MigrationContext

        database = Database(tmp_path / "catalogue.sqlite")
        database.migrate()
        with database.begin() as connection:
            assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        database.close()

    def test_a_home_of_the_first_schema_is_brought_up_and_keeps_all_it_holds(self, full: Home) -> None:
        full.close()
        with sqlite3.connect(full.path / "catalogue.sqlite") as raw:
            for column in ("published_at", "language"):
                raw.execute(f"alter table versions drop column {column}")
            for table in ("staged_chunks", "session_turns", "sessions", "jobs"):
                raw.execute(f"drop table {table}")
            raw.execute("update alembic_version set version_num = '0001'")
        raw.close()
        with pytest.raises(HomeVersionError, match="older"):
            reader(full.path)
        with writer(full.path) as home:
            assert home.index.plan(ALL) == ["unchanged"] * 4
            assert home.catalog.article("lavrov").article == replace(LAVROV, published_at=None, language=None)
            assert home.index.status().by_language == {"": 4}
            in_step(home)


class _KilledError(BaseException):
    """What a kill looks like from inside: nothing may catch it and carry on."""


def _die(*_args: Any, **_options: Any) -> None:
    raise _KilledError


class TestOpening:
    def test_reading_what_is_not_there_names_the_way_to_make_it(self, tmp_path: Path) -> None:
        with pytest.raises(HomeError, match="no collection") as caught:
            reader(tmp_path / "nosuch")
        assert "dateline ingest" in caught.value.hint
        assert not (tmp_path / "nosuch").exists()

    def test_reading_a_directory_that_is_no_home_leaves_it_as_it_was(self, tmp_path: Path) -> None:
        with pytest.raises(HomeError, match="no collection"):
            reader(tmp_path)
        assert list(tmp_path.iterdir()) == []

    def test_an_empty_catalogue_is_no_collection(self, tmp_path: Path) -> None:
        (tmp_path / "catalogue.sqlite").touch()
        with pytest.raises(HomeError, match="no collection"):
            reader(tmp_path)

    def test_a_home_cannot_be_a_file(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        with pytest.raises(HomeError):
            writer(tmp_path / "file")

    def test_a_second_writer_is_told_who_holds_the_home(self, home: Home) -> None:
        with pytest.raises(HomeInUseError, match=rf"`dateline ingest` \(process {os.getpid()}"):
            writer(home.path)

    def test_a_reader_may_read_while_an_ingest_writes(self, full: Home) -> None:
        with reader(full.path) as other:
            assert "He met Mauro Vieira in Brasilia." in " ".join(seen(other, "Vieira"))
            for write in (
                lambda: keep(other, LAVROV),
                other.index.drain,
                lambda: other.index.delete("lavrov"),
                lambda: other.index.check(repair=True),
            ):
                with pytest.raises(HomeError, match="reading only"):
                    write()
        # Closing a reader leaves the writer able to work.
        keep(full, article("more", "More wheat."))
        in_step(full)

    def test_while_a_service_holds_it_readers_are_sent_to_the_service(self, tmp_path: Path) -> None:
        with writer(tmp_path / "home", command="serve"):
            for attempt in (reader, writer):
                with pytest.raises(HomeInUseError, match="dateline serve") as caught:
                    attempt(tmp_path / "home")
                assert "--server" in caught.value.hint
        reader(tmp_path / "home").close()

    def test_a_note_left_by_a_dead_service_bars_nobody(self, full: Home) -> None:
        full.close()
        (full.path / "lock.json").write_text('{"command": "serve", "pid": 1}')
        reader(full.path).close()
        (full.path / "lock.json").write_text("{")
        reader(full.path).close()

    def test_closing_twice_is_harmless_and_gives_the_lock_back(self, home: Home) -> None:
        home.close()
        home.close()
        writer(home.path).close()

    def test_a_failed_opening_gives_the_lock_back(self, full: Home) -> None:
        full.close()
        with pytest.raises(EmbeddingMismatchError, match="fake") as caught:
            open_home(settings(full.path), write="ingest", embedder=FakeEmbedder("other"))
        assert "DATELINE_EMBEDDING_MODEL" in caught.value.hint
        writer(full.path).close()

    @pytest.mark.parametrize(("found", "word"), [("9999", "newer"), ("0000", "older")])
    def test_a_home_of_another_schema_is_left_alone(self, full: Home, found: str, word: str) -> None:
        full.close()
        with sqlite3.connect(full.path / "catalogue.sqlite") as raw:
            for table in ("staged_chunks", "session_turns", "sessions"):
                raw.execute(f"drop table {table}")
            raw.execute("update alembic_version set version_num = ?", (found,))
        raw.close()
        with pytest.raises(HomeVersionError, match=word):
            reader(full.path)
        if word == "newer":
            with pytest.raises(HomeVersionError):
                writer(full.path)

    def test_databases_and_servers_that_are_not_there_are_named(self, tmp_path: Path) -> None:
        with pytest.raises(SettingsError, match="DATELINE_DATABASE_URL"):
            Database(tmp_path / "x", "nosuch://x")
        with pytest.raises(SettingsError, match="DATELINE_CHROMA_URL"):
            VectorStore(tmp_path, "ftp://x").count()
        with pytest.raises(StoreUnreachableError, match="Chroma"):
            VectorStore(tmp_path, "http://127.0.0.1:9").count()


_WRITER = """
import sys
from tests.integration.collection import article, keep, writer
with writer(sys.argv[1]) as home:
    print("ready", flush=True)
    for line in sys.stdin:
        name, _, text = line.strip().partition(" ")
        home.index.delete(name) if text == "-" else keep(home, article(name, text, "2023-04-01"))
        print("done", flush=True)
"""


class _Writer:
    """A writer in a process of its own."""

    def __init__(self, path: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _WRITER, str(path)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.pid = self._process.pid
        self._wait()

    def _wait(self) -> None:
        assert self._process.stdout is not None
        assert self._process.stdout.readline().strip() in ("ready", "done")

    def tell(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        self._wait()

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate()


@pytest.fixture
def other(tmp_path: Path) -> Iterator[_Writer]:
    process = _Writer(tmp_path / "home")
    yield process
    process.kill()


class TestTwoProcesses:
    def test_a_reader_sees_each_batch_once_it_is_committed(self, other: _Writer, tmp_path: Path) -> None:
        other.tell("a Zebras crossed the river.")
        with reader(tmp_path / "home") as home:
            assert seen(home, "zebras river") == {"Zebras crossed the river."}
            other.tell("b Zebras swam back over the river.")
            assert seen(home, "zebras river") == {"Zebras crossed the river.", "Zebras swam back over the river."}
            # The vectors too, not only the words.
            vector = home.embedder.embed(["zebras swam"], query=True)[0]
            assert home.store.nearest(vector, 1)[0][0] == "b.1.0"
            other.tell("a -")
            assert seen(home, "zebras river") == {"Zebras swam back over the river."}

    def test_many_readers_at_once_are_not_disturbed_by_a_writer(self, other: _Writer, tmp_path: Path) -> None:
        other.tell("a Zebras crossed the river.")
        failures: list[BaseException] = []
        finished = threading.Event()

        def ask(home: Home) -> None:
            try:
                while not finished.is_set():
                    assert "Zebras crossed the river." in seen(home, "zebras river")
            except BaseException as error:  # noqa: BLE001 - handed to the test's own thread
                failures.append(error)

        with reader(tmp_path / "home") as home:
            threads = [threading.Thread(target=ask, args=(home,)) for _ in range(4)]
            for thread in threads:
                thread.start()
            for n in range(15):
                other.tell(f"b{n} Giraffe {n} looked on.")
            finished.set()
            for thread in threads:
                thread.join()
        assert failures == []

    def test_the_lock_names_the_process_and_dies_with_it(self, other: _Writer, tmp_path: Path) -> None:
        with pytest.raises(HomeInUseError, match=str(other.pid)):
            writer(tmp_path / "home")
        other.kill()
        writer(tmp_path / "home").close()


def test_undated_and_future_articles_are_part_of_the_fixture() -> None:
    """The search tests above mean something only while these hold."""
    assert UNDATED.published is None
    assert FUTURE.published is not None
    assert FUTURE.published > TODAY
    assert all(isinstance(one, Article) for one in ALL)
