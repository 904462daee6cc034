"""Formats in which articles are exchanged and kept: NewsML-G2, NITF, feeds, WARC, archives."""

from __future__ import annotations

import gzip
import io
import random
import tarfile
import zipfile
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ingest.readers import Item, ReadArticle, ReadFailure, ReadWarning, Url, read
from ingest.readers.archives import Limits, read_tar, read_zip
from ingest.readers.items import Fetched, Source
from ingest.readers.plain import read_plain
from qa.errors import InputError
from tests.conftest import ROOT

TODAY = date(2025, 7, 1)
PAIRS = ROOT / "tests" / "data" / "readers"
STORY = "The council met for six hours on Monday and agreed to sell the old customs house to the highest bidder. " * 3


def items(*paths: Path | Url, web: Any = None) -> list[Item]:
    return list(read(paths, today=TODAY, web=web))


def articles(found: Sequence[Item]) -> list[ReadArticle]:
    return [item for item in found if isinstance(item, ReadArticle)]


def failures(found: Sequence[Item]) -> list[tuple[str, str]]:
    return [(item.where, item.reason) for item in found if isinstance(item, ReadFailure)]


def the_failure(path: Path) -> str:
    (item,) = items(path)
    assert isinstance(item, ReadFailure), item
    return item.reason


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_every_format_has_a_golden_pair() -> None:
    for name in (
        "newsml-g2-message.xml",
        "story.nitf",
        "feed.rss",
        "feed.atom",
        "crawl.warc.gz",
        "bundle.zip",
        "bundle.tar.gz",
    ):
        assert (PAIRS / f"{name}.json").is_file()


class TestXml:
    LAUGHS = (
        '<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "lol">'
        + "".join(f'<!ENTITY {to} "{f"&{of};" * 10}">' for of, to in zip("abcdefghi", "bcdefghij", strict=True))
        + "]><{root}>&j;</{root}>"
    )

    @pytest.mark.parametrize("root", ["nitf", "newsItem", "rss", "feed", "lolz"])
    def test_billion_laughs(self, tmp_path: Path, root: str) -> None:
        path = write(tmp_path / "a.xml", self.LAUGHS.replace("{root}", root))
        assert "declares entities" in the_failure(path)

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
    def test_external_entity(self, tmp_path: Path, encoding: str) -> None:
        secret = write(tmp_path / "secret", "the secret")
        text = f'<!DOCTYPE nitf [<!ENTITY x SYSTEM "{secret.as_uri()}">]><nitf><body.content>&x;</body.content></nitf>'
        assert "refused" in the_failure(write(tmp_path / "a.xml", text.encode(encoding)))

    def test_entities_in_a_feed_in_utf16(self, tmp_path: Path) -> None:
        text = '<!DOCTYPE rss [<!ENTITY x "y">]><rss version="2.0"><channel/></rss>'
        assert "refused" in the_failure(write(tmp_path / "a.rss", text.encode("utf-16")))

    def test_unknown_xml(self, tmp_path: Path) -> None:
        reason = the_failure(write(tmp_path / "a.xml", "<invoice><sum>3</sum></invoice>"))
        assert reason == "unknown XML: its root is <invoice>; read are NewsML-G2, NITF, RSS and Atom"

    @pytest.mark.parametrize(
        ("content", "reason"),
        [
            ("", "no text"),
            ("<nitf><body>", "not valid XML"),
            ("<nitf/>", "no text"),
            ("<newsItem xmlns='http://iptc.org/std/nar/2006-10-01/'/>", "no text"),
            ('<?xml version="1.0" encoding="klingon"?><nitf/>', "encoding"),
            ("<nitf>" * 100_000, "not valid XML"),
            ("<nitf>" + "<p>" * 50_000 + "x" + "</p>" * 50_000 + "</nitf>", "nested"),
        ],
    )
    def test_damaged(self, tmp_path: Path, content: str, reason: str) -> None:
        assert reason in the_failure(write(tmp_path / "a.xml", content))

    def test_feeds_are_told_by_their_root(self, tmp_path: Path) -> None:
        text = (PAIRS / "feed.rss").read_bytes()
        (tmp_path / "feed.rss").write_bytes(text)
        path = write(tmp_path / "a.xml", b"<?xml version='1.0'?><!-- <nitf> -->" + text.partition(b"?>")[2])
        named = [item.article for item in articles(items(tmp_path / "feed.rss"))]
        assert [item.article for item in articles(items(path))] == named


