"""The events of an answer as it comes about, all frozen; :data:`Event` is any of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from qa.models import Answer, Citation, Passage, Sentence

Finish = Literal["stop", "length", "content_filter"]


@dataclass(frozen=True, slots=True)
class StatusEvent:
    """A stage begins: ``retrieve``, ``generate`` or ``verify``."""

    stage: Literal["retrieve", "generate", "verify"]


@dataclass(frozen=True, slots=True)
class PassagesEvent:
    """What was retrieved, best first; empty when nothing fits."""

    passages: tuple[Passage, ...]


@dataclass(frozen=True, slots=True)
class DeltaEvent:
    """A further piece of the answer's text. All deltas joined are exactly ``Answer.text``."""

    text: str


@dataclass(frozen=True, slots=True)
class SentenceEvent:
    """A sentence is complete and checked."""

    sentence: Sentence


@dataclass(frozen=True, slots=True)
class CitationEvent:
    """A citation is used for the first time."""

    citation: Citation


@dataclass(frozen=True, slots=True)
class DoneEvent:
    """The whole answer; always the last event of a stream that did not fail.

    ``finish`` says why its text ends where it does: it is complete, or ends at one of the caller's stops (``stop``);
    the model reached its longest reply (``length``); its provider held the rest back (``content_filter``).
    ``degraded``: something failed or was late on the way, and asked again the answer may be better.
    ``refused`` counts the sentences of a model's reply that were left out because the passages contradict them.
    """

    answer: Answer
    finish: Finish = "stop"
    degraded: bool = False
    refused: int = 0


Event = StatusEvent | PassagesEvent | DeltaEvent | SentenceEvent | CitationEvent | DoneEvent
