"""Pure: an answer that ends before the first of a caller's stop texts, with its citations still in order.

What is left keeps the invariant of :mod:`qa.assembly`: every ``[n]`` in the text has its citation, every citation is
used, and they count from 1. A sentence that is cut short is no longer the one that was checked, nor called supported.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from qa.events import CitationEvent, DeltaEvent, Event, SentenceEvent
from qa.models import Citation, Sentence

CUT_SHORT = "cut short by a stop text of the caller's"

_MARKER = re.compile(r"\[(\d{1,3})\]")


class Stopping:
    """Events of an answer in, the events of the same answer up to the first of ``stops`` out.

    A sentence is held back for as long as its end may be the beginning of a stop, or what supersedes it has not come.
    Without stops everything passes as it comes. ``text``, ``sentences`` and ``citations`` are what was let out.
    """

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = tuple(stop for stop in stops if stop)
        self._held: list[Event] = []
        self._all = ""
        self.hit = False
        self.text = ""
        self.sentences: list[Sentence] = []
        self.citations: list[Citation] = []

    def feed(self, event: Event) -> list[Event]:
        """Take in the next event; returns what can be let out now. After a ``hit`` nothing more is to be fed."""
        if not self._stops:
            return [event]
        self._held.append(event)
        if isinstance(event, DeltaEvent):
            self._all += event.text
        return self._settled() if isinstance(event, SentenceEvent) else []

    def end(self) -> list[Event]:
        """The answer is complete; returns what is left of it."""
        return self._settled(last=True) if self._held else []

    def _settled(self, *, last: bool = False) -> list[Event]:
        # None begins in what was let out, or it would not have been.
        found = [at for stop in self._stops if (at := self._all.find(stop, len(self.text))) >= 0]
        if found:
            self.hit = True
            return self._let_out(self._cut(min(found)))
        if not last and (self._may_begin_stop() or self._points_ahead()):
            return []
        return self._let_out(self._held)

    def _may_begin_stop(self) -> bool:
        return any(self._all.endswith(stop[:n]) for stop in self._stops for n in range(1, len(stop)))

    def _points_ahead(self) -> bool:
        """Whether what supersedes a citation has yet to come: it may be cut off."""
        held = [event.citation for event in self._held if isinstance(event, CitationEvent)]
        numbers = {citation.n for citation in (*self.citations, *held)}
        return any(one.superseded_by is not None and one.superseded_by not in numbers for one in held)

    def _let_out(self, events: Sequence[Event]) -> list[Event]:
        for event in events:
            match event:
                case DeltaEvent(text):
                    self.text += text
                case SentenceEvent(sentence):
                    self.sentences.append(sentence)
                case CitationEvent(citation):
                    self.citations.append(citation)
                case _:
                    pass
        self._held = []
        return list(events)

    def _cut(self, at: int) -> list[Event]:
        """Of what is held the events of the text before offset ``at``, never in the middle of a marker."""
        markers = list(_MARKER.finditer(self._all))
        end = next((marker.start() for marker in markers if marker.start() < at < marker.end()), at)
        known = {int(marker[1]) for marker in markers if marker.end() <= end}
        position = len(self.text)
        kept: list[Event] = []
        for event in self._held:
            match event:
                case DeltaEvent(text):
                    if left := text[: max(end - position, 0)]:
                        kept.append(DeltaEvent(left))
                    position += len(text)
                case CitationEvent(citation):
                    if citation.n in known:
                        if citation.superseded_by not in known:
                            citation = citation.model_copy(update={"superseded_by": None})
                        kept.append(CitationEvent(citation))
                case SentenceEvent(sentence):
                    if sentence.start < end:
                        kept.append(SentenceEvent(self._shortened(sentence, end)))
                case _:
                    kept.append(event)
        return kept

    def _shortened(self, sentence: Sentence, end: int) -> Sentence:
        if sentence.end <= end:
            return sentence
        end = sentence.start + len(self._all[sentence.start : end].rstrip())
        left = {int(marker[1]) for marker in _MARKER.finditer(self._all, sentence.start, end)}
        update = {"end": end, "supported": False, "reason": CUT_SHORT}
        return sentence.model_copy(update={**update, "citations": tuple(sorted(left & set(sentence.citations)))})
