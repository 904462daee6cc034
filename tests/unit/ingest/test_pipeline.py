from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from ingest.pipeline import STAGES, Pipeline, settle
from qa.errors import StoreError
from qa.library.home import Home
from qa.library.index import Member, Met, Prepared, Verdict
from qa.models import Article
from tests.fakes import FakeEmbedder


@dataclass
class FakeIndex:
    """Keeps fingerprints, the current one last, and chunk counts in memory, and the order of the calls in ``log``."""

    log: list[str] = field(default_factory=list)
    held: dict[str, list[str]] = field(default_factory=dict)
    batches: list[list[Prepared]] = field(default_factory=list)
    waiting: int = 0
    tombstones: set[str] = field(default_factory=set)
    fail_in_batch: int | None = None

    def plan(self, articles: Sequence[Article], *, restore: bool = False) -> list[Verdict]:
        self.log.append("plan")
        return [self._verdict(article, restore) for article in articles]

    def _verdict(self, article: Article, restore: bool) -> Verdict:
        if article.id in self.tombstones and not restore:
            return "deleted"
        if article.id not in self.held:
            return "new"
        if article.fingerprint not in self.held[article.id]:
            return "updated"
        return "unchanged" if article.fingerprint == self.held[article.id][-1] else "reverted"

    def record_instants(self, met: Sequence[Met]) -> None:
        pass

    def alike(self, bands: Sequence[str], *, article_id: str) -> dict[str, list[Member]]:
        return {}

    def commit(self, batch: Sequence[Prepared], *, restore: bool = False) -> None:
        if self.fail_in_batch == len(self.batches):
            raise StoreError("disk full")
        self.log.append("commit")
        self.batches.append(list(batch))
        for item in batch:
            self.held.setdefault(item.article.id, []).append(item.article.fingerprint)
            self.waiting += len(item.chunks)

    def revert(self, met: Sequence[Met]) -> int:
        """As the real one, but that each text has one chunk and all dates are the same."""
        changed = [one for one in met if self.held[one.id][-1] != one.fingerprint]
        for one in changed:
            self.held[one.id].append(one.fingerprint)
            self.waiting += 1
        return len(changed)

    def backlog(self) -> int:
        return self.waiting

    def drain(self, on_embedded: Callable[[int], None] | None = None) -> int:
        self.log.append("drain")
        done, self.waiting = self.waiting, 0
        if done and on_embedded:
            on_embedded(done)
        return done


@dataclass
class Recorded:
    """A ``Progress`` that remembers."""

    totals: list[int | None] = field(default_factory=list)
    wheres: list[str] = field(default_factory=list)
    embedded: list[tuple[int, int]] = field(default_factory=list)

    def found(self, total: int | None) -> None:
        self.totals.append(total)

    def article(self, where: str) -> None:
        self.wheres.append(where)

    def chunks(self, done: int, backlog: int) -> None:
        self.embedded.append((done, backlog))


def pipeline(index: FakeIndex, **options: Any) -> Pipeline:
    settings = SimpleNamespace(home=None, chunk_tokens=180, date_order="auto", today=lambda: date(2025, 7, 1))
    home = SimpleNamespace(index=index, settings=settings, embedder=FakeEmbedder())
    return Pipeline(cast(Home, home), **options)


def jsonl(path: Path, *records: Mapping[str, object]) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


def test_batches_are_committed_as_they_are_read_and_all_is_embedded_in_the_end(tmp_path: Path) -> None:
    index = FakeIndex(waiting=3)
    path = jsonl(tmp_path / "a.jsonl", *({"text": f"Story {n}."} for n in range(5)))
    report = pipeline(index, batch_size=2).run([path])
    assert index.log == [*["plan", "commit"] * 3, "drain"]
    assert index.waiting == 0
    assert [len(batch) for batch in index.batches] == [2, 2, 1]
    assert (report.read, report.stored, report.chunks_embedded) == (5, 5, 8)


