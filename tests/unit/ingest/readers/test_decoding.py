from __future__ import annotations

import io
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.readers.decoding import SAMPLE_BYTES, bounded_lines, decode, detect, mend, open_lines
from qa.errors import InputError

PROSE = {
    "English": ("The minister’s office said the plan – worth £3 million – would go ahead. ", "cp1252"),
    "Spanish": (
        "El señor Muñoz, ministro de Educación, habló en Córdoba sobre la situación económica del país. ",
        "cp1252",
    ),
    "Italian": ("Il presidente è stato eletto perché la città non può più aspettare. ", "cp1252"),
    "German": ("Die Bürger der Stadt Köln müssen größere Straßen überqueren. ", "cp1252"),
    "French": ("Le président français a été réélu à l'Élysée, où il était déjà. ", "cp1252"),
    "Danish": ("Statsministeren får større ansvar på området, ifølge kilder. ", "cp1252"),
    "Polish": ("Premier powiedział, że rząd będzie dążyć do porozumienia z Ukrainą w sprawie żywności. ", "cp1250"),
    "Czech": ("Předseda vlády řekl, že země bude pokračovat v jednání příští týden. ", "cp1250"),
    "Hungarian": ("A miniszterelnök azt mondta, hogy a kormány folytatja a tárgyalásokat jövő héten. ", "cp1250"),
    "Turkish": ("Başbakan, görüşmelerin önümüzdeki hafta İstanbul'da süreceğini söyledi. ", "cp1254"),
    "Russian": ("Президент России прибыл в Москву на переговоры с министром. ", "cp1251"),
    "Russian, old": ("Президент России прибыл в Москву на переговоры с министром. ", "koi8-r"),
    "Greek": ("Ο πρωθυπουργός δήλωσε ότι η κυβέρνηση θα συνεχίσει τις συνομιλίες. ", "cp1253"),
    "Hebrew": ("ראש הממשלה אמר כי השיחות יימשכו בשבוע הבא. ", "cp1255"),
    "Arabic": ("قال رئيس الوزراء إن الحكومة ستواصل المحادثات الأسبوع المقبل. ", "cp1256"),
    "Japanese": ("東京で大きな地震が発生したと気象庁が発表した。", "shift_jis"),
    "Chinese": ("中国外交部发言人星期一在北京表示，双方将继续谈判。", "gb18030"),
    "Korean": ("한국 정부는 월요일 서울에서 협상이 계속될 것이라고 밝혔다. ", "euc_kr"),
}


@pytest.mark.parametrize("repeat", [1, 20])
@pytest.mark.parametrize("language", PROSE)
def test_old_code_pages_are_recognised(language: str, repeat: int) -> None:
    sentence, encoding = PROSE[language]
    text, found = decode((sentence * repeat).encode(encoding))
    assert text == sentence * repeat
    assert found.guessed


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_unicode_is_read_without_guessing(encoding: str) -> None:
    text, found = decode("Zoë, 東京 😀".encode(encoding))
    assert text == "Zoë, 東京 😀"
    assert not found.guessed


@pytest.mark.parametrize("offset", range(4))
def test_a_sample_may_end_inside_a_character(offset: int) -> None:
    text = "a" * offset + "東京で大きな地震が発生した。" * 20_000
    assert decode(text.encode())[0] == text
    lines = "a" * offset + ("東京で大きな地震が発生した。" * 40 + "\n") * 1000
    assert decode(lines.encode("shift_jis"))[0] == lines


def test_bytes_that_are_not_utf8_far_into_the_file_are_read_too() -> None:
    text = "Plain words. \n" * (SAMPLE_BYTES // 10) + PROSE["Spanish"][0] * 3
    found, encoding = decode(text.encode("cp1252"))
    assert found == text
    assert encoding.name == "cp1252"


@pytest.mark.parametrize("stray", [b"\xff", b"\xc3", b"\xe2\x80", b"\xe9"])
@pytest.mark.parametrize("before", ["", "Plain words. \n" * SAMPLE_BYTES], ids=["at once", "far in"])
def test_a_few_stray_bytes_make_no_other_encoding(stray: bytes, before: str) -> None:
    german = PROSE["German"][0]
    text, encoding = decode(before.encode() + german.encode() + stray + b" and " + german.encode())
    assert text == f"{before}{german}\ufffd and {german}"
    assert (encoding.name, encoding.guessed) == ("utf-8", True)
    stream, encoding = open_lines(io.BytesIO(german.encode() + b"\n" + german.encode() + stray + b"\nend"))
    assert not encoding.guessed
    lines = [mend(line) for _, line in bounded_lines(stream, 1000) if line]
    assert lines == [(german, None), (f"{german}\ufffd", "utf-8"), ("end", None)]


@pytest.mark.parametrize(
    "data",
    [
        b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00",
        "words without a mark".encode("utf-16-le"),
        random.Random(1).randbytes(5000),
        random.Random(2).randbytes(5000).replace(b"\x00", b"\x01"),
        bytes(range(1, 32)) * 10,
        b"ok " * SAMPLE_BYTES + b"\xff\x00\xff",
    ],
)
def test_what_is_no_text_is_refused(data: bytes) -> None:
    with pytest.raises(InputError):
        decode(data)


@given(st.binary(max_size=400))
def test_any_bytes_are_text_or_refused(data: bytes) -> None:
    try:
        text, _ = decode(data)
    except InputError:
        return
    assert isinstance(text, str)


def test_a_line_in_another_encoding_is_mended_by_itself() -> None:
    spanish = PROSE["Spanish"][0].strip()
    stream, encoding = open_lines(
        io.BytesIO("Zoë\n".encode() * 30_000 + b"ok\n" * SAMPLE_BYTES + spanish.encode("cp1252"))
    )
    assert encoding.name == "utf-8"
    *_, (_, last) = bounded_lines(stream, 1000)
    assert last is not None
    assert mend(last) == (spanish, "cp1252")
    assert mend("Zoë") == ("Zoë", None)


def test_lines_are_numbered_and_over_long_ones_dropped() -> None:
    stream = io.StringIO("one\n" + "x" * 25 + "\n\n" + "y" * 10 + "\n" + "z" * 11)
    assert list(bounded_lines(stream, 10)) == [(1, "one"), (2, None), (3, ""), (4, "y" * 10), (5, None)]


def test_an_empty_sample_is_utf8() -> None:
    assert detect(b"", whole=True).name == "utf-8"
