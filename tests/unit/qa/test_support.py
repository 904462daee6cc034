"""The check, by what a reader would call true and false of a passage."""

from __future__ import annotations

from datetime import date

import pytest

from qa.citations import Verdict, best_quote, judge
from tests.unit.qa.strategies import passage

MONDAY = date(2023, 4, 17)
QUAKE = (
    "A magnitude 6.1 earthquake killed 12 people and injured 30 in Selva on Friday, officials said. About 1,500 homes "
    "were damaged, nearly 40% of them in the port of Ostrey. Mayor Ada Brandt said the power station would not reopen "
    "before June. The last quake of that size was in 1987. Repairs will cost more than $3.2 million, Brandt said."
)
MATCH = (
    "Kelm United beat Ostrey Rovers 3-1 in the final on Saturday. Jan Holt scored twice for Kelm. Rovers coach Mia "
    "Lund denied that she would resign. Holt was sent off in the last minute."
)
TALKS = (
    "Russian Foreign Minister Sergey Lavrov arrived in Brazil on Monday. He met Mauro Vieira in Brasilia and invited "
    "President Lula to Moscow. Trade between the two countries reached 9.8 billion dollars in 2022. Lula criticised "
    "Ukraine last week. “We agreed to go on talking,” Vieira told reporters. Lavrov refused to comment."
)
RATES = (
    "The central bank raised interest rates by 0.5 percentage points to 4.5% on Thursday, after prices rose 6% in "
    "March. Unemployment fell to 3.9%. Governor Lena Sorel said the bank may raise rates again in May. The government "
    "rejected a plan to freeze rents, and the union accepted the offer."
)


def verdict(claim: str, text: str, published: date | None = MONDAY) -> Verdict:
    source = passage(text, published=published)
    return judge(claim, [best_quote(claim, source)])


@pytest.mark.parametrize(
    ("claim", "source"),
    [
        # As said, and in other words.
        ("A magnitude 6.1 earthquake killed 12 people and injured 30 in Selva on Friday.", QUAKE),
        ("Twelve people were killed and 30 were injured in the earthquake in Selva.", QUAKE),
        ("On Friday, an earthquake in Selva killed a dozen people.", QUAKE),
        ("The quake injured thirty people.", QUAKE),
        ("About 1,500 homes were damaged.", QUAKE),
        ("1500 homes were damaged, nearly 40 percent of them in Ostrey.", QUAKE),
        ("Repairs will cost more than 3.2 million dollars.", QUAKE),
        ("Repairs will cost over $3,200,000, according to Brandt.", QUAKE),
        ("The power station will not reopen before June, Ada Brandt said.", QUAKE),
        ("Before June, the power station won't reopen.", QUAKE),
        # Who did what to whom.
        ("Ostrey Rovers were beaten 3-1 by Kelm United in the final.", MATCH),
        ("On Saturday, Kelm United beat Ostrey Rovers in the final.", MATCH),
        ("Rovers coach Mia Lund denied she would resign.", MATCH),
        ("Mia Lund will not resign, she said.", MATCH),
        ("Holt, who scored twice, was sent off.", MATCH),
        ("Lavrov met Vieira in Brasilia.", TALKS),
        ("President Lula was invited to Moscow by Lavrov.", TALKS),
        ("Sergey Lavrov, the Russian foreign minister, arrived in Brazil.", TALKS),
        ("Ukraine was criticised by Lula.", TALKS),
        # Dates, however they are said.
        ("On April 17, 2023, Lavrov arrived in Brazil.", TALKS),
        ("Lavrov arrived in Brazil on 17 April.", TALKS),
        ("Lavrov arrived in Brazil on 2023-04-17.", TALKS),
        ("Lavrov arrived in Brazil in April 2023.", TALKS),
        ("In 2022, trade between the two countries reached $9.8 billion.", TALKS),
        # What is quoted.
        ("Vieira told reporters: \"We agreed to go on talking.\"", TALKS),
        ("“We agreed to go on talking,” Vieira said.", TALKS),
        ("“We agreed … talking,” said Mauro Vieira.", TALKS),
        ("Lavrov declined to comment.", TALKS),
        # Opposites and numbers that belong together.
        ("Interest rates were raised by 0.5 percentage points to 4.5%.", RATES),
        ("Prices climbed by 6% in March.", RATES),
        ("Unemployment dropped to 3.9 per cent.", RATES),
        ("The bank may raise rates again in May.", RATES),
        ("A plan to freeze rents was rejected by the government.", RATES),
        ("The union did not reject the offer.", RATES),
    ],
)  # fmt: skip
def test_what_the_source_says_is_supported(claim: str, source: str) -> None:
    assert verdict(claim, source) == Verdict(True)


