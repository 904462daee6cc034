from __future__ import annotations

import pytest

from qa.names import Known, Name, kin, missing, names
from qa.wording import Told


def read(text: str) -> list[Name]:
    return names(Told(text))


def lost(said: str, source: str) -> list[str]:
    """The names of a text that a source does not say."""
    told = Told(source)
    known = Known(told, names(told))
    return [gone for name in read(f"He saw {said}.") if (gone := missing(name, [known]))]


@pytest.mark.parametrize(
    ("said", "source"),
    [
        ("Lavrov", "Sergey Lavrov arrived."),
        ("Foreign Minister Sergey Lavrov", "Sergey Lavrov, the foreign minister, arrived."),
        ("Brazilian officials", "Officials in Brazil said so."),
        ("Britain", "The British prime minister said so."),
        ("the United States", "The US and France agreed."),
        ("the UN", "The United Nations agreed."),
        ("the FTC", "The Federal Trade Commission agreed."),
        ("the Bank of England", "The Bank of England agreed."),
        ("George Bush", "George W. Bush came."),
        ("Lavrov", "Lavrovannounced that he would come."),
    ],
)
def test_a_name_is_known_in_all_its_forms(said: str, source: str) -> None:
    assert lost(said, source) == []


@pytest.mark.parametrize(
    ("said", "source", "gone"),
    [
        ("Celso Amorim", "Mauro Vieira came.", "celso"),
        ("Mauro Amorim", "Celso Amorim met Mauro Vieira.", "mauro amorim"),
        ("Joe Biden", "Biden came.", "joe"),
        ("Cuba", "He went to Brazil.", "cuba"),
    ],
)
def test_one_that_is_not_said_is_missed(said: str, source: str, gone: str) -> None:
    assert lost(said, source) == [gone]


def test_days_months_and_words_that_open_a_sentence_are_no_names() -> None:
    text = "Officials met on Monday in May. Prices rose. “Nobody came,” he said."
    assert [name.words for name in read(text) if name.sure] == []


def test_a_word_that_opens_a_sentence_is_a_name_when_it_stands_elsewhere() -> None:
    assert [name.words for name in read("Holt scored. The coach praised Holt.") if name.sure] == [("holt",), ("holt",)]


def test_in_a_headline_a_capital_tells_nothing() -> None:
    assert not any(name.sure for name in read("Council Approves New Maternity Wing"))


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("Lavrov", "Sergey Lavrov", True),
        ("Brazil", "Brazilian", True),
        ("FTC", "Federal Trade Commission", True),
        ("Lavrov", "Vieira", False),
    ],
)
def test_names_of_one_are_kin(one: str, other: str, alike: bool) -> None:
    (mine,), (theirs,) = read(f"He saw {one}."), read(f"He saw {other}.")
    assert kin(mine, theirs) == alike
