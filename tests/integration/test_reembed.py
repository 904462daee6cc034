"""Another embedding model on a home that has vectors: real stores, fake embedders of different dimension and limit."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import chromadb
import pytest
from sqlalchemy import select

from ingest.pipeline import Pipeline
from ingest.reembed import ReembedReport, reembed
from qa.errors import EmbeddingMismatchError, HomeError, StoreError
from qa.library.home import Home, open_home
from qa.library.tables import chunks
from tests.fakes import FakeEmbedder
from tests.integration.chroma_server import chroma_server
from tests.integration.collection import article, keep, seen, settings
from tests.integration.victims import persist_often

BATCH = 4
SENTENCES = 6


def old() -> FakeEmbedder:
    return FakeEmbedder("old", dimension=96, max_tokens=60, backend="old float32")


def new() -> FakeEmbedder:
    """Reads half as much as the old one."""
    return FakeEmbedder("new", dimension=40, max_tokens=30, backend="new float32")


def third() -> FakeEmbedder:
    return FakeEmbedder("third", dimension=40)


@dataclass
class Watched:
    """Remembers how far it was, and is what dies when told to."""

    die_after: int | None = None
    cuts: list[tuple[int, int]] = field(default_factory=list)
    steps: list[tuple[int, int]] = field(default_factory=list)

    def cut(self, done: int, total: int) -> None:
        self.cuts.append((done, total))

    def embedded(self, done: int, total: int) -> None:
        self.steps.append((done, total))
        if self.die_after is not None and done >= self.die_after:
            raise KilledError


class KilledError(BaseException):
    """What a kill looks like from inside: nothing may catch it and carry on."""


def die(*_args: Any, **_options: Any) -> None:
    raise KilledError


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qa.library.embedding.EMBED_BATCH", BATCH)


def news(path: Path, *numbers: int, word: str = "bridge") -> Path:
    """Articles of six sentences of twelve words each: two chunks of the old model's, three of the new one's."""
    records = [
        {
            "id": f"story{n}",
            "published": f"2023-04-{n + 1:02}",
            "text": " ".join(
                f"Story{n} part{m} says that the {word} over river number{n * m} was quietly reopened."
                for m in range(SENTENCES)
            ),
        }
        for n in numbers
    ]
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


@pytest.fixture(params=["embedded", "server"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[dict[str, Any]]:
    """What opens a home, with Chroma in it or on a server."""
    if request.param == "embedded":
        yield {"path": tmp_path / "home"}
        return
    with chroma_server(tmp_path / "server") as url:
        yield {"path": tmp_path / "home", "chroma_url": url}


def opened(place: dict[str, Any], embedder: FakeEmbedder, *, write: str | None = "ingest", **told: Any) -> Home:
    any_model = told.pop("any_model", False)
    terms = {**place, **told}
    return open_home(settings(terms.pop("path"), **terms), write=write, embedder=embedder, any_model=any_model)


def fill(place: dict[str, Any], tmp_path: Path) -> None:
    with opened(place, old()) as home:
        Pipeline(home).run([news(tmp_path / "news.jsonl", *range(8))])


def change(
    place: dict[str, Any], embedder: FakeEmbedder, watcher: Watched | None = None, *, discard: bool = False, **told: Any
) -> ReembedReport:
    with opened(place, embedder, any_model=True, **told) as home:
        return reembed(home, watcher or Watched(), discard=discard)


def interrupt(place: dict[str, Any], embedder: FakeEmbedder, *, after: int = 2 * BATCH) -> None:
    with pytest.raises(KilledError):
        change(place, embedder, Watched(die_after=after))


def held(home: Home) -> dict[str, Any]:
    """Everything that is kept of chunks, by id; fails where the three stores do not hold the same."""
    assert home.index.check().problems == ()
    assert home.index.backlog() == 0
    ids = home.store.ids()
    assert home.lexical.ids() == ids
    with home.catalog.database.begin() as connection:
        rows = {row.id: dict(row._mapping) for row in connection.execute(select(chunks))}
    assert rows.keys() == ids
    assert home.catalog.chunk_count() == len(ids)
    for row in rows.values():
        assert row.pop("embedded")
        assert row.pop("lexical")
        del row["version_key"]
    return rows


def vectors_fit(home: Home, embedder: FakeEmbedder) -> None:
    texts = home.catalog.chunks_by_id(sorted(home.store.ids()))
    for one, vector in home.store.vectors(list(texts)).items():
        assert vector == pytest.approx(embedder.embed([texts[one].text])[0], abs=1e-6), one


def as_fresh(place: dict[str, Any], embedder: FakeEmbedder, tmp_path: Path, *files: Path) -> dict[str, Any]:
    """What an ingest of the files with this embedder ends in."""
    with opened({"path": tmp_path / "fresh"}, embedder) as home:
        for file in files:
            Pipeline(home).run([file])
        return held(home)


def one_generation(path: Path) -> bool:
    return len([one for one in path.iterdir() if one.name.startswith("chroma")]) == 1


def test_another_model_is_refused_with_both_names_and_the_way_out(tmp_path: Path) -> None:
    place = {"path": tmp_path / "home"}
    fill(place, tmp_path)
    for write in ("ingest", "serve", None):
        with pytest.raises(EmbeddingMismatchError, match="vectors of old; DATELINE_EMBEDDING_MODEL is new") as caught:
            opened(place, new(), write=write)
        assert "`dateline ingest --reembed`" in caught.value.hint
        assert "DATELINE_EMBEDDING_MODEL=old" in caught.value.hint


def test_a_home_is_changed_over_as_if_all_had_been_ingested_with_the_new_model(
    place: dict[str, Any], tmp_path: Path
) -> None:
    fill(place, tmp_path)
    watched, embedder = Watched(), new()
    with opened(place, embedder, any_model=True) as home:
        before = home.index.status()
        report = reembed(home, watched)
        after = held(home)
        vectors_fit(home, new())
        status = home.index.status()
        # It is a home like any other now.
        Pipeline(home).run([news(tmp_path / "more.jsonl", 9)])
        assert "Story9" in " ".join(seen(home, "Story9 part2 river"))
        held(home)
    assert after == as_fresh(place, new(), tmp_path, tmp_path / "news.jsonl")
    assert (report.model, report.model_before) == ("new", "old")
    assert (report.backend, report.backend_before) == ("new float32", "old float32")
    assert report.changed
    assert report.embedded == report.chunks == len(after) == 24
    assert before.chunks == 16
    assert report.recut == 8
    assert watched.cuts == [(8, 8)]
    assert watched.steps == [(n, 24) for n in range(0, 25, BATCH)]
    assert (status.embedding_model, status.embedding_backend, status.reembedding) == ("new", "new float32", None)
    assert len(embedder.embedded) == 24 + 3
    assert one_generation(place["path"]) or "chroma_url" in place
    with pytest.raises(EmbeddingMismatchError, match="vectors of new; DATELINE_EMBEDDING_MODEL is old"):
        opened(place, old(), write=None)


def test_until_it_is_complete_the_old_vectors_serve(place: dict[str, Any], tmp_path: Path) -> None:
    fill(place, tmp_path)
    answers: list[set[str]] = []

    class Asking(Watched):
        def embedded(self, done: int, total: int) -> None:
            with opened(place, old(), write=None) as reader:
                answers.append(seen(reader, "Story3 part1"))
            super().embedded(done, total)

    with opened(place, old(), write=None) as reader:
        expected = seen(reader, "Story3 part1")
        with pytest.raises(KilledError):
            change(place, new(), Asking(die_after=2 * BATCH))
        assert expected
        assert seen(reader, "Story3 part1") == expected
    assert answers == [expected] * 3
    with opened(place, old(), write=None) as reader:
        assert seen(reader, "Story3 part1") == expected
        status = reader.index.status()
    assert status.embedding_model == "old"
    assert status.reembedding is not None
    assert (status.reembedding.model, status.reembedding.done, status.reembedding.of) == ("new", 2 * BATCH, 24)
    assert json.loads(json.dumps(status.to_json()))["reembedding"] == {"model": "new", "done": 8, "of": 24}


def test_who_comes_with_the_new_model_too_early_is_told_what_goes_on(tmp_path: Path) -> None:
    place = {"path": tmp_path / "home"}
    fill(place, tmp_path)
    interrupt(place, new())
    for write in ("serve", None):
        with pytest.raises(EmbeddingMismatchError, match="re-embedded with new: 8 of 24 passages are done") as caught:
            opened(place, new(), write=write)
        assert "DATELINE_EMBEDDING_MODEL=old" in caught.value.hint
        assert "`dateline ingest --reembed`" in caught.value.hint
    with pytest.raises(EmbeddingMismatchError, match=r"DATELINE_EMBEDDING_MODEL is third.*re-embedded with new"):
        opened(place, third())


def test_what_needs_no_vectors_works_with_any_model(tmp_path: Path) -> None:
    place = {"path": tmp_path / "home"}
    fill(place, tmp_path)
    with opened(place, new(), any_model=True) as home:
        assert home.index.check().problems == ()
        home.index.delete("story1")
        with pytest.raises(EmbeddingMismatchError):
            home.index.drain()
        with pytest.raises(EmbeddingMismatchError):
            home.index.check(repair=True)
    with opened(place, old()) as home:
        held(home)


def test_it_goes_on_where_it_stopped(place: dict[str, Any], tmp_path: Path) -> None:
    fill(place, tmp_path)
    runs = [new() for _ in range(4)]
    stored: list[str] = []
    for number, embedder in enumerate(runs[:3], start=1):
        interrupt(place, embedder, after=2 * BATCH * number)
        # What had been computed when it was killed, but not stored, is all that is done again.
        assert len(embedder.embedded) <= 3 * BATCH
        stored += embedder.embedded[: 2 * BATCH]
        assert len(set(stored)) == 2 * BATCH * number
    # The third had embedded the last chunk when it was killed: all that is left is to switch.
    report = change(place, runs[3])
    assert (report.chunks, report.embedded, runs[3].embedded) == (24, 0, [])
    with opened(place, new()) as home:
        assert held(home) == as_fresh(place, new(), tmp_path, tmp_path / "news.jsonl")
        vectors_fit(home, new())


def test_what_comes_and_goes_meanwhile_is_in_both(place: dict[str, Any], tmp_path: Path) -> None:
    fill(place, tmp_path)
    interrupt(place, new())
    with opened(place, old()) as home:
        # Some of what is deleted has its new vectors, some not; and one comes back as another text.
        for gone in ("story0", "story6", "story1"):
            home.index.delete(gone)
        Pipeline(home).run([news(tmp_path / "again.jsonl", 1, word="tunnel")], restore=True)
        Pipeline(home).run([news(tmp_path / "more.jsonl", 9, 10), news(tmp_path / "corrected.jsonl", 2, word="ferry")])
        now = held(home)
        vectors_fit(home, old())
    interrupt(place, new(), after=4 * BATCH)
    with opened(place, old()) as home:
        assert held(home) == now
        home.index.delete("story9")
    change(place, new())
    with opened(place, new()) as home:
        after = held(home)
        vectors_fit(home, new())
        assert "tunnel" in home.catalog.article("story1").article.text
    with opened({"path": tmp_path / "fresh"}, new()) as home:
        for name in ("news", "corrected", "more"):
            Pipeline(home).run([tmp_path / f"{name}.jsonl"])
        for gone in ("story0", "story6", "story9", "story1"):
            home.index.delete(gone)
        Pipeline(home).run([tmp_path / "again.jsonl"], restore=True)
        assert after == held(home)


@pytest.mark.parametrize("part", ["switch", "use", "lexical", "remove"])
def test_killed_around_the_switch_it_is_the_one_or_the_other(
    part: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = {"path": tmp_path / "home"}
    fill(place, tmp_path)
    places = {
        "switch": "qa.library.reembedding.Staging.switch",
        "use": "qa.library.store.VectorStore.use",
        "lexical": "qa.library.lexical.LexicalIndex.update",
        "remove": "qa.library.store.VectorStore.remove",
    }
    with opened(place, new(), any_model=True) as home, monkeypatch.context() as patch:
        patch.setattr(places[part], die)
        with pytest.raises(KilledError):
            reembed(home, Watched())
    if part == "switch":
        with opened(place, old(), write=None) as reader:
            assert "Story3" in " ".join(seen(reader, "Story3 part1"))
    else:
        with opened(place, new(), write=None) as reader:
            assert "Story3" in " ".join(seen(reader, "Story3 part1"))
    embedder = new()
    report = change(place, embedder)
    assert embedder.embedded == []
    assert report.changed == (part == "switch")
    assert one_generation(place["path"])
    with opened(place, new()) as home:
        assert held(home) == as_fresh(place, new(), tmp_path, tmp_path / "news.jsonl")


def test_old_vectors_that_cannot_be_removed_keep_nobody_from_working(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    place = {"path": tmp_path / "home"}
    fill(place, tmp_path)

    def busy(_path: Path) -> None:
        raise OSError(39, "Directory not empty")

    with monkeypatch.context() as patch:
        patch.setattr("qa.library.store.shutil.rmtree", busy)
        assert change(place, new()).changed
    assert "cannot be removed: Directory not empty" in caplog.text
    assert not one_generation(place["path"])
    opened(place, new()).close()
    assert one_generation(place["path"])


class TestSettings:
    """What is to be done follows from what the settings name and what is there."""

    @pytest.fixture
    def place(self, tmp_path: Path) -> dict[str, Any]:
        place = {"path": tmp_path / "home"}
        fill(place, tmp_path)
        return place

    def test_nothing_is_embedded_where_nothing_differs(self, place: dict[str, Any]) -> None:
        embedder = old()
        with opened(place, embedder, any_model=True) as home:
            before = held(home)
            report = reembed(home, Watched())
            assert held(home) == before
            assert home.index.status().reembedding is None
        assert (report.changed, report.chunks, report.embedded, report.recut) == (False, 0, 0, 0)
        assert embedder.embedded == []
        assert one_generation(place["path"])

    def test_another_backend_embeds_anew_once(self, place: dict[str, Any]) -> None:
        def torch() -> FakeEmbedder:
            return FakeEmbedder("old", max_tokens=60, backend="torch float32")

        with opened(place, torch(), write=None) as reader:
            expected = seen(reader, "Story3 part1")
            report = change(place, torch(), embedding_backend="torch")
            assert (report.changed, report.chunks, report.recut) == (True, 16, 0)
            assert (report.backend_before, report.backend) == ("old float32", "torch float32")
            # A reader of the same model goes on.
            assert seen(reader, "Story3 part1") == expected
        assert not change(place, torch(), embedding_backend="torch").changed
        # ``auto`` takes what there is.
        assert not change(place, torch()).changed

    def test_a_mixture_is_said_to_be_one_and_can_be_cleared(self, place: dict[str, Any], tmp_path: Path) -> None:
        torch = FakeEmbedder("old", backend="torch float32")
        with opened(place, torch) as home:
            Pipeline(home).run([news(tmp_path / "more.jsonl", 9)])
            assert home.index.status().embedding_backend == "old float32, torch float32"
        assert change(place, torch, embedding_backend="torch").changed
        with opened(place, torch) as home:
            assert home.index.status().embedding_backend == "torch float32"

    def test_another_size_of_chunk_cuts_anew(self, place: dict[str, Any], tmp_path: Path) -> None:
        report = change(place, old(), chunk_tokens=32)
        assert (report.changed, report.recut, report.chunks) == (True, 8, 24)
        with opened(place, old()) as home:
            held(home)
            vectors_fit(home, old())

    def test_a_half_done_one_is_not_lost_by_mistake(self, place: dict[str, Any]) -> None:
        interrupt(place, new())
        for embedder in (old(), third()):
            with pytest.raises(EmbeddingMismatchError, match="8 of 24 passages are done") as caught:
                change(place, embedder)
            assert "--discard" in caught.value.hint
        with opened(place, old(), write=None) as reader:
            status = reader.index.status().reembedding
        assert status is not None
        assert status.done == 8

    def test_a_half_done_one_can_be_given_up(self, place: dict[str, Any]) -> None:
        interrupt(place, new())
        embedder = old()
        report = change(place, embedder, discard=True)
        assert (report.changed, report.discarded, embedder.embedded) == (False, "new", [])
        assert one_generation(place["path"])
        interrupt(place, new())
        report = change(place, third(), discard=True)
        assert (report.changed, report.discarded, report.embedded) == (True, "new", report.chunks)
        with opened(place, third()) as home:
            held(home)
            vectors_fit(home, third())
        assert one_generation(place["path"])

    def test_an_empty_home_changes_at_once(self, tmp_path: Path) -> None:
        place = {"path": tmp_path / "empty"}
        opened(place, old()).close()
        report = change(place, new())
        assert (report.changed, report.chunks) == (True, 0)
        with opened(place, new()) as home:
            Pipeline(home).run([news(tmp_path / "news.jsonl", 1)])
            held(home)

    def test_a_home_open_for_reading_is_not_re_embedded(self, place: dict[str, Any]) -> None:
        with opened(place, new(), write=None, any_model=True) as home, pytest.raises(HomeError, match="reading only"):
            reembed(home, Watched())


def test_a_backlog_of_the_old_model_is_embedded_by_the_new_one(tmp_path: Path) -> None:
    place = {"path": tmp_path / "home"}
    fill(place, tmp_path)

    class Broken(FakeEmbedder):
        embed = die  # type: ignore[assignment]

    with opened(place, Broken("old")) as home, pytest.raises(KilledError):
        Pipeline(home).run([news(tmp_path / "more.jsonl", 9)])
    change(place, new())
    with opened(place, new()) as home:
        held(home)
        vectors_fit(home, new())


def test_an_article_that_is_not_searched_any_more_counts_for_nothing(tmp_path: Path) -> None:
    place = {"path": tmp_path / "home"}
    fill(place, tmp_path)
    with opened(place, old()) as home:
        # As a release before boilerplate was left out had it.
        keep(home, article("boilerplate", "Advertisement", "2023-04-01"))
    watched = Watched()
    report = change(place, new(), watched)
    assert (report.chunks, report.embedded, report.recut) == (24, 24, 9)
    assert watched.steps[-1] == (24, 24)
    with opened(place, new()) as home:
        assert len(held(home)) == 24
        assert home.catalog.article("boilerplate").chunks == 0


def test_new_vectors_that_are_lost_are_made_again_before_anything_is_replaced(tmp_path: Path) -> None:
    place = {"path": tmp_path / "home"}
    fill(place, tmp_path)
    interrupt(place, new())
    (lost,) = (one for one in place["path"].iterdir() if one.name.startswith("chroma-"))
    lost.rename(tmp_path / "lost")
    with opened(place, old()) as home:
        assert home.index.check().problems == ("8 chunks missing from the new vectors of the re-embedding",)
    embedder = new()
    report = change(place, embedder)
    assert (report.embedded, len(embedder.embedded)) == (24, 24)
    with opened(place, new()) as home:
        held(home)


def test_check_finds_and_mends_what_is_wrong_with_new_vectors(tmp_path: Path) -> None:
    place = {"path": tmp_path / "home"}
    fill(place, tmp_path)
    interrupt(place, new())
    with opened(place, old()) as home:
        change_under_way = home.catalog.facts()["reembedding"]
        staged = home.store.beside(json.loads(change_under_way)["generation"])
        staged.upsert(["stray.1.0"], new().embed(["stray"]))
        staged.delete(["story0.1.0"])
        staged.close()
        assert home.index.check().problems == (
            "1 chunks missing from the new vectors of the re-embedding",
            "1 chunks in the new vectors of the re-embedding but not in the catalogue",
        )
        assert home.index.check(repair=True).repaired == 2
        held(home)
        status = home.index.status().reembedding
    assert status is not None
    assert status.done == 7
    assert change(place, new()).embedded == 24 - 7


def test_new_vectors_that_a_kill_left_unreadable_are_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = {"path": tmp_path / "home"}
    fill(place, tmp_path)
    # Set to itself, so that it is put back in the end.
    monkeypatch.setattr(chromadb, "PersistentClient", chromadb.PersistentClient)
    persist_often(every=10)
    interrupt(place, new(), after=5 * BATCH)
    (half_written,) = place["path"].glob("chroma-*/*/index_metadata.pickle")
    os.truncate(half_written, 0)
    assert change(place, new()).embedded == 24
    with opened(place, new()) as home:
        held(home)
        vectors_fit(home, new())
    assert one_generation(place["path"])


def test_a_store_that_keeps_losing_vectors_replaces_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = {"path": tmp_path / "home"}
    fill(place, tmp_path)
    with opened(place, new(), any_model=True) as home, monkeypatch.context() as patch:
        patch.setattr("qa.library.store.VectorStore.ids", lambda _store: set())
        with pytest.raises(StoreError, match="has lost 24 of the vectors"):
            reembed(home, Watched())
    with opened(place, old()) as home:
        held(home)


def test_a_reader_of_the_old_model_is_told_once_the_new_one_serves(tmp_path: Path) -> None:
    place = {"path": tmp_path / "home"}
    fill(place, tmp_path)
    with opened(place, old(), write=None) as asked, opened(place, old(), write=None) as unasked:
        assert seen(asked, "Story3 part1")
        change(place, new())
        for reader in (asked, unasked):
            with pytest.raises(EmbeddingMismatchError, match="vectors of new; DATELINE_EMBEDDING_MODEL is old"):
                seen(reader, "Story3 part1")


def test_vectors_that_are_replaced_in_the_middle_of_a_question_cost_a_second_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = {"path": tmp_path / "home"}
    fill(place, tmp_path)
    torch = FakeEmbedder("old", max_tokens=60, backend="torch float32")
    with opened(place, old(), write=None) as reader:
        expected = seen(reader, "Story3 part1")
        nearest: Callable[..., Any] = reader.store.nearest
        calls: list[int] = []

        def meanwhile(*args: Any, **options: Any) -> Any:
            calls.append(1)
            if len(calls) == 1:
                change(place, torch, embedding_backend="torch")
                raise StoreError("Collection does not exist")
            return nearest(*args, **options)

        monkeypatch.setattr(reader.store, "nearest", meanwhile)
        assert seen(reader, "Story3 part1") == expected
        assert len(calls) == 2
