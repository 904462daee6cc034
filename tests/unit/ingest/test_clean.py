from __future__ import annotations

import contextlib
from datetime import date
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.clean import (
    AmbiguousDateError,
    article_id,
    canonical_url,
    clean_line,
    clean_text,
    leading_date,
    parse_published,
    proved_order,
    source_from_url,
)

TODAY = date(2024, 4, 1)


class TestCleanText:
    def test_line_ends_become_newlines_and_outer_white_space_goes(self) -> None:
        assert clean_text("  \r\none\r\ntwo\rthree\n\n") == "one\ntwo\nthree"

    def test_what_cannot_be_stored_is_replaced_in_place(self) -> None:
        assert clean_text("a\x00b\ud800c\x1bd\te") == "a\ufffdb\ufffdc\ufffdd\te"

    @given(st.text(st.characters(categories=None)))
    def test_can_always_be_encoded_and_is_idempotent(self, text: str) -> None:
        cleaned = clean_text(text)
        cleaned.encode()
        assert "\x00" not in cleaned
        assert clean_text(cleaned) == cleaned

    def test_a_line_is_one_line_or_nothing(self) -> None:
        assert clean_line(" Two\n  words ") == "Two words"
        assert clean_line(" \n ") is None


class TestCanonicalUrl:
    @pytest.mark.parametrize(
        ("written", "canonical"),
        [
            ("HTTP://WWW.Example.COM/Path", "http://www.example.com/Path"),
            ("https://example.com", "https://example.com/"),
            ("https://example.com:443/a", "https://example.com/a"),
            ("http://example.com:80/a", "http://example.com/a"),
            ("http://example.com:8080/a", "http://example.com:8080/a"),
            ("https://example.com./a", "https://example.com/a"),
            ("https://user:secret@example.com/a", "https://example.com/a"),
            ("https://example.com/a#section", "https://example.com/a"),
            ("https://example.com/#!/story/7", "https://example.com/#!/story/7"),
            ("https://example.com/#/story/7", "https://example.com/#/story/7"),
            ("https://example.com/a?utm_source=x&utm_medium=y", "https://example.com/a"),
            ("https://example.com/a?id=2&fbclid=z&gclid=q", "https://example.com/a?id=2"),
            ("https://example.com/a?b=2&a=1&b=1", "https://example.com/a?a=1&b=2&b=1"),
            ("https://example.com/a?", "https://example.com/a"),
            ("https://example.com/caf%c3%a9", "https://example.com/caf%C3%A9"),
            ("https://example.com/café", "https://example.com/caf%C3%A9"),
            ("https://example.com/%7euser", "https://example.com/~user"),
            ("https://example.com/a%2Fb", "https://example.com/a%2Fb"),
            ("https://bücher.example/a", "https://xn--bcher-kva.example/a"),
            ("http://[2001:DB8::1]:80/a", "http://[2001:db8::1]/a"),
            (" https://example.com/a \n", "https://example.com/a"),
            ("http://cnn.com/index.html!", "http://cnn.com/index.html!"),
        ],
    )
    def test_one_form_for_one_address(self, written: str, canonical: str) -> None:
        assert canonical_url(written) == canonical

    def test_what_may_be_another_page_stays_another_address(self) -> None:
        different = ["http://a.example/x", "https://a.example/x", "https://www.a.example/x", "https://a.example/x/"]
        assert len({canonical_url(url) for url in different}) == 4

    @pytest.mark.parametrize(
        "written",
        ["", "example.com/a", "ftp://example.com/a", "javascript:alert(1)", "https:///a", "https://a b.example/", "http://[::1",
         "http://a.example:99999/", "http://./", "http://a.example/\ud800"],
    )  # fmt: skip
    def test_refuses_what_is_no_web_address(self, written: str) -> None:
        with pytest.raises(ValueError, match="URL"):
            canonical_url(written)

    @given(
        st.from_regex(
            r"https?://[a-zA-Z0-9.-]{1,20}(:[0-9]{1,4})?/[^\s]{0,30}(\?[^\s]{0,30})?(#[^\s]{0,9})?", fullmatch=True
        )
    )
    def test_idempotent_ascii_and_never_another_error(self, written: str) -> None:
        try:
            once = canonical_url(written)
        except ValueError:
            return
        assert once.isascii()
        assert canonical_url(once) == once
        assert urlsplit(once).scheme in ("http", "https")


