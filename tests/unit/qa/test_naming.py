from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.naming import Named, named

ID = "u-0c1f6d2e9a4b7c8d9e0f1a2b"
URL = "https://www.news.example/2025/flood?page=2#top"
TITLE = "Flood toll: four dead, says mayor"


def holds(question: str, *, article_id: str = ID, url: str | None = URL, title: str | None = TITLE) -> bool:
    return named(question).holds(article_id, url=url, title=title)


@pytest.mark.parametrize(
    "question",
    [
        f"What does {ID} say of the mayor?",
        f"Summarise {ID}.",
        f"Who is quoted in {URL}?",
        "Who is quoted in http://news.example/2025/flood?page=2.",
        f'Who is quoted in "{TITLE}"?',
        f"Who is quoted in \u201c{TITLE},\u201d and why?",
        "who is quoted in \u00abFLOOD TOLL: four dead,  says mayor\u00bb?",
        f"What is '{TITLE}' about?",
    ],
)
def test_an_article_is_named_by_id_url_or_quoted_title(question: str) -> None:
    assert holds(question)


@pytest.mark.parametrize(
    "question",
    [
        "How many died in the flood?",
        TITLE,
        'Who said "four dead"?',
        "Who is quoted in https://www.news.example/2025/drought?page=2?",
        "Who is quoted in https://www.news.example/2025/flood?page=3?",
        "What does u-000000000000000000000000 say?",
        "",
    ],
)
def test_what_is_near_is_not_named(question: str) -> None:
    assert not holds(question)


@pytest.mark.parametrize(
    ("question", "is_named"),
    [
        ("What does article desk-7 say?", True),
        ("What does the report id desk-7?", True),
        ('What does "desk-7" say?', True),
        ("Is desk-7 broken?", False),
    ],
)
def test_an_id_of_the_publisher_s_own_counts_where_it_is_called_one(question: str, is_named: bool) -> None:
    assert holds(question, article_id="desk-7", url=None, title=None) is is_named


def test_an_article_without_url_and_title_is_not_named_by_a_question_without_any() -> None:
    assert named("Who won?") == Named()
    assert not holds("Who won?", url=None, title=None)


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=300), st.text(max_size=40))
def test_whatever_is_asked_it_is_read(question: str, title: str) -> None:
    found = named(question + "http://[" + question)
    assert found.holds("\x00", url="http://[", title=title) in (True, False)