@dataclass
class FakeWeb:
    """Pages by URL; InputError for others. ``asked`` is what was fetched, in order."""

    pages: dict[str, Fetched]
    asked: list[str] = field(default_factory=list)

    def get(self, address: str, *, accept: Collection[str] | None = None) -> Fetched:
        self.asked.append(address)
        found = self.pages.get(address)
        if found is None:
            raise InputError("the server answered 404", where=address)
        if accept is not None and found.content_type not in accept:
            raise InputError("another type", where=address)
        return found


def page(url: str, title: str = "On the page", text: str = STORY, head: str = "") -> Fetched:
    body = f"<html><head><title>{title}</title>{head}</head><body><article><h1>{title}</h1><p>{text}</p></article>"
    return Fetched(url, "text/html", "utf-8", body.encode())


def rss(*entries: str) -> bytes:
    return f'<rss version="2.0"><channel><title>Courier</title>{"".join(entries)}</channel></rss>'.encode()


FEED = "https://courier.example/feed"
STORY_URL = "https://courier.example/story"
SUMMARY = f"<item><title>In the feed</title><link>{STORY_URL}</link><description>In short.</description>"


class TestFeeds:
    def test_an_entry_with_only_a_summary_is_read_in_full(self) -> None:
        entry = f"{SUMMARY}<pubDate>Tue, 14 May 2024 08:00:00 GMT</pubDate></item>"
        web = FakeWeb({FEED: Fetched(FEED, "text/plain", None, rss(entry)), STORY_URL: page(STORY_URL)})
        (found,) = articles(items(Url(FEED, feed=True), web=web))
        assert found.where == f"{FEED}#1"
        assert found.article.text == STORY.strip()
        assert (found.article.title, found.article.url) == ("In the feed", STORY_URL)
        assert (found.article.published, found.article.published_from) == (date(2024, 5, 14), "feed")

    def test_the_page_dates_an_entry_without_a_date(self) -> None:
        head = '<meta property="article:published_time" content="2024-05-13T08:00:00Z">'
        web = FakeWeb({FEED: Fetched(FEED, "", None, rss(SUMMARY + "</item>")), STORY_URL: page(STORY_URL, head=head)})
        (found,) = articles(items(Url(FEED, feed=True), web=web))
        assert (found.article.published, found.article.published_from) == (date(2024, 5, 13), "opengraph")

    def test_the_summary_stands_in_for_a_page_that_cannot_be_read(self) -> None:
        web = FakeWeb({FEED: Fetched(FEED, "application/rss+xml", None, rss(SUMMARY + "</item>"))})
        warning, found = items(Url(FEED), web=web)
        assert isinstance(warning, ReadWarning)
        assert "answered 404" in warning.reason
        assert isinstance(found, ReadArticle)
        assert found.article.text == "In short."

    def test_neither_summary_nor_page(self) -> None:
        entry = f"<item><title>x</title><link>{STORY_URL}</link></item>"
        web = FakeWeb({FEED: Fetched(FEED, "application/rss+xml", None, rss(entry))})
        assert failures(items(Url(FEED), web=web)) == [
            (f"{FEED}#1", f"{STORY_URL} cannot be read: the server answered 404")
        ]

    def test_a_file_never_fetches(self, tmp_path: Path) -> None:
        web = FakeWeb({STORY_URL: page(STORY_URL)})
        found = items(write(tmp_path / "a.rss", rss(SUMMARY + "</item>")), web=web)
        assert [item.article.text for item in articles(found)] == ["In short."]
        assert not web.asked

    def test_long_descriptions_are_articles(self, tmp_path: Path) -> None:
        entry = f"<item><link>{STORY_URL}</link><description>{STORY * 5}</description></item>"
        (found,) = items(write(tmp_path / "a.rss", rss(entry)))
        assert isinstance(found, ReadArticle)

    @pytest.mark.parametrize("content", [b"", b"hello", b"<html><body>x</body></html>", b"\x00\xff" * 99])
    def test_not_a_feed(self, tmp_path: Path, content: bytes) -> None:
        assert "not a feed" in the_failure(write(tmp_path / "a.rss", content))

    def test_an_empty_feed(self, tmp_path: Path) -> None:
        assert items(write(tmp_path / "a.rss", rss())) == [ReadWarning(str(tmp_path / "a.rss"), "holds no articles")]

    def test_a_broken_feed_gives_what_it_has(self, tmp_path: Path) -> None:
        entry = f"<item><title>A & B</title><description>{STORY * 5}</description></item>"
        (found,) = articles(items(write(tmp_path / "a.rss", rss(entry)[:-20])))
        assert found.article.text == (STORY * 5).strip()


