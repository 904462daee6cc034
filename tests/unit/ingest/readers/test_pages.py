from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.published import DateOrder
from ingest.readers import Item, ReadArticle, ReadFailure, ReadWarning, read
from qa.models import Article
from tests.unit.ingest.readers.making import SENTENCES, page_of

TODAY = date(2025, 7, 1)


def items(path: Path, content: str | bytes, date_order: DateOrder = "auto") -> list[Item]:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return list(read([path], today=TODAY, date_order=date_order))


def article(path: Path, content: str | bytes, date_order: DateOrder = "auto") -> Article:
    return next(item.article for item in items(path, content, date_order) if isinstance(item, ReadArticle))


def ld(*nodes: str) -> str:
    return f'<script type="application/ld+json">[{",".join(nodes)}]</script>'


NODE = '{"@type": "NewsArticle", "url": "https://a.example/%s", "datePublished": "%s"}'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "page.html"


class TestDate:
    @pytest.mark.parametrize(
        ("head", "beside", "day", "origin"),
        [
            # the more trusted place wins
            (ld(NODE % ("x", "2024-03-01")) + '<meta property="article:published_time" content="2024-03-02">', "",
             date(2024, 3, 1), "json-ld"),
            ('<meta property="article:published_time" content="2024-03-02"><meta name="date" content="2024-03-03">', "",
             date(2024, 3, 2), "opengraph"),
            ('<meta name="sailthru.date" content="Tue Mar 05 10:15:00 UTC 2024">', "<time>6 March 2024</time>",
             date(2024, 3, 5), "meta"),
            ('<link rel="canonical" href="https://a.example/2024/03/07/x">', "<p>Published: 8 March 2024</p>",
             date(2024, 3, 7), "url"),
            ('<link rel="canonical" href="https://a.example/news/2024-03-07-mine">', "", date(2024, 3, 7), "url"),
            ('<link rel="canonical" href="https://a.example/20240307/mine">', "", date(2024, 3, 7), "url"),
            # the written day, whatever the zone
            (ld(NODE % ("x", "2024-03-01T23:59:59-11:00")), "", date(2024, 3, 1), "json-ld"),
            # of several articles the one whose address is the page's
            ('<link rel="canonical" href="https://a.example/y">' + ld(NODE % ("x", "2024-03-01"),
             NODE % ("y", "2024-02-01")), "", date(2024, 2, 1), "json-ld"),
            # of several and none of them the page's: none
            (ld(NODE % ("x", "2024-03-01"), NODE % ("y", "2024-02-01")), "<p>Published 5 March 2024</p>",
             date(2024, 3, 5), "text"),
            ("", "<p>By Jo Lee | March 5, 2024</p>", date(2024, 3, 5), "text"),
            ("", "<p>Publié le 5 mars 2024 à 06h30, mis à jour le 7 mars 2024</p>", date(2024, 3, 5), "text"),
            ("", "<p>Veröffentlicht am 5. März 2024</p>", date(2024, 3, 5), "text"),
            ("", "<p>Pubblicato il 5 marzo 2024</p>", date(2024, 3, 5), "text"),
            ("", "<p>Publicado em 5 de março de 2024 às 14h30</p>", date(2024, 3, 5), "text"),
            # never a change, a sentence that holds a date, or two dates without a word
            ("", "<p>Last updated 5 March 2024</p>", None, None),
            ("", '<p>Updated <time datetime="2024-03-05">5 March</time></p>', None, None),
            ("", "<p>On 5 March 2024 the mine was shut.</p>", None, None),
            ("", "<p>5 March 2024</p><p>6 March 2024</p>", None, None),
            ('<link rel="canonical" href="https://a.example/item/20249999/x">', "", None, None),
        ],
    )  # fmt: skip
    def test_place(self, path: Path, head: str, beside: str, day: date | None, origin: str | None) -> None:
        found = article(path, page_of(head, beside=beside))
        assert (found.published, found.published_from) == (day, origin)

    def test_the_day_of_saving_at_the_top_of_the_site_is_no_date_of_publication(self, path: Path) -> None:
        assert article(path, page_of(above="<div>Tuesday, 1 July 2025</div><time>1 July 2025</time>")).published is None

    def test_a_refused_date_is_said_and_the_next_place_asked(self, path: Path) -> None:
        head = ld(NODE % ("x", "2031-01-01")) + '<meta name="date" content="2024-03-05">'
        warning, found = items(path, page_of(head))
        assert isinstance(warning, ReadWarning)
        assert "json-ld" in warning.reason
        assert "future" in warning.reason
        assert isinstance(found, ReadArticle)
        assert (found.article.published, found.article.published_from) == (date(2024, 3, 5), "meta")

    def test_an_undated_page_is_kept_and_said(self, path: Path) -> None:
        warning, found = items(path, page_of())
        assert isinstance(warning, ReadWarning)
        assert "without a date" in warning.reason
        assert isinstance(found, ReadArticle)

    @pytest.mark.parametrize(
        ("order", "beside", "day"),
        [
            ("auto", "<p>Published 03/04/2024</p>", None),
            ("dmy", "<p>Published 03/04/2024</p>", date(2024, 4, 3)),
            ("mdy", "<p>Published 03/04/2024</p>", date(2024, 3, 4)),
            ("auto", "<p>Published 03/04/2024</p><p>Updated 04/25/2024</p>", date(2024, 3, 4)),
            ("auto", "<p>Published 03/04/2024</p><p>Updated 25/04/2024</p>", date(2024, 4, 3)),
            # what cannot be otherwise stays what it is
            ("mdy", "<p>Published 25/04/2024</p>", date(2024, 4, 25)),
        ],
    )
    def test_day_and_month_are_never_told_apart_by_chance(
        self, path: Path, order: DateOrder, beside: str, day: date | None
    ) -> None:
        assert article(path, page_of(beside=beside), order).published == day


