from __future__ import annotations

import pytest

from qa.boilerplate import is_boilerplate, without_agencies, without_boilerplate


@pytest.mark.parametrize(
    "line",
    [
        "Advertisement",
        "ADVERTISEMENT",
        "Story continues below advertisement",
        "Read more",
        "Read more »",
        "▶ Read more",
        "Share this article",
        "Share on Facebook",
        "Facebook | Twitter | Email",
        "Follow us on Facebook",
        "Copy link",
        "We use cookies to give you the best experience.",
        "Accept all cookies",
        "This website uses cookies to improve it.",
        "By continuing to browse our site you agree to our use of cookies.",
        "Subscribe",
        "Sign in",
        "Already a subscriber? Log in",
        "Sign up for our free weekly newsletter",
        "Subscribe to our newsletter",
        "This article is for subscribers only",
        "Please enable JavaScript to continue.",
        "Related articles",
        "À lire aussi",
        "Compartir",
        "Anzeige",
        "12 comments",
        "© 2024 The Post. All rights reserved.",
        "5 min read",
        "Read more here.",
        "Contributing: The Associated Press",
        "-- Contributing: Joey Garrison",
        "(Reporting by Jane Doe in Kyiv and Ali Öz; Editing by John O'Hara)",
        "Reporting by Guy Faulconbridge; additional reporting by Anna Ash; writing by Tom Lee; editing by Ed Osmond",
        "With additional reporting by CNN's Mike Schwartz in Jerusalem.",
        "This story includes reporting by the Associated Press.",
        "Our Standards: The Thomson Reuters Trust Principles.",
    ],
)
def test_phrases_that_are_no_part_of_an_article_go(line: str) -> None:
    assert is_boilerplate(f"  {line} ")


@pytest.mark.parametrize(
    "line",
    [
        "Share prices fell.", "Advertisement spending fell by a tenth.", "Read more books, the minister said.",
        "We use cookies made without butter, the baker said.", "The site uses cookies, the regulator found.",
        "By using leftover cookies the bakery saved money.", "Subscribe to the theory or not, it is taught.",
        "Facebook", "X", "Sign up, he said, and they signed.", "He said: Read more.", "Follow the money.",
        "Comments by the minister caused anger.", "Print is not dead.", "Search parties left at dawn.",
        "Related deaths rose to 12.", "Loading of the ship began at noon.", "", "12", "Subscribers left.",
        "All rights reserved for the crown were sold.", "Menu prices rose.",
        "Reporting by CNN showed that the minister lied.", "Contributing: the minister said he gave 10 crowns.",
        "Editing by hand is slow.", "Reporting by the Times led to his arrest.",
    ],
)  # fmt: skip
def test_sentences_stay(line: str) -> None:
    assert not is_boilerplate(line)


def test_the_other_lines_stay_as_they_are() -> None:
    assert without_boilerplate("One.\nRead more\n\n  Two.\nAdvertisement") == "One.\n\n  Two."
    assert without_boilerplate("Advertisement\n\nShare") == without_boilerplate("") == ""


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("WASHINGTON, April 12 (Reuters) - The bank said.", "WASHINGTON, April 12 The bank said."),
        ("OKEMOS, Mich. (AP) — The school said.", "OKEMOS, Mich. The school said."),
        ("BERLIN (dpa/Coastwire) – The school said.", "BERLIN The school said."),
        ("(AFP) - The school said.", "The school said."),
        ("CNN —\nThe school said.", "The school said."),
        ("Kyiv, Ukraine CNN — The school said.", "Kyiv, Ukraine The school said."),
        ("The school said. (AFP)", "The school said."),
        ("“We lost.” (AP/Reuters)\nThey won.", "“We lost.”\nThey won."),
        ("The school said. — Associated Press", "The school said."),
        ("It ended. (Reporting by Ann Lee and Bo Yi; Writing by Al Ho; Editing by Ed Ott)", "It ended."),
        ("It ended. Reporting by Ann Lee; Editing by Ed Ott. Our Standards: The Thomson Reuters Trust Principles.",
         "It ended."),
    ],
)  # fmt: skip
def test_agency_tags_go(text: str, left: str) -> None:
    assert without_agencies(text) == left


@pytest.mark.parametrize(
    "text",
    [
        "The index (CPI) – a measure of prices – rose.", "Meta Platforms (Facebook) – fell.", "AP – it says so – won.",
        "He told AFP - again - that he won.", "The bill passed (AP photo).", "He works for the agency (AFP) in Paris.",
        "The agency was called (Reuters) by all who knew it, and at the end of this long sentence (AP) - so it was.",
        "He spoke to Reuters", "Reporting by Ann Lee led to arrests; editing by hand did not.",
    ],
)  # fmt: skip
def test_agencies_that_are_told_of_stay(text: str) -> None:
    assert without_agencies(text) == text


@pytest.mark.parametrize(
    "text",
    ["Contributing: " + "A" * 180 + "!", "reporting by " + "AND " * 45 + "was", "Aa " * 60 + "\n" * 50_000,
     "(AP" * 50_000, ". Reporting by " * 10_000, "! " * 100_000],
    ids=["letters", "words", "lines", "tags", "credits", "marks"],
)  # fmt: skip
@pytest.mark.timeout(20)
def test_no_text_takes_long(text: str) -> None:
    without_agencies(without_boilerplate(text))
