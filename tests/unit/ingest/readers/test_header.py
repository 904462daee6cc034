from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.readers.header import split_header

TODAY = date(2024, 4, 1)


def split(text: str) -> tuple[dict[str, object], str]:
    header = split_header(text, today=TODAY)
    return header.fields, header.body.strip()


@pytest.mark.parametrize(
    ("text", "fields", "body"),
    [
        (
            " date 2023-04-17 The Russian Foreign Minister, Sergey Lavrovannounced on April 13",
            {"published": "2023-04-17"},
            "The Russian Foreign Minister, Sergey Lavrovannounced on April 13",
        ),
        (
            "Date: April 17, 2025\nTitle: A: B\nURL: https://a.example/x\n"
            "Source: Coastwire\nAuthor: Lena Brandt\n\nBody.",
            {
                "published": "April 17, 2025",
                "title": "A: B",
                "url": "https://a.example/x",
                "source": "Coastwire",
                "authors": "Lena Brandt",
            },
            "Body.",
        ),
        (
            "\n\n url https://a.example/x\n source Varren Courier\n author Ilse Corran\n"
            " date 2025-01-16 Dock workers said.\n\nMore.",
            {
                "url": "https://a.example/x",
                "source": "Varren Courier",
                "authors": "Ilse Corran",
                "published": "2025-01-16",
            },
            "Dock workers said.\n\nMore.",
        ),
        (
            "date 2025-03-14\ntitle iPhone sales fall\nsource cnn.com\nid x-1\nBody.",
            {"published": "2025-03-14", "title": "iPhone sales fall", "source": "cnn.com", "id": "x-1"},
            "Body.",
        ),
        ("published: 2025-03-14\nauthors: A B; C D\nX", {"published": "2025-03-14", "authors": "A B; C D"}, "X"),
        ("DATE 17 Apr 2023\nTITLE: X\n\nBody.", {"published": "17 Apr 2023", "title": "X"}, "Body."),
        ("date: 2023-04-17T08:00:00Z - The body.", {"published": "2023-04-17T08:00:00Z"}, "The body."),
        ("Title: Only a title\nBody.", {"title": "Only a title"}, "Body."),
        ("date: no idea\ntitle: X\nBody.", {"published": "no idea", "title": "X"}, "Body."),
        ("date 03/04/2023 Text.", {"published": "03/04/2023"}, "Text."),
        ("date: 2023-04-17\n\nSource: two people.", {"published": "2023-04-17"}, "Source: two people."),
        ("date: 2023-04-17\ndate: 2023-04-18\nBody.", {"published": "2023-04-17"}, "date: 2023-04-18\nBody."),
        ("Date 2023-04-17\nSource of the Nile found.", {"published": "2023-04-17"}, "Source of the Nile found."),
        ("Date: 2023-04-17\nTitle fights are back.", {"published": "2023-04-17"}, "Title fights are back."),
        ("date 2023-04-17\nSource Harbour Post\nBody.", {"published": "2023-04-17", "source": "Harbour Post"}, "Body."),
        ("date 2023-04-17\nTitle Council Votes\nBody.", {"published": "2023-04-17", "title": "Council Votes"}, "Body."),
        ("date: 2023-04-17", {"published": "2023-04-17"}, ""),
        ("title: X\n\n\ndate: 2023-04-17\n\nBody", {"title": "X", "published": "2023-04-17"}, "Body"),
        ("title: X\n\ndate: 2023-04-17\nid: y\n\nid: z", {"title": "X", "published": "2023-04-17", "id": "y"}, "id: z"),
        ("title: X\n\ndate: unknown\n\nBody", {"title": "X"}, "date: unknown\n\nBody"),
        ("title: x\nurl: https://a.example/b c\nBody", {"title": "x"}, "url: https://a.example/b c\nBody"),
    ],
)  # fmt: skip
def test_headers(text: str, fields: dict[str, object], body: str) -> None:
    assert split(text) == (fields, body)


