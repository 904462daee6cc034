"""Files made to break readers: whatever is in them, nothing crashes and each gets its verdict.

The fuzz tests read 200 files each; ``DATELINE_TEST_FUZZ=2000`` makes it two thousand.
"""

from __future__ import annotations

import gzip
import io
import os
import tarfile
import zipfile
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.readers import SUFFIXES, Item, ReadArticle, ReadFailure, read
from tests.conftest import ROOT

TODAY = date(2025, 7, 1)
SEEDS = [
    (path.name, path.read_bytes())
    for path in sorted((ROOT / "tests" / "data" / "readers").iterdir())
    if path.is_file() and not path.name.endswith(".json.json") and path.stat().st_size < 20_000
]
LONG_LINE = 200_000_000
FUZZ = int(os.environ.get("DATELINE_TEST_FUZZ", "200"))


def zip_of(members: dict[str, bytes]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return data.getvalue()


def tar_of(members: dict[str, bytes]) -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return data.getvalue()


LAUGHS = '<!DOCTYPE x [<!ENTITY a "ha">' + "".join(
    f'<!ENTITY {to} "{f"&{of};" * 10}">' for of, to in zip("abcdefgh", "bcdefghi", strict=True)
)
CONTENTS = {
    "empty": b"",
    "blank": b" \r\n\t\n" * 1000,
    "nul": bytes(5000),
    "binary": bytes(range(256)) * 40,
    "utf-8-broken": "Grüße aus Köln. ".encode() * 20 + b"\xff\xfe\xc3" + b" more text" * 50,
    "utf-16": "date: 2024-05-01\n\nThe council met on Monday.".encode("utf-16"),
    "utf-16-odd": "The council met on Monday.".encode("utf-16")[:-1],
    "utf-32": "The council met on Monday.".encode("utf-32"),
    "deep-json": b"[" * 200_000,
    "deep-objects": b'{"a":' * 100_000,
    "deep-xml": b"<nitf>" + b"<p>" * 50_000 + b"x" + b"</p>" * 50_000 + b"</nitf>",
    "deep-html": b"<html><body>" + b"<div>" * 50_000 + b"text",
    "laughs": f"{LAUGHS}]><x>&i;</x>".encode(),
    "laughs-nitf": f"{LAUGHS}]><nitf><body.content>&i;</body.content></nitf>".encode(),
    "quotes": b'text,title\n"never closed,x\n' + b"a,b\n" * 1000,
    "numbers": b'{"text": ' + b"9" * 50_000 + b"}",
    "surrogates": b'{"text": "\\ud800 alone", "title": "\\udfff"}',
    "half-gzip": gzip.compress(os.urandom(5000))[:2000],
    "gzip": gzip.compress(b"plain text in disguise"),
    "zip-bomb": zip_of({"a.txt": bytes(60_000_000)}),
    "tar-bomb": tar_of({"a.txt": bytes(60_000_000)}),
    "gzip-bomb": gzip.compress(bytes(60_000_000)),
    "nested": zip_of({"a.zip": zip_of({"b.zip": zip_of({"c.txt": b"deep"})}), "d.tar": b""}),
    "nested-tar": tar_of({"a.tar.gz": tar_of({"b.zip": zip_of({"c.txt": b"deep"})}), "e.txt": b"Not so deep."}),
    "half-zip": zip_of({"a.txt": b"x" * 1000})[:-30],
    "pdf": b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog /Pages 1 0 R >>\nendobj\ntrailer << /Root 1 0 R >>\n%%EOF",
    "warc": b"WARC/1.0\r\nWARC-Type: response\r\nContent-Length: 99999999\r\n\r\nHTTP/1.1 200 OK\r\n\r\n<p>",
    "parquet": b"PAR1" + bytes(200) + b"\xff\xff\xff\x7fPAR1",
}


def verdicts(path: Path) -> list[Item]:
    """All that comes of a file, which is something, and its own."""
    found = list(read([path], today=TODAY))
    assert found, "no verdict"
    assert all(item.where.startswith(str(path)) for item in found)
    for item in found:
        if isinstance(item, ReadArticle):
            assert item.article.text.strip()
            item.article.text.encode()  # can be stored
        else:
            assert item.reason.strip()
    return found


@pytest.mark.parametrize("content", CONTENTS)
def test_a_folder_of_hostile_files(tmp_path: Path, content: str) -> None:
    names = [f"{content}{suffix}" for suffix in (*SUFFIXES, ".txt.gz", ".jsonl.gz", ".tar.gz", ".zip.gz", ".xml.gz")]
    for name in names:
        (tmp_path / name).write_bytes(CONTENTS[content])
    found = list(read([tmp_path], today=TODAY))
    for name in names:
        own = [item for item in found if item.where.startswith(str(tmp_path / name))]
        assert own, f"{name}: no verdict"
    assert len(list(tmp_path.iterdir())) == len(names), "something was unpacked"


@pytest.mark.parametrize("content", ["empty", "nul", "binary", "half-gzip"])
def test_what_is_no_text_becomes_no_article(tmp_path: Path, content: str) -> None:
    for suffix in SUFFIXES:
        path = tmp_path / f"a{suffix}"
        path.write_bytes(CONTENTS[content])
        assert not [item for item in verdicts(path) if isinstance(item, ReadArticle)], suffix


@pytest.mark.parametrize(
    ("content", "name", "reason"),
    [
        ("empty", "a.txt", "no text"),
        ("binary", "a.txt", "binary"),
        ("zip-bomb", "a.zip", "zip bombs"),
        ("tar-bomb", "a.tar.gz", "zip bombs"),
        ("gzip-bomb", "a.txt.gz", "larger than an article"),
        ("nested", "a.zip", "an archive within an archive"),
        ("nested-tar", "a.tgz", "an archive within an archive"),
        ("laughs", "a.xml", "declares entities"),
        ("laughs-nitf", "a.nitf", "declares entities"),
        ("deep-json", "a.json", "brackets too deep"),
        ("quotes", "a.csv", "never closed"),
        ("half-zip", "a.zip", "not a zip file that can be read"),
    ],
)
def test_what_is_made_to_harm_is_refused_with_the_reason(tmp_path: Path, content: str, name: str, reason: str) -> None:
    (tmp_path / name).write_bytes(CONTENTS[content])
    assert [item for item in verdicts(tmp_path / name) if isinstance(item, ReadFailure) and reason in item.reason]


@pytest.mark.parametrize(
    ("content", "warned", "text"),
    [
        ("utf-8-broken", True, "Grüße aus Köln."),
        ("utf-16", False, "The council met"),
        ("utf-32", False, "The council met"),
    ],
)
def test_odd_encodings_are_read(tmp_path: Path, content: str, warned: bool, text: str) -> None:
    (tmp_path / "a.txt").write_bytes(CONTENTS[content])
    *warnings, article = verdicts(tmp_path / "a.txt")
    assert isinstance(article, ReadArticle)
    assert article.article.text.startswith(text)
    assert bool(warnings) == warned


def test_beside_a_nested_archive_the_rest_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.tar.gz").write_bytes(CONTENTS["nested-tar"])
    found = [item.article.text for item in verdicts(tmp_path / "a.tar.gz") if isinstance(item, ReadArticle)]
    assert found == ["Not so deep."]


@pytest.mark.slow
def test_a_line_of_200_megabytes(tmp_path: Path) -> None:
    path = tmp_path / "line"
    with path.open("wb") as file:
        for _ in range(LONG_LINE // 1_000_000):
            file.write(b"x" * 1_000_000)
    for suffix in SUFFIXES:
        named = tmp_path / f"a{suffix}"
        named.hardlink_to(path)
        assert [type(item) for item in verdicts(named)] == [ReadFailure], suffix


@st.composite
def damaged(draw: st.DrawFn) -> tuple[str, bytes]:
    """A good file with pieces cut out, doubled or overwritten, under its own name or another format's."""
    name, content = draw(st.sampled_from(SEEDS))
    data = bytearray(content)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data)))
        end = min(len(data), at + draw(st.sampled_from([0, 1, 4, 50, 1000])))
        match draw(st.sampled_from("overwrite cut double insert".split())):
            case "cut":
                del data[at:end]
            case "double":
                data[at:at] = data[at:end]
            case "overwrite":
                data[at:end] = draw(st.binary(min_size=end - at, max_size=end - at))
            case _:
                data[at:at] = draw(st.binary(max_size=20))
    suffix = "".join(Path(name).suffixes) if draw(st.booleans()) else draw(st.sampled_from(SUFFIXES))
    return suffix, bytes(data)


def anything() -> st.SearchStrategy[tuple[str, bytes]]:
    """Bytes of no meaning under a suffix, which may say that they are compressed."""
    suffixes = st.tuples(st.sampled_from(SUFFIXES), st.sampled_from(["", ".gz"])).map("".join)
    return st.tuples(suffixes, st.binary(max_size=3000) | st.text(max_size=1000).map(str.encode))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz")


@settings(max_examples=FUZZ, suppress_health_check=list(HealthCheck))
@given(file=anything())
def test_random_bytes(folder: Path, file: tuple[str, bytes]) -> None:
    suffix, content = file
    packed = suffix.endswith(".gz") and len(content) % 2
    (folder / f"a{suffix}").write_bytes(gzip.compress(content) if packed else content)
    verdicts(folder / f"a{suffix}")


@settings(max_examples=FUZZ, suppress_health_check=list(HealthCheck))
@given(file=damaged())
def test_damaged_files(folder: Path, file: tuple[str, bytes]) -> None:
    suffix, content = file
    (folder / f"a{suffix}").write_bytes(content)
    verdicts(folder / f"a{suffix}")