class TestText:
    def test_leftovers_go_and_the_rest_stays(self, path: Path) -> None:
        body = (
            SENTENCES
            + "<p>Advertisement</p><p>Read more</p><p>Read more books, the minister told pupils in the mine.</p>"
        )
        text = article(path, page_of(body=body)).text
        assert "Advertisement" not in text
        assert "Read more\n" not in f"{text}\n"
        assert "Read more books, the minister told pupils" in text
        assert text.startswith("On the first day")

    @pytest.mark.parametrize(
        "content",
        ["<html><body></body></html>", "<html><title>x</title><body><p>Please enable JavaScript.</p></body>",
         "<html><body><nav><a href='/a'>Home</a></nav></body></html>", "<"],
    )  # fmt: skip
    def test_a_page_without_an_article_is_a_failure(self, path: Path, content: str) -> None:
        (failure,) = items(path, content)
        assert isinstance(failure, ReadFailure)
        assert "no article text" in failure.reason

    @pytest.mark.parametrize("content", [b"", b" \n"])
    def test_an_empty_page_is_a_failure(self, path: Path, content: bytes) -> None:
        assert items(path, content) == [ReadFailure(str(path), "no text")]

    @pytest.mark.parametrize(
        ("encoding", "declared"),
        [("cp1252", "iso-8859-1"), ("utf-8", "iso-8859-1"), ("utf-16", "utf-16"), ("koi8-r", "koi8-r"),
         ("utf-8-sig", "nonsense"), ("cp1251", "windows-1251")],
    )  # fmt: skip
    def test_encoding(self, path: Path, encoding: str, declared: str) -> None:
        text = "Шахта снова затоплена." if encoding in ("koi8-r", "cp1251") else "Größe über alles, señor."
        content = page_of(f'<meta charset="{declared}">', body=f"<p>{text}</p>" + SENTENCES)
        assert article(path, content.encode(encoding)).text.startswith(text)

    def test_the_address_is_the_pages_own(self, path: Path) -> None:
        head = '<base href="https://a.example/z/"><link rel="canonical" href="/news/1">'
        assert article(path, page_of(head)).url == "https://a.example/news/1"

    @given(st.text(max_size=300), st.sampled_from(["head", "beside", "body"]))
    @settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_never_raises(self, path: Path, junk: str, place: str) -> None:
        content = page_of(**{place: f"<{junk}<time datetime='{junk}'>{junk}</time><meta name='date' content='{junk}'>"})
        found = items(path, content.encode("utf-8", "replace"))
        assert sum(not isinstance(item, ReadWarning) for item in found) == 1

    def test_hostile_nesting(self, path: Path) -> None:
        found = items(path, "<div>" * 50_000 + "x" + ld("[" * 20_000))
        assert sum(not isinstance(item, ReadWarning) for item in found) == 1
