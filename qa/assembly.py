"""Puts an answer together sentence by sentence: numbers the citations, attaches checked quotes, keeps the invariant.

For every citation ``article.text[start:end] == quote``; every ``[n]`` in the text has its citation, every citation is
used, and they count from 1 in order of first use. What has been handed out is never changed afterwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from qa.citations import Quote, best_quote, find_support, judge
from qa.claims import Claim, neutralise, round_brackets
from qa.dates import annotate
from qa.events import CitationEvent, DeltaEvent, Event, SentenceEvent
from qa.models import Citation, Passage, Sentence
from qa.prompt import ABSTENTION
from qa.reader import Picked
from qa.text import words

_MIN_SHARE = 0.25
_ABSTENTION_WORDS = words(ABSTENTION)


class Assembly:
    """An answer in the making. ``passages`` are those the model was shown, in the order of their numbers."""

    def __init__(self, passages: Sequence[Passage]) -> None:
        self._passages = passages
        self._numbers: dict[tuple[str, int, int, bool], int] = {}
        self._pieces: list[str] = []
        self._length = 0
        self._lost_markers = 0
        self._declined = False
        self.sentences: list[Sentence] = []
        self.citations: list[Citation] = []

    @property
    def text(self) -> str:
        """All that was handed out so far."""
        return "".join(self._pieces)

    @property
    def abstained(self) -> bool:
        """Whether there is nothing to say."""
        return not self.sentences

    def warnings(self) -> list[str]:
        """What the reader of the answer should know."""
        found = []
        if self._lost_markers:
            what = "marker that points" if self._lost_markers == 1 else "markers that point"
            found.append(f"removed {self._lost_markers} citation {what} to no passage")
        if unsupported := sum(not sentence.supported for sentence in self.sentences):
            found.append(f"{unsupported} of {len(self.sentences)} sentences not supported by the passages")
        if self.abstained and not self._declined:
            found.append("the model's reply was empty")
        return found

    def abstain(self) -> list[Event]:
        """Say that the articles do not say; only while nothing else was handed out."""
        self._declined = True
        self._pieces.append(ABSTENTION)
        return [DeltaEvent(ABSTENTION)]

    def add_claim(self, claim: Claim) -> list[Event]:
        """Take in a sentence of a model's reply: its markers resolved, its support checked."""
        said = words(claim.text)
        if said[: len(_ABSTENTION_WORDS)] == _ABSTENTION_WORDS:
            self._declined = True
            return []
        if not said:
            return []
        named = [number for _, numbers in claim.markers for number in numbers]
        known = [number for number in dict.fromkeys(named) if 1 <= number <= len(self._passages)]
        self._lost_markers += len(set(named)) - len(known)
        quotes = {number: best_quote(claim.text, self._passages[number - 1]) for number in known}
        attributed: Literal["by_model", "by_check"] = "by_model"
        markers = list(claim.markers)
        if not quotes and (found := find_support(claim.text, self._passages)):
            quotes = {0: found}
            attributed = "by_check"
            markers = [(len(claim.text.rstrip('.!?\u2026"\u201d ')), (0,))]
        verdict = judge(claim.text, list(quotes.values()))
        events: list[Event] = []
        cited: dict[int, int] = {}
        for number, quote in quotes.items():
            alone = len(quotes) == 1 or judge(claim.text, [quote]).supported
            supported = verdict.supported and (alone or quote.overlap >= _MIN_SHARE)
            cited[number], event = self._cite(quote, supported=supported, attributed=attributed)
            events += event
        rendered = _render(claim.text, [(at, [cited[n] for n in numbers if n in cited]) for at, numbers in markers])
        return self._say(claim.gap, rendered, tuple(cited.values()), verdict.supported, verdict.reason, events)

    def add_quote(self, picked: Picked) -> list[Event]:
        """Take in a sentence the embedded reader quotes; the text says which days "this Monday" and the like mean."""
        number, events = self._cite(picked.quote, supported=True, attributed="by_model")
        shown = annotate(neutralise(picked.quote.text), picked.quote.passage.published)
        return self._say(" ", f"{shown} [{number}]", (number,), True, None, events)

    def _cite(
        self, quote: Quote, *, supported: bool, attributed: Literal["by_model", "by_check"]
    ) -> tuple[int, list[Event]]:
        passage = quote.passage
        # One quote may back one sentence and fail another: the verdict is part of what a citation is.
        key = (passage.chunk_id, quote.start, quote.end, supported)
        if key in self._numbers:
            return self._numbers[key], []
        number = self._numbers[key] = len(self.citations) + 1
        citation = Citation(
            n=number,
            article_id=passage.article_id,
            chunk_id=passage.chunk_id,
            title=passage.title,
            url=passage.url,
            source=passage.source,
            published=passage.published,
            published_from=passage.published_from,
            quote=quote.text,
            start=quote.start,
            end=quote.end,
            supported=supported,
            attributed=attributed,
            also_reported_by=passage.also_reported_by,
        )
        self.citations.append(citation)
        return number, [CitationEvent(citation)]

    def _say(
        self, gap: str, text: str, cited: tuple[int, ...], supported: bool, reason: str | None, events: list[Event]
    ) -> list[Event]:
        gap = (gap or " ") if self._pieces else ""
        start = self._length + len(gap)
        self._pieces.append(gap + text)
        self._length = start + len(text)
        order = tuple(sorted(set(cited)))
        sentence = Sentence(start=start, end=self._length, supported=supported, reason=reason, citations=order)
        self.sentences.append(sentence)
        return [*events, DeltaEvent(gap + text), SentenceEvent(sentence)]


def _render(text: str, markers: Sequence[tuple[int, Sequence[int]]]) -> str:
    """``text`` with ``[n]`` put in at each offset; brackets of its own that look like markers become round."""
    text = round_brackets(text)
    pieces: list[str] = []
    position = 0
    for at, numbers in markers:
        pieces.append(text[position:at])
        if numbers:
            pieces.append((" " if pieces[-1].strip() else "") + "".join(f"[{n}]" for n in dict.fromkeys(numbers)))
        position = at
    pieces.append(text[position:])
    # A marker that opened the sentence and pointed nowhere leaves its space behind.
    return "".join(pieces).strip()