@pytest.mark.parametrize(
    "text",
    [
        "Date palms are dying in the south.",
        "Date night is back.\nSo are the crowds.",
        "Date: the fruit that made a kingdom rich, and what became of its groves since then.",
        "Dates 2023-04-17 to 2023-04-19 were set aside.",
        "Source close to the ministry said on Monday",
        "Source Code, the film, is ten years old.",
        "Sources: two people.",
        "Source: two people familiar with the matter said that the minister would resign before the week was over.",
        "Title fights return to Las Vegas",
        "Author Salman Rushdie was attacked on Friday.",
        "Author Salman Rushdie\nwas attacked on Friday.",
        "URL shorteners are in decline.",
        "Url of the day",
        "id cards will be needed to vote.",
        "ID cards will be needed to vote.",
        "Published accounts show a loss.",
        "url www.example.com/a is down.",
        "Author",
        "date:",
        "",
        "\n\n",
        "The date 2023-04-17 was set.",
        "---\n\nA line above a story. No front matter: this.\nMore text without a key.\n---\n",
        "---\nno end to this",
    ],
)
def test_a_first_sentence_is_never_eaten(text: str) -> None:
    assert split_header(text, today=TODAY).fields == {}
    assert split_header(text, today=TODAY).body == text


@pytest.mark.parametrize(
    "line",
    ["Author Salman Rushdie was attacked on Friday in the state of New York", "Source close to Mr. Smith said so"],
)
def test_prose_right_below_a_real_header_is_body(line: str) -> None:
    assert split(f"date 2022-08-12\n{line}\nMore.") == ({"published": "2022-08-12"}, f"{line}\nMore.")


prose_words = st.lists(
    st.sampled_from(["the", "was", "is", "said", "of", "on", "Friday", "minister", "12", "London,", "back:", "1800s"]),
    min_size=1,
    max_size=30,
)


@given(st.sampled_from(["Date", "Title", "Source", "Author", "Url", "Published", "Id"]), prose_words)
def test_prose_that_begins_with_a_key_word_stays_whole(key: str, words: list[str]) -> None:
    text = f"{key} {' '.join(words)}"
    assert split_header(text, today=TODAY).body == text


@given(st.text(max_size=300))
def test_the_body_is_always_the_end_of_the_text(text: str) -> None:
    header = split_header(text, today=TODAY)
    assert text.endswith(header.body)
    assert header.fields or header.body == text


@given(
    st.dates(date(1900, 1, 1), TODAY),
    st.sampled_from(["date {}", "Date: {}", " published {}"]),
    st.text(st.characters(categories=["L"]), min_size=2, max_size=40),
)
def test_text_on_the_dates_line_is_kept_exactly(day: date, form: str, body: str) -> None:
    header = split_header(f"{form.format(day.isoformat())} {body}  \nmore", today=TODAY)
    assert header.fields == {"published": day.isoformat()}
    assert header.body == f"{body}  \nmore"


def test_front_matter() -> None:
    text = """---
# a comment
title: "The \\"iron\\" bridge: a history"
date: 2023-04-17 # as printed
link: https://ignored.example/
authors:
  - Lena Brandt
  - 'Dov O''Marsh'
tags: [a, b]
image:
  url: nested.png
summary: >
  folded
source: Harbour Post
---

# Heading

Body."""
    fields, body = split(text)
    assert fields == {
        "title": 'The "iron" bridge: a history',
        "published": "2023-04-17",
        "authors": ["Lena Brandt", "Dov O'Marsh"],
        "source": "Harbour Post",
    }
    assert body == "# Heading\n\nBody."


def test_front_matter_lists_on_one_line_and_empty_values() -> None:
    assert split("---\nauthors: [Lena Brandt, 'Dov Marsh']\ntitle:\nid: ~\n---\nBody") == (
        {"authors": ["Lena Brandt", "Dov Marsh"]},
        "Body",
    )


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("date " + " " * 300_000 + "x", id="spaces"),
        pytest.param("title: " + "a " * 300_000, id="long title"),
        pytest.param("---\n" + "a " * 300_000, id="open front matter"),
        pytest.param("---\n" * 100_000, id="dashes"),
        pytest.param("date 2023-04-17" + " " * 300_000 + "x", id="date and spaces"),
    ],
)
@pytest.mark.timeout(5)
def test_hostile_beginnings_are_quick(text: str) -> None:
    assert text.endswith(split_header(text, today=TODAY).body)
