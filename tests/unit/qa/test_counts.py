from __future__ import annotations

import pytest
from hypothesis import given

from qa.counts import counts
from qa.evidence import facts
from tests.unit.qa.strategies import any_text


def counted(text: str) -> list[tuple[float, str, set[str]]]:
    said = facts(text, None)
    return [(one.figure.value, one.kind, set(one.who)) for one in counts(said, 0, len(said.told.tokens))]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("At least 12 people were killed and 30 injured.", [(12, "dead", set()), (30, "injured", set())]),
        ("The quake killed 12 and injured more than 30.", [(12, "dead", set()), (30, "injured", set())]),
        ("At least two have died and 45 people were hospitalized.", [(2, "dead", set()), (45, "ill", set())]),
        ("The death toll from the ferry that sank off Orn rose to 15.", [(15, "dead", set())]),
        ("The toll rose from 12 to 15.", [(15, "dead", set())]),
        (
            "Twelve people, including three children, were killed.",
            [(12, "dead", set()), (3, "dead", {"child"})],
        ),
        ("Strikes have killed more than 34,000 Palestinians.", [(34_000, "dead", {"palestinians"})]),
        ("The American death toll rose to 22.", [(22, "dead", {"u.s"})]),
        ("The fire is 30% contained.", [(30, "contained", set())]),
        ("The blaze burned 1,200 acres.", [(1200, "burned", set())]),
        ("The Bank of Orn raised its key rate to 4.75%.", [(4.75, "rate", {"key"})]),
        ("More than 20,000 customers were without power.", [(20_000, "dark", {"custom"})]),
    ],
)
def test_numbers_that_reports_revise(text: str, found: list[tuple[float, str, set[str]]]) -> None:
    assert counted(text) == found


@pytest.mark.parametrize(
    "text",
    [
        "A magnitude 7.2 earthquake struck, and people were killed.",
        "A Level 3 snow emergency has killed traffic.",
        "Another 12 people were killed.",
        "Three more people were killed.",
        "About 12 people a day, 84 per week, are killed there.",
        "Between 12 and 15 people were killed.",
        "Some 12 to 15 people were killed.",
        "Dozens of people were killed.",
        "As many as 50 people are feared dead.",
        "The flood could kill 50 people.",
        "Two-thirds of those aged 70 and older died.",
        "The 12 people killed were buried on Monday.",
        "Inflation rose to 4.75% and the jobless rate fell to 4.5%.",
        "They won 3-1 and injured nobody.",
        "He scored 12 points.",
    ],
)
def test_parts_ranges_names_guesses_and_what_has_a_period_of_its_own_are_left_out(text: str) -> None:
    assert counted(text) == []


def test_what_somebody_died_of_is_part_of_what_is_counted() -> None:
    assert counted("Twelve people died of cholera.") == [(12, "dead", {"cholera"})]


@given(any_text)
def test_any_text_can_be_counted(text: str) -> None:
    said = facts(text, None)
    for one in counts(said, 0, len(said.told.tokens)):
        assert one.figure in said.figures
