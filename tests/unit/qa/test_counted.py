"""What a text says of its numbers besides their values."""

from __future__ import annotations

import pytest
from hypothesis import given

from qa.evidence import facts
from tests.unit.qa.strategies import any_text


def fates(text: str) -> list[str]:
    said = facts(text, None)
    return [" ".join(sorted(said.counts(figure).fates)) for figure in said.figures]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The toll rose to 12 killed and 30 injured.", ["dead", "injured"]),
        ("A quake killed 12 people and injured 30 in Selva.", ["dead", "injured"]),
        ("Police arrested 12 suspects after 30 people were hurt.", ["arrested", "injured"]),
        ("12 dead, 30 wounded, 5 missing.", ["dead", "injured", "missing"]),
        ("It left 12 dead and wounded at least 30 others.", ["dead", "injured"]),
        ("12 people, including three children, were killed.", ["dead", ""]),
        ("The death toll from the blast in Ostrey rose to 23.", ["dead"]),
        ("The number of people injured in the blast rose to 23.", ["injured"]),
        ("The toll rose to 23 killed, up from 12.", ["dead", "dead"]),
        ("The number of dead rose from 12 to 23.", ["dead", "dead"]),
        ("Some 40 people were killed or wounded.", ["dead injured"]),
        ("Police arrested 12 wounded men.", ["arrested injured"]),
        ("30 injured people were rescued.", ["injured rescued"]),
        ("12 people were evacuated.", ["displaced rescued"]),
        ("Of 30 guests, 12 spoke.", ["", ""]),
        ("A bus that killed a dog carried 12 people.", [""]),
        ("Wages fell 5% and 12 people died.", ["", "dead"]),
        ("He killed time. 12 people came.", [""]),
    ],
)  # fmt: skip
def test_the_fate_of_those_it_counts_is_what_stands_nearest(text: str, expected: list[str]) -> None:
    assert fates(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Prices rose by 5% to 40 crowns.", ["by", "to"]),
        ("Prices rose 5 percent.", ["by"]),
        ("Prices rose more than 5%.", ["by"]),
        ("The rate was cut from 4.75% to 4.5%.", ["from", "to"]),
        ("The rate was raised to at least 5%.", ["to"]),
        ("A rise of 5% was reported.", ["by"]),
        ("A 5% drop in sales.", ["by"]),
        ("The rate fell to 5%, from 6%.", ["to", "from"]),
        # A range, a bound, a measure of change, another verb.
        ("Prices rose 3 to 5%.", ["by", ""]),
        ("Prices rose up to 5%.", [""]),
        ("Inflation rose to 5%.", [""]),
        ("He sold it to 5 people.", [""]),
        ("She won by 5 points.", [""]),
    ],
)  # fmt: skip
def test_what_changed_did_so_by_it_to_it_or_from_it(text: str, expected: list[str]) -> None:
    said = facts(text, None)
    assert [said.counts(figure).step for figure in said.figures] == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Two men and five young women came.", ["male", "female"]),
        ("12 men and women came.", ["female male"]),
        ("12 soldiers and 30 civilians died.", ["military", "civilian"]),
        ("Two of the men came.", [""]),
        ("12 people, men mostly, came.", [""]),
    ],
)  # fmt: skip
def test_who_is_counted_is_the_noun_behind(text: str, expected: list[str]) -> None:
    said = facts(text, None)
    assert [" ".join(sorted(said.counts(figure).who)) for figure in said.figures] == expected


@given(any_text)
def test_what_is_said_of_a_number_excludes_no_number_of_which_the_same_is_said(text: str) -> None:
    said = facts(text, None)
    for figure in said.figures:
        assert not said.counts(figure).excludes(said.counts(figure))
