"""Dates as every reader takes them: what cannot be is refused and said, and nothing is decided by chance."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from io import BytesIO
from pathlib import Path

import pytest

from ingest.published import DateOrder
from ingest.readers import Item, ReadArticle, ReadWarning, read
from qa.models import Article
from tests.unit.ingest.readers.making import page_of, pdf_of

TODAY = date(2025, 7, 1)
PROSE = "The crews pumped water out of the old mine."


def _parquet(day: str) -> bytes:
    import pyarrow as pa
    from pyarrow import parquet

    stream = BytesIO()
    parquet.write_table(pa.table({"text": [PROSE], "published": [date.fromisoformat(day)]}), stream)
    return stream.getvalue()


def _newsml(day: str) -> str:
    return (
        '<newsItem xmlns="http://iptc.org/std/nar/2006-10-01/"><contentMeta>'
        f"<contentCreated>{day}T10:00:00Z</contentCreated></contentMeta><contentSet><inlineXML><html><body><p>{PROSE}</p>"
        "</body></html></inlineXML></contentSet></newsItem>"
    )


MAKERS: dict[str, Callable[[str], str | bytes]] = {
    "header.txt": lambda day: f"date: {day}\n\n{PROSE}",
    "front-matter.md": lambda day: f"---\ndate: {day}\n---\n{PROSE}",
    "json-ld.html": lambda day: page_of(
        f'<script type="application/ld+json">{{"@type": "NewsArticle", "datePublished": "{day}T10:00:00Z"}}</script>'
    ),
    "opengraph.html": lambda day: page_of(f'<meta property="article:published_time" content="{day}T10:00:00Z">'),
    "meta.html": lambda day: page_of(f'<meta name="date" content="{day}">'),
    "time.html": lambda day: page_of(beside=f'<time datetime="{day}T10:00">{day}</time>'),
    "url.html": lambda day: page_of(f'<link rel="canonical" href="https://a.example/{day.replace("-", "/")}/x">'),
    "printed.html": lambda day: page_of(beside=f"<p>Published: {day}</p>"),
    "field.jsonl": lambda day: json.dumps({"text": PROSE, "published": f"{day}T10:00:00Z"}),
    "field.json": lambda day: json.dumps({"text": PROSE, "published": day}),
    "field.csv": lambda day: f"text,published\n{PROSE},{day}\n",
    "field.tsv": lambda day: f"text\tpublished\n{PROSE}\t{day}\n",
    "field.parquet": _parquet,
    "feed.rss": lambda day: (
        f'<rss version="2.0"><channel><item><title>Mine</title><description>{PROSE}</description>'
        f"<pubDate>{date.fromisoformat(day):%d %b %Y} 10:00:00 GMT</pubDate></item></channel></rss>"
    ),
    "feed.atom": lambda day: (
        f'<feed xmlns="http://www.w3.org/2005/Atom"><entry><title>Mine</title><published>{day}T10:00:00Z</published>'
        f"<content>{PROSE}</content></entry></feed>"
    ),
    "news.xml": _newsml,
    "story.nitf": lambda day: (
        f'<nitf><head><docdata><date.issue norm="{day.replace("-", "")}T100000Z"/></docdata></head>'
        f"<body><body.content><p>{PROSE}</p></body.content></body></nitf>"
    ),
    "header.pdf": lambda day: pdf_of([f"Date: {day}", PROSE]),
    "printed.pdf": lambda day: pdf_of(["Mine floods", f"Published {day}", PROSE]),
}
"""A file of each place that a date can stand in, for a day."""


def write(path: Path, content: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def items(*paths: Path, date_order: DateOrder = "auto") -> list[Item]:
    return list(read(paths, today=TODAY, date_order=date_order))


def articles(found: list[Item]) -> list[Article]:
    return [item.article for item in found if isinstance(item, ReadArticle)]


def warnings(found: list[Item]) -> list[str]:
    return [item.reason for item in found if isinstance(item, ReadWarning)]


@pytest.mark.parametrize("name", MAKERS)
def test_a_day_that_can_be_is_taken(tmp_path: Path, name: str) -> None:
    (article,) = articles(items(write(tmp_path / name, MAKERS[name]("2025-06-30"))))
    assert article.published == date(2025, 6, 30)
    assert article.published_from
    assert article.published_at is None or article.published_at.startswith("2025-06-30T10:00:00")


@pytest.mark.parametrize("name", [name for name in MAKERS if name not in ("url.html",)])
@pytest.mark.parametrize(("day", "reason"), [("2025-07-03", "is in the future"), ("1799-12-31", "is before 1800")])
def test_a_day_that_cannot_be_is_refused_and_said(tmp_path: Path, name: str, day: str, reason: str) -> None:
    found = items(write(tmp_path / name, MAKERS[name](day)))
    (article,) = articles(found)
    assert (article.published, article.published_from, article.published_at) == (None, None, None)
    assert [warning for warning in warnings(found) if f"{day} {reason}" in warning]


def test_an_address_names_no_day_to_come(tmp_path: Path) -> None:
    # Digits of an address that are no day of the last centuries are no date at all.
    found = items(write(tmp_path / "a.html", MAKERS["url.html"]("2025-07-03")))
    assert articles(found)[0].published is None
    assert [warning for warning in warnings(found) if "2025-07-03 is in the future" in warning]


class TestOrderOfDayAndMonth:
    """``03/04/2025`` is two days: another date of the same site decides, or a setting, or none does."""

    def folder(self, path: Path, *, site: str = "source: Isles Wire\n", proof: str = "25/04/2025") -> Path:
        write(path / "a.txt", f"date: 03/04/2025\n{site}\n{PROSE}")
        write(path / "b" / "c.txt", f"date: {proof}\n{site}\n{PROSE}")
        return path

    def first(self, found: list[Item]) -> date | None:
        return articles(found)[0].published

    @pytest.mark.parametrize("site", ["source: Isles Wire\n", "url: https://isles.example/x\n"])
    @pytest.mark.parametrize(("proof", "day"), [("25/04/2025", date(2025, 4, 3)), ("04/25/2025", date(2025, 3, 4))])
    def test_files_of_the_site_in_the_folder_decide(self, tmp_path: Path, site: str, proof: str, day: date) -> None:
        found = items(self.folder(tmp_path / "news", site=site, proof=proof))
        assert self.first(found) == day
        assert warnings(found) == []

    @pytest.mark.parametrize(
        "site", ["source: Isles Wire\n", "url: https://www.isles.example/x\n"], ids=["name", "address"]
    )
    def test_two_orders_decide_nothing(self, tmp_path: Path, site: str) -> None:
        folder = self.folder(tmp_path / "news", site=site)
        write(folder / "d.txt", f"date: 04/25/2025\n{site}\n{PROSE}")
        found = items(folder)
        assert self.first(found) is None
        assert "DATELINE_DATE_ORDER" in warnings(found)[0]

    def test_another_site_decides_nothing(self, tmp_path: Path) -> None:
        folder = self.folder(tmp_path / "news", proof="2025-04-25")
        write(folder / "d.txt", f"date: 25/04/2025\nsource: Inland Desk\n\n{PROSE}")
        assert self.first(items(folder)) is None

    def test_files_of_no_known_site_decide_nothing(self, tmp_path: Path) -> None:
        assert self.first(items(self.folder(tmp_path / "news", site=""))) is None

    def test_a_file_by_itself_has_none_beside_it(self, tmp_path: Path) -> None:
        assert self.first(items(self.folder(tmp_path / "news") / "a.txt")) is None

    def test_a_setting_decides_over_all(self, tmp_path: Path) -> None:
        assert self.first(items(self.folder(tmp_path / "news"), date_order="mdy")) == date(2025, 3, 4)

    def test_damaged_files_in_the_folder_prove_nothing_and_harm_nobody(self, tmp_path: Path) -> None:
        folder = self.folder(tmp_path / "news")
        write(folder / "d.txt", bytes(100))
        write(folder / "e.txt.gz", b"no gzip")
        write(folder / "f.html", b"\x00\xff")
        assert self.first(items(folder)) == date(2025, 4, 3)

    @pytest.mark.parametrize("beside", ["<time>25/04/2025</time>", "<p>Published 25/04/2025</p>"])
    def test_pages_of_the_site_in_the_folder_decide(self, tmp_path: Path, beside: str) -> None:
        def page(name: str, shown: str) -> str:
            return page_of(f'<link rel="canonical" href="https://isles.example/{name}">', beside=shown)

        write(tmp_path / "news" / "a.html", page("a", "<p>Published 03/04/2025</p>"))
        write(tmp_path / "news" / "b.html", page("b", beside))
        first, second = articles(items(tmp_path / "news"))
        assert (first.published, second.published) == (date(2025, 4, 3), date(2025, 4, 25))
        write(tmp_path / "news" / "b.html", page("b", beside).replace("isles", "inland"))
        assert self.first(items(tmp_path / "news")) is None

    @pytest.mark.parametrize(("other", "day"), [("25/04/2025", date(2025, 4, 3)), ("2025-04-25", None)])
    def test_entries_of_the_feed_decide(self, tmp_path: Path, other: str, day: date | None) -> None:
        entries = "".join(
            f"<item><title>Mine</title><description>{PROSE}</description><pubDate>{written}</pubDate></item>"
            for written in ("03/04/2025", other)
        )
        path = write(tmp_path / "a.rss", f'<rss version="2.0"><channel>{entries}</channel></rss>')
        assert self.first(items(path)) == day
        assert self.first(items(path, date_order="mdy")) == date(2025, 3, 4)
