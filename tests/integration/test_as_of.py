"""Nothing published after a question's as-of date is ever shown: not in a passage, a citation, a count or an event."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pytest

from ingest.pipeline import Pipeline
from qa.engine import Engine
from qa.events import CitationEvent, DoneEvent, Event, PassagesEvent
from qa.library.home import Home
from qa.models import Answer, Ask
from tests.integration.collection import reader, writer

FIRST = date(2024, 1, 1)
DAYS = 120
PAIRS = 200
TOPICS = ("harbour", "tariff", "glacier", "opera", "vaccine", "railway", "strike", "election")
PLACES = ("Ostrey", "Brannick", "Varren", "Selmouth", "Dunhollow", "Carrick")
MARK = re.compile(r"\bmark\d+\b")
"""Every sentence bears a mark of its version, by which its words can be told wherever they turn up."""


@dataclass(frozen=True)
class Version:
    """One text of one article, and the outlet that printed it."""

    id: str
    source: str
    text: str
    published: date


def story(mark: str, topic: str, place: str) -> str:
    """Long enough to be recognised as wire copy when another outlet prints it."""
    about = (
        f"The {topic} question in {place} was debated by the council for hours before members of every party voted",
        f"Officials of {place} who know the {topic} plans well had promised that people would be asked beforehand",
        f"Critics of the {topic} in {place} said that nobody there had ever been asked and that the money was gone",
    )
    return " ".join(f"{sentence}, as {mark} reported." for sentence in about)


def invented() -> list[Version]:
    """Sixty articles; every third is copied by other outlets within days, every fourth corrected later."""
    dice = random.Random(4)
    made: list[Version] = []
    for number in range(60):
        day = FIRST + timedelta(days=dice.randrange(DAYS))
        text = story(f"mark{number}", dice.choice(TOPICS), dice.choice(PLACES))
        made.append(Version(f"a{number}", f"outlet{number}", text, day))
        if number % 3 == 0:
            made += [
                Version(f"a{number}-copy{copy}", f"copier{number}x{copy}", text, day + timedelta(days=copy * 4 + 1))
                for copy in range(2)
            ]
        if number % 4 == 0:
            corrected = story(f"mark{number + 1000}", dice.choice(TOPICS), dice.choice(PLACES))
            made.append(
                Version(f"a{number}", f"outlet{number}", corrected, day + timedelta(days=dice.randrange(1, 30)))
            )
    return made


VERSIONS = invented()


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("as-of")
    records = [
        {"id": one.id, "text": one.text, "source": one.source, "published": one.published.isoformat()}
        for one in VERSIONS
    ]
    (folder / "articles.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    with writer(folder / "home") as home:
        assert Pipeline(home).run([folder / "articles.jsonl"]).failed == ()
    return folder / "home"


@pytest.fixture(scope="module")
def home(path: Path) -> Iterator[Home]:
    with reader(path) as opened:
        yield opened


def visible_marks(as_of: date) -> set[str]:
    """The marks of the versions that are valid on ``as_of``."""
    newest: dict[str, Version] = {}
    for one in VERSIONS:
        before = newest.get(one.id)
        if one.published <= as_of and (before is None or one.published >= before.published):
            newest[one.id] = one
    return {mark for one in newest.values() for mark in MARK.findall(one.text)}


def check_answer(answer: Answer, as_of: date) -> None:
    days = [passage.published for passage in answer.passages] + [citation.published for citation in answer.citations]
    assert all(day is not None and day <= as_of for day in days)


def told(event: Event) -> str:
    """All that an event shows, as one text."""
    if isinstance(event, PassagesEvent):
        return json.dumps([
            [*passage.to_json().values(), *passage.also_reported_by] for passage in event.passages
        ])  # fmt: skip
    if isinstance(event, CitationEvent):
        return json.dumps(event.citation.to_json())
    return repr(event)


async def test_of_two_hundred_questions_none_sees_beyond_its_day(home: Home) -> None:
    engine = Engine(home)
    dice = random.Random(11)
    answered = reported = 0
    for _ in range(PAIRS):
        as_of = FIRST + timedelta(days=dice.randrange(-3, DAYS + 40))
        question = f"What did critics say about the {dice.choice(TOPICS)} in {dice.choice(PLACES)}?"
        allowed = visible_marks(as_of)
        late = {one.source for one in VERSIONS if one.published > as_of}
        late -= {one.source for one in VERSIONS if one.published <= as_of}
        async for event in engine.stream(Ask(question, as_of=as_of)):
            shown = told(event)
            assert set(MARK.findall(shown)) <= allowed, (question, as_of)
            assert not any(re.search(rf"\b{outlet}\b", shown) for outlet in late), (question, as_of)
            if isinstance(event, DoneEvent):
                check_answer(event.answer, as_of)
                answered += not event.answer.abstained
                reported += any(citation.also_reported_by for citation in event.answer.citations)
        for hit in (await engine.search(Ask(question, as_of=as_of), k=10)).hits:
            assert hit.passage.published is not None
            assert hit.passage.published <= as_of
    # Otherwise there was nothing to leak.
    assert answered > PAIRS // 3
    assert reported > 10