@pytest.mark.parametrize(
    ("claim", "source", "kind"),
    [
        # Not the number, not its unit, not what it counts.
        ("The earthquake killed 13 people.", QUAKE, "number"),
        ("The earthquake killed 30 people and injured 12.", QUAKE, "number"),
        ("Thirty people were killed in the earthquake.", QUAKE, "number"),
        ("About 1,500 people were injured.", QUAKE, "number"),
        ("The earthquake killed a dozen people and injured three dozen.", QUAKE, "number"),
        ("About 1,500 homes were damaged, nearly 60% of them in Ostrey.", QUAKE, "number"),
        ("Repairs will cost less than $3.2 million.", QUAKE, "number"),
        ("Repairs will cost more than €3.2 million.", QUAKE, "number"),
        ("Repairs will cost more than $3.2 billion.", QUAKE, "number"),
        ("More than 12 people were killed in the earthquake.", QUAKE, "number"),
        ("Interest rates were raised by 0.5% to 4.5%.", RATES, "number"),
        ("Prices rose 3.9% in March.", RATES, "number"),
        ("Kelm United beat Ostrey Rovers 1-3 in the final.", MATCH, "number"),
        # Not the day.
        ("The earthquake killed 12 people on Thursday.", QUAKE, "date"),
        ("The last quake of that size was in 1978.", QUAKE, "date"),
        ("The power station would not reopen before July, Brandt said.", QUAKE, "date"),
        ("On April 18, 2023, Lavrov arrived in Brazil.", TALKS, "date"),
        ("Lavrov arrived in Brazil in April 2022.", TALKS, "date"),
        ("Lula criticised Ukraine last month.", TALKS, "date"),
        ("Prices rose 6% in May.", RATES, "date"),
        # Not the one who did it.
        ("Ostrey Rovers beat Kelm United 3-1 in the final.", MATCH, "name"),
        ("Kelm United were beaten 3-1 by Ostrey Rovers.", MATCH, "name"),
        ("Jan Lund scored twice for Kelm.", MATCH, "name"),
        ("Mia Holt denied that she would resign.", MATCH, "name"),
        ("Vieira arrived in Brazil on Monday.", TALKS, "name"),
        ("Lula was criticised by Ukraine.", TALKS, "name"),
        ("Celso Amorim met Lavrov in Brasilia.", TALKS, "name"),
        ("Ukrainian Foreign Minister Sergey Lavrov arrived in Brazil.", TALKS, "name"),
        ("Lavrov invited President Lula to Kyiv.", TALKS, "name"),
        # The other way round.
        ("The power station will reopen before June, Ada Brandt said.", QUAKE, "negation"),
        ("Mia Lund said that she would resign.", MATCH, "negation"),
        ("Holt was not sent off in the last minute.", MATCH, "negation"),
        ("Lavrov did not arrive in Brazil on Monday.", TALKS, "negation"),
        ("Lavrov commented.", TALKS, "negation"),
        ("The central bank lowered interest rates by 0.5 percentage points.", RATES, "negation"),
        ("Unemployment rose to 3.9%.", RATES, "negation"),
        ("The government approved a plan to freeze rents.", RATES, "negation"),
        ("The union rejected the offer.", RATES, "negation"),
        # Not in these words, not by them.
        ("“We agreed to stop talking,” Vieira said.", TALKS, "quotation"),
        ("“We agreed to go on talking,” Lavrov told reporters.", TALKS, "name"),
        # Neither said nor denied.
        ("The final has been cancelled.", MATCH, "words"),
        ("The mayor is dead.", QUAKE, "words"),
        ("The minister criticised western sanctions sharply.", TALKS, "words"),
        ("The airport closed in June.", "The airport may close in June, said the minister.", "words"),
    ],
)  # fmt: skip
def test_what_it_does_not_say_is_refused_and_the_kind_told(claim: str, source: str, kind: str) -> None:
    found = verdict(claim, source)
    assert (found.supported, found.kind) == (False, kind), found
    assert found.reason
    assert found.contradicted == (kind != "words")
    assert verdict(claim, f"{source} Pigs fly.") == found