class TestArticleId:
    def test_the_url_decides_however_it_is_written(self) -> None:
        first = article_id("https://Example.com/a?utm_source=x", "own", "text")
        assert first == article_id("https://example.com/a", None, "other text")
        assert first.startswith("u-")

    def test_a_plain_own_id_is_kept(self) -> None:
        assert article_id(None, "vso-2025.01_b", "text") == "vso-2025.01_b"

    @pytest.mark.parametrize(
        "own", ["two words", "../../etc", "a" * 65, "-x", ".", "é", "u-" + "0" * 24, "c-" + "a" * 24]
    )
    def test_any_other_own_id_is_hashed(self, own: str) -> None:
        made = article_id(None, own, "text")
        assert made.startswith("i-")
        assert made == article_id(None, own, "other text")

    def test_else_the_text_decides(self) -> None:
        assert article_id(None, None, "text") == article_id(None, "", "text")
        assert article_id(None, None, "text") != article_id(None, None, "Text")

    @given(st.text(min_size=1, max_size=80), st.text(max_size=80))
    def test_an_own_id_never_passes_for_a_made_one(self, own: str, text: str) -> None:
        made = {article_id(None, None, text), article_id("https://example.com/" + "a", None, "")}
        assert article_id(None, own, text) not in made
        for one in made:
            assert article_id(None, one, text) != one


def test_source_from_url_is_the_host_without_www() -> None:
    assert source_from_url("https://www.Example.com:8443/a") == "example.com"
    assert source_from_url(None) is None
    assert source_from_url("nonsense") is None
    assert source_from_url("http://[") is None


class TestParsePublished:
    @pytest.mark.parametrize(
        "written",
        [
            "2023-04-17", "2023/04/17", "2023.4.17", "20230417", "2023-04-17T23:59:59Z",
            "2023-04-17T23:59:59.123+14:00",
            "2023-04-17 08:00", "2023-04-17 08:00:00 -0700", "2023-04-17T08:00:00+00:00",
            "April 17, 2023", "april 17 2023",
            "Apr. 17, 2023", "Monday, April 17, 2023", "April 17th, 2023", "April 17, 2023 10:30 AM EDT",
            "April 17, 2023 at 6:05 p.m. ET", "17 April 2023", "17 Apr 2023", "17th of April 2023", "17-Apr-2023",
            "Mon, 17 Apr 2023 10:00:00 +0200", "Mon, 17 Apr 2023 10:00:00 GMT",
            "Mon, 17 Apr 2023 10:00:00 +0200 (CEST)",
            "17/04/2023", "04/17/2023", "17.04.2023", "  2023-04-17\n",
        ],
    )  # fmt: skip
    def test_reads_the_day_as_written(self, written: str) -> None:
        assert parse_published(written, today=TODAY) == date(2023, 4, 17)

    @pytest.mark.parametrize("month", ["Sept", "Sep.", "September"])
    def test_september_has_three_short_forms(self, month: str) -> None:
        assert parse_published(f"{month} 5, 2023", today=TODAY) == date(2023, 9, 5)

    def test_equal_day_and_month_cannot_be_confused(self) -> None:
        assert parse_published("05/05/2023", today=TODAY) == date(2023, 5, 5)

    def test_blank_is_undated(self) -> None:
        assert parse_published(" \t", today=TODAY) is None

    @pytest.mark.parametrize(
        ("written", "reason"),
        [
            ("03/04/2023", "could be 3/4 or 4/3"),
            ("3.4.2023", "could be"),
            ("2023-02-30", "not a day of the calendar"),
            ("13/13/2023", "not a day of the calendar"),
            ("1799-12-31", "before 1800"),
            ("2024-04-03", "in the future"),
            ("yesterday", "cannot read"),
            ("April 2023", "cannot read"),
            ("2023-04-17 was a Monday", "cannot read"),
            ("1681689600", "cannot read"),
            ("2023-04-171", "cannot read"),
        ],
    )
    def test_refuses_with_the_reason(self, written: str, reason: str) -> None:
        with pytest.raises(ValueError, match=reason):
            parse_published(written, today=TODAY)

    def test_tomorrow_may_be_today_elsewhere(self) -> None:
        assert parse_published("2024-04-02", today=TODAY) == date(2024, 4, 2)

    @given(st.dates(date(1800, 1, 1), TODAY))
    def test_every_day_in_every_plain_form(self, day: date) -> None:
        for written in (
            day.isoformat(),
            f"{day:%B} {day.day}, {day:%Y}",
            f"{day.day} {day:%b} {day:%Y}",
            f"{day:%Y%m%d}",
        ):
            assert parse_published(written, today=TODAY) == day

    @given(st.text(max_size=60))
    def test_never_fails_otherwise(self, written: str) -> None:
        with contextlib.suppress(ValueError):
            parse_published(written, today=TODAY)

    def test_long_nonsense_is_quick_and_shown_short(self) -> None:
        with pytest.raises(ValueError, match="…") as caught:
            parse_published("Mon" + " " * 200_000 + "x", today=TODAY)
        assert len(str(caught.value)) < 100