class TestUrls:
    def test_a_page(self) -> None:
        web = FakeWeb({"https://a.example/x": page("https://a.example/final")})
        (found,) = articles(items(Url("https://a.example/x"), web=web))
        assert found.where == "https://a.example/x"
        assert (found.article.url, found.article.source) == ("https://a.example/final", "a.example")

    def test_a_page_cannot_pass_for_one_of_another_site(self) -> None:
        head = '<link rel="canonical" href="https://victim.example/story">'
        web = FakeWeb({"https://a.example/x": page("https://a.example/x", head=head)})
        (found,) = articles(items(Url("https://a.example/x"), web=web))
        assert found.article.url == "https://a.example/x"

    @pytest.mark.parametrize(("host", "own"), [("www.a.example", "a.example"), ("m.a.example", "www.a.example")])
    def test_a_page_may_name_its_canonical_url_on_its_own_site(self, host: str, own: str) -> None:
        head = f'<link rel="canonical" href="https://{own}/story">'
        web = FakeWeb({f"https://{host}/x": page(f"https://{host}/x", head=head)})
        (found,) = articles(items(Url(f"https://{host}/x"), web=web))
        assert found.article.url == f"https://{own}/story"

    @pytest.mark.parametrize(
        ("content_type", "url"),
        [("text/plain", "https://a.example/x.jsonl"), ("application/x-ndjson", "https://a.example/x")],
    )
    def test_by_content_type_or_suffix(self, content_type: str, url: str) -> None:
        web = FakeWeb({url: Fetched(url, content_type, None, b'{"text": "One."}\n{"text": "Two."}')})
        assert [item.article.text for item in articles(items(Url(url), web=web))] == ["One.", "Two."]

    def test_failures_name_the_url(self) -> None:
        web = FakeWeb({"https://a.example/x": Fetched("https://a.example/x", "application/octet-stream", None, b"")})
        assert failures(items(Url("https://gone.example/"), Url("https://a.example/x"), web=web)) == [
            ("https://gone.example/", "the server answered 404"),
            (
                "https://a.example/x",
                "neither its content type 'application/octet-stream' nor its suffix is one that is read",
            ),
        ]


def zipped(path: Path, members: dict[str, bytes], **options: Any) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, **options) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def tarred(path: Path, members: dict[str, bytes]) -> Path:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return write(path, data.getvalue() if path.suffix == ".tar" else gzip.compress(data.getvalue()))


def plainly(source: Source, name: str) -> Iterator[Item] | None:
    return read_plain(source) if name.endswith(".txt") else None


def limited(path: Path, **limits: int) -> list[Item]:
    reader = read_zip if path.suffix == ".zip" else read_tar
    opened = partial(gzip.open, path) if path.suffix in (".gz", ".tgz") else partial(path.open, "rb")
    source = Source(path.name, opened, TODAY)  # type: ignore[arg-type]
    return list(reader(source, plainly, limits=Limits(**limits)))