TOLL = (
    "The toll rose to 12 killed and 30 injured after the blast in Ostrey on Monday, the mayor said. Police arrested "
    "five women and three men. The bank's profit rose by 5% in May, and wages rose to 40 crowns an hour."
)


@pytest.mark.parametrize(
    "claim",
    [
        "12 were killed.",
        "Twelve people were killed in the blast in Ostrey.",
        "12 people died and 30 were hurt in the blast in Ostrey.",
        "30 were injured.",
        "The toll rose to 12 dead.",
        "The police arrested five women.",
        "The bank's profit rose 5% in May.",
        "Wages rose to 40 crowns an hour.",
    ],
)
def test_a_number_is_supported_of_those_of_whom_it_is_said(claim: str) -> None:
    assert verdict(claim, TOLL) == Verdict(True)


@pytest.mark.parametrize(
    "claim",
    [
        "12 were injured.",
        "30 were killed.",
        "Twelve people were injured in the blast.",
        "Thirty people died in the blast in Ostrey.",
        "12 people were injured and 30 killed in the blast.",
        "The toll rose to 12 injured.",
        "Twelve people were arrested in Ostrey.",
        "The police arrested five men.",
        "The police arrested three women.",
        "The bank's profit rose to 5% in May.",
        "Wages rose by 40 crowns an hour.",
    ],
)
def test_a_number_is_refused_of_anybody_and_anything_else(claim: str) -> None:
    assert verdict(claim, TOLL).kind == "number"


COURT = (
    "A jury convicted the former mayor of fraud on Tuesday. Two men were arrested in Selva after a shop was robbed. "
    "The fire broke out north of the harbour. A blast in a mine injured workers. The king praised the nurses, and the "
    "opposition criticised the budget. Ada Brandt, 35, was arrested after she attacked a man in Kelm. Jan Holt was "
    "detained on Friday. He was released on Saturday. Kelm United beat Ostrey Rovers in the final. South Korea said "
    "North Korea fired a missile."
)


@pytest.mark.parametrize(
    "claim",
    [
        "A jury acquitted the former mayor of fraud.",
        "Two women were arrested in Selva.",
        "The fire broke out south of the harbour.",
        "The fire broke out to the west of the harbour.",
        "A blast in a mine killed workers.",
        "Kelm United lost to Ostrey Rovers in the final.",
    ],
)
def test_what_excludes_what_the_source_says_is_refused(claim: str) -> None:
    assert verdict(claim, COURT).kind in ("negation", "number")


@pytest.mark.parametrize(
    "claim",
    [
        # The sentence says both,
        "The opposition criticised the budget.",
        "A woman was arrested in Kelm.",
        "South Korea said that North Korea fired a missile.",
        # the next goes on with it,
        "Jan Holt was released.",
        # or it is the other's side of the same.
        "Ostrey Rovers lost to Kelm United in the final.",
        "A blast in a mine hurt workers.",
    ],
)
def test_what_does_not_exclude_it_is_not(claim: str) -> None:
    assert verdict(claim, COURT) == Verdict(True)


def test_the_month_of_may_makes_nothing_merely_possible() -> None:
    assert verdict("Oil imports fell in May.", "Wheat exports rose in May while oil imports fell.") == Verdict(True)


MEETING = (
    "Jan Smith met the minister in Kelm on Monday, the ministry said. They spoke about the railway. Smith has led the "
    "attorneys' union since March."
)


@pytest.mark.parametrize(
    "claim",
    [
        "Smith, who is a spy, met the minister in Kelm.",
        "Smith, a convicted thief, met the minister in Kelm on Monday.",
        "Smith met the minister in Kelm on Monday, and they quarrelled bitterly over money.",
        "Smith met the minister in Kelm on Monday, which angered farmers.",
    ],
)
def test_a_clause_that_no_passage_says_anything_of_is_flagged(claim: str) -> None:
    found = verdict(claim, MEETING)
    assert (found.supported, found.kind, found.contradicted) == (False, "words", False)
    assert str(found.reason).startswith("nothing of ")


@pytest.mark.parametrize(
    "claim",
    [
        "Smith, who leads a union, met the minister in Kelm.",
        "Smith, a union leader, met the minister in Kelm on Monday.",
        "Smith met the minister in Kelm on Monday, and they discussed the railway.",
        "Smith met the minister in Kelm, which happened on Monday, and spoke about the railway.",
    ],
)
def test_a_clause_that_a_passage_says_in_part_is_not(claim: str) -> None:
    assert verdict(claim, MEETING) == Verdict(True)
