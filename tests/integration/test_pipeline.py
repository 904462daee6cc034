"""Files into a real home: real Chroma, tantivy and catalogue, the fake embedder."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path

import pytest

from ingest.dedup import bands
from ingest.pipeline import IngestReport, Pipeline
from qa.errors import HomeError, NotFoundError
from qa.library.home import Home, open_home
from qa.settings import Settings
from tests.conftest import SAMPLE
from tests.fakes import FakeEmbedder


class Killed(BaseException):
    """The process ends here, as far as the pipeline can tell."""


class DyingEmbedder(FakeEmbedder):
    def embed(self, *_args: object, **_options: object) -> None:  # type: ignore[override]
        raise Killed


def opened(path: Path, embedder: FakeEmbedder | None = None, *, write: str | None = "ingest") -> Home:
    return open_home(Settings(home=path), write=write, embedder=embedder or FakeEmbedder())


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with opened(tmp_path / "home") as home:
        yield home


def ingest(home: Home, *paths: Path, restore: bool = False) -> IngestReport:
    return Pipeline(home, batch_size=4).run(paths, restore=restore)


def jsonl(path: Path, *records: Mapping[str, object]) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


def test_the_sample_news_goes_in_and_all_stores_agree(home: Home) -> None:
    report = ingest(home, SAMPLE / "articles")
    status = home.index.status()
    assert report.failed == report.warnings == ()
    assert report.read == report.stored == status.articles >= 14
    assert (status.backlog, status.undated) == (0, 1)
    assert report.chunks_embedded == status.chunks == status.embedded > status.articles
    assert home.index.check().problems == ()


def test_chunks_are_exact_spans_of_the_stored_text(home: Home) -> None:
    ingest(home, SAMPLE / "articles")
    for item in home.catalog.articles(limit=100).items:
        stored = home.catalog.article(item.article.id)
        ids = [f"{stored.article.id}.1.{n}" for n in range(stored.chunks)]
        chunks = home.catalog.chunks_by_id(ids)
        assert [stored.article.text[chunks[one].start : chunks[one].end] for one in ids] == [
            chunks[one].text for one in ids
        ]


def test_a_second_run_writes_nothing(home: Home) -> None:
    first = ingest(home, SAMPLE / "articles")
    revision = home.catalog.revision()
    second = ingest(home, SAMPLE / "articles")
    assert (second.read, second.unchanged, second.chunks_embedded) == (first.read, first.read, 0)
    assert home.catalog.revision() == revision


def test_a_changed_article_becomes_a_new_version(home: Home, tmp_path: Path) -> None:
    url = "https://a.example/flood"
    ingest(home, jsonl(tmp_path / "a.jsonl", {"url": url, "text": "Four are dead.", "published": "2025-03-24"}))
    report = ingest(
        home, jsonl(tmp_path / "a.jsonl", {"url": url, "text": "Seven are dead.", "published": "2025-03-28"})
    )
    assert (report.stored, report.updated) == (0, 1)
    (item,) = home.catalog.articles().items
    assert home.catalog.article(item.article.id).article.text == "Seven are dead."
    assert home.catalog.article(item.article.id, as_of=date(2025, 3, 25)).article.text == "Four are dead."
    assert home.index.check().problems == ()


def test_two_versions_in_one_file(home: Home, tmp_path: Path) -> None:
    report = ingest(home, jsonl(tmp_path / "a.jsonl", {"id": "x", "text": "One."}, {"id": "x", "text": "Two."}))
    assert (report.stored, report.updated) == (1, 1)
    assert [version.number for version in home.catalog.article("x").versions] == [1, 2]
    assert home.catalog.article("x").article.text == "Two."


def test_broken_files_are_reported_and_the_rest_goes_in(home: Home, tmp_path: Path) -> None:
    news = tmp_path / "news"
    news.mkdir()
    (news / "a.txt").write_text("date 2025-01-02 A good one.")
    (news / "b.txt").write_bytes(b"\x00\xff\x00\xfe")
    (news / "c.jsonl").write_text('{"text": "Another good one."}\n{"text": \n')
    (news / "d.csv").write_text("title\nno text here\n")
    report = ingest(home, news)
    assert report.stored == 2
    assert [where for where, _ in report.failed] == [str(news / "b.txt"), f"{news / 'c.jsonl'}:2", str(news / "d.csv")]
    assert all(reason for _, reason in report.failed)


def test_texts_are_searched_without_what_is_not_theirs_and_kept_as_they_came(home: Home, tmp_path: Path) -> None:
    text = "OSTREY (Reuters) - The port&#8217;s owner Zanettiannounced a sale.\nRead more\nIt begins on Monday."
    ingest(home, jsonl(tmp_path / "a.jsonl", {"id": "x", "text": text}))
    (found,) = home.catalog.chunks_by_id(["x.1.0"]).values()
    assert found.text == home.catalog.article("x").article.text == text
    for word in ("announced", "Zanetti", "port’s"):
        assert [one for one, _ in home.lexical.search(word, 5)] == ["x.1.0"], word
    for word in ("Reuters", "8217", "read"):
        assert home.lexical.search(word, 5) == [], word


REPORT = (
    "The council of Kelmouth voted on Tuesday to close the old bridge to lorries after engineers saw cracks in two of "
    "its piers. The mayor said that repairs would take three months and cost 2 million, and that buses would take the "
    "ring road until then. Farmers on the far bank had asked for a ferry in the meantime, which the council refused."
)


def test_a_home_within_the_folder_that_is_read_is_no_news(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("date 2025-05-06\n\nThe bridge is open again.", encoding="utf-8")
    (tmp_path / "more" / "home").mkdir(parents=True)
    (tmp_path / "more" / "home" / "b.txt").write_text("Only the home itself is left out.", encoding="utf-8")
    with opened(tmp_path / "home") as home:
        report = ingest(home, tmp_path)
        assert (report.stored, report.failed) == (2, ())
        again = ingest(home, tmp_path)
        assert (again.unchanged, again.failed) == (2, ())


def test_copies_are_counted_and_share_a_cluster(home: Home, tmp_path: Path) -> None:
    def told(n: int, text: str) -> dict[str, str]:
        return {"url": f"https://{n}.example/bridge", "text": text, "published": "2025-05-06"}

    near = REPORT.replace("had asked for", "had been asking for")
    other = REPORT.replace("two of its piers", "nine of its piers")
    first = ingest(home, jsonl(tmp_path / "a.jsonl", told(1, REPORT), told(2, REPORT), told(3, other)))
    assert (first.stored, first.duplicates, first.to_json()["duplicates"]) == (3, 1, 1)
    # A correction that reads as another outlet's report is an update, and what is known is no duplicate of itself.
    second = ingest(home, jsonl(tmp_path / "b.jsonl", told(1, REPORT), told(3, REPORT), told(4, near)))
    assert (second.stored, second.updated, second.unchanged, second.duplicates) == (1, 1, 1, 1)
    assert ingest(home, tmp_path / "b.jsonl").duplicates == 0
    texts = {home.catalog.article(one.article.id).article.text for one in home.catalog.articles().items}
    assert texts == {REPORT, near}


def test_an_article_is_compared_with_the_likest_clusters_and_each_text_once(home: Home, tmp_path: Path) -> None:
    def told(n: int, text: str) -> dict[str, str]:
        return {"url": f"https://{n}.example/", "text": text, "published": f"2025-05-{n % 28 + 1:02}"}

    # What a site prints in place of its articles, alike but for a name; and one text that many print.
    formulas = [told(n, REPORT.replace("Kelmouth", f"Kelm{chr(ord('a') + n)}th")) for n in range(20)]
    copies = [told(n, REPORT) for n in range(20, 60)]
    ingest(home, jsonl(tmp_path / "a.jsonl", *formulas, *copies))
    found = home.index.alike(bands(REPORT), article_id="another")
    assert len(found) == 16
    (printed,) = [members for members in found.values() if any(one.text == REPORT for one in members)]
    assert [(one.text, one.published) for one in printed] == [(REPORT, date(2025, 5, 1))]
    assert ingest(home, jsonl(tmp_path / "b.jsonl", told(60, REPORT))).duplicates == 1


def test_a_short_text_of_every_day_finds_the_copy_of_its_own_day(home: Home, tmp_path: Path) -> None:
    text = "Shares closed higher on the exchange of Kelmouth, led by banks and carmakers."

    def told(outlet: str, day: int) -> dict[str, str]:
        return {"url": f"https://{outlet}.example/{day}", "text": text, "published": f"2025-03-{day:02}"}

    ingest(home, jsonl(tmp_path / "a.jsonl", *(told("one", day) for day in range(1, 31))))
    assert ingest(home, jsonl(tmp_path / "b.jsonl", *(told("two", day) for day in range(1, 31)))).duplicates == 30


def test_language_and_instant_are_kept(home: Home, tmp_path: Path) -> None:
    spanish = "Las lluvias obligaron a cerrar tres carreteras y dejaron a mil personas sin luz, dijo la ministra."
    news = jsonl(
        tmp_path / "a.jsonl",
        {"id": "es", "text": spanish, "published": "2025-05-06T23:30:00-06:00", "language": "en"},
        {"id": "it", "text": "Meloni incontra Scholz a Roma", "published": "2025-05-06", "language": "it-IT"},
        {"id": "none", "text": "1-0 2-1 3-3 0-0"},
    )
    ingest(home, news)
    kept = {one.article.id: one.article for one in home.catalog.articles().items}
    assert {name: one.language for name, one in kept.items()} == {"es": "es", "it": "it", "none": None}
    assert kept["es"].published_at == "2025-05-06T23:30:00-06:00"
    assert kept["it"].published_at is None
    assert home.index.status().by_language == {"": 1, "es": 1, "it": 1}


def test_a_deleted_article_does_not_come_back_unless_asked(home: Home, tmp_path: Path) -> None:
    path = jsonl(tmp_path / "a.jsonl", {"id": "x", "text": "One."})
    ingest(home, path)
    home.index.delete("x")
    assert ingest(home, path).deleted == 1
    with pytest.raises(NotFoundError):
        home.catalog.article("x")
    assert ingest(home, path, restore=True).stored == 1
    assert home.catalog.article("x").article.text == "One."


def test_hostile_characters_survive_the_whole_way(home: Home, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(r'{"id": "x", "title": "\ud800", "text": "a\u0000b \ud800 \ud83d\ude00 e\u0301 \u202e. End."}')
    assert ingest(home, path).failed == ()
    assert home.catalog.article("x").article.text == "a\ufffdb \ufffd 😀 e\u0301 \u202e. End."
    (found,) = home.catalog.chunks_by_id(["x.1.0"]).values()
    assert found.text == home.catalog.article("x").article.text


def test_a_killed_run_leaves_a_backlog_that_the_next_one_works_off(tmp_path: Path) -> None:
    path = tmp_path / "home"
    news = jsonl(tmp_path / "a.jsonl", *({"text": f"Story number {n}."} for n in range(6)))
    with opened(path, DyingEmbedder()) as home:
        with pytest.raises(Killed):
            ingest(home, news)
        # The embedding thread dies while the second batch is read, or after it was committed.
        committed = home.index.status().backlog
        assert committed in (4, 6)
    with opened(path) as home:
        report = ingest(home, news)
        assert (report.unchanged, report.stored, report.chunks_embedded) == (committed, 6 - committed, 6)
        assert home.index.status().backlog == 0
        assert home.index.check().problems == ()


def test_a_home_opened_for_reading_is_not_written(home: Home, tmp_path: Path) -> None:
    news = jsonl(tmp_path / "a.jsonl", {"text": "One."})
    with opened(tmp_path / "home", write=None) as reading, pytest.raises(HomeError):
        ingest(reading, news)
