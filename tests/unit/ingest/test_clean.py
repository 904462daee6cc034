from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.clean import article_id, canonical_url, clean_line, clean_text, source_from_url


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