def test_a_long_run_embeds_what_waits_before_it_reads_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingest.pipeline._MOST_WAITING", 2)
    index = FakeIndex()
    path = jsonl(tmp_path / "a.jsonl", *({"text": f"Story {n}."} for n in range(5)))
    assert pipeline(index, batch_size=1).run([path]).chunks_embedded == 5
    assert "".join(step[0] for step in index.log) == "pcpcd" * 2 + "pcd"


def test_a_second_run_chunks_and_writes_nothing(tmp_path: Path) -> None:
    index = FakeIndex()
    path = jsonl(tmp_path / "a.jsonl", {"text": "One."}, {"text": "Two."})
    pipeline(index).run([path])
    report = pipeline(index).run([path])
    assert (report.read, report.unchanged, report.stored, report.chunks_embedded) == (2, 2, 0, 0)
    assert len(index.batches) == 1


def test_chunks_stay_within_what_the_model_reads(tmp_path: Path) -> None:
    index = FakeIndex()
    pipeline(index).run([jsonl(tmp_path / "a.jsonl", {"text": "Ten words are in this sentence of ten words. " * 40})])
    chunks = index.batches[0][0].chunks
    assert len(chunks) > 1
    assert max(chunk.tokens for chunk in chunks) <= FakeEmbedder().max_tokens


def met(tmp_path: Path, *texts: str) -> Path:
    """A file in which the article ``x`` reads so, and then so."""
    return jsonl(tmp_path / "a.jsonl", *({"id": "x", "text": text} for text in texts))


def test_passages_of_boilerplate_alone_are_not_made_and_offsets_hold(tmp_path: Path) -> None:
    sentence = "Ten words are in this sentence of just ten words. "
    text = f"{sentence * 6}\n\n" + "Share this article\n\n" * 30 + sentence * 6
    index = FakeIndex()
    pipeline(index).run([jsonl(tmp_path / "a.jsonl", {"text": text}, {"text": "Read more"})])
    long, short = index.batches[0]
    found = [text[chunk.start : chunk.end] for chunk in long.chunks]
    assert [chunk.ordinal for chunk in long.chunks] == list(range(len(found)))
    assert found
    assert all("Ten words" in one for one in found)
    assert sum(one.count("Ten words") for one in found) == 12
    assert (short.article.text, short.chunks) == ("Read more", ())


def test_the_same_article_twice_in_a_batch(tmp_path: Path) -> None:
    index = FakeIndex()
    report = pipeline(index).run([met(tmp_path, "One.", "One.", "Two.", "Two.")])
    assert (report.read, report.stored, report.updated, report.unchanged) == (4, 1, 1, 2)
    assert [item.article.text for item in index.batches[0]] == ["One.", "Two."]


@pytest.mark.parametrize("batch_size", [1, 2, 64])
def test_of_all_texts_an_article_has_in_a_run_the_last_is_current(tmp_path: Path, batch_size: int) -> None:
    index = FakeIndex()
    path = met(tmp_path, "One.", "Two.", "One.")
    report = pipeline(index, batch_size=batch_size).run([path])
    assert (report.read, report.stored, report.updated, report.unchanged) == (3, 1, 2, 0)
    assert report.chunks_embedded == 3
    assert index.held["x"] == [Article(id="x", text=text).fingerprint for text in ("One.", "Two.", "One.")]
    again = pipeline(index, batch_size=batch_size).run([path])
    assert (again.read, again.unchanged, again.updated, again.chunks_embedded) == (3, 3, 0, 0)
    assert len(index.held["x"]) == 3


@pytest.mark.parametrize("batch_size", [1, 64])
def test_a_text_that_is_met_before_the_current_one_is_no_reversal(tmp_path: Path, batch_size: int) -> None:
    index = FakeIndex()
    pipeline(index).run([met(tmp_path, "One.", "Two.")])
    assert pipeline(index, batch_size=batch_size).run([met(tmp_path, "One.", "One.", "Two.")]).unchanged == 3
    assert len(index.held["x"]) == 2
    assert pipeline(index, batch_size=batch_size).run([met(tmp_path, "One.", "One.")]).updated == 1
    assert len(index.held["x"]) == 3


