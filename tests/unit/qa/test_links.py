from __future__ import annotations

import re
from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.links import plain_url, urls, without_links

OWN = {plain_url("https://ok.example/a"), plain_url("http://www.good.org/")}
# What a Markdown or HTML renderer would follow or fetch.
LEADS_SOMEWHERE = re.compile(r"https?:/|\bwww\.|\]\(|!\[|<[a-z/!]|^\s*\[[^\[\]\n]+\]:", re.IGNORECASE | re.MULTILINE)


@pytest.mark.parametrize(
    ("written", "shown", "removed"),
    [
        ("He met [Vieira](https://evil.example/v) there.", "He met Vieira there.", 1),
        ('He met [Vieira](https://evil.example/v "V") there.', "He met Vieira there.", 1),
        ("He met ![Vieira](https://ok.example/a) there.", "He met Vieira there.", 1),
        ("See [the report](https://ok.example/a).", "See the report (ok.example/a).", 0),
        ("Log in at https://evil.example/login to read.", "Log in at to read.", 1),
        ("Log in (http://evil.example).", "Log in.", 1),
        ("See https://ok.example/a.", "See ok.example/a.", 0),
        ("See www.good.org, or good.org.", "See good.org, or good.org.", 0),
        ("See <https://evil.example/x> or <https://ok.example/a>.", "See or ok.example/a.", 1),
        ("Write to mailto:a@evil.example or a@evil.example.", "Write to or a@.", 2),
        ("Run javascript:alert(1) now.", "Run now.", 1),
        ("It goes to evil.example/steal?q=1 at once.", "It goes to at once.", 1),
        ('<img src="https://evil.example/p.png" onerror="x()">He came.', "He came.", 1),
        ("He <b>came</b>.", "He came.", 2),
        ("htt<b>ps://evil.example/x", "htt", 2),
        ("[ref]: https://evil.example/x", "ref:", 1),
        ("[x](/track.png) and [y](page)", "x and y", 2),
        ("[a [b]](http://evil.example)", "[a [b]]", 1),
        ("Prices < wages, a<b", "Prices ‹ wages, a‹b", 0),
        ("The U.S./China talks, 3.5/10 and/or e.g. this [sic] (so) he said.", None, 0),
    ],
)
def test_nothing_a_model_writes_leads_anywhere(written: str, shown: str | None, removed: int) -> None:
    cleaned = without_links(written, OWN.__contains__)
    assert (cleaned.text, cleaned.removed) == (written if shown is None else shown, removed)


def test_offsets_move_with_the_text() -> None:
    text = "See [the report](https://evil.example/x) of Monday."
    cleaned = without_links(text, OWN.__contains__, [0, 4, text.index("(") + 3, text.index(" of"), len(text)])
    assert [cleaned.text[at:] for at in cleaned.moved] == [
        "See the report of Monday.",
        "the report of Monday.",
        " of Monday.",
        " of Monday.",
        "",
    ]


def test_a_url_is_known_however_it_is_written() -> None:
    assert urls("See https://WWW.Good.org/Path/, (http://ok.example/a) and x.test.") == {
        "good.org/Path",
        "ok.example/a",
        "x.test",
    }


_ATOMS = [*"[ ] ( ) ! < > http:// https:// www. evil.example /x b img a javascript: : ://".split(), " ", "\n"]


@given(st.lists(st.sampled_from(_ATOMS), max_size=30).map("".join), st.integers(0, 30))
def test_no_mixture_of_pieces_does(text: str, offset: int) -> None:
    cleaned = without_links(text, OWN.__contains__, [min(offset, len(text))])
    assert not LEADS_SOMEWHERE.search(cleaned.text)
    assert 0 <= cleaned.moved[0] <= len(cleaned.text)
    assert without_links(cleaned.text, OWN.__contains__).text == cleaned.text


@pytest.mark.parametrize(
    "piece", ["[", "<", "<b>", "<a ", "[a](", "![](x)", "http://", "a.a", "](", "www.", "((", "data:", "://", "a-"]
)
def test_no_text_takes_long(piece: str) -> None:
    begun = perf_counter()
    without_links(piece * (200_000 // len(piece)), OWN.__contains__)
    assert perf_counter() - begun < 10
