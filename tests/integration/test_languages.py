"""Articles in several languages found by their words, and an index from before that was so."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
import tantivy

from qa.library.home import Home
from qa.models import Article
from tests.integration.collection import HARVEST, LAVROV, article, keep, reader, writer

SPANISH = article("es", "El presidente habló de las elecciones. Sánchez visitó Madrid.", "2023-04-01", language="es")
GERMAN = article("de", "Die Ministerin lobte die Häuser am Fluss. Scholz kam an.", "2023-04-01", language="de")
RUSSIAN = article("ru", "Голосование на выборах прошло спокойно.", "2023-04-01", language="ru")
ENGLISH = article("en", "The king said nothing of elections. Scholz arrived in La Paz.", "2023-04-01", language="en")
UNKNOWN = article("none", "Two bridges were closed.", "2023-04-01")
ALL = (SPANISH, GERMAN, RUSSIAN, ENGLISH, UNKNOWN)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with writer(tmp_path / "home") as opened:
        yield opened


def by_words(home: Home, query: str) -> list[str]:
    """The articles that have some of the words, best first."""
    return list(dict.fromkeys(one.split(".")[0] for one, _ in home.lexical.search(query, 20)))


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("elección presidencial", ["es"]),
        ("ein Haus", ["de"]),
        ("выборы", ["ru"]),
        ("the election", ["en"]),
        ("bridge", ["none"]),
        ("Sanchez", ["es"]),
    ],
)
def test_each_article_is_found_by_other_forms_of_its_words(home: Home, query: str, found: list[str]) -> None:
    keep(home, *ALL)
    assert by_words(home, query) == found


def test_words_are_marked_by_the_stems_of_the_article_s_language(home: Home) -> None:
    keep(home, *ALL)
    texts = [(one.text, one.language) for one in (GERMAN, RUSSIAN, UNKNOWN)]
    found = home.lexical.matches("Haus bridge выборы", texts)
    marked = [[text[start:end] for start, end in spans] for (text, _), spans in zip(texts, found, strict=True)]
    assert marked == [["Häuser"], ["выборах"], ["bridges"]]


def test_a_name_is_found_in_every_language_and_weighs_the_same(home: Home) -> None:
    keep(home, article("a", "Scholz spoke.", language="en"), article("b", "Scholz sprach.", language="de"))
    found = home.lexical.search("Scholz", 5)
    assert {one for one, _ in found} == {"a.1.0", "b.1.0"}
    assert found[0][1] == found[1][1]


def test_stop_words_of_the_query_s_language_find_nothing_in_others(home: Home) -> None:
    keep(home, *ALL)
    assert by_words(home, "¿Qué dijo el presidente de la república?") == ["es"]


def test_a_language_is_searched_as_soon_as_it_is_there(home: Home) -> None:
    keep(home, ENGLISH)
    assert by_words(home, "ein Haus") == []
    keep(home, GERMAN)
    assert by_words(home, "ein Haus") == ["de"]


def test_a_reader_learns_of_a_language_that_comes_later(home: Home) -> None:
    keep(home, ENGLISH)
    with reader(home.path) as other:
        other.refresh()
        assert by_words(other, "ein Haus") == []
        keep(home, GERMAN)
        other.refresh()
        assert by_words(other, "ein Haus") == ["de"]


def test_searching_and_adding_at_once_disturb_each_other_not(home: Home) -> None:
    keep(home, *ALL)
    failures: list[BaseException] = []
    finished = threading.Event()

    def search() -> None:
        try:
            while not finished.is_set():
                assert by_words(home, "ein Haus")[0] == "de"
        except BaseException as error:  # noqa: BLE001 - handed to the test's own thread
            failures.append(error)

    threads = [threading.Thread(target=search) for _ in range(4)]
    for thread in threads:
        thread.start()
    for n in range(10):
        keep(home, article(f"more{n}", f"Noch {n} Brücken am Rhein.", "2023-04-01", language="de"))
    finished.set()
    for thread in threads:
        thread.join()
    assert failures == []


class TestAnIndexFromBefore:
    """As Dateline made it when it took all articles for English."""

    @pytest.fixture
    def old(self, tmp_path: Path) -> Path:
        path = tmp_path / "home"
        with writer(path) as home:
            keep(home, *ALL, HARVEST, LAVROV)
            chunks = home.catalog.chunks_by_id(sorted(home.lexical.ids()))
        lexical = path / "lexical"
        for file in lexical.iterdir():
            file.unlink()
        builder = tantivy.SchemaBuilder()
        builder.add_text_field("id", stored=True, tokenizer_name="raw", index_option="basic")
        builder.add_text_field("text", tokenizer_name="dateline_en", index_option="freq")
        builder.add_text_field("source", tokenizer_name="raw", index_option="basic")
        for name in ("day", "valid_from", "valid_to"):
            builder.add_integer_field(name, indexed=True, fast=True)
        index = tantivy.Index(builder.build(), path=str(lexical))
        english = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.simple()).filter(tantivy.Filter.lowercase())
        index.register_tokenizer("dateline_en", english.filter(tantivy.Filter.stemmer("english")).build())
        old = index.writer(heap_size=15_000_000, num_threads=1)
        for chunk in chunks.values():
            document = tantivy.Document(id=chunk.id, text=chunk.text)
            document.add_integer("day", chunk.published.toordinal() if chunk.published else 0)
            document.add_integer("valid_from", 0)
            document.add_integer("valid_to", date.max.toordinal() + 1)
            old.add_document(document)
        old.commit()
        old.wait_merging_threads()
        return path

    def test_a_reader_reads_it_as_it_was(self, old: Path) -> None:
        with reader(old) as home:
            home.refresh()
            assert home.lexical.is_outdated()
            assert by_words(home, "elections") == ["en"]
            assert by_words(home, "ein Haus") == []
            assert home.index.check().problems == ()

    def test_a_writer_makes_it_anew_from_the_catalogue(self, old: Path, caplog: pytest.LogCaptureFixture) -> None:
        with reader(old) as before:
            before.refresh()
            assert by_words(before, "hablaron") == []
            with writer(old) as home:
                assert "made anew" in caplog.text
                assert not home.lexical.is_outdated()
                assert by_words(home, "hablaron") == ["es"]
                assert by_words(home, "the election") == ["en"]
                assert home.index.check().problems == ()
            before.refresh()
            assert by_words(before, "hablaron") == ["es"]
        assert sorted(one.name for one in old.iterdir() if "lexical" in one.name) == ["lexical"]
        caplog.clear()
        writer(old).close()
        assert "made anew" not in caplog.text

    def test_a_writer_killed_meanwhile_is_followed_by_one_that_does_it(
        self, old: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def killed(*_: object, **__: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr("qa.library.lexical.LexicalIndex.update", killed)
            with pytest.raises(KeyboardInterrupt):
                writer(old)
        with writer(old) as home:
            assert by_words(home, "hablaron") == ["es"]
            assert home.index.check().problems == ()


def test_a_language_that_becomes_known_is_used(home: Home) -> None:
    told = Article(id="x", text="El ministro habló.", published=date(2023, 4, 1), published_from="header")
    keep(home, told)
    assert by_words(home, "hablaron") == []
    keep(home, article("x", told.text, "2023-04-01", title="El ministro", language="es"))
    assert by_words(home, "hablaron") == ["x"]