@pytest.mark.parametrize("name", ["a.zip", "a.tar", "a.tar.gz", "a.tgz"])
class TestArchives:
    def pack(self, folder: Path, name: str, members: dict[str, bytes]) -> Path:
        return (zipped if name.endswith(".zip") else tarred)(folder / name, members)

    def test_paths_lead_nowhere(self, tmp_path: Path, name: str) -> None:
        inner = tmp_path / "in"
        inner.mkdir()
        members = {"../out.txt": b"Up.", f"{tmp_path}/abs.txt": b"Root.", "a/../../b.txt": b"Round."}
        found = articles(items(self.pack(inner, name, members)))
        assert [item.article.text for item in found] == ["Up.", "Root.", "Round."]
        assert [path.name for path in tmp_path.rglob("*")] == ["in", name]

    def test_names_cannot_command_a_terminal(self, tmp_path: Path, name: str) -> None:
        (found,) = articles(items(self.pack(tmp_path, name, {"\x1b[2J\n.txt": b"Text."})))
        assert found.where == f"{tmp_path / name}!\\x1b[2J\\x0a.txt"

    def test_hidden_members_are_passed_over(self, tmp_path: Path, name: str) -> None:
        members = {"__MACOSX/._a.txt": b"x", ".git/a.txt": b"x", "a/.b.txt": b"x"}
        assert items(self.pack(tmp_path, name, members)) == [ReadWarning(str(tmp_path / name), "holds no articles")]

    def test_nested(self, tmp_path: Path, name: str) -> None:
        inner = self.pack(tmp_path, name, {"a.txt": b"x"}).read_bytes()
        found = failures(items(self.pack(tmp_path, name, {f"in/{name}": inner, "b.rar": b""})))
        assert [where.partition("!")[2] for where, _ in found] == [f"in/{name}", "b.rar"]
        assert {reason for _, reason in found} == {"an archive within an archive; unpack it first"}

    def test_damaged(self, tmp_path: Path, name: str) -> None:
        noise = random.Random(1)
        whole = self.pack(
            tmp_path, name, {f"{n}.txt": noise.randbytes(3000).hex().encode() for n in range(9)}
        ).read_bytes()
        for cut in (0, 1, 100, len(whole) // 2, len(whole) * 3 // 4):
            found = items(write(tmp_path / name, whole[:cut]))
            assert isinstance(found[-1], ReadFailure), cut

    def test_too_many_members(self, tmp_path: Path, name: str) -> None:
        path = self.pack(tmp_path, name, {f"{n}.txt": b"Text." for n in range(5)})
        found = limited(path, members=3)
        assert len(articles(found)) == (0 if name == "a.zip" and not articles(found) else 3)
        assert "more than 3 members" in failures(found)[-1][1]

    def test_too_large_a_member(self, tmp_path: Path, name: str) -> None:
        path = self.pack(tmp_path, name, {"a.txt": b"Fine.", "b.txt": b"x" * 5000})
        found = limited(path, member_bytes=4000)
        assert len(articles(found)) == 1
        assert "larger than 4,000 bytes" in failures(found)[-1][1]

    def test_too_much_in_all(self, tmp_path: Path, name: str) -> None:
        path = self.pack(tmp_path, name, {f"{n}.txt": b"x" * 3000 for n in range(4)})
        found = limited(path, total_bytes=7000)
        assert len(articles(found)) == 2
        assert "more than 7,000 bytes in all" in failures(found)[-1][1]

    @pytest.mark.parametrize("member", ["bomb.txt", "bomb.unknown"])
    def test_zip_bomb(self, tmp_path: Path, name: str, member: str) -> None:
        if name == "a.tar" or (name == "a.zip" and member == "bomb.unknown"):
            return  # nothing in it is compressed, or unpacked
        path = self.pack(tmp_path, name, {member: bytes(60_000_000)})
        assert "unpacks to more than 200 times its size" in failures(items(path))[0][1]


class TestZip:
    def test_encrypted_members(self, tmp_path: Path) -> None:
        path = zipped(tmp_path / "a.zip", {"a.txt": b"Text.", "b.txt": b"Text."})
        data = bytearray(path.read_bytes())
        entry = data.index(b"PK\x01\x02")
        data[entry + 8] |= 1
        found = items(write(path, bytes(data)))
        assert failures(found) == [(f"{path}!a.txt", "encrypted")]
        assert [item.where for item in articles(found)] == [f"{path}!b.txt"]

    def test_a_member_whose_checksum_is_wrong(self, tmp_path: Path) -> None:
        path = tmp_path / "a.zip"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("a.txt", "Text.")
            archive.writestr("b.txt", "Text.")
        found = items(write(path, path.read_bytes().replace(b"Text.", b"Tact.", 1)))
        assert "CRC" in failures(found)[0][1]
        assert len(articles(found)) == 1


class TestTar:
    def test_devices_and_links(self, tmp_path: Path) -> None:
        path = tmp_path / "a.tar"
        with tarfile.open(path, "w") as archive:
            for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE):
                info = tarfile.TarInfo(f"{kind.decode()}.txt")
                info.type, info.linkname = kind, "/etc/passwd"
                archive.addfile(info)
        assert [reason for _, reason in failures(items(path))] == ["a link or a device, not a file"] * 4

    def test_a_header_that_would_fill_the_memory(self, tmp_path: Path) -> None:
        info = tarfile.TarInfo("x")
        info.type, info.size = tarfile.XHDTYPE, 8_000_000_000
        path = write(tmp_path / "a.tgz", gzip.compress(info.tobuf() + bytes(10_000_000)))
        assert "a header is too long" in failures(items(path))[0][1]


class TestWarc:
    @pytest.mark.parametrize("name", ["a.warc", "a.warc.gz"])
    def test_damaged(self, tmp_path: Path, name: str) -> None:
        whole = gzip.decompress((PAIRS / "crawl.warc.gz").read_bytes())
        for content in (b"hello", whole[:900], b"WARC/1.0\r\nnonsense"):
            packed = gzip.compress(content) if name.endswith(".gz") else content
            assert items(write(tmp_path / name, packed))

    def test_nothing_in_it(self, tmp_path: Path) -> None:
        assert items(write(tmp_path / "a.warc", b"")) == [ReadWarning(str(tmp_path / "a.warc"), "holds no articles")]
