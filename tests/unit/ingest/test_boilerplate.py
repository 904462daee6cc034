from __future__ import annotations

import pytest

from ingest.boilerplate import is_boilerplate, without_boilerplate


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
    ],
)  # fmt: skip
def test_sentences_stay(line: str) -> None:
    assert not is_boilerplate(line)


def test_the_other_lines_stay_as_they_are() -> None:
    assert without_boilerplate("One.\nRead more\n\n  Two.\nAdvertisement") == "One.\n\n  Two."
    assert without_boilerplate("Advertisement\n\nShare") == without_boilerplate("") == ""