def test_leading_date_stops_where_the_text_goes_on() -> None:
    found = leading_date("April 17, 2023 The minister", today=TODAY)
    assert found is not None
    assert (found.day, "April 17, 2023 The minister"[found.end :]) == (date(2023, 4, 17), " The minister")
    assert leading_date("The 17 April 2023", today=TODAY) is None


@pytest.mark.parametrize(
    "written",
    [
        "5 de marzo de 2024", "martes, 5 de marzo de 2024, 06:30 h", "5 de março de 2024 às 14h30", "5 mars 2024",
        "mardi 5 mars 2024 à 14h30", "5. März 2024", "Dienstag, 5. Mrz. 2024, 14:30 Uhr", "5 marzo 2024 alle ore 14:30",
        "martedì 5 marzo 2024", "5-mar-2024", "Tue Mar 05 23:15:00 UTC 2024", "20240305T231500Z", "20240305T2315+0100",
    ],
)  # fmt: skip
def test_dates_in_six_languages_and_of_machines(written: str) -> None:
    assert parse_published(written, today=TODAY) == date(2024, 3, 5)


def test_every_month_of_every_language_has_its_number() -> None:
    months = {
        1: "enero janeiro janvier Januar gennaio", 2: "febrero fevereiro février Februar febbraio",
        4: "abril avril April aprile", 5: "mayo maio mai Mai maggio", 6: "junio junho juin Juni giugno",
        7: "julio julho juillet Juli luglio", 8: "agosto août August", 9: "septiembre setembro septembre settembre",
        10: "octubre outubro octobre Oktober ottobre", 11: "noviembre novembro novembre",
        12: "diciembre dezembro décembre Dezember dicembre",
    }  # fmt: skip
    for number, names in months.items():
        for name in names.split():
            assert parse_published(f"2 {name} 2023", today=TODAY) == date(2023, number, 2)


def test_a_known_order_reads_what_could_be_either_and_nothing_else() -> None:
    with pytest.raises(AmbiguousDateError):
        parse_published("03/04/2024", today=date(2025, 1, 1))
    assert parse_published("03/04/2024", today=date(2025, 1, 1), day_first=True) == date(2024, 4, 3)
    assert parse_published("03/04/2024", today=date(2025, 1, 1), day_first=False) == date(2024, 3, 4)
    assert parse_published("25/04/2024", today=date(2025, 1, 1), day_first=False) == date(2024, 4, 25)


@pytest.mark.parametrize(
    ("written", "order"),
    [("25/04/2024", True), (" 04.25.2024 10:00", False), ("03/04/2024", None), ("25/26/2024", None),
     ("13/32/2024", None), ("2024-04-25", None), ("25 April 2024", None), ("", None)],
)  # fmt: skip
def test_proved_order(written: str, order: bool | None) -> None:
    assert proved_order(written) is order
