"""Questions whose answers are known, what came of asking them, and when a text holds an answer."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from qa.models import Answer, Ask, Passage

_WORD = re.compile(r"[^\W_]+")
_ARTICLES = frozenset({"a", "an", "the"})


@dataclass(frozen=True, slots=True)
class Item:
    """One question of an evaluation set.

    ``answers`` are alternatives, each of which is right. ``gold`` names the articles that hold the answer: canonical
    URLs, or ids of articles without one; () when they are not known. ``evidence`` are sentences that the answer takes,
    all of them, where a set has such. ``kind`` is the type the set gives the question, None when it gives none.
    """

    id: str
    question: str
    as_of: date | None = None
    answers: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    gold: tuple[str, ...] = ()
    unanswerable: bool = False
    evidence: tuple[str, ...] = ()
    kind: str | None = None

    @property
    def ask(self) -> Ask:
        """What is asked."""
        return Ask(self.question, as_of=self.as_of)


@dataclass(frozen=True, slots=True)
class Cited:
    """Citation precision and recall of one answer, 0 to 1."""

    precision: float
    recall: float


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of one question. ``error`` (code and message) says that it failed; what there is was got before.

    ``passages`` are those of the search, best first; ``answer`` is None where none was asked for or it failed.
    ``confidence`` is in the answer, 0 to 1, the higher the surer; ``gold_published`` are the days of those gold
    articles that are in the collection. ``search_ms`` is wall time in milliseconds.
    """

    passages: tuple[Passage, ...] = ()
    answer: Answer | None = None
    error: tuple[str, str] | None = None
    confidence: float | None = None
    cited: Cited | None = None
    gold_published: tuple[date, ...] = ()
    search_ms: float | None = None

    def to_json(self) -> dict[str, Any]:
        """The answer's own JSON object, and beside it, under ``evaluation``, all that is no part of it."""
        beside = {
            "passages": [passage.to_json() for passage in self.passages],
            "answered": self.answer is not None,
            "error": list(self.error) if self.error else None,
            "confidence": self.confidence,
            "cited": [self.cited.precision, self.cited.recall] if self.cited else None,
            "gold_published": [day.isoformat() for day in self.gold_published],
            "search_ms": self.search_ms,
        }
        return {**(self.answer.to_json() if self.answer else {}), "evaluation": beside}

    @classmethod
    def of_json(cls, told: Mapping[str, Any]) -> Asked:
        """The inverse of :meth:`to_json`. Raises ``ValueError`` or ``KeyError`` for anything else."""
        beside = told["evaluation"]
        answer = {name: value for name, value in told.items() if name != "evaluation"}
        return cls(
            passages=tuple(Passage.model_validate(passage) for passage in beside["passages"]),
            answer=Answer.model_validate(answer) if beside["answered"] else None,
            error=(beside["error"][0], beside["error"][1]) if beside["error"] else None,
            confidence=beside["confidence"],
            cited=Cited(*beside["cited"]) if beside["cited"] else None,
            gold_published=tuple(map(date.fromisoformat, beside["gold_published"])),
            search_ms=beside["search_ms"],
        )


def plain(text: str) -> str:
    """Lower-cased letters and digits, words apart by one space, a leading article dropped."""
    words = _WORD.findall(text.lower())
    return " ".join(words[1:] if len(words) > 1 and words[0] in _ARTICLES else words)


def holds(text: str, answers: Sequence[str]) -> bool:
    """Whether ``text`` holds the words of one of ``answers``; an answer without letters or digits is held by nothing.

    This is what makes a passage of a gold article an answer passage, too.
    """
    # Not by plain(): a text's own leading article may be the answer's ("The Who won").
    said = f" {' '.join(_WORD.findall(text.lower()))} "
    return any(f" {words} " in said for answer in answers if (words := plain(answer)))