def test_settle_counts_each_article_once() -> None:
    one, other = Article(id="a", text="one"), Article(id="a", text="other")
    assert settle([one, other, other], ["new", "new", "new"]) == ["new", "updated", "unchanged"]
    assert settle([one, other, one], ["new", "new", "new"]) == ["new", "updated", "reverted"]
    assert settle([one, one], ["deleted", "deleted"]) == ["deleted", "deleted"]
    assert settle([one, other], ["unchanged", "updated"]) == ["unchanged", "updated"]
    assert settle([one, one], ["reverted", "reverted"]) == ["reverted", "reverted"]
    assert settle([one, other, one], ["updated", "unchanged", "updated"]) == ["updated", "reverted", "reverted"]
    assert settle([], []) == []


def test_deleted_articles_stay_away_unless_restored(tmp_path: Path) -> None:
    index = FakeIndex(tombstones={"x"})
    path = jsonl(tmp_path / "a.jsonl", {"id": "x", "text": "One."})
    assert pipeline(index).run([path]).deleted == 1
    assert index.batches == []
    assert pipeline(index).run([path], restore=True).stored == 1


def test_failures_and_warnings_are_reported_in_order_and_stop_nothing(tmp_path: Path) -> None:
    path = jsonl(
        tmp_path / "a.jsonl", {"text": ""}, {"text": "One.", "published": "soon"}, {"title": "x"}, {"text": "Two."}
    )
    report = pipeline(FakeIndex(), batch_size=1).run([tmp_path / "none.txt", path])
    assert [where for where, _ in report.failed] == [str(tmp_path / "none.txt"), f"{path}:1", f"{path}:3"]
    assert [where for where, _ in report.warnings] == [f"{path}:2"]
    assert report.read == report.stored == 2


def test_a_store_that_fails_ends_the_run_and_keeps_what_was_committed(tmp_path: Path) -> None:
    index = FakeIndex(fail_in_batch=1)
    path = jsonl(tmp_path / "a.jsonl", {"text": "One."}, {"text": "Two."})
    with pytest.raises(StoreError):
        pipeline(index, batch_size=1).run([path])
    assert len(index.batches) == 1
    index.fail_in_batch = None
    report = pipeline(index, batch_size=1).run([path])
    assert (report.unchanged, report.stored) == (1, 1)


def test_long_articles_make_smaller_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingest.pipeline._BATCH_CHARS", 1_000)
    index = FakeIndex()
    pipeline(index).run([jsonl(tmp_path / "a.jsonl", *({"text": f"{n} {'word ' * 120}"} for n in range(3)))])
    assert [len(batch) for batch in index.batches] == [2, 1]


def test_progress_hears_of_every_article_and_chunk(tmp_path: Path) -> None:
    heard = Recorded()
    path = jsonl(tmp_path / "a.jsonl", {"text": "One."}, {"text": ""}, {"text": "Two."})
    pipeline(FakeIndex(waiting=1), batch_size=2).run([path], progress=heard)
    assert heard.totals == [None, 2]
    assert heard.wheres == [f"{path}:1", f"{path}:3"]
    assert heard.embedded[0][0] == 0
    assert heard.embedded[-1] == (3, 0)


def test_the_report_as_json(tmp_path: Path) -> None:
    path = jsonl(tmp_path / "a.jsonl", {"text": "One."}, {"text": ""})
    report = pipeline(FakeIndex()).run([path])
    found = json.loads(json.dumps(report.to_json()))
    assert found["failed"] == [{"where": f"{path}:2", "reason": "no text"}]
    assert list(found["seconds"]) == list(STAGES)
    assert (found["read"], found["stored"], found["warnings"]) == (1, 1, [])
    assert found["articles_per_second"] > 0


def test_nothing_to_read() -> None:
    report = pipeline(FakeIndex()).run([])
    assert (report.read, report.failed, report.articles_per_second) == (0, (), 0)


def test_a_batch_holds_something() -> None:
    with pytest.raises(ValueError, match="batch_size"):
        pipeline(FakeIndex(), batch_size=0)
